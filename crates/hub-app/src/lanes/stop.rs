//! The wish to stop, as a value that many can look at and wait for.

use std::sync::Arc;

use tokio::sync::watch;

/// A wish to stop. Clones are the same wish.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { asked: Arc::new(watch::Sender::new(false)) }
    }
}

impl Stop {
    /// A wish that nobody has yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everyone to stop.
    pub fn ask(&self) {
        self.asked.send_replace(true);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until somebody asks.
    pub async fn wait(&self) {
        let mut asked = self.asked.subscribe();
        // The sender is held by this value, so it cannot be gone.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}
