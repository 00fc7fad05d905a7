//! What must be kept between two runs.

use std::collections::BTreeMap;
use std::fmt;

use certs_x509::Certificate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::issued::{Issued, Purpose, Standing};

/// An authority as it is kept: certificates in PEM, private keys sealed.
///
/// Whoever can change it can make the OCSP responder lie; whoever has the PIN besides can issue.
/// Its owner must write it whole and atomically: a list that lost its last entry answers "unknown"
/// for a certificate that was issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub(crate) version: u32,
    pub(crate) name: String,
    pub(crate) root: AuthorityState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) intermediate: Option<AuthorityState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ocsp_url: Option<String>,
    pub(crate) issued: Vec<IssuedState>,
    pub(crate) keys: SealedKeys,
}

/// Private keys sealed under a PIN, each by the SHA-256 of its certificate.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKeys(BTreeMap<String, String>);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityState {
    pub(crate) certificate: String,
    pub(crate) responder: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuedState {
    certificate: String,
    purpose: Purpose,
    issued_at: Timestamp,
    standing: Standing,
}

impl State {
    pub(crate) const VERSION: u32 = 1;

    /// The sealed keys, so that the next state can be written without sealing again.
    pub fn keys(&self) -> &SealedKeys {
        &self.keys
    }
}

impl SealedKeys {
    pub(crate) fn insert(&mut self, certificate: &Certificate, pem: String) {
        self.0.insert(fingerprint(certificate), pem);
    }

    pub(crate) fn get(&self, certificate: &Certificate) -> Option<&str> {
        self.0.get(&fingerprint(certificate)).map(String::as_str)
    }

    pub(crate) fn demand(&self, certificate: &Certificate) -> Result<(), Error> {
        match self.get(certificate) {
            Some(_) => Ok(()),
            None => Err(Error::MissingKey {
                subject: certificate.subject().rfc2253(),
            }),
        }
    }
}

impl fmt::Debug for SealedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl IssuedState {
    pub(crate) fn of(issued: &Issued) -> Self {
        Self {
            certificate: issued.certificate.to_pem(),
            purpose: issued.purpose,
            issued_at: issued.issued_at,
            standing: issued.standing,
        }
    }

    pub(crate) fn read(&self) -> Result<Issued, Error> {
        Ok(Issued {
            certificate: Certificate::from_pem(&self.certificate)?,
            purpose: self.purpose,
            issued_at: self.issued_at,
            standing: self.standing,
        })
    }
}

fn fingerprint(certificate: &Certificate) -> String {
    certificate
        .sha256()
        .as_bytes()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}
