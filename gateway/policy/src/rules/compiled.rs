//! The part, read, checked and indexed for decisions.

use std::fmt;

use certs_keys::Digest;
use gateway_proto::id::ServiceId;

use super::part::{Part, Rule, Service, System};
use crate::person::Alphabet;

/// The rules in force: immutable, indexed by service. 10 000 rules are a few MB.
#[derive(Clone, Debug)]
pub struct Rules {
    part: Part,
    digest: Digest,
}

/// Whether a service is registered.
#[derive(Clone, Copy, Debug)]
pub enum Registration<'r> {
    /// It is, with its system.
    Registered(&'r Service, &'r System),
    /// Its system no longer is.
    Deregistered(&'r Service, &'r System),
    /// No system declares it.
    Unregistered,
}

/// Why octets are no rules.
#[derive(Debug)]
pub enum Error {
    /// Not the JSON document expected.
    Json(serde_json::Error),
    /// A key stands twice in an object, or the JSON is not strict.
    NotStrict(crate::json::Error),
    /// Of another format.
    Format {
        /// The format found.
        found: String,
    },
    /// Of another instance.
    Instance {
        /// The instance found.
        found: String,
    },
    /// It contradicts itself: the first error that [`super::check`] finds.
    Contradiction(Box<super::Finding>),
}

impl Rules {
    /// Reads and checks the part of this instance.
    ///
    /// # Errors
    /// When it cannot be read, is of another instance, or contradicts itself.
    pub fn read(bytes: &[u8], instance: &str) -> Result<Self, Error> {
        let _ = (bytes, instance);
        todo!()
    }

    /// The document.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// SHA-256 of its octets.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The characters of a FIN.
    #[must_use]
    pub fn alphabet(&self) -> &Alphabet {
        todo!()
    }

    /// Whether this service is registered.
    #[must_use]
    pub fn registration(&self, service: &ServiceId) -> Registration<'_> {
        let _ = service;
        todo!()
    }

    /// Rules that may be about this service, in the order in which they decide.
    pub fn about(&self, service: &ServiceId) -> impl Iterator<Item = &Rule> {
        let _ = service;
        let none: std::slice::Iter<'_, Rule> = [].iter();
        none
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(_) => f.write_str("the rules are not the JSON document expected"),
            Self::NotStrict(_) => f.write_str("the rules are not strict JSON"),
            Self::Format { found } => write!(f, "the rules are of the format {found:?}"),
            Self::Instance { found } => write!(f, "the rules are of the instance {found:?}"),
            Self::Contradiction(finding) => write!(f, "the rules contradict themselves: {finding}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::NotStrict(error) => Some(error),
            Self::Format { .. } | Self::Instance { .. } | Self::Contradiction(_) => None,
        }
    }
}
