//! The configuration is published at start, at once after each change, and whenever its signature has
//! to be renewed. Of changes that follow each other closely, several go into one publication.

use std::sync::Arc;
use std::time::Duration;

use gateway_exchange::Clock as _;
use gateway_registry::{Keys, Publisher, Registry, State};
use tokio::sync::Notify;

use super::Error;
use crate::causes::with_causes;
use crate::clock::{self, SystemClock};
use crate::service::Stop;

/// What is published, and by what.
#[derive(Debug)]
pub(super) struct Publishing {
    registry: Arc<Registry>,
    keys: Arc<Keys>,
    publisher: Arc<Publisher>,
    /// Rung by whoever changes the registry.
    changed: Arc<Notify>,
    published: Arc<State>,
}

impl Publishing {
    /// Publishes for the first time, before anybody asks.
    pub(super) fn begin(
        registry: Arc<Registry>,
        keys: Arc<Keys>,
        changed: Arc<Notify>,
    ) -> Result<Self, Error> {
        let publisher = Arc::new(Publisher::new());
        let published = registry.state();
        publisher
            .publish(&published, &keys, SystemClock.now())
            .map_err(Error::Registry)?;
        Ok(Self {
            registry,
            keys,
            publisher,
            changed,
            published,
        })
    }

    /// What answers downloads.
    pub(super) fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.publisher)
    }

    /// Publishes again and again.
    pub(super) async fn run(mut self, interval: Duration, mut stop: Stop) {
        let mut since = clock::instant();
        loop {
            let changed = Arc::clone(&self.changed);
            let goes_on = tokio::select! {
                goes_on = stop.sleep(CHANGE_LOOK) => goes_on,
                () = changed.notified() => true,
            };
            if !goes_on {
                return;
            }
            let state = self.registry.state();
            if Arc::ptr_eq(&state, &self.published) && since.elapsed() < interval {
                continue;
            }
            since = clock::instant();
            self.publish(state).await;
            // Whoever rings meanwhile is heard after it.
            if !stop.sleep(PACE).await {
                return;
            }
        }
    }

    /// Signing takes milliseconds and is not done on the executor.
    async fn publish(&mut self, state: Arc<State>) {
        let (publisher, keys) = (Arc::clone(&self.publisher), Arc::clone(&self.keys));
        let signed = Arc::clone(&state);
        let published = tokio::task::spawn_blocking(move || {
            publisher.publish(&signed, &keys, SystemClock.now())
        });
        match published.await {
            Ok(Ok(())) => self.published = state,
            Ok(Err(error)) => tracing::error!(
                "the configuration could not be published: {}",
                with_causes(&error)
            ),
            Err(error) => tracing::error!("the configuration could not be published: {error}"),
        }
    }
}

/// How soon a change is seen that nobody rang for.
const CHANGE_LOOK: Duration = Duration::from_secs(1);
/// The least between two publications.
const PACE: Duration = Duration::from_millis(250);
