//! The simulator over real HTTP.

mod clients;
