//! `GET /verificationconf`: the configuration that signed documents are verified with, without its
//! expiry, so that it serves as long as it is kept.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gateway_asic::zip;
use gateway_exchange::conf::Conf;
use gateway_globalconf::disk::{self, Metadata};
use gateway_net::{Body, Peer};
use http::Response;
use jiff::Timestamp;

use super::{Downloads, Refused, file};

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

/// Sends the shared parameters of every instance in force.
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
        let (parameters, metadata) = read(&root.join(folder))?;
        let name = format!("{FOLDER}/{folder}/{}", disk::SHARED_PARAMS);
        zip.file(&name, now, &parameters).map_err(Error::Zip)?;
        let name = format!("{name}{}", disk::METADATA_SUFFIX);
        zip.file(&name, now, &metadata).map_err(Error::Zip)?;
    }
    let name = format!("{FOLDER}/{}", disk::INSTANCE_IDENTIFIER);
    zip.file(&name, now, instance.as_bytes())
        .map_err(Error::Zip)?;
    zip.finish().map(drop).map_err(Error::Zip)
}

/// The parameters as downloaded, and of their metadata the version alone. Both files may be replaced
/// while they are read; what counts is that the version is that of the parameters.
fn read(folder: &Path) -> Result<(Vec<u8>, Vec<u8>), Error> {
    for _ in 0..TRIES_MAX {
        let before = version(folder)?;
        let path = folder.join(disk::SHARED_PARAMS);
        let parameters = std::fs::read(&path).map_err(|source| Error::File { path, source })?;
        if version(folder)? == before {
            return Ok((parameters, before.to_json()));
        }
    }
    Err(Error::Changing)
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
const TRIES_MAX: u32 = 5;
