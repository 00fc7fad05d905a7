//! The layout of a downloaded configuration on disk, as relative path → bytes; the caller reads
//! and replaces the files. Other implementations read and write the same layout.
//!
//! ```text
//! instance-identifier                own instance
//! DEV/private-params.xml             own instance only
//! DEV/shared-params.xml
//! DEV/….xml                          optional parts of the own instance
//! DEV/….xml.metadata                 beside each part: what its directory said of it
//! DEV/signed-directory.metadata      ours: the directory itself, so that others can check its signature
//! PARTNER/shared-params.xml
//! ```
//!
//! Who can write here decides whom this node trusts: signatures are checked on download, not on
//! every start.

use std::fmt;
use std::fmt::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::PartEntry;
use crate::params::{self, Version};

/// The file that names the own instance.
pub const INSTANCE_IDENTIFIER: &str = "instance-identifier";
/// The file of the private parameters.
pub const PRIVATE_PARAMS: &str = "private-params.xml";
/// The file of the shared parameters.
pub const SHARED_PARAMS: &str = "shared-params.xml";
/// The file of the optional part FETCHINTERVAL.
pub const FETCH_INTERVAL_PARAMS: &str = "fetchinterval-params.xml";
/// The file of the optional part NEXTUPDATE.
pub const NEXT_UPDATE_PARAMS: &str = "nextupdate-params.xml";
/// The file of the optional part MONITORING.
pub const MONITORING_PARAMS: &str = "monitoring-params.xml";
/// The file of the optional part KARVAN-RULES.
pub const RULES: &str = "karvan-rules.json";
/// The signed directory of an instance as it was received. It is metadata: it changes with each
/// download, and no part can be called so.
pub const SIGNED_DIRECTORY: &str = "signed-directory.metadata";
/// What the name of a part's metadata adds to the part's.
pub const METADATA_SUFFIX: &str = ".metadata";

/// Why files are not a configuration.
#[derive(Debug)]
pub enum Error {
    /// The file that names the own instance is missing.
    MissingIdentifier,
    /// The file that names the own instance does not hold an instance code.
    MalformedIdentifier,
    /// There is no folder of any instance.
    Empty,
    /// There are no shared parameters of the own instance.
    MissingOwnInstance {
        /// The own instance.
        instance: String,
    },
    /// The metadata beside a part cannot be read.
    Metadata {
        /// Its path.
        path: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A folder or file name that cannot be used.
    UnusableName {
        /// The name.
        name: String,
    },
}

/// What the directory said of a part, kept beside it as one JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The content identifier of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_identifier: Option<String>,
    /// Its instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_identifier: Option<String>,
    /// Until when the part may be used; missing: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Timestamp>,
    /// The name the entry proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_file_name: Option<String>,
    /// Where the part was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_location: Option<String>,
    /// The version of the directory; missing: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_version: Option<String>,
}

impl Metadata {
    /// Reads the metadata at `path`.
    ///
    /// # Errors
    /// When it is not such a JSON object. A registry's own copy may leave everything out, but what
    /// is there must be right: unreadable must not mean "never expires".
    pub fn from_json(bytes: &[u8], path: &str) -> Result<Self, Error> {
        // By way of an object: the fields alone could also be read from a list.
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes)
            .and_then(|object| serde_json::from_value(object.into()))
            .map_err(|source| Error::Metadata {
                path: path.to_owned(),
                source,
            })
    }

    /// Writes the metadata.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and a time cannot fail to serialise; an empty object would still be readable.
        serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec())
    }

    /// The version the part is written in.
    ///
    /// # Errors
    /// When it is not one we read.
    pub fn version(&self) -> Result<Version, params::Error> {
        match &self.configuration_version {
            Some(text) => Version::parse(text),
            None => Ok(Version::OLDEST),
        }
    }
}

impl From<&PartEntry> for Metadata {
    fn from(entry: &PartEntry) -> Self {
        Self {
            content_identifier: Some(entry.identifier().to_owned()),
            instance_identifier: Some(entry.instance().to_owned()),
            expiration_date: Some(entry.expires_at()),
            content_file_name: entry.file_name().map(str::to_owned),
            content_location: Some(entry.location().to_owned()),
            configuration_version: Some(entry.version().number().to_string()),
        }
    }
}

/// The folder of an instance: its code in `application/x-www-form-urlencoded`.
///
/// # Errors
/// When the code is empty or would name a folder elsewhere.
pub fn folder(instance: &str) -> Result<String, Error> {
    let mut folder = String::new();
    for byte in instance.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                folder.push(char::from(byte));
            }
            b' ' => folder.push('+'),
            other => {
                // Writing into a string cannot fail.
                let _ = write!(folder, "%{other:02X}");
            }
        }
    }
    match folder.as_str() {
        "" | "." | ".." => Err(Error::UnusableName {
            name: instance.to_owned(),
        }),
        _ => Ok(folder),
    }
}

/// The instance a folder is of; `None` when it is not a folder name of [`folder`].
pub(crate) fn instance_of(folder: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = folder.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The name a part is stored under in the folder of its instance: fixed for the well-known ones,
/// else the last segment of what the entry proposes, or of where it lies.
///
/// # Errors
/// When that is no plain file name, or one that stands for something else.
pub fn file_name(entry: &PartEntry) -> Result<String, Error> {
    let proposed = match entry.identifier() {
        params::PRIVATE_PARAMETERS => return Ok(PRIVATE_PARAMS.to_owned()),
        params::SHARED_PARAMETERS => return Ok(SHARED_PARAMS.to_owned()),
        _ => match entry.file_name() {
            Some(name) if !name.trim().is_empty() => name,
            Some(_) | None => {
                let location = entry.location();
                location.split(['?', '#']).next().unwrap_or(location)
            }
        },
    };
    let name = proposed.rsplit('/').next().unwrap_or(proposed);
    let plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    let usable = !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= FILE_NAME_BYTES_MAX
        && name.chars().all(plain)
        && !name.ends_with(METADATA_SUFFIX)
        && SIGNED_DIRECTORY.strip_suffix(METADATA_SUFFIX) != Some(name)
        && !matches!(name, PRIVATE_PARAMS | SHARED_PARAMS | INSTANCE_IDENTIFIER);
    match usable {
        true => Ok(name.to_owned()),
        false => Err(Error::UnusableName {
            name: name.to_owned(),
        }),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingIdentifier => write!(
                f,
                "the file {INSTANCE_IDENTIFIER:?} is missing: this is not a downloaded \
                 configuration, or the download never finished"
            ),
            Self::MalformedIdentifier => {
                write!(
                    f,
                    "the file {INSTANCE_IDENTIFIER:?} does not hold an instance code"
                )
            }
            Self::Empty => f.write_str("there is no folder of any instance"),
            Self::MissingOwnInstance { instance } => {
                write!(
                    f,
                    "there are no shared parameters of the own instance {instance:?}"
                )
            }
            Self::Metadata { path, .. } => write!(f, "the metadata {path:?} cannot be read"),
            Self::UnusableName { name } => write!(f, "{name:?} cannot be used as a file name"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Metadata { source, .. } => Some(source),
            Self::MissingIdentifier
            | Self::MalformedIdentifier
            | Self::Empty
            | Self::MissingOwnInstance { .. }
            | Self::UnusableName { .. } => None,
        }
    }
}

const FILE_NAME_BYTES_MAX: usize = 100;

#[cfg(test)]
mod tests;
