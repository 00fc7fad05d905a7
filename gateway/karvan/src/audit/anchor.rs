//! Anchors that an auditor got from the registry, and whether a configuration is what it signed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_globalconf::{Anchor, directory, disk};
use jiff::Timestamp;

use super::configuration::Files;
use super::{Error, file_error};
use crate::causes::with_causes;

/// The anchors given: one of them has to vouch for each configuration.
#[derive(Debug)]
pub(crate) struct Anchors(Vec<Given>);

#[derive(Debug)]
struct Given {
    path: PathBuf,
    anchor: Anchor,
    /// As security servers show it.
    sha224: String,
}

/// A configuration for which an anchor vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vouched {
    /// By which anchors, for people.
    pub(super) by: String,
    /// Until when what the registry signed was valid. It tells which of two is the older one, and
    /// not until when it was in force: the first directory of a content is kept.
    pub(super) expires_at: Timestamp,
    /// The registry signed it for other instances: rules are not among what it vouches for.
    pub(super) is_external: bool,
    /// Folders of other instances, of which no anchor was given: nobody vouches for these.
    pub(super) unchecked: Vec<String>,
}

/// What a registry signed over a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signed {
    expires_at: Timestamp,
    is_external: bool,
}

/// Files of an instance: name → bytes.
type Folder<'f> = BTreeMap<&'f str, &'f [u8]>;

impl Anchors {
    /// `None`: there are none.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Option<Self>, Error> {
        let mut given = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = std::fs::read(path).map_err(|source| file_error(path, source))?;
            let anchor = Anchor::from_xml(&bytes).map_err(|error| {
                Error::Use(format!(
                    "--anchor {}: {}",
                    path.display(),
                    with_causes(&error)
                ))
            })?;
            let digest = Digest::of(DigestAlgorithm::Sha224, &bytes);
            let octets = digest.as_bytes().iter();
            given.push(Given {
                path: path.clone(),
                anchor,
                sha224: octets
                    .map(|octet| format!("{octet:02X}"))
                    .collect::<Vec<_>>()
                    .join(":"),
            });
        }
        Ok((!given.is_empty()).then_some(Self(given)))
    }

    /// By which anchor the parameters of the own instance, with its rules, are what its registry signed;
    /// or why by none. Those of another instance need an anchor of that instance.
    pub(super) fn vouch(&self, files: &Files) -> Result<Vouched, String> {
        let own = files.get(disk::INSTANCE_IDENTIFIER);
        let own = String::from_utf8_lossy(own.map(Vec::as_slice).unwrap_or_default());
        let own = disk::folder(own.trim()).map_err(|error| with_causes(&error))?;
        let mut folders: BTreeMap<&str, Folder<'_>> = BTreeMap::from([(&*own, Folder::new())]);
        for (path, bytes) in files {
            if path == disk::INSTANCE_IDENTIFIER {
                continue;
            }
            let (folder, name) = path
                .split_once('/')
                .ok_or_else(|| format!("{path}: the registry has not signed it"))?;
            folders.entry(folder).or_default().insert(name, bytes);
        }
        let ours = folders.remove(&*own).unwrap_or_default();
        let mut vouched = self.of_folder(&own, &ours).unwrap_or_else(|| {
            let given = self.0.iter().map(|given| given.anchor.instance.as_str());
            let given = given.collect::<Vec<_>>().join(", ");
            Err(format!(
                "it is of the instance {own}, the anchor of {given}"
            ))
        })?;
        for (folder, files) in &folders {
            match self.of_folder(folder, files) {
                None => vouched.unchecked.push((*folder).to_owned()),
                Some(other) => {
                    vouched.by.push_str("; ");
                    vouched.by.push_str(&other?.by);
                }
            }
        }
        Ok(vouched)
    }

    /// `None`: no anchor is of this instance.
    fn of_folder(&self, folder: &str, files: &Folder<'_>) -> Option<Result<Vouched, String>> {
        let mut refused: Option<Vec<String>> = None;
        for given in &self.0 {
            if disk::folder(&given.anchor.instance).ok().as_deref() != Some(folder) {
                continue;
            }
            match vouch(&given.anchor, folder, files) {
                Ok(signed) => return Some(Ok(given.vouched(&signed))),
                Err(reason) => refused.get_or_insert_default().push(reason),
            }
        }
        let mut refused = refused?;
        refused.dedup();
        Some(Err(refused.join("; ")))
    }
}

impl Given {
    fn vouched(&self, signed: &Signed) -> Vouched {
        let made = self.anchor.generated_at;
        let made = made.map(|time| format!(", made at {time}"));
        Vouched {
            by: format!(
                "{} (instance {}{}, SHA-224 {}): signed by the registry, valid until {}",
                self.path.display(),
                self.anchor.instance,
                made.unwrap_or_default(),
                self.sha224,
                signed.expires_at
            ),
            expires_at: signed.expires_at,
            is_external: signed.is_external,
            unchecked: Vec::new(),
        }
    }
}

//= pr-gconf#2.2: the anchor holds the keys that sign the directory; the directory holds the digests.
fn vouch(anchor: &Anchor, folder: &str, files: &Folder<'_>) -> Result<Signed, String> {
    let bytes = files.get(disk::SIGNED_DIRECTORY).ok_or_else(|| {
        format!(
            "{folder}/{}, which the registry signed, is not kept with it",
            disk::SIGNED_DIRECTORY
        )
    })?;
    let sources = anchor.sources.iter();
    let keys: Vec<_> = sources
        .flat_map(|source| source.verification_certificates.iter().cloned())
        .collect();
    // When it expired is told, and of no matter here: it tells of a day in the past.
    let verified = directory::verify(bytes, &keys, Timestamp::MIN).map_err(|error| {
        format!(
            "{folder}/{}: no key of the anchor signed it: {}",
            disk::SIGNED_DIRECTORY,
            with_causes(&error)
        )
    })?;
    let mut announced = Vec::new();
    for entry in verified.parts() {
        if entry.instance() == anchor.instance {
            let name = disk::file_name(entry).map_err(|error| with_causes(&error))?;
            announced.push((name, entry));
        }
    }
    let entry = |name: &str| announced.iter().find(|(announced, _)| announced == name);
    // Internal sources have private parameters, external ones must not, and have no rules either.
    let is_external = entry(disk::PRIVATE_PARAMS).is_none();
    for (name, bytes) in files {
        if *name == disk::SIGNED_DIRECTORY {
            continue;
        }
        let part = name.strip_suffix(disk::METADATA_SUFFIX);
        let Some((_, entry)) = entry(part.unwrap_or(name)) else {
            let why = match is_external {
                true => ": what it signed for others holds no more than shared parameters",
                false => "",
            };
            return Err(format!(
                "{folder}/{name}: the registry has not signed it{why}"
            ));
        };
        let is_right = match part {
            None => entry.matches(bytes),
            // The version decides how the part is read.
            Some(_) => {
                let metadata = disk::Metadata::from_json(bytes, &format!("{folder}/{name}"));
                let metadata = metadata.map_err(|error| with_causes(&error))?;
                metadata
                    .version()
                    .is_ok_and(|version| version == entry.version())
            }
        };
        if !is_right {
            return Err(format!(
                "{folder}/{name}: it is not what the registry signed"
            ));
        }
    }
    // One that was left out would change verdicts, too. Nodes take no rules of other instances, and
    // those are not listed for them.
    for name in [disk::SHARED_PARAMS, disk::RULES] {
        if entry(name).is_some() && !files.contains_key(name) {
            return Err(format!(
                "{folder}/{name}, which the registry signed, is not there"
            ));
        }
    }
    let version = format!("{}{}", disk::SHARED_PARAMS, disk::METADATA_SUFFIX);
    if files.contains_key(disk::SHARED_PARAMS) && !files.contains_key(&*version) {
        return Err(format!(
            "{folder}/{version}, which says how they are read, is not there"
        ));
    }
    Ok(Signed {
        expires_at: verified.expires_at(),
        is_external,
    })
}

#[cfg(test)]
mod tests;
