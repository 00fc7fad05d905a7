//! What a verified directory asks us to fetch, and the evidence that all of it was verified.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Error;
use crate::directory::{Content, PartEntry, VerifiedDirectory, VerifiedPart};
use crate::disk::{self, Metadata};
use crate::params::{self, PrivateParams, SharedParams, Version};

/// Which parts of a source we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The own instance, by its internal source: all parts, and private parameters among them.
    Own,
    /// A partner, by its external source: shared parameters only.
    Partner,
}

/// What is to be fetched for one instance, and what was received.
#[derive(Debug)]
pub struct Plan {
    instance: String,
    /// As it was received.
    directory: Vec<u8>,
    scope: Scope,
    version: Version,
    expires_at: Timestamp,
    base_url: String,
    parts: BTreeMap<String, State>,
    ignored: Vec<PartEntry>,
}

#[derive(Debug)]
enum State {
    Wanted(PartEntry),
    Verified(Box<VerifiedPart>),
}

/// A part to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Its path on disk, which names it in [`Plan::receive`].
    pub path: String,
    /// Where it is.
    pub url: String,
}

/// A completely verified configuration of one instance. Only [`Plan::finish`] makes it.
#[derive(Debug)]
pub struct Downloaded {
    instance: String,
    directory: Vec<u8>,
    folder: String,
    version: Version,
    expires_at: Timestamp,
    parts: BTreeMap<String, VerifiedPart>,
}

impl Plan {
    /// Plans for a verified directory of `instance` that was fetched from `url`. Stored files
    /// (relative paths as in [`disk`]) that already are what is announced are taken over.
    ///
    /// Only parts of `instance` are taken: whoever signs for one instance must not be able to
    /// replace what is known of another.
    ///
    /// # Errors
    /// When a part has no usable name or address, two have the same, shared parameters are
    /// missing, an own source lacks private parameters, or a partner's source has them.
    pub fn new(
        directory: &VerifiedDirectory,
        instance: &str,
        scope: Scope,
        url: &str,
        stored: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, Error> {
        let folder = disk::folder(instance).map_err(Error::Name)?;
        let mut plan = Self {
            instance: instance.to_owned(),
            directory: directory.bytes().to_vec(),
            scope,
            version: directory.version(),
            expires_at: directory.expires_at(),
            base_url: url.to_owned(),
            parts: BTreeMap::new(),
            ignored: Vec::new(),
        };
        for entry in directory.parts() {
            if entry.instance() != instance || !scope.takes(entry)? {
                plan.ignored.push(entry.clone());
                continue;
            }
            let path = format!("{folder}/{}", disk::file_name(entry).map_err(Error::Name)?);
            let state = match stored.get(&path).filter(|bytes| entry.matches(bytes)) {
                Some(bytes) => {
                    State::Verified(Box::new(entry.check(bytes.clone()).map_err(Error::Part)?))
                }
                None => State::Wanted(entry.clone()),
            };
            if plan.parts.insert(path.clone(), state).is_some() {
                return Err(Error::SameName { path });
            }
        }
        plan.check_complete_set()?;
        Ok(plan)
    }

    /// The parts still to fetch.
    ///
    /// # Errors
    /// When an address cannot be asked.
    pub fn to_fetch(&self) -> Result<Vec<Fetch>, Error> {
        let wanted = self.parts.iter().filter_map(|(path, state)| match state {
            State::Wanted(entry) => Some((path, entry)),
            State::Verified(_) => None,
        });
        wanted
            .map(|(path, entry)| {
                let url = resolve(&self.base_url, entry.location())?;
                Ok(Fetch {
                    path: path.clone(),
                    url,
                })
            })
            .collect()
    }

    /// Takes the bytes of a part in, after checking them.
    ///
    /// # Errors
    /// When the part is not one we want, or its bytes are not what was announced.
    pub fn receive(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let state = self.parts.get_mut(path);
        let state = state.ok_or_else(|| Error::NotAsked {
            path: path.to_owned(),
        })?;
        if let State::Wanted(entry) = state {
            *state = State::Verified(Box::new(entry.check(bytes).map_err(Error::Part)?));
        }
        Ok(())
    }

    /// Entries that were not taken: of other instances, or not for this scope.
    pub fn ignored(&self) -> &[PartEntry] {
        &self.ignored
    }

    /// All parts are here and verified.
    ///
    /// # Errors
    /// When one is missing.
    pub fn finish(self) -> Result<Downloaded, Error> {
        let mut parts = BTreeMap::new();
        let mut missing = Vec::new();
        for (path, state) in self.parts {
            match state {
                State::Verified(part) => {
                    parts.insert(path, *part);
                }
                State::Wanted(_) => missing.push(path),
            }
        }
        if !missing.is_empty() {
            return Err(Error::Incomplete { missing });
        }
        Ok(Downloaded {
            folder: disk::folder(&self.instance).map_err(Error::Name)?,
            instance: self.instance,
            directory: self.directory,
            version: self.version,
            expires_at: self.expires_at,
            parts,
        })
    }

    /// An internal source has private parameters, an external one must not (an anchor of the wrong
    /// kind was uploaded otherwise).
    fn check_complete_set(&self) -> Result<(), Error> {
        let has = |identifier: &str| {
            self.parts
                .values()
                .any(|state| state.entry().identifier() == identifier)
        };
        if !has(params::SHARED_PARAMETERS) {
            return Err(Error::MissingPart {
                identifier: params::SHARED_PARAMETERS,
            });
        }
        match self.scope {
            Scope::Own if !has(params::PRIVATE_PARAMETERS) => Err(Error::MissingPart {
                identifier: params::PRIVATE_PARAMETERS,
            }),
            Scope::Own | Scope::Partner => Ok(()),
        }
    }
}

impl Scope {
    fn takes(self, entry: &PartEntry) -> Result<bool, Error> {
        match (self, entry.identifier()) {
            (Self::Own, identifier) => Ok(!identifier.is_empty()),
            (Self::Partner, params::SHARED_PARAMETERS) => Ok(true),
            (Self::Partner, params::PRIVATE_PARAMETERS) => Err(Error::ForbiddenPart {
                identifier: params::PRIVATE_PARAMETERS,
            }),
            (Self::Partner, _) => Ok(false),
        }
    }
}

impl State {
    fn entry(&self) -> &PartEntry {
        match self {
            Self::Wanted(entry) => entry,
            Self::Verified(part) => part.entry(),
        }
    }
}

impl Downloaded {
    /// The instance.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Its folder: files in it that are not in [`Downloaded::into_files`] are to be deleted.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The version of the directory.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Until when it may be used.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Its shared parameters.
    pub fn shared(&self) -> Option<&SharedParams> {
        self.parts.values().find_map(|part| match part.content() {
            Content::Shared(shared) => Some(&**shared),
            _ => None,
        })
    }

    /// Its private parameters, when it is the own instance.
    pub fn private(&self) -> Option<&PrivateParams> {
        self.parts.values().find_map(|part| match part.content() {
            Content::Private(private) => Some(&**private),
            _ => None,
        })
    }

    /// The files to write, with their metadata and the signed directory, by relative path; to be replaced one by one, each
    /// atomically. The own instance is also named in [`disk::INSTANCE_IDENTIFIER`], which is the
    /// caller's to write, from its anchor.
    pub fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let directory = format!("{}/{}", self.folder, disk::SIGNED_DIRECTORY);
        files.insert(directory, self.directory);
        for (path, part) in self.parts {
            let metadata = Metadata::from(part.entry()).to_json();
            files.insert(format!("{path}{}", disk::METADATA_SUFFIX), metadata);
            files.insert(path, part.into_bytes());
        }
        files
    }
}

/// The address of a part: absolute, or relative to the directory it stands in.
fn resolve(base: &str, location: &str) -> Result<String, Error> {
    let unusable = || Error::Location {
        location: location.to_owned(),
    };
    if location
        .chars()
        .any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(unusable());
    }
    let scheme = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let known = ["http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        (known && !rest.is_empty()).then(|| (scheme.to_owned(), rest.to_owned()))
    };
    if location.contains("://") {
        return scheme(location)
            .map(|_| location.to_owned())
            .ok_or_else(unusable);
    }
    let (scheme, rest) = scheme(base).ok_or_else(unusable)?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok(match location.strip_prefix("//") {
        Some(other) => format!("{scheme}://{other}"),
        None if location.starts_with('/') => format!("{scheme}://{authority}{location}"),
        None => {
            let folder = path
                .rsplit_once('/')
                .map_or(String::new(), |(folder, _)| format!("{folder}/"));
            format!("{scheme}://{authority}/{folder}{location}")
        }
    })
}
