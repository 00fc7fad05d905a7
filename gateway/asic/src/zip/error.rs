//! Why an archive could not be read or written.

use std::fmt;
use std::io;

/// Why an archive could not be read or written. Names are those of entries, as far as they can be
/// shown.
#[derive(Debug)]
pub enum Error {
    /// Reading or writing failed.
    Io(io::Error),
    /// There is no end record: cut off, or no ZIP file at all.
    NoEnd,
    /// The end record does not end with the file: cut off, or something follows it.
    EndElsewhere {
        /// Where the end record says that it ends.
        end: u64,
        /// Where the file ends.
        file_bytes: u64,
    },
    /// Two end records both end with the file: readers would choose differently.
    SecondEnd {
        /// Where the other one starts.
        offset: u64,
    },
    /// The archive is one of several disks.
    MultiDisk,
    /// What the ZIP64 records say is not possible, or not needed.
    Zip64 {
        /// What is wrong.
        reason: &'static str,
    },
    /// A record is not what it has to be.
    Record {
        /// Which record, and what is wrong with it.
        reason: &'static str,
        /// Where it starts.
        offset: u64,
    },
    /// Octets that belong to nothing.
    Gap {
        /// Where they start.
        offset: u64,
        /// Where what was expected starts.
        next: u64,
    },
    /// Two things at one place.
    Overlap {
        /// Where the second starts.
        offset: u64,
        /// Where the first ends.
        end: u64,
    },
    /// The local header and the central directory say different things of an entry.
    Disagreement {
        /// The entry.
        name: String,
        /// What they disagree about.
        field: &'static str,
    },
    /// A name that no entry may have here.
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two entries of one name, letters of either case being the same.
    Duplicate {
        /// The name of the second.
        name: String,
    },
    /// An entry uses a feature that some readers do not know, or read otherwise.
    Feature {
        /// The entry.
        name: String,
        /// The feature.
        feature: &'static str,
    },
    /// An entry is encrypted.
    Encrypted {
        /// The entry.
        name: String,
    },
    /// An entry is neither stored nor deflated.
    Method {
        /// The entry.
        name: String,
        /// The number of the method.
        method: u16,
    },
    /// More than is read here.
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much.
        value: u64,
        /// How much is read.
        max: u64,
    },
    /// The compressed content of an entry is broken.
    Content {
        /// The entry.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// An entry has another checksum than it says.
    Checksum {
        /// The entry.
        name: String,
    },
    /// An entry was started but not finished.
    Unfinished,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => write!(f, "reading or writing failed"),
            Self::NoEnd => write!(f, "no end record: cut off, or no ZIP file"),
            Self::EndElsewhere { end, file_bytes } => write!(
                f,
                "the end record ends at {end} but the file at {file_bytes}"
            ),
            Self::SecondEnd { offset } => write!(f, "a second end record at {offset}"),
            Self::MultiDisk => write!(f, "one of several disks"),
            Self::Zip64 { reason } => write!(f, "ZIP64: {reason}"),
            Self::Record { reason, offset } => write!(f, "{reason} at {offset}"),
            Self::Gap { offset, next } => {
                write!(f, "octets that belong to nothing, from {offset} to {next}")
            }
            Self::Overlap { offset, end } => {
                write!(f, "what starts at {offset} overlaps what ends at {end}")
            }
            Self::Disagreement { name, field } => write!(
                f,
                "entry \"{name}\": local header and central directory disagree about the {field}"
            ),
            Self::Name { name, reason } => {
                // What somebody wrote must not steer a terminal. All other names are visible ASCII.
                let shown = name.replace(char::is_control, "\u{fffd}");
                write!(f, "the name \"{shown}\" {reason}")
            }
            Self::Duplicate { name } => write!(f, "a second entry of the name \"{name}\""),
            Self::Feature { name, feature } => write!(f, "entry \"{name}\" has {feature}"),
            Self::Encrypted { name } => write!(f, "entry \"{name}\" is encrypted"),
            Self::Method { name, method } => {
                write!(f, "entry \"{name}\" is compressed by method {method}")
            }
            Self::TooMuch { what, value, max } => {
                write!(f, "too much: {value} {what}, not more than {max} are read")
            }
            Self::Content { name, reason } => write!(f, "entry \"{name}\": {reason}"),
            Self::Checksum { name } => write!(f, "entry \"{name}\" has another checksum"),
            Self::Unfinished => write!(f, "an entry was not finished"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            Self::NoEnd
            | Self::EndElsewhere { .. }
            | Self::SecondEnd { .. }
            | Self::MultiDisk
            | Self::Zip64 { .. }
            | Self::Record { .. }
            | Self::Gap { .. }
            | Self::Overlap { .. }
            | Self::Disagreement { .. }
            | Self::Name { .. }
            | Self::Duplicate { .. }
            | Self::Feature { .. }
            | Self::Encrypted { .. }
            | Self::Method { .. }
            | Self::TooMuch { .. }
            | Self::Content { .. }
            | Self::Checksum { .. }
            | Self::Unfinished => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Io(source)
    }
}
