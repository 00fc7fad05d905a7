//! What both halves of the path share.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use gateway_messagelog::MessageLog;
use gateway_proto::Limits;

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

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            message_port: 5500,
            ocsp_port: 5577,
            registry_grace_seconds_max: 0,
            verify_client_certificate: true,
        }
    }
}
