//! What there is to check: what a path is, told by its content, and in which order.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use gateway_asic::linking::{Info, LINKING_INFO};
use gateway_asic::zip::{Archive, Limits, Names, Source};

use super::archives::is_archive_name;
use super::pgp::Pgp;
use super::unpacked::Room;
use super::{Error, bundle, file_error};
use crate::causes::with_causes;

/// All that is to be checked.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Folders are listed in the order of names.
    pub(super) list: Vec<Target>,
    /// Files and folders met in folders that are nothing of ours, and were not looked at.
    pub(super) skipped: Vec<PathBuf>,
}

/// What is to be checked.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    /// Met in a folder, where archives have to go on from one another.
    pub(super) is_in_folder: bool,
}

/// What a path is, told by its content.
#[derive(Debug)]
pub(super) enum Kind {
    Log,
    Container,
    Archive,
    Bundle,
    Encrypted,
    /// Nothing that could be evidence, and why.
    Broken(String),
    /// Nothing of ours.
    Other,
}

impl Target {
    /// An archive with the same name but for the digest at its end.
    fn is_made_with(&self, other: &Self) -> bool {
        let stem = |target: &Self| {
            let name = name_of(&target.path);
            let (stem, _) = name.rsplit_once('-')?;
            let is_one = target.is_in_folder && is_archive_name(&name);
            is_one.then(|| stem.to_owned())
        };
        stem(self).is_some_and(|own| stem(other) == Some(own))
    }

    /// The linking information of an archive, if it has one that can be read.
    fn links(&self, pgp: Option<&Pgp>, room: Room) -> Result<Option<Info>, Error> {
        let source = match &self.kind {
            Kind::Encrypted => match pgp.map(|pgp| pgp.decrypted(&self.path, room)).transpose()? {
                Some(Ok((source, _))) => source,
                Some(Err(_)) | None => return Ok(None),
            },
            Kind::Log
            | Kind::Container
            | Kind::Archive
            | Kind::Bundle
            | Kind::Broken(_)
            | Kind::Other => opened(&self.path)?,
        };
        Ok(Archive::open(source, &Limits::ARCHIVE)
            .ok()
            .and_then(|archive| archive.read(archive.entry(LINKING_INFO)?).ok())
            .and_then(|text| Info::parse(&text).ok()))
    }
}

impl Targets {
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut targets = Self::default();
        for path in paths {
            if !path.exists() {
                return Err(Error::Use(format!(
                    "{}: there is no such path",
                    path.display()
                )));
            }
            let kind = match path.is_dir() {
                true if is_log(path) => Kind::Log,
                true => {
                    targets.list(path)?;
                    continue;
                }
                false if is_no_file(path) => {
                    return Err(Error::Use(format!(
                        "{} is no file that can be read twice: copy it to one",
                        path.display()
                    )));
                }
                false => match kind_of(path, true)? {
                    Kind::Other => Kind::Broken(NO_EVIDENCE.to_owned()),
                    kind => kind,
                },
            };
            targets.list.push(Target {
                path: path.clone(),
                kind,
                is_in_folder: false,
            });
        }
        Ok(targets)
    }

    fn list(&mut self, folder: &Path) -> Result<(), Error> {
        let failed = |source| file_error(folder, source);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort_unstable();
        for path in paths {
            let kind = match path.is_dir() {
                true if is_log(&path) => Kind::Log,
                true => Kind::Other,
                // Opening a pipe would wait for who writes to it; a device has no end.
                false if is_no_file(&path) => Kind::Other,
                // One of many that cannot be read keeps nobody from checking the others.
                false => {
                    kind_of(&path, false).unwrap_or_else(|error| Kind::Broken(with_causes(&error)))
                }
            };
            if let Kind::Other = kind {
                self.skipped.push(path);
                continue;
            }
            self.list.push(Target {
                path,
                kind,
                is_in_folder: true,
            });
        }
        Ok(())
    }

    /// Names of archives tell their order, but not of several made in one second: those are brought
    /// into the order of their chain.
    pub(super) fn order(&mut self, pgp: Option<&Pgp>, room: Room) -> Result<(), Error> {
        let targets = std::mem::take(&mut self.list);
        let mut rest = targets.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut together = vec![first];
            while let (Some(next), Some(last)) = (rest.peek(), together.last())
                && next.is_made_with(last)
            {
                together.extend(rest.next());
            }
            match together.len() {
                1 => self.list.append(&mut together),
                _ => self.list.extend(in_chain(together, pgp, room)?),
            }
        }
        Ok(())
    }
}

fn in_chain(targets: Vec<Target>, pgp: Option<&Pgp>, room: Room) -> Result<Vec<Target>, Error> {
    let mut left = Vec::with_capacity(targets.len());
    for target in targets {
        left.push((target.links(pgp, room)?, target));
    }
    let mut ordered = Vec::with_capacity(left.len());
    let mut last: Option<String> = None;
    while !left.is_empty() {
        let position = |fits: &dyn Fn(Option<&str>) -> bool| {
            left.iter().position(|(info, _): &(Option<Info>, Target)| {
                let previous = info.as_ref().and_then(|info| info.previous.as_ref());
                fits(previous.map(|previous| previous.digest.as_str()))
            })
        };
        let ends_here = |digest: &str| {
            let mut infos = left.iter().filter_map(|(info, _)| info.as_ref());
            infos.any(|info| info.last_digest() == digest)
        };
        // The one that goes on, one that begins, one whose predecessor is elsewhere.
        let next = position(&|previous| previous.is_some() && previous == last.as_deref())
            .or_else(|| position(&|previous| previous.is_none()))
            .or_else(|| position(&|previous| previous.is_some_and(|one| !ends_here(one))))
            .unwrap_or(0);
        let (info, target) = left.remove(next);
        last = info.map(|info| info.last_digest().to_owned());
        ordered.push(target);
    }
    Ok(ordered)
}

/// The data folder of a node, or its log.
pub(super) fn is_log(path: &Path) -> bool {
    path.join("log/segments").is_dir() || path.join("segments").is_dir()
}

pub(super) fn opened(path: &Path) -> Result<Source, Error> {
    let file = File::open(path).and_then(Source::file);
    file.map_err(|source| file_error(path, source))
}

/// A pipe, socket or device. What cannot be looked at is told when it is opened.
fn is_no_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// What a file is. One that was named must be something.
fn kind_of(path: &Path, is_named: bool) -> Result<Kind, Error> {
    let failed = |source| file_error(path, source);
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(BEGINNING_BYTES)
        .read_to_end(&mut beginning)
        .map_err(failed)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_container = extension.is_some_and(|one| one.eq_ignore_ascii_case("asice"));
    let is_zip = extension.is_some_and(|one| one.eq_ignore_ascii_case("zip"));
    let is_gpg = extension.is_some_and(|one| matches!(one, "gpg" | "pgp"));
    if beginning.starts_with(ARMORED) || (is_gpg || is_named) && is_encrypted(&beginning) {
        return Ok(Kind::Encrypted);
    }
    if !beginning.starts_with(ZIP) {
        return Ok(match is_container || is_zip || is_gpg {
            true => Kind::Broken("it is no ZIP file, and not encrypted".to_owned()),
            false => Kind::Other,
        });
    }
    Ok(match kind_of_zip(&opened(path)?) {
        Kind::Other | Kind::Broken(_) if is_container => Kind::Container,
        kind => kind,
    })
}

/// Told by the names in it. Of one that is no regular ZIP file it is not known what it is.
pub(super) fn kind_of_zip(source: &Source) -> Kind {
    let flat = Limits {
        names: Names::Container,
        ..Limits::ARCHIVE
    };
    let refused = match Archive::open(source.clone(), &flat) {
        Ok(archive) => return kind_of_names(&archive),
        Err(error) => with_causes(&error),
    };
    match Archive::open(source.clone(), &bundle::LIMITS) {
        Ok(archive) => match kind_of_names(&archive) {
            Kind::Container | Kind::Archive => Kind::Broken(refused),
            kind => kind,
        },
        Err(_) => Kind::Broken(refused),
    }
}

fn kind_of_names(archive: &Archive) -> Kind {
    let names = || archive.entries().iter().map(gateway_asic::zip::Entry::name);
    if bundle::looks_like_one(names()) {
        return Kind::Bundle;
    }
    if names().any(|name| name.starts_with("META-INF/") || name == "message.xml") {
        return Kind::Container;
    }
    let of_archive =
        |name: &str| name == LINKING_INFO || name.ends_with(".asice") && !name.contains('/');
    match names().any(of_archive) {
        true => Kind::Archive,
        false => Kind::Other,
    }
}

/// An OpenPGP message begins with a session key for somebody (RFC 9580, 4.2 and 5.1).
fn is_encrypted(beginning: &[u8]) -> bool {
    matches!(beginning.first(), Some(0x84..=0x87 | 0xc1))
}

pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

const ZIP: &[u8] = b"PK";
const ARMORED: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const BEGINNING_BYTES: u64 = 64;
pub(super) const NO_EVIDENCE: &str =
    "it is neither a container, an archive, a bundle nor the data folder of a node";
