//! People of the site: they edit, move, rename and delete what a client made, as they do on every real site, at times that
//! a script names or when they are asked to. What they did stands in the ground truth.

mod act;
mod clock;
mod console;
mod script;

pub(crate) use self::clock::{Clock, live};
pub(crate) use self::console::routes;
pub use self::script::{Action, Human, Victim};
