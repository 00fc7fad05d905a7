//! The part of `node.toml` about the journal of who asked about whom.

use gateway_proto::id::ClientId;
use serde::{Deserialize, Serialize};

/// The journal: an entry for each exchange about a person, found by person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// How long entries are kept. Days; default 1 825 (five years).
    #[serde(default = "retention_days")]
    pub(crate) retention_days: u32,
    /// After how long persons are hashed with a new key. Days; default 365. Old keys are kept as long
    /// as entries under them are. All keys stand in `journal/keys` in the data folder, sealed under
    /// the PIN; keep a copy with the backups of the other keys.
    #[serde(default = "rotate_days")]
    pub(crate) rotate_days: u32,
    /// Clients that may ask for a person's entries, for the person: they get a right to the services
    /// `findUsage`, `usagePeriod` and `heartbeat` of each client here that has services. Default: none.
    #[serde(default)]
    pub(crate) portals: Vec<ClientId>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            retention_days: retention_days(),
            rotate_days: rotate_days(),
            portals: Vec::new(),
        }
    }
}

const fn retention_days() -> u32 {
    5 * 365
}

const fn rotate_days() -> u32 {
    365
}
