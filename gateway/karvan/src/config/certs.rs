//! `certs.toml`: the sandbox authority with OCSP and time-stamping.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certs {
    /// The authority's state: issued certificates, keys encrypted under the PIN.
    pub(crate) state: PathBuf,
    /// File with the PIN.
    pub(crate) pin_file: PathBuf,
    /// `POST /ocsp` and `POST /tsa`, plain HTTP.
    pub(crate) listen: SocketAddr,
}
