//! Linking information: the chain of digests that binds the containers of an archive file to one
//! another and to the file before it.
//!
//! ```text
//! ‹previous digest or -› ‹previous archive file name or -› ‹algorithm›
//! ‹digest 1› ‹container name 1›
//! ‹digest 2› ‹container name 2›
//! ```
//!
//! `digest i` = H(`digest i−1` ‖ hex(H(container i))), both as lower-case hexadecimal text; the digest
//! before the first is that of the previous file, or the empty text (UG-SS, message log archives).
//! Whoever holds the last digest of a chain cannot be shown another past.

use std::collections::HashSet;
use std::fmt;

use certs_keys::{Digest, DigestAlgorithm, Hasher};

/// The end of an earlier archive file: where the next one goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its last digest, lower-case hexadecimal.
    pub digest: String,
    /// Its file name.
    pub file_name: String,
}

/// A container in its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The digest of the chain up to and including this container, lower-case hexadecimal.
    pub digest: String,
    /// The name of the container in the archive file.
    pub name: String,
}

/// The linking information of one archive file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Where the chain comes from; `None`: it begins here.
    pub previous: Option<Previous>,
    /// The digest of containers and links.
    pub algorithm: DigestAlgorithm,
    /// The containers in their order.
    pub links: Vec<Link>,
}

/// Builds the linking information of one archive file, container by container.
#[derive(Clone, Debug)]
pub struct Chain {
    info: Info,
}

/// Why linking information was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not UTF-8 text.
    NotText,
    /// It is longer than is read.
    TooLong {
        /// How many lines are read, at most.
        links_max: usize,
    },
    /// A line is not of its form.
    Line {
        /// Which, the first being 1.
        number: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The algorithm is none that archives may use.
    Algorithm {
        /// Its name, as written and cut short.
        name: String,
    },
    /// Two lines name the same container.
    Repeated {
        /// The name.
        name: String,
    },
}

impl Info {
    /// Reads the entry `linkinginfo` of an archive file.
    ///
    /// # Errors
    /// It is not of the form described above.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::NotText)?;
        let mut lines = text.lines().enumerate();
        let first = lines.next().map(|(_, line)| line).unwrap_or_default();
        let (previous, algorithm) = parse_first(first)?;
        let mut links = Vec::new();
        let mut names = HashSet::new();
        for (index, line) in lines {
            if links.len() >= LINKS_MAX {
                return Err(Error::TooLong {
                    links_max: LINKS_MAX,
                });
            }
            let link = parse_link(line, algorithm).map_err(|reason| Error::Line {
                number: index.saturating_add(1),
                reason,
            })?;
            if !names.insert(link.name.clone()) {
                return Err(Error::Repeated { name: link.name });
            }
            links.push(link);
        }
        Ok(Self {
            previous,
            algorithm,
            links,
        })
    }

    /// The text of the entry `linkinginfo`.
    #[must_use]
    pub fn encode(&self) -> String {
        let (digest, file_name) = match &self.previous {
            Some(previous) => (previous.digest.as_str(), previous.file_name.as_str()),
            None => (NONE, NONE),
        };
        let mut text = format!("{digest} {file_name} {}\n", self.algorithm.name());
        for link in &self.links {
            text.push_str(&link.digest);
            text.push(' ');
            text.push_str(&link.name);
            text.push('\n');
        }
        text
    }

    /// The digest where the chain ends: that of the last container, or the previous file's.
    #[must_use]
    pub fn last_digest(&self) -> &str {
        match (self.links.last(), &self.previous) {
            (Some(link), _) => &link.digest,
            (None, Some(previous)) => &previous.digest,
            (None, None) => "",
        }
    }
}

impl Chain {
    /// Goes on after an earlier file, or begins.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm, previous: Option<Previous>) -> Self {
        Self {
            info: Info {
                previous,
                algorithm,
                links: Vec::new(),
            },
        }
    }

    /// A hasher for the octets of the next container.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        Hasher::new(self.info.algorithm)
    }

    /// Adds a container by the digest of its octets.
    pub fn add(&mut self, name: &str, container: &Digest) {
        let digest = link(self.info.algorithm, self.info.last_digest(), container);
        self.info.links.push(Link {
            digest,
            name: name.to_owned(),
        });
    }

    /// What was added so far.
    #[must_use]
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// All that was added.
    #[must_use]
    pub fn into_info(self) -> Info {
        self.info
    }
}

/// The digest of the chain after one more container.
fn link(algorithm: DigestAlgorithm, before: &str, container: &Digest) -> String {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(before.as_bytes());
    hasher.update(hex::encode(container.as_bytes()).as_bytes());
    hex::encode(hasher.finish().as_bytes())
}

/// The name of the previous file stands between the first and the last word: names of groups may
/// hold blanks.
fn parse_first(line: &str) -> Result<(Option<Previous>, DigestAlgorithm), Error> {
    let wrong = |reason| Error::Line { number: 1, reason };
    let (digest, rest) = line
        .split_once(' ')
        .ok_or_else(|| wrong("there are not three words"))?;
    let (file_name, name) = rest
        .rsplit_once(' ')
        .ok_or_else(|| wrong("there are not three words"))?;
    let algorithm = DigestAlgorithm::from_name(name)
        .filter(|algorithm| !algorithm.is_legacy())
        .ok_or_else(|| Error::Algorithm {
            name: name.chars().take(TEXT_CHARS_MAX).collect(),
        })?;
    let previous = match (digest, file_name) {
        (NONE, NONE) => None,
        (NONE, _) | (_, NONE | "") => {
            return Err(wrong("of the previous file only one half is named"));
        }
        // Another algorithm may have been in use for the file before.
        (_, file_name) if file_name.chars().any(char::is_control) => {
            return Err(wrong(
                "the name of the previous file holds control characters",
            ));
        }
        (digest, file_name) if is_digest(digest) => Some(Previous {
            digest: digest.to_owned(),
            file_name: file_name.to_owned(),
        }),
        _ => return Err(wrong("the previous digest is not hexadecimal")),
    };
    Ok((previous, algorithm))
}

fn parse_link(line: &str, algorithm: DigestAlgorithm) -> Result<Link, &'static str> {
    let (digest, name) = line.split_once(' ').ok_or("there are not two words")?;
    let length = algorithm.output_bytes().saturating_mul(2);
    if digest.len() != length || !is_digest(digest) {
        return Err("the digest is not one of the algorithm, in lower-case hexadecimal");
    }
    if name.is_empty() || name.chars().any(|c| c == ' ' || c.is_control()) {
        return Err("the name is empty or holds blanks");
    }
    Ok(Link {
        digest: digest.to_owned(),
        name: name.to_owned(),
    })
}

/// The digest of some algorithm in lower-case hexadecimal.
fn is_digest(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && DigestAlgorithm::ALL
            .into_iter()
            .any(|algorithm| text.len() == algorithm.output_bytes().saturating_mul(2))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("the linking information is not text"),
            Self::TooLong { links_max } => {
                write!(
                    f,
                    "the linking information names more than {links_max} containers"
                )
            }
            Self::Line { number, reason } => {
                write!(f, "line {number} of the linking information: {reason}")
            }
            Self::Algorithm { name } => {
                write!(
                    f,
                    "the linking information names {name:?}, which is no algorithm of archives"
                )
            }
            Self::Repeated { name } => {
                write!(f, "the linking information names {name:?} twice")
            }
        }
    }
}

impl std::error::Error for Error {}

/// The name of the entry that holds it.
pub const LINKING_INFO: &str = "linkinginfo";

/// Stands for what is not there.
const NONE: &str = "-";
/// Servers put at most ten thousand records into one file.
const LINKS_MAX: usize = 1_000_000;
const TEXT_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests;
