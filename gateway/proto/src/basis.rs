//! What a request says of its legal basis: purpose, consent, emergency, how the user was identified.
//!
//! ```text
//! SOAP, a header block                                        REST, headers
//! <k:basis xmlns:k="urn:karvan:basis:1">
//!   <k:purpose>social-aid</k:purpose>                         Karvan-Purpose: social-aid
//!   <k:consent>eyJ…</k:consent>                               Karvan-Consent: eyJ…
//!   <k:emergency>unconscious, ward 3</k:emergency>            Karvan-Emergency: unconscious%2C%20ward%203
//!   <k:authentication>asan-imza</k:authentication>            Karvan-Authentication: asan-imza
//! </k:basis>
//! ```
//!
//! They are part of what is signed, and pass through servers that do not know them. A REST header value
//! is percent-encoded UTF-8. A field or block that stands twice, or one longer than allowed, is refused:
//! two readers must not see two purposes. White space around a value does not count.
//!
//! A message with a broken basis is a message all the same: it is the basis that cannot be read.
//!
//! * `field`: the fields, and what may stand in them
//! * `block`: the SOAP header block, for the parser of envelopes; and writing one
//! * `headers`: the REST headers, read and written

mod block;
mod field;
mod headers;

use std::fmt;

pub(crate) use block::Block;
pub(crate) use headers::read as from_headers;

/// What was said; nothing of it is believed yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// For what the data is asked.
    pub purpose: Option<String>,
    /// A consent artefact, compact JWS.
    pub consent: Option<String>,
    /// The reason of a break-glass use.
    pub emergency: Option<String>,
    /// How the end user was identified.
    pub authentication: Option<String>,
}

/// Why it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A field or block stands twice.
    Twice {
        /// The field.
        field: &'static str,
    },
    /// A field is longer than allowed.
    TooLong {
        /// The field.
        field: &'static str,
        /// The bound.
        bytes_max: usize,
    },
    /// A field is not of its form: empty, not UTF-8, broken percent-encoding, elements in text.
    Malformed {
        /// The field.
        field: &'static str,
    },
}

impl Basis {
    /// Nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The SOAP header block that says this, in its own namespace; `None` when there is nothing to
    /// say. What is longer or of another form than allowed is written too, and refused by readers.
    #[must_use]
    pub fn to_soap(&self) -> Option<String> {
        block::write(self)
    }

    /// The REST headers that say this: names, and values percent-encoded.
    #[must_use]
    pub fn to_headers(&self) -> Vec<(&'static str, String)> {
        headers::write(self)
    }
}

impl Error {
    /// Which field, or `basis` for the block itself.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Twice { field } | Self::TooLong { field, .. } | Self::Malformed { field } => {
                field
            }
        }
    }
}

/// Reasons and consents are about persons.
impl fmt::Debug for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basis")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice { field } => write!(f, "{field} of the legal basis stands twice"),
            Self::TooLong { field, bytes_max } => {
                write!(
                    f,
                    "{field} of the legal basis is longer than {bytes_max} bytes"
                )
            }
            Self::Malformed { field } => write!(f, "{field} of the legal basis cannot be read"),
        }
    }
}

impl std::error::Error for Error {}

/// The namespace of the SOAP header block.
pub const NAMESPACE: &str = "urn:karvan:basis:1";
/// REST header: purpose.
pub const PURPOSE_HEADER: &str = "karvan-purpose";
/// REST header: consent.
pub const CONSENT_HEADER: &str = "karvan-consent";
/// REST header: reason of a break-glass use.
pub const EMERGENCY_HEADER: &str = "karvan-emergency";
/// REST header: how the end user was identified.
pub const AUTHENTICATION_HEADER: &str = "karvan-authentication";
/// The longest purpose or authentication level. Bytes.
pub const CODE_BYTES_MAX: usize = 128;
/// The longest consent. Bytes.
pub const CONSENT_BYTES_MAX: usize = 8 * 1024;
/// The longest reason, decoded. Bytes.
pub const EMERGENCY_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
