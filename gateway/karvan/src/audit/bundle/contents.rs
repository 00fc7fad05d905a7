//! The files of a bundle, each taken out by whom it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gateway_asic::zip::{self, Entry as File, Source};
use gateway_globalconf::disk::SIGNED_DIRECTORY;

use super::{
    CONTAINERS, KEYS, LIMITS, LOG, PLAIN, PROOF, README, RECORD, Verdict, is_configuration,
};
use crate::audit::anchor::Anchors;
use crate::audit::configuration::{Configuration, Files, Origin, is_for_others};
use crate::audit::tree::Keys;
use crate::causes::with_causes;

/// The files of a bundle; what is taken out belongs there.
pub(super) struct Contents {
    pub(super) archive: zip::Archive,
    rest: BTreeSet<String>,
}

impl Contents {
    pub(super) fn open(source: Source) -> Result<Self, zip::Error> {
        let archive = zip::Archive::open(source, &LIMITS)?;
        let names = archive.entries().iter();
        let rest = names.map(|entry| entry.name().to_owned()).collect();
        Ok(Self { archive, rest })
    }

    /// What a stranger reads first, and that nothing is written on the file itself.
    pub(super) fn head(&mut self, verdict: &mut Verdict) {
        if !self.archive.comment().is_empty() {
            verdict.fail("there is a comment on the file");
        }
        match self.bytes(README) {
            Ok(Some(_)) => {}
            Ok(None) => verdict.missing(README),
            Err(reason) => verdict.failures.push(reason),
        }
    }

    /// A file that belongs there.
    pub(super) fn take(&mut self, name: &str) -> Option<File> {
        self.rest.remove(name);
        self.archive.entry(name).cloned()
    }

    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Bytes>, String> {
        let file = self.take(name);
        let bytes = file.map(|file| self.archive.read(&file)).transpose();
        bytes.map_err(|error| format!("{name}: {}", with_causes(&error)))
    }

    pub(super) fn required(&mut self, name: &str) -> Result<Bytes, String> {
        self.bytes(name)?
            .ok_or_else(|| format!("{name} is not there"))
    }

    /// The numbers of the records.
    pub(super) fn ordinals(&self) -> Vec<u64> {
        let names = self.rest.iter();
        let mut ordinals: Vec<u64> = names
            .filter_map(|name| {
                let number = name.strip_prefix(LOG)?.strip_suffix(RECORD)?;
                let ordinal: u64 = number.parse().ok()?;
                (number == ordinal.to_string()).then_some(ordinal)
            })
            .collect();
        ordinals.sort_unstable();
        ordinals
    }

    /// The configurations, in the order of their folders.
    pub(super) fn configurations(
        &mut self,
        anchors: Option<&Anchors>,
        verdict: &mut Verdict,
    ) -> Vec<Configuration> {
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        let names: Vec<String> = self.rest.iter().cloned().collect();
        for name in names {
            let Some((folder, path)) = name.split_once('/') else {
                continue;
            };
            if !is_configuration(folder) || !is_for_others(path) {
                continue;
            }
            match self.bytes(&name) {
                Ok(bytes) => {
                    let files = folders.entry(folder.to_owned()).or_default();
                    files.insert(path.to_owned(), bytes.unwrap_or_default().to_vec());
                }
                Err(reason) => verdict.failures.push(reason),
            }
        }
        let mut read = Vec::new();
        for (folder, files) in folders {
            if !files.keys().any(|path| path.ends_with(SIGNED_DIRECTORY)) {
                verdict.remarks.push(format!(
                    "{folder}/: what the registry signed is not in it, so no anchor vouches for it"
                ));
            }
            match Configuration::of(&files, Origin::Bundle(folder.clone()), anchors) {
                Ok(configuration) => {
                    verdict.failures.extend(configuration.failure());
                    read.push(configuration);
                }
                Err(reason) => verdict.fail(&format!("{folder}/: {reason}")),
            }
        }
        if read.is_empty() {
            verdict.fail("there is no configuration in it");
        }
        read
    }

    pub(super) fn keys(&mut self, log_key: Option<&str>, verdict: &mut Verdict) -> Keys {
        let text = match self.bytes(KEYS) {
            Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Ok(None) => {
                verdict.missing(KEYS);
                String::new()
            }
            Err(reason) => {
                verdict.failures.push(reason);
                String::new()
            }
        };
        Keys::read(&text, log_key).unwrap_or_else(|reason| {
            verdict.fail(&format!("{KEYS}: {reason}"));
            Keys::default()
        })
    }

    /// Nothing else is in it.
    pub(super) fn nothing_else(&self, verdict: &mut Verdict) {
        for name in &self.rest {
            let of_record = name
                .strip_prefix(LOG)
                .is_some_and(|file| file.ends_with(PROOF) || file.ends_with(PLAIN));
            verdict.fail(&match of_record {
                true => format!("{name}: its record is not there"),
                false if name.starts_with(CONTAINERS) => {
                    format!("{name}: it is of no record in the bundle")
                }
                false => format!("{name} does not belong in a bundle"),
            });
            // An entry that is not as it says could hide others behind it.
            if let Some(entry) = self.archive.entry(name)
                && let Err(error) = self.archive.check(entry)
            {
                verdict.fail(&format!("{name}: {}", with_causes(&error)));
            }
        }
    }
}
