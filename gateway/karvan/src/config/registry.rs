//! `registry.toml`: the central registry.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    /// Its state and signing keys. Made when missing.
    pub(crate) data_dir: PathBuf,
    /// Publishes the global configuration here, plain HTTP (it is signed). X-Road: port 80.
    pub(crate) listen: SocketAddr,
    /// Host, and port if not 80, under which nodes reach it; goes into anchors.
    pub(crate) address: String,
    /// File with the PIN of the signing keys.
    pub(crate) pin_file: PathBuf,
    /// How often the configuration is signed anew. Seconds; default 60.
    #[serde(default = "publish_seconds")]
    pub(crate) publish_seconds: u64,
}

const fn publish_seconds() -> u64 {
    60
}
