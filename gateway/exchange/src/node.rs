//! What both halves of the path share.

use std::sync::{Arc, RwLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use gateway_globalconf::Snapshot;
use gateway_journal::Journal;
use gateway_messagelog::MessageLog;
use gateway_policy::feed;
use gateway_proto::Limits;

use crate::basis::Consents;
use crate::body_logging::BodyLogging;
use crate::clock::Clock;
use crate::conf::Conf;
use crate::error::Error;
use crate::keys::Keys;
use crate::local::Local;

/// A running node as the path sees it. Each part is replaced as a whole; an exchange takes one
/// snapshot of each and keeps it to its end.
#[derive(Debug)]
pub struct Node {
    /// Own clients, services and rights.
    pub local: ArcSwap<Local>,
    /// The global configuration in force; `None` until the first was verified.
    pub conf: ArcSwapOption<Conf>,
    /// Keys with their OCSP responses.
    pub keys: ArcSwap<Keys>,
    /// The message log.
    pub log: MessageLog,
    /// Consents that no longer hold and cases that are open. Written by the task that follows the
    /// feed; the path reads it and lets go before it waits for anything.
    pub feed: RwLock<feed::State>,
    /// Who asked about whom, and what has been used up.
    pub journal: Journal,
    /// Consents that were verified; starts out empty.
    pub consents: Consents,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Settings that do not change while running.
    pub settings: Settings,
}

/// Settings of the path.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds on everything from outside.
    pub limits: Limits,
    /// Port on which all nodes of the instance take messages (X-Road: 5500).
    pub message_port: u16,
    /// Port on which all nodes hand out OCSP responses (X-Road: 5577).
    pub ocsp_port: u16,
    /// How long an expired global configuration is used on, marked in each record.
    pub registry_grace_seconds_max: u64,
    /// How long a logged message may wait for its time stamp before new exchanges are refused; 0:
    /// without limit.
    pub timestamp_lag_seconds_max: u64,
    /// How often the log is time-stamped, where the registry's word is not taken.
    pub timestamp_interval_seconds: Option<u64>,
    /// Which bodies are kept in the log.
    pub body_logging: BodyLogging,
    /// Off only behind something that authenticates information systems itself.
    pub verify_client_certificate: bool,
}

impl Node {
    /// The configuration in force.
    ///
    /// # Errors
    /// When none was verified since the start.
    pub fn conf(&self) -> Result<Arc<Conf>, Error> {
        self.conf.load_full().ok_or(Error::NoConfiguration)
    }
}

impl Settings {
    /// How often the log is time-stamped. What the registry says is held within the bounds that
    /// other servers hold it in.
    #[must_use]
    pub fn timestamping_interval_seconds(&self, conf: Option<&Snapshot>) -> u64 {
        let said = conf.map_or(60, Snapshot::timestamping_interval_seconds);
        match self.timestamp_interval_seconds {
            Some(seconds) => seconds.max(1),
            None => said.clamp(60, 86_400),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            message_port: 5500,
            ocsp_port: 5577,
            registry_grace_seconds_max: 0,
            timestamp_lag_seconds_max: 72 * 3600,
            timestamp_interval_seconds: None,
            body_logging: BodyLogging::default(),
            verify_client_certificate: true,
        }
    }
}
