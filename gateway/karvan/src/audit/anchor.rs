//! Anchors that an auditor got from the registry, and whether a configuration is what it signed.

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

    /// By which anchor a configuration is what the registry signed; or why by none.
    pub(super) fn vouch(&self, files: &Files) -> Result<String, String> {
        let mut refused = Vec::new();
        for given in &self.0 {
            match vouch(&given.anchor, files) {
                Ok(()) => {
                    let made = given.anchor.generated_at;
                    let made = made.map(|time| format!(", made at {time}"));
                    return Ok(format!(
                        "{} (instance {}{}, SHA-224 {})",
                        given.path.display(),
                        given.anchor.instance,
                        made.unwrap_or_default(),
                        given.sha224
                    ));
                }
                Err(reason) => refused.push(reason),
            }
        }
        refused.dedup();
        Err(refused.join("; "))
    }
}

//= pr-gconf#2.2: the anchor holds the keys that sign the directory; the directory holds the digests.
fn vouch(anchor: &Anchor, files: &Files) -> Result<(), String> {
    let own = files.get(disk::INSTANCE_IDENTIFIER);
    let own = String::from_utf8_lossy(own.map(Vec::as_slice).unwrap_or_default());
    if own.trim() != anchor.instance {
        return Err(format!(
            "it is of the instance {}, the anchor of {}",
            own.trim(),
            anchor.instance
        ));
    }
    let folder = disk::folder(&anchor.instance).map_err(|error| with_causes(&error))?;
    let signed = format!("{folder}/{}", disk::SIGNED_DIRECTORY);
    let bytes = files
        .get(&signed)
        .ok_or_else(|| format!("{signed}, which the registry signed, is not kept with it"))?;
    let sources = anchor.sources.iter();
    let keys: Vec<_> = sources
        .flat_map(|source| source.verification_certificates.iter().cloned())
        .collect();
    // When it expired is of no matter: it tells of a day in the past.
    let verified = directory::verify(bytes, &keys, Timestamp::MIN).map_err(|error| {
        format!(
            "{signed}: no key of the anchor signed it: {}",
            with_causes(&error)
        )
    })?;
    let mut announced = Vec::new();
    for entry in verified.parts() {
        if entry.instance() == anchor.instance {
            let name = disk::file_name(entry).map_err(|error| with_causes(&error))?;
            announced.push((format!("{folder}/{name}"), entry));
        }
    }
    let entry = |path: &str| announced.iter().find(|(name, _)| name == path);
    for (path, bytes) in files {
        if path == disk::INSTANCE_IDENTIFIER || *path == signed {
            continue;
        }
        let part = path.strip_suffix(disk::METADATA_SUFFIX);
        let Some((_, entry)) = entry(part.unwrap_or(path)) else {
            return Err(format!("{path}: the registry has not signed it"));
        };
        let is_right = match part {
            None => entry.matches(bytes),
            // The version decides how the part is read.
            Some(_) => {
                let metadata = disk::Metadata::from_json(bytes, path);
                let metadata = metadata.map_err(|error| with_causes(&error))?;
                metadata
                    .version()
                    .is_ok_and(|version| version == entry.version())
            }
        };
        if !is_right {
            return Err(format!("{path}: it is not what the registry signed"));
        }
    }
    // One that was left out would change verdicts, too.
    for name in [disk::SHARED_PARAMS, disk::RULES] {
        let path = format!("{folder}/{name}");
        if entry(&path).is_some() && !files.contains_key(&path) {
            return Err(format!("{path}, which the registry signed, is not there"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
