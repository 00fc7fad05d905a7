//! `GET /verificationconf`: the configuration that signed documents are verified with, without its
//! expiry, so that it serves as long as it is kept; and the directory that the registry signed over it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_asic::zip;
use gateway_exchange::conf::Conf;
use gateway_globalconf::directory;
use gateway_globalconf::disk::{self, Metadata};
use gateway_net::{Body, Peer};
use http::Response;
use jiff::Timestamp;

use super::{Downloads, Refused, file};

/// Files of an instance: name → bytes.
type Files = BTreeMap<String, Vec<u8>>;

/// Why a download broke off.
#[derive(Debug)]
enum Error {
    File {
        path: PathBuf,
        source: io::Error,
    },
    Metadata(disk::Error),
    /// The registry published another one, again and again.
    Changing,
    Zip(zip::Error),
}

/// Sends the shared parameters of every instance in force, and what an anchor vouches for them with.
pub(super) async fn answer(
    downloads: &Downloads,
    peer: &Peer,
    conf: &Conf,
) -> Result<Response<Body>, Refused> {
    let folders = conf.snapshot.instances().map(disk::folder);
    let folders: Vec<String> = folders
        .collect::<Result<_, _>>()
        .map_err(|error| Refused::failed("The configuration cannot be read", &error))?;
    let instance = conf.snapshot.instance().to_owned();
    let (root, now) = (downloads.configuration.clone(), downloads.node.clock.now());
    let body = downloads
        .slots
        .take(peer.address.ip())?
        .body(None, move |out| pack(&root, &folders, &instance, now, out));
    let disposition = "filename=\"verificationconf.zip\"";
    Ok(file("application/zip", disposition, body))
}

fn pack(
    root: &Path,
    folders: &[String],
    instance: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let options = zip::Options {
        level: 6,
        names: zip::Names::Folders,
        ..zip::Options::archive()
    };
    let mut zip = zip::Writer::new(out, options);
    for folder in folders {
        for (name, bytes) in read(&root.join(folder))? {
            let name = format!("{FOLDER}/{folder}/{name}");
            zip.file(&name, now, &bytes).map_err(Error::Zip)?;
        }
    }
    let name = format!("{FOLDER}/{}", disk::INSTANCE_IDENTIFIER);
    zip.file(&name, now, instance.as_bytes())
        .map_err(Error::Zip)?;
    zip.finish().map(drop).map_err(Error::Zip)
}

/// The files of an instance, by name: the parameters as downloaded, of their metadata the version
/// alone, the registry's rules, and the directory that it signed over both, by which an anchor vouches
/// for them. Deployed verifiers open the parameters and their metadata by name; the directory is
/// metadata to them. All of it may be replaced while it is read; what counts is that the version is
/// that of the parameters, and that the directory is theirs. Where it stays another one (this node
/// did not write it) none is handed out: they serve as well, but no anchor vouches for them.
fn read(folder: &Path) -> Result<Files, Error> {
    let mut unsigned = None;
    for attempt in 0..TRIES_MAX {
        if attempt > 0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "it runs on a thread for blocking work"
            )]
            std::thread::sleep(BETWEEN_TRIES);
        }
        let before = version(folder)?;
        let path = folder.join(disk::SHARED_PARAMS);
        let parameters = std::fs::read(&path).map_err(|source| Error::File { path, source })?;
        let rules = optional(folder, disk::RULES)?;
        let directory = optional(folder, disk::SIGNED_DIRECTORY)?;
        if version(folder)? != before {
            continue;
        }
        let version = (
            format!("{}{}", disk::SHARED_PARAMS, disk::METADATA_SUFFIX),
            before.to_json(),
        );
        let mut files = Files::from([(disk::SHARED_PARAMS.to_owned(), parameters), version]);
        files.extend(rules.map(|rules| (disk::RULES.to_owned(), rules)));
        match directory {
            Some(directory) if is_of(&directory, folder, &files) => {
                files.insert(disk::SIGNED_DIRECTORY.to_owned(), directory);
                return Ok(files);
            }
            Some(_) => unsigned = Some(files),
            None => return Ok(files),
        }
    }
    unsigned.ok_or(Error::Changing)
}

/// Whether a directory announces exactly what is handed out of the parameters and the rules.
fn is_of(directory: &[u8], folder: &Path, files: &Files) -> bool {
    let folder = folder.file_name().and_then(|name| name.to_str());
    directory::announced_unverified(directory).is_ok_and(|parts| {
        let announced = |name: &str| {
            parts.iter().find(|part| {
                disk::folder(part.instance()).ok().as_deref() == folder
                    && disk::file_name(part).is_ok_and(|found| found == name)
            })
        };
        let is_right = |name: &str| match (announced(name), files.get(name)) {
            (Some(part), Some(bytes)) => part.matches(bytes),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is_right(disk::SHARED_PARAMS) && is_right(disk::RULES)
    })
}

fn optional(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::File { path, source }),
    }
}

fn version(folder: &Path) -> Result<Metadata, Error> {
    let path = folder.join(format!("{}{}", disk::SHARED_PARAMS, disk::METADATA_SUFFIX));
    let json = std::fs::read(&path).map_err(|source| Error::File {
        path: path.clone(),
        source,
    })?;
    let metadata = Metadata::from_json(&json, disk::SHARED_PARAMS).map_err(Error::Metadata)?;
    Ok(Metadata {
        configuration_version: metadata.configuration_version,
        ..Metadata::default()
    })
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{} cannot be read", path.display()),
            Self::Metadata(error) => write!(f, "{error}"),
            Self::Changing => f.write_str("the configuration changed while it was read"),
            Self::Zip(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Metadata(error) => error.source(),
            Self::Changing => None,
            Self::Zip(error) => error.source(),
        }
    }
}

const FOLDER: &str = "verificationconf";
const TRIES_MAX: u32 = 10;
/// A node replaces the files of an instance within this time, several times over.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
