//! Reading an archive file, or a download of containers.

use std::collections::HashSet;

use gateway_globalconf::Snapshot;

use super::Error;
use crate::linking::{Chain, Info, LINKING_INFO, Link};
use crate::verify::hashes::digest;
use crate::zip::{self, Entry, Limits, Source};
use crate::{container, report, verify as signed};

/// An archive file, or a download, whose structure as a ZIP file holds.
#[derive(Debug)]
pub struct Archive {
    zip: zip::Archive,
    containers: Vec<Entry>,
    foreign: Vec<Entry>,
    has_links: bool,
}

/// Where a chain has to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// Nowhere: it is the first file.
    First,
    /// The last digest of the file before, in hexadecimal.
    After(&'a str),
    /// Wherever it says. It may be that a file before is missing.
    Unknown,
}

/// Linking information that holds: all containers, in this order, as they were archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The linking information. Its last digest is where the next file has to go on from.
    pub info: Info,
    /// Where the chain goes on from was given, and is right.
    pub is_start_verified: bool,
}

/// What came out for an archive file, or a download.
#[derive(Debug)]
pub struct Report {
    /// The chain; `None`: a download, which has none.
    pub linked: Option<Linked>,
    /// The containers in their order, each with its own verdict.
    pub containers: Vec<(String, Result<report::Report, signed::Error>)>,
    /// Files that are no containers, and are not linked.
    pub foreign: Vec<String>,
}

impl Report {
    /// Every container holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.containers.iter().all(|(_, verdict)| verdict.is_ok())
    }
}

/// Verifies the chain of an archive file, when it has one, and then every container. A download has
/// no chain, so that it can be asked only from nowhere or wherever.
///
/// # Errors
///
/// When the file itself, or its chain, does not hold. Containers have verdicts of their own.
pub fn verify(
    source: impl Into<Source>,
    start: Start<'_>,
    limits: &Limits,
    container_limits: &Limits,
    conf: &Snapshot,
) -> Result<Report, Error> {
    let archive = Archive::open(source, limits)?;
    for entry in archive.foreign() {
        archive.zip.check(entry).map_err(Error::Zip)?;
    }
    let linked = match (archive.has_links(), start) {
        (false, Start::Unknown) => None,
        (true, _) | (false, Start::First | Start::After(_)) => Some(archive.links(start)?),
    };
    let containers = archive
        .containers()
        .iter()
        .map(|entry| {
            let verdict = archive
                .container(entry, container_limits)
                .and_then(|container| signed::verify(&container, conf));
            (entry.name().to_owned(), verdict)
        })
        .collect();
    let foreign = archive.foreign();
    Ok(Report {
        linked,
        containers,
        foreign: foreign
            .iter()
            .map(|entry| entry.name().to_owned())
            .collect(),
    })
}

impl Archive {
    /// Opens an archive file or a download.
    ///
    /// # Errors
    ///
    /// When it is no regular ZIP file, or holds no container.
    pub fn open(source: impl Into<Source>, limits: &Limits) -> Result<Self, Error> {
        let zip = zip::Archive::open(source, limits).map_err(Error::Zip)?;
        let entries = || zip.entries().iter();
        let has_links = zip.entry(LINKING_INFO).is_some();
        let containers: Vec<Entry> = entries().filter(is_container).cloned().collect();
        let foreign = entries()
            .filter(|entry| !is_container(entry) && entry.name() != LINKING_INFO)
            .cloned()
            .collect();
        match containers.is_empty() {
            true => Err(Error::NoContainer),
            false => Ok(Self {
                zip,
                containers,
                foreign,
                has_links,
            }),
        }
    }

    /// It is an archive file, not a download.
    #[must_use]
    pub const fn has_links(&self) -> bool {
        self.has_links
    }

    /// The containers in their order.
    #[must_use]
    pub fn containers(&self) -> &[Entry] {
        &self.containers
    }

    /// Files that are neither containers nor linking information.
    #[must_use]
    pub fn foreign(&self) -> &[Entry] {
        &self.foreign
    }

    /// Verifies the chain: that it goes on from where it must, and that the containers are those
    /// that were linked, all of them, in their order. They are read as streams.
    ///
    /// # Errors
    ///
    /// The first thing that does not hold.
    pub fn links(&self, start: Start<'_>) -> Result<Linked, Error> {
        let entry = self.zip.entry(LINKING_INFO).ok_or(Error::NoLinkingInfo)?;
        let text = self.zip.read(entry).map_err(Error::Zip)?;
        let info = Info::parse(&text).map_err(Error::Linking)?;
        let is_start_verified = check_start(&info, start)?;
        self.check_names(&info)?;
        let mut chain = Chain::new(info.algorithm, info.previous.clone());
        for (entry, linked) in self.containers.iter().zip(&info.links) {
            let mut content = self.content(entry)?;
            let digest = digest(&mut content, chain.hasher()).map_err(Error::Zip)?;
            chain.add(entry.name(), &digest);
            if chain.info().links.last() != Some(linked) {
                return Err(Error::Digest {
                    name: entry.name().to_owned(),
                });
            }
        }
        Ok(Linked {
            info,
            is_start_verified,
        })
    }

    /// The octets of one of the containers as a stream, for those that are too large for memory.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn content(&self, entry: &Entry) -> Result<zip::Content, Error> {
        self.zip.content(entry).map_err(Error::Zip)
    }

    /// Opens one of the containers, which is taken into memory.
    ///
    /// # Errors
    ///
    /// As [`container::open`].
    pub fn container(
        &self,
        entry: &Entry,
        limits: &Limits,
    ) -> Result<container::Container, signed::Error> {
        let octets = self.zip.read(entry).map_err(signed::Error::Zip)?;
        container::open(octets, limits)
    }

    /// As many names, the same, in the same order.
    fn check_names(&self, info: &Info) -> Result<(), Error> {
        let linked: HashSet<&str> = info.links.iter().map(|link| link.name.as_str()).collect();
        let mut present = HashSet::new();
        for entry in &self.containers {
            if !linked.contains(entry.name()) {
                return Err(Error::Unlinked {
                    name: entry.name().to_owned(),
                });
            }
            present.insert(entry.name());
        }
        let missing = |link: &&Link| !present.contains(link.name.as_str());
        if let Some(link) = info.links.iter().find(missing) {
            return Err(Error::Missing {
                name: link.name.clone(),
            });
        }
        let mut pairs = self.containers.iter().zip(&info.links);
        match pairs.find(|(entry, link)| entry.name() != link.name) {
            None => Ok(()),
            Some((entry, _)) => Err(Error::Order {
                name: entry.name().to_owned(),
            }),
        }
    }
}

/// Whether the start was given, and is right.
fn check_start(info: &Info, start: Start<'_>) -> Result<bool, Error> {
    let found = info.previous.as_ref().map(|previous| &previous.digest);
    let expected = match start {
        Start::Unknown => return Ok(false),
        Start::First => None,
        Start::After(digest) => Some(digest.to_ascii_lowercase()),
    };
    match expected.as_ref() == found {
        true => Ok(true),
        false => Err(Error::Previous {
            expected,
            found: found.cloned(),
        }),
    }
}

fn is_container(entry: &&Entry) -> bool {
    entry.name().ends_with(".asice")
}
