//! The test hub. A test asks for what it needs and gets its own: `TestDatabase::fresh().await` is a migrated database that
//! nobody else uses and that is gone when the value is dropped.
//!
//! Everything here ends the test with a message when it cannot do its work: a test has no use for the error.

mod crashing;
mod database;
mod server;

pub use crashing::CrashingServer;
pub use database::TestDatabase;

/// Ends the test with the whole chain of an error.
pub(crate) fn or_fail<T, E: std::error::Error>(doing: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                chain = format!("{chain}: {cause}");
                source = cause.source();
            }
            panic!("{doing}: {chain}")
        }
    }
}
