//! The part, read, checked and indexed for decisions.

mod index;

use std::collections::HashMap;
use std::fmt;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, GlobalGroupId, ServiceId};
use serde_json::Value;

use super::check::{Severity, check};
use super::hours::Opening;
use super::part::{FORMAT, Part, Rule, Service, Status, System};
use crate::json;
use crate::path::ServicePath;
use crate::person::Alphabet;
use crate::right::Endpoint;
use index::Index;

/// The rules in force: immutable, indexed by service and consumer. 10 000 rules are a few MB.
#[derive(Clone)]
pub struct Rules {
    part: Part,
    digest: Digest,
    alphabet: Alphabet,
    compiled: Vec<Compiled>,
    index: Index,
    /// Position of the system by its code.
    systems: HashMap<String, usize>,
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
    NotStrict(json::Error),
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

/// What is read from a rule once.
#[derive(Clone, Debug)]
struct Compiled {
    hours: Option<Opening>,
    /// Of each of its scopes.
    endpoints: Vec<Endpoint>,
}

/// A rule that names this consumer, this service and this endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'r> {
    pub(crate) rule: &'r Rule,
    pub(crate) hours: Option<Opening>,
    /// A scope that matches is the service as a whole, not an endpoint of it.
    pub(crate) whole: bool,
}

impl Rules {
    /// Reads and checks the part of this instance.
    ///
    /// # Errors
    /// When it cannot be read, is of another instance, or contradicts itself.
    pub fn read(bytes: &[u8], instance: &str) -> Result<Self, Error> {
        let value = json::parse(bytes, PART_BYTES_MAX).map_err(Error::NotStrict)?;
        // First of all the format: of a later one nothing else need be known.
        if let Some(found) = value.get("format").and_then(Value::as_str)
            && found != FORMAT
        {
            return Err(Error::Format {
                found: found.chars().take(FOUND_CHARS_MAX).collect(),
            });
        }
        let part: Part = serde_json::from_value(value).map_err(Error::Json)?;
        if part.instance != instance {
            return Err(Error::Instance {
                found: part.instance.chars().take(FOUND_CHARS_MAX).collect(),
            });
        }
        let found = check(&part).into_iter().next();
        if let Some(finding) = found.filter(|finding| finding.severity == Severity::Error) {
            return Err(Error::Contradiction(Box::new(finding)));
        }
        Ok(Self::compile(
            part,
            Digest::of(DigestAlgorithm::Sha256, bytes),
        ))
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
        &self.alphabet
    }

    /// Whether this service is registered. A declaration holds for all versions of the code.
    #[must_use]
    pub fn registration(&self, service: &ServiceId) -> Registration<'_> {
        let declared = self
            .index
            .declared(service)
            .and_then(|position| self.part.services.get(position));
        let Some(declared) = declared else {
            return Registration::Unregistered;
        };
        let system = self
            .systems
            .get(&declared.system)
            .and_then(|position| self.part.systems.get(*position));
        match system {
            // The check lets no such part through.
            None => Registration::Unregistered,
            Some(system) => match system.status {
                Status::Registered => Registration::Registered(declared, system),
                Status::Deregistered => Registration::Deregistered(declared, system),
            },
        }
    }

    /// Rules that may be about this service, in the order in which they decide.
    pub fn about(&self, service: &ServiceId) -> impl Iterator<Item = &Rule> {
        self.index
            .about(service)
            .into_iter()
            .filter_map(|position| self.part.rules.get(position))
    }

    /// Rules that name this consumer, service and endpoint, in the order in which they decide.
    pub(crate) fn candidates(
        &self,
        client: &ClientId,
        service: &ServiceId,
        rest: Option<(&str, &ServicePath)>,
        in_group: impl Fn(&GlobalGroupId) -> bool,
    ) -> Vec<Candidate<'_>> {
        let mut found: Vec<Candidate<'_>> = Vec::new();
        let mut last = None;
        for entry in self.index.candidates(client, service, in_group) {
            let compiled = self.compiled.get(entry.rule);
            let endpoint = compiled.and_then(|rule| rule.endpoints.get(entry.scope));
            let (Some(compiled), Some(endpoint), Some(rule)) =
                (compiled, endpoint, self.part.rules.get(entry.rule))
            else {
                continue;
            };
            if !endpoint.covers(rest) {
                continue;
            }
            let whole = endpoint.is_base();
            match found.last_mut().filter(|_| last == Some(entry.rule)) {
                Some(candidate) => candidate.whole |= whole,
                None => found.push(Candidate {
                    rule,
                    hours: compiled.hours,
                    whole,
                }),
            }
            last = Some(entry.rule);
        }
        found
    }

    /// Indexes a part that was checked.
    fn compile(part: Part, digest: Digest) -> Self {
        let systems = part
            .systems
            .iter()
            .enumerate()
            .map(|(position, system)| (system.code.clone(), position))
            .collect();
        let compiled = part.rules.iter().map(Compiled::new).collect();
        let alphabet = Alphabet(part.settings.fin_alphabet.bytes().collect());
        Self {
            index: Index::new(&part),
            part,
            digest,
            alphabet,
            compiled,
            systems,
        }
    }
}

impl Compiled {
    fn new(rule: &Rule) -> Self {
        let hours = rule.limits.hours.as_ref();
        Self {
            hours: hours.map(|hours| Opening::read(hours).unwrap_or(Opening::NEVER)),
            endpoints: rule
                .services
                .iter()
                .map(|scope| Endpoint::of(scope.method.as_deref(), scope.path.as_deref()))
                .collect(),
        }
    }
}

/// The whole document is long, and its digest names it.
impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("instance", &self.part.instance)
            .field("version", &self.part.version)
            .field("digest", &self.digest)
            .field("rules", &self.part.rules.len())
            .finish_non_exhaustive()
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

/// The longest part read. Bytes; 10 000 rules are some 5 MB.
pub const PART_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What an error repeats of a document that is not ours. Characters.
const FOUND_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests;
