//! What the registry serves: signed directories of both sources in versions 6 and 5, and their
//! parts (PR-GCONF 2.6 and 2.7).
//!
//! ```text
//! /internalconf?version=6                         signed directory
//! /externalconf?version=6
//! /V6/20300102030405123456789/shared-params.xml   part, under the time of its publication
//! /V6/20300102030405123456789/karvan-rules.json   the rules in force, once they were switched on
//! ```
//!
//! A publication is complete before anybody sees any of it, and replaces the one before at once.
//! Parts of earlier ones stay for ten minutes, for those who hold an older directory; of very many
//! changes the last few stay. It lives in memory: after a restart the first publication comes before
//! the first answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gateway_globalconf::directory::{Boundaries, Directory, Part};
use gateway_globalconf::disk;
use gateway_globalconf::params::{self, FetchInterval, NextUpdate, Version};
use jiff::{SignedDuration, Timestamp};

use crate::keys::{Keys, Source};
use crate::{Error, State, parameters};

/// Everything served at one time; immutable.
#[derive(Debug, Default)]
pub struct Publication {
    /// By source and version.
    directories: BTreeMap<(Source, u8), Bytes>,
    /// This round and earlier ones, oldest first.
    rounds: Vec<Round>,
    expires_at: Option<Timestamp>,
}

/// The parts of one publication, by path.
#[derive(Clone, Debug)]
struct Round {
    at: Timestamp,
    /// When the next one took its place.
    replaced_at: Option<Timestamp>,
    files: BTreeMap<String, Bytes>,
}

/// A part with what a directory says of it.
struct File {
    identifier: &'static str,
    name: &'static str,
    bytes: Bytes,
}

impl Publication {
    /// Makes the publication that follows this one. `random` are fresh random octets, for the
    /// boundaries.
    ///
    /// # Errors
    /// When the state cannot be published yet, or a key cannot sign. Nothing has changed then.
    pub fn next(
        &self,
        state: &State,
        keys: &Keys,
        now: Timestamp,
        random: [u8; 40],
    ) -> Result<Self, Error> {
        if state.instance.is_empty() {
            return Err(Error::NotReady {
                missing: "an instance",
                remedy: "initialise the registry",
            });
        }
        let validity = i64::try_from(state.settings.configuration_validity_seconds);
        let validity = SignedDuration::from_secs(validity.unwrap_or(i64::MAX));
        let expires_at = now.checked_add(validity).map_err(|_| Error::NotReady {
            missing: "a time of expiry",
            remedy: "set the clock and the configuration's validity",
        })?;
        let at = self.time_of_next(now);
        let mut next = Self {
            directories: BTreeMap::new(),
            rounds: self.rounds_kept(now),
            expires_at: Some(expires_at),
        };
        let mut round = Round {
            at,
            replaced_at: None,
            files: BTreeMap::new(),
        };
        for version in [Version::CURRENT, Version::PREVIOUS] {
            let files = files(state, keys, version)?;
            let folder = format!("/V{}/{}", version.number(), folder_name(at));
            for source in [Source::Internal, Source::External] {
                let parts = files.iter().filter(|file| source.has(file));
                let directory = Directory {
                    version,
                    expires_at,
                    parts: parts
                        .map(|file| {
                            let location = format!("{folder}/{}", file.name);
                            Part::new(file.identifier, &state.instance, &location, &file.bytes)
                        })
                        .collect(),
                };
                let signer = keys.signer(source);
                let signed = directory
                    .sign(signer.key(), signer.certificate(), &Boundaries::new(random))
                    .map_err(Error::Directory)?;
                next.directories
                    .insert((source, version.number()), signed.into());
            }
            for file in files {
                let bytes = self.shared_with_last(&file);
                round.files.insert(format!("{folder}/{}", file.name), bytes);
            }
        }
        next.rounds.push(round);
        Ok(next)
    }

    /// The content type and body of what is at a path; `None`: there is nothing, answer 404. A
    /// directory without `version` means version 2, which is not published.
    pub fn answer(&self, path: &str, query: Option<&str>) -> Option<(&'static str, Bytes)> {
        for source in [Source::Internal, Source::External] {
            if path.strip_prefix('/') == Some(source.directory()) {
                let version = requested_version(query)?;
                let directory = self.directories.get(&(source, version))?;
                return Some((DIRECTORY_TYPE, directory.clone()));
            }
        }
        let file = self
            .rounds
            .iter()
            .rev()
            .find_map(|round| round.files.get(path))?;
        let media_type = match path.ends_with(".json") {
            true => JSON_TYPE,
            false => PART_TYPE,
        };
        Some((media_type, file.clone()))
    }

    /// Until when it may be used; `None`: nothing was published yet.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Paths carry the time, so no two rounds may have the same.
    fn time_of_next(&self, now: Timestamp) -> Timestamp {
        let after_last = self
            .rounds
            .last()
            .and_then(|last| last.at.checked_add(SignedDuration::from_nanos(1)).ok());
        after_last.map_or(now, |after| now.max(after))
    }

    fn rounds_kept(&self, now: Timestamp) -> Vec<Round> {
        let kept = |round: &Round| {
            let until = round.replaced_at.and_then(|at| at.checked_add(KEPT).ok());
            until.is_none_or(|until| now <= until)
        };
        let too_many = self.rounds.len().saturating_sub(ROUNDS_KEPT_MAX);
        let newest = self.rounds.iter().skip(too_many);
        let mut rounds: Vec<Round> = newest.filter(|round| kept(round)).cloned().collect();
        if let Some(last) = rounds.last_mut() {
            last.replaced_at.get_or_insert(now);
        }
        rounds
    }

    /// Most rounds change nothing: equal bytes are kept once.
    fn shared_with_last(&self, file: &File) -> Bytes {
        let last = self
            .rounds
            .iter()
            .rev()
            .flat_map(|round| round.files.values());
        let equal = last
            .take(SHARED_SEARCH_MAX)
            .find(|bytes| **bytes == file.bytes);
        equal.unwrap_or(&file.bytes).clone()
    }
}

impl Source {
    fn has(self, file: &File) -> bool {
        match self {
            Self::Internal => true,
            Self::External => file.identifier == params::SHARED_PARAMETERS,
        }
    }
}

/// Holds the current publication; shared by those who publish and those who serve.
#[derive(Debug, Default)]
pub struct Publisher {
    current: ArcSwap<Publication>,
}

impl Publisher {
    /// One that has published nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes the state; call it every minute and after each change, from one task. On an
    /// error the last publication stays, until it expires.
    ///
    /// # Errors
    /// When the state cannot be published yet, or a key cannot sign.
    pub fn publish(&self, state: &State, keys: &Keys, now: Timestamp) -> Result<(), Error> {
        let next = self
            .current
            .load()
            .next(state, keys, now, certs_keys::random_bytes())?;
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// The current publication.
    pub fn current(&self) -> Arc<Publication> {
        self.current.load_full()
    }

    /// As [`Publication::answer`] of the current one.
    pub fn answer(&self, path: &str, query: Option<&str>) -> Option<(&'static str, Bytes)> {
        self.current.load().answer(path, query)
    }
}

fn files(state: &State, keys: &Keys, version: Version) -> Result<Vec<File>, Error> {
    let shared = parameters::shared(state, keys)?;
    let mut files = vec![
        File {
            identifier: params::PRIVATE_PARAMETERS,
            name: disk::PRIVATE_PARAMS,
            bytes: parameters::private(state)?.to_xml().into(),
        },
        File {
            identifier: params::SHARED_PARAMETERS,
            name: disk::SHARED_PARAMS,
            bytes: shared.to_xml(version).map_err(Error::Parameters)?.into(),
        },
    ];
    if let Some(seconds) = state.settings.ocsp_fetch_interval_seconds {
        files.push(File {
            identifier: params::FETCH_INTERVAL,
            name: disk::FETCH_INTERVAL_PARAMS,
            bytes: FetchInterval { seconds }.to_xml().into(),
        });
    }
    if let Some(verify) = state.settings.verify_next_update {
        files.push(File {
            identifier: params::NEXT_UPDATE,
            name: disk::NEXT_UPDATE_PARAMS,
            bytes: NextUpdate { verify }.to_xml().into(),
        });
    }
    if let Some(rules) = &state.published {
        files.push(File {
            identifier: params::RULES,
            name: disk::RULES,
            bytes: rules.octets().clone(),
        });
    }
    Ok(files)
}

/// `version=` and digits anywhere in the query; without it, 2.
fn requested_version(query: Option<&str>) -> Option<u8> {
    let named = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name == "version").then_some(value)
        });
    match named {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
        None => Some(Version::OLDEST.number()),
    }
}

/// UTC with nanoseconds, 23 digits.
fn folder_name(at: Timestamp) -> String {
    format!(
        "{}{:09}",
        at.strftime("%Y%m%d%H%M%S"),
        at.subsec_nanosecond()
    )
}

const KEPT: SignedDuration = SignedDuration::from_mins(10);
/// A whole register brought in command by command must not be kept once for each.
const ROUNDS_KEPT_MAX: usize = 100;
const SHARED_SEARCH_MAX: usize = 16;
/// Clients read the header inside the body, whatever this says.
const DIRECTORY_TYPE: &str = "application/octet-stream";
const PART_TYPE: &str = "text/xml";
const JSON_TYPE: &str = "application/json";

#[cfg(test)]
mod tests;
