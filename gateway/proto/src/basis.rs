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
//! two readers must not see two purposes.

use std::fmt;

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
                write!(f, "{field} of the legal basis is longer than {bytes_max} bytes")
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
