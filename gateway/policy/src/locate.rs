//! Where in a request the key of the person stands, and finding it.
//!
//! A locator is a kind and a place, as a service declares them:
//!
//! ```text
//! soap:/GetPersonByFin/fin          element path in the SOAP body, by local names; {namespace}name to be strict
//! json:/persons/*/fin               JSON pointer (RFC 6901); * is each element of an array
//! path:/persons/{key}/**            segments of the REST path after the service code; * one, ** the rest
//! query:fin                         query parameter, percent-decoded
//! header:X-Person                   HTTP header of the REST request
//! ```
//!
//! All places that match count: a request about several persons names several. What stands in a
//! place is a key of the kind or the request is refused.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::person::{Alphabet, KeyKind, Malformed, PersonKey};

/// Where a service expects the key of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locator {
    /// What stands there.
    pub kind: KeyKind,
    /// Where.
    pub at: Place,
    /// REST only: for requests with this method; missing: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// REST only: for requests with this path, with `*` and `**`; missing: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The request may leave it out if another locator finds a person.
    #[serde(default)]
    pub optional: bool,
}

/// A place in a request. As text, see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place(pub(crate) Inner);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inner {
    Query(String),
}

/// What a request consists of, as far as persons may be named in it.
#[derive(Clone, Copy, Debug)]
pub enum Source<'s> {
    /// A SOAP envelope.
    Soap {
        /// Its octets.
        envelope: &'s [u8],
    },
    /// A REST request.
    Rest {
        /// The method.
        method: &'s str,
        /// The path after the service code, as sent.
        path: &'s str,
        /// The query, as sent.
        query: Option<&'s str>,
        /// The headers of the request block.
        headers: &'s [(String, String)],
        /// The body, when it is here whole and its type is JSON.
        json: Option<&'s [u8]>,
    },
}

/// Why persons were not found. It says nothing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A place that must hold a key holds none.
    Missing {
        /// The place.
        place: String,
    },
    /// What stands there is no key of its kind.
    Malformed {
        /// The place.
        place: String,
        /// The kind.
        kind: KeyKind,
    },
    /// The body cannot be read as what the place needs: not XML, not JSON, a JSON key twice.
    Unreadable {
        /// The place.
        place: String,
    },
    /// More persons than one request may name.
    TooMany {
        /// The bound.
        count_max: usize,
    },
}

/// Whether any of these locators needs the JSON body of a request with this method and path.
#[must_use]
pub fn needs_json(locators: &[Locator], method: &str, path: &str) -> bool {
    let _ = (locators, method, path);
    todo!()
}

/// Finds all persons a request names, each once, in order of kind and value.
///
/// # Errors
/// When a place that must hold a key holds none or something else. No locator at all, or none for
/// this endpoint, gives an empty list.
pub fn persons(
    locators: &[Locator],
    source: Source<'_>,
    alphabet: &Alphabet,
) -> Result<Vec<PersonKey>, Error> {
    let _ = (locators, source, alphabet, Malformed { kind: KeyKind::Fin });
    todo!()
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(Self(Inner::Query(text)))
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        match place.0 {
            Inner::Query(name) => format!("query:{name}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { place } => write!(f, "the request names no person at {place}"),
            Self::Malformed { place, kind } => {
                write!(f, "what stands at {place} is no valid {kind:?}")
            }
            Self::Unreadable { place } => write!(f, "the request cannot be read at {place}"),
            Self::TooMany { count_max } => {
                write!(f, "the request names more than {count_max} persons")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Persons that one request may name.
pub const PERSONS_MAX: usize = 64;
/// JSON bodies up to this size are looked into. Bytes.
pub const JSON_BYTES_MAX: usize = 1024 * 1024;
