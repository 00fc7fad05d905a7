//! The configuration by which documents are judged, and whose word it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use certs_keys::{Digest, DigestAlgorithm};
use gateway_asic::zip::{self, Limits, Names, Source};
use gateway_globalconf::snapshot::Reason;
use gateway_globalconf::{Snapshot, disk};
use gateway_store::file;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::anchor::{Anchors, Vouched};
use super::approved::{self, Approved};
use super::documents::{self, printable};
use super::{Error, file_error};
use crate::causes::with_causes;

/// Files of a configuration directory: relative path → bytes.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A configuration, read.
#[derive(Debug)]
pub(super) struct Configuration {
    origin: Origin,
    pub(super) snapshot: Snapshot,
    /// Of each instance the SHA-256 of its shared parameters, hexadecimal.
    shared: Vec<(String, String)>,
    /// SHA-256 of the registry's rules, hexadecimal, where there are some.
    rules: Option<String>,
    approved: BTreeSet<Approved>,
    /// By which anchor it is what the registry signed, or why by none; `None`: no anchor was given.
    vouched: Option<Result<Vouched, String>>,
}

/// Whose word it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Given by the auditor.
    Given(PathBuf),
    /// Found in the bundle that is judged, in this folder of it.
    Bundle(String),
    /// Kept beside the log that is judged, under this digest of its content.
    Log(String),
}

impl Origin {
    /// What it is called among others.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Given(path) => path.display().to_string(),
            Self::Bundle(name) | Self::Log(name) => name.clone(),
        }
    }
}

impl Configuration {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Reads a configuration directory, or the ZIP file of one as nodes hand it out.
    pub(super) fn open(path: &Path, anchors: Option<&Anchors>) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Use(format!("--conf {}: {reason}", path.display()));
        let files = match path.is_dir() {
            true => {
                file::read_tree(path, BYTES_MAX).map_err(|error| unusable(with_causes(&error)))?
            }
            false => {
                let opened = File::open(path).and_then(Source::file);
                let source = opened.map_err(|source| file_error(path, source))?;
                unpacked(source).map_err(|error| unusable(with_causes(&error)))?
            }
        };
        Self::of(&below(files), Origin::Given(path.to_owned()), anchors).map_err(unusable)
    }

    /// Takes the files of a configuration directory.
    pub(super) fn of(
        files: &Files,
        origin: Origin,
        anchors: Option<&Anchors>,
    ) -> Result<Self, String> {
        let vouched = anchors.map(|anchors| anchors.vouch(files));
        let mut files = Cow::Borrowed(files);
        // Nothing rests on what nobody vouches for. Records of a log are judged by all of it: there it
        // is only said.
        if let (Some(Ok(vouched)), Origin::Given(_) | Origin::Bundle(_)) = (&vouched, &origin) {
            let folder = |path: &str| path.split_once('/').map(|(folder, _)| folder.to_owned());
            let is_left_out =
                |path: &str| folder(path).is_some_and(|folder| vouched.unchecked.contains(&folder));
            if !vouched.unchecked.is_empty() {
                files.to_mut().retain(|path, _| !is_left_out(path));
            }
        }
        // Documents are judged as of their time stamps: that it expired since then is of no matter.
        let snapshot = Snapshot::from_files(&files, Timestamp::UNIX_EPOCH)
            .map_err(|error| format!("it is no configuration: {}", with_causes(&error)))?;
        let mut shared = Vec::new();
        for instance in snapshot.instances() {
            let folder = disk::folder(instance).map_err(|error| with_causes(&error))?;
            let path = format!("{folder}/{}", disk::SHARED_PARAMS);
            let digest = files.get(&path).map(|bytes| sha256(bytes));
            shared.push((instance.to_owned(), digest.unwrap_or_default()));
        }
        Ok(Self {
            origin,
            rules: snapshot.rules().map(sha256),
            approved: Approved::of(&snapshot),
            vouched,
            snapshot,
            shared,
        })
    }

    /// Why no anchor vouches for it, where one was given.
    pub(super) fn failure(&self) -> Option<String> {
        let reason = self.vouched.as_ref()?.as_ref().err()?;
        let name = self.origin.name();
        Some(format!(
            "the configuration {name} is not shown to be the registry's: {reason}"
        ))
    }

    /// An anchor vouches for it.
    pub(super) fn vouched(&self) -> Option<&Vouched> {
        self.vouched.as_ref()?.as_ref().ok()
    }

    /// What the anchor does not vouch for.
    pub(super) fn warnings(&self) -> Vec<String> {
        let Some(vouched) = self.vouched() else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        if vouched.is_external {
            warnings.push(
                "the registry signed this for other instances: rules are not vouched for, nor that \
                 there were none"
                    .to_owned(),
            );
        }
        let left_out = match &self.origin {
            Origin::Given(_) | Origin::Bundle(_) => ", and left out",
            Origin::Log(_) => "",
        };
        for folder in &vouched.unchecked {
            warnings.push(format!(
                "parameters of another instance {folder}: not checked by this anchor{left_out}"
            ));
        }
        warnings
    }

    /// Whom it approves.
    pub(super) fn approved(&self) -> &BTreeSet<Approved> {
        &self.approved
    }

    /// What the verdicts rest on, for people.
    pub(super) fn text(&self) -> String {
        let mut text = match &self.origin {
            Origin::Given(path) => format!("by the configuration in {}\n", path.display()),
            Origin::Bundle(folder) => format!("by the configuration in {folder}/ of the bundle\n"),
            Origin::Log(hash) => format!("by the configuration {hash} beside the log\n"),
        };
        match (&self.vouched, &self.origin) {
            (Some(Ok(vouched)), _) => {
                documents::line(
                    &mut text,
                    "registry's",
                    &format!("yes, by the anchor {}", vouched.by),
                );
                for warning in self.warnings() {
                    documents::line(&mut text, "warning", &warning);
                }
            }
            (Some(Err(reason)), _) => {
                documents::line(&mut text, "registry's", &format!("FAILS: {reason}"));
            }
            (None, Origin::Given(_)) => {}
            (None, Origin::Bundle(_) | Origin::Log(_)) => documents::line(
                &mut text,
                "registry's",
                "not checked: it is the word of whoever made this. Give the registry's anchor with \
                 --anchor, your own configuration with --conf, or compare what follows",
            ),
        }
        for (instance, digest) in &self.shared {
            let instance = printable(instance);
            let _infallible = writeln!(
                text,
                "  instance      {instance}, SHA-256 of its parameters {digest}"
            );
        }
        if let Some(digest) = &self.rules {
            let _infallible = writeln!(text, "  rules         SHA-256 {digest}");
        }
        text.push_str(&approved::text(&self.approved));
        for ignored in self.snapshot.ignored() {
            let _infallible = writeln!(
                text,
                "  left out      {}: {}",
                printable(&ignored.folder),
                left_out(&ignored.reason)
            );
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let shared = self.shared.iter();
        let mut document = json!({
            "from": match &self.origin {
                Origin::Given(_) => "given",
                Origin::Bundle(_) => "bundle",
                Origin::Log(_) => "log",
            },
            "path": self.origin.name(),
            "instances": shared.map(|(instance, digest)| json!({
                "instance": instance, "shared_params_sha256": digest,
            })).collect::<Vec<_>>(),
            "rules_sha256": self.rules,
            "anchor": self.vouched().map(|vouched| &vouched.by),
            "anchor_expires_at": self.vouched().map(|vouched| vouched.expires_at.to_string()),
            "anchor_refused": self.vouched.as_ref().and_then(|vouched| vouched.as_ref().err()),
            "left_out": self.snapshot.ignored().iter()
                .map(|ignored| ignored.folder.clone()).collect::<Vec<_>>(),
            "warnings": self.warnings(),
        });
        if let Some(fields) = document.as_object_mut() {
            let approved = approved::json(&self.approved).into_iter();
            fields.extend(approved.map(|(name, value)| (name.to_owned(), value)));
        }
        document
    }
}

/// Of several that an anchor vouches for, those that the registry signed before the newest of them:
/// that they were in force still is the word of whoever put them together.
pub(super) fn older(configurations: &[Configuration]) -> Vec<String> {
    let vouched = configurations.iter();
    let vouched: Vec<_> = vouched
        .filter_map(|one| Some((one.origin.name(), one.vouched()?.expires_at)))
        .collect();
    let Some((newest, latest)) = vouched.iter().max_by_key(|(_, expires_at)| *expires_at) else {
        return Vec::new();
    };
    let older = vouched.iter().filter(|(_, expires_at)| expires_at < latest);
    older
        .map(|(name, expires_at)| {
            format!(
                "the registry signed {name}/ (valid until {expires_at}) before {newest}/ (valid until \
                 {latest}): that it was still in force is the word of whoever made this"
            )
        })
        .collect()
}

fn left_out(reason: &Reason) -> String {
    match reason {
        Reason::Outdated { expires_at } => format!("it expired at {expires_at}"),
        Reason::NoSharedParameters => "it has no shared parameters".to_owned(),
        Reason::Malformed(error) => with_causes(error),
    }
}

/// What a third person needs of a configuration: the shared parameters of every instance and the
/// registry's rules, as downloaded, the directory that the registry signed over them, the version they
/// are of, and no expiry, so that they serve as long as they are kept.
pub(super) fn for_others(files: &Files) -> Result<Files, String> {
    let mut kept = Files::new();
    for (path, bytes) in files.iter().filter(|(path, _)| is_for_others(path)) {
        let is_metadata = path.ends_with(disk::METADATA_SUFFIX);
        let bytes = match is_metadata && !is_called(path, disk::SIGNED_DIRECTORY) {
            false => bytes.clone(),
            true => {
                let metadata =
                    disk::Metadata::from_json(bytes, path).map_err(|error| with_causes(&error))?;
                let version = disk::Metadata {
                    configuration_version: metadata.configuration_version,
                    ..disk::Metadata::default()
                };
                version.to_json()
            }
        };
        kept.insert(path.clone(), bytes);
    }
    Ok(kept)
}

/// Whether a file of a configuration directory is among them. Rules say themselves what they are, so
/// they need no metadata.
pub(super) fn is_for_others(path: &str) -> bool {
    let parameters = path.strip_suffix(disk::METADATA_SUFFIX).unwrap_or(path);
    path == disk::INSTANCE_IDENTIFIER
        || is_called(path, disk::SIGNED_DIRECTORY)
        || is_called(path, disk::RULES)
        || is_called(parameters, disk::SHARED_PARAMS)
}

fn is_called(path: &str, name: &str) -> bool {
    let file = path.split_once('/').map(|(_, file)| file);
    file == Some(name)
}

fn unpacked(source: Source) -> Result<Files, zip::Error> {
    let limits = Limits {
        entries_max: ENTRIES_MAX,
        total_bytes_max: BYTES_MAX,
        names: Names::Folders,
        ..Limits::ARCHIVE
    };
    let archive = zip::Archive::open(source, &limits)?;
    let entries = archive.entries().iter();
    entries
        .map(|entry| Ok((entry.name().to_owned(), archive.read(entry)?.to_vec())))
        .collect()
}

/// Nodes hand it out in a folder of its own.
fn below(files: Files) -> Files {
    if files.contains_key(disk::INSTANCE_IDENTIFIER) {
        return files;
    }
    let inside = format!("{HANDED_OUT}/");
    let inner = |(path, bytes): (String, Vec<u8>)| {
        path.strip_prefix(&inside)
            .map(|path| (path.to_owned(), bytes))
    };
    files.into_iter().filter_map(inner).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Digest::of(DigestAlgorithm::Sha256, bytes).as_bytes())
}

const HANDED_OUT: &str = "verificationconf";
const BYTES_MAX: u64 = 512 << 20;
const ENTRIES_MAX: u64 = 10_000;

#[cfg(test)]
mod tests;
