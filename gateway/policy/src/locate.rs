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
//! place is a key of the kind or the request is refused. A place that holds nothing (no text, an
//! empty value, `null`) is as if it were not there.
//!
//! Services read requests in ways of their own. Where two of them could see two persons, neither is
//! seen here: a JSON key twice in an object, a name that some take for the declared one (`FIN`,
//! `fin[]`, `X_Person`, another namespace), a comment within a key, a path that is another one once it
//! is resolved, a body that calls itself a form are refused. What does not reach a service, as the
//! body of a GET, names nobody.

mod document;
mod envelope;
mod place;
mod rest;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::path::ServicePath;
use crate::pattern::PathPattern;
use crate::person::{Alphabet, KeyKind, PersonKey};

use place::Inner;

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

/// What a request consists of, as far as persons may be named in it.
#[derive(Clone, Copy)]
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
        /// The body whole, whatever its type says; `None` when there is none. A body that cannot be
        /// given here is the caller's to refuse where [`needs_json`] says that it counts.
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

/// What was found in a place.
#[derive(Clone)]
enum Value {
    /// Nothing: an empty text, `null`.
    Nothing,
    /// Text.
    Text(String),
    /// A JSON number that is an integer, as written.
    Integer(String),
    /// What no key can be: elements, an array, `true`.
    Other,
}

/// A request cannot be read as a place needs it.
struct Unreadable;

/// Whether any of these locators needs the JSON body of a request with this method and path.
#[must_use]
pub fn needs_json(locators: &[Locator], method: &str, path: &str) -> bool {
    // A path that cannot be judged is refused without looking at the body.
    has_body(method)
        && ServicePath::normalize(path).is_ok_and(|path| {
            locators
                .iter()
                .any(|locator| locator.at.is_json() && locator.applies(method, &path))
        })
}

/// Whether the body of a REST request with this method reaches the service. The reference drops those
/// of DELETE and OPTIONS too after it has signed them; we do not.
#[must_use]
pub fn has_body(method: &str) -> bool {
    !["GET", "HEAD", "TRACE"]
        .into_iter()
        .any(|without| without.eq_ignore_ascii_case(method))
}

/// Finds all persons a request names, each once, in order of kind and value.
///
/// Locators of SOAP bodies are for SOAP requests, all others for REST: a service code may stand for
/// services of both kinds.
///
/// # Errors
/// When a place that must hold a key holds none or something else. No locator at all, or none for
/// this endpoint, gives an empty list.
pub fn persons(
    locators: &[Locator],
    source: Source<'_>,
    alphabet: &Alphabet,
) -> Result<Vec<PersonKey>, Error> {
    let mut found = Found {
        alphabet,
        persons: BTreeSet::new(),
    };
    let used = match source {
        Source::Soap { envelope } => found.in_soap(locators, envelope)?,
        Source::Rest {
            method,
            path,
            query,
            headers,
            json,
        } => found.in_rest(locators, method, path, query, headers, json)?,
    };
    match used.first() {
        Some(first) if found.persons.is_empty() => Err(Error::Missing {
            place: first.at.to_string(),
        }),
        Some(_) | None => Ok(found.persons.into_iter().collect()),
    }
}

/// Persons found so far.
struct Found<'a> {
    alphabet: &'a Alphabet,
    persons: BTreeSet<PersonKey>,
}

impl Found<'_> {
    /// Looks into an envelope; gives the locators that apply.
    fn in_soap<'l>(
        &mut self,
        locators: &'l [Locator],
        envelope: &[u8],
    ) -> Result<Vec<&'l Locator>, Error> {
        let (used, paths): (Vec<_>, Vec<_>) = locators
            .iter()
            .filter_map(|locator| Some((locator, locator.at.soap()?)))
            .unzip();
        let Some(first) = used.first() else {
            return Ok(used);
        };
        let values = envelope::find(envelope, &paths).map_err(|_| first.unreadable())?;
        for (locator, values) in used.iter().zip(values) {
            self.take(locator, values)?;
        }
        Ok(used)
    }

    /// Looks into a REST request; gives the locators that apply.
    fn in_rest<'l>(
        &mut self,
        locators: &'l [Locator],
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: &[(String, String)],
        json: Option<&[u8]>,
    ) -> Result<Vec<&'l Locator>, Error> {
        let mut used: Vec<&Locator> = locators
            .iter()
            .filter(|locator| locator.at.soap().is_none())
            .collect();
        let Some(first) = used.first() else {
            return Ok(used);
        };
        // Which locators apply depends on the path: one that cannot be judged leaves none to trust.
        let sent = path;
        let path = ServicePath::normalize(sent).map_err(|_| first.unreadable())?;
        for locator in used.iter().filter(|locator| locator.is_by_path()) {
            if !rest::is_resolved(sent, &path) || locator.nearly_applies(&path) {
                return Err(locator.unreadable());
            }
        }
        used.retain(|locator| locator.applies(method, &path));
        let mut pointers = Vec::new();
        for locator in &used {
            let values = match &locator.at.0 {
                // Not in a REST request.
                Inner::Soap(_) => continue,
                Inner::Json(pointer) => {
                    pointers.push((*locator, pointer.as_slice()));
                    continue;
                }
                Inner::Path(pattern) => rest::in_path(pattern, &path),
                Inner::Query(name) => rest::in_query(name, query),
                Inner::Header(name) => rest::in_headers(name, headers),
            };
            self.take(locator, values.map_err(|_| locator.unreadable())?)?;
        }
        let json = json.filter(|_| has_body(method));
        if let (Some((first, _)), Some(_)) = (pointers.first(), json)
            && !rest::may_be_json(headers)
        {
            return Err(first.unreadable());
        }
        self.in_json(&pointers, json)?;
        Ok(used)
    }

    /// Looks into a body once for all that stands there.
    fn in_json(
        &mut self,
        pointers: &[(&Locator, &[place::Token])],
        json: Option<&[u8]>,
    ) -> Result<(), Error> {
        let Some((first, _)) = pointers.first() else {
            return Ok(());
        };
        let json = json.unwrap_or_default();
        if json.len() > JSON_BYTES_MAX {
            return Err(first.unreadable());
        }
        let (locators, pointers): (Vec<&Locator>, Vec<_>) = pointers.iter().copied().unzip();
        let values = document::find(json, &pointers).map_err(|_| first.unreadable())?;
        for (locator, values) in locators.into_iter().zip(values) {
            self.take(locator, values)?;
        }
        Ok(())
    }

    fn take(&mut self, locator: &Locator, values: Vec<Value>) -> Result<(), Error> {
        let is_missing = values.is_empty() || values.iter().any(|value| value.is_nothing());
        if is_missing && !locator.optional {
            return Err(Error::Missing {
                place: locator.at.to_string(),
            });
        }
        for value in values.into_iter().filter(|value| !value.is_nothing()) {
            let key = value.key(locator.kind, self.alphabet);
            self.persons.insert(key.ok_or_else(|| Error::Malformed {
                place: locator.at.to_string(),
                kind: locator.kind,
            })?);
            if self.persons.len() > PERSONS_MAX {
                return Err(Error::TooMany {
                    count_max: PERSONS_MAX,
                });
            }
        }
        Ok(())
    }
}

impl Locator {
    /// Whether it is for REST requests with this method and path.
    fn applies(&self, method: &str, path: &ServicePath) -> bool {
        let is_method = |own: &String| own == "*" || own.eq_ignore_ascii_case(method);
        let is_path = |own: &String| PathPattern::new(own).matches(path.as_str());
        self.method.as_ref().is_none_or(is_method) && self.path.as_ref().is_none_or(is_path)
    }

    /// Whether it depends on the path.
    fn is_by_path(&self) -> bool {
        self.path.is_some() || matches!(self.at.0, Inner::Path(_))
    }

    /// It is not for this path, but would be for one that many services take for the same: of other
    /// case, or without the slash at the end.
    fn nearly_applies(&self, path: &ServicePath) -> bool {
        let path = path.as_str();
        self.path.as_ref().is_some_and(|own| {
            let like = PathPattern::new(&rest::fold(own));
            let path_like = rest::fold(path.strip_suffix('/').unwrap_or(path));
            !PathPattern::new(own).matches(path) && like.matches(&path_like)
        })
    }

    fn unreadable(&self) -> Error {
        Error::Unreadable {
            place: self.at.to_string(),
        }
    }
}

impl Value {
    /// A text, or nothing if there is none in it.
    fn of(text: String) -> Self {
        match text.trim_ascii().is_empty() {
            true => Self::Nothing,
            false => Self::Text(text),
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn key(&self, kind: KeyKind, alphabet: &Alphabet) -> Option<PersonKey> {
        match self {
            Self::Text(text) => PersonKey::parse(kind, text, alphabet).ok(),
            // A FIN of digits alone is a text all the same.
            Self::Integer(text) if kind != KeyKind::Fin => {
                PersonKey::parse(kind, text, alphabet).ok()
            }
            Self::Integer(_) | Self::Nothing | Self::Other => None,
        }
    }
}

/// Requests are about persons.
impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Soap { .. } => f.debug_struct("Soap").finish_non_exhaustive(),
            Self::Rest { method, .. } => f
                .debug_struct("Rest")
                .field("method", method)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { place } => write!(f, "the request names no person at {place}"),
            Self::Malformed { place, kind } => {
                write!(f, "what stands at {place} is no valid {kind}")
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

#[cfg(test)]
mod tests;
