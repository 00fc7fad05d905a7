//! The audit trail: who changed what, when, from what to what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::sha256_hex;

/// One entry of the audit trail. Entries are only ever added; each holds the digest of the one
/// before, so that a removed or altered one is noticed ([`crate::Registry::check_trail`]). Who can
/// write the whole store can still replace the trail as a whole: export it regularly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 …
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who gave the command, as the interface that took it identified them.
    pub who: String,
    /// The name of the command.
    pub command: String,
    /// What it changed.
    pub changes: Vec<Change>,
    /// What whoever gave the command was told of, and it was carried out all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// SHA-256 of the stored entry before, in hex; empty in the first.
    pub previous: String,
}

/// A row of the state that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The row, `section` or `section/key`.
    pub row: String,
    /// What stood there; `None`: nothing.
    pub before: Option<Value>,
    /// What stands there now; `None`: nothing.
    pub after: Option<Value>,
}

/// The digest that the next entry holds of this one, as it is stored.
pub(crate) fn digest(stored: &[u8]) -> String {
    sha256_hex(stored)
}
