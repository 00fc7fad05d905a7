//! What was issued, and its standing.

use std::fmt;

use certs_x509::{Certificate, ocsp};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One certificate that the authority issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// What it was issued for.
    pub purpose: Purpose,
    /// When.
    pub issued_at: Timestamp,
    /// Whether it still counts.
    pub standing: Standing,
}

/// What a certificate was issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A member's signatures.
    Sign,
    /// A server's authentication.
    Auth,
    /// Other TLS: clients and servers of information systems.
    Tls,
    /// The authority's own intermediate.
    IntermediateAuthority,
    /// The authority's own OCSP responder.
    OcspResponder,
    /// A time-stamping authority.
    Timestamper,
}

/// Whether a certificate still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It does.
    Good,
    /// Not for the time being.
    Suspended {
        /// Since when.
        since: Timestamp,
    },
    /// Never again.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
}

impl Standing {
    /// As the OCSP responder says it.
    pub(crate) fn status(self) -> ocsp::Status {
        match self {
            Self::Good => ocsp::Status::Good,
            Self::Suspended { since } => ocsp::Status::Revoked {
                at: since,
                on_hold: true,
            },
            Self::Revoked { since } => ocsp::Status::Revoked {
                at: since,
                on_hold: false,
            },
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Suspended { since } => write!(f, "suspended since {since}"),
            Self::Revoked { since } => write!(f, "revoked since {since}"),
        }
    }
}

/// Every certificate issued, in order of issuing.
#[derive(Debug, Default)]
pub(crate) struct Register(Vec<Issued>);

impl Register {
    pub(crate) fn new(issued: Vec<Issued>) -> Self {
        Self(issued)
    }

    pub(crate) fn all(&self) -> &[Issued] {
        &self.0
    }

    pub(crate) fn add(&mut self, certificate: Certificate, purpose: Purpose, now: Timestamp) {
        let standing = Standing::Good;
        self.0.push(Issued {
            certificate,
            purpose,
            issued_at: now,
            standing,
        });
    }

    /// The certificate with this serial number (content octets) that this issuer issued.
    pub(crate) fn find(&self, issuer: &Certificate, serial: &[u8]) -> Option<&Issued> {
        self.0.iter().find(|issued| {
            issued.certificate.serial_content() == serial
                && issued.certificate.issuer() == issuer.subject()
        })
    }

    /// Revocation is for good; suspension can be taken back.
    pub(crate) fn change(&mut self, serial: &[u8], to: Standing) -> Result<(), Error> {
        let found = self
            .0
            .iter_mut()
            .find(|issued| issued.certificate.serial() == serial);
        let Some(issued) = found else {
            return Err(Error::UnknownSerial {
                serial: hex(serial),
            });
        };
        match (issued.standing, to) {
            (Standing::Good, Standing::Suspended { .. } | Standing::Revoked { .. })
            | (Standing::Suspended { .. }, Standing::Good | Standing::Revoked { .. }) => {
                issued.standing = to;
                Ok(())
            }
            (found @ Standing::Good, Standing::Good)
            | (found @ Standing::Suspended { .. }, Standing::Suspended { .. })
            | (found @ Standing::Revoked { .. }, _) => Err(Error::Standing { found }),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
