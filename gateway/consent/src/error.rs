//! What the desk could not do.

use std::fmt;

use gateway_policy::{consent, feed};

/// What the desk could not do. Nothing was changed.
#[derive(Debug)]
pub enum Error {
    /// The store.
    Store(gateway_store::Error),
    /// There is no hash key, or a number stands twice.
    NoKeys,
    /// Persons are still found under a hash key that was not given.
    KeyMissing {
        /// Its number.
        number: u32,
    },
    /// A key is not the one that the store was made with.
    OtherKey {
        /// Which.
        key: &'static str,
    },
    /// The store is of another instance.
    OtherInstance {
        /// The instance found.
        found: String,
    },
    /// A stored row cannot be read.
    Row {
        /// Its tree.
        tree: &'static str,
    },
    /// Personal contents could not be sealed.
    Seal(certs_keys::Error),
    /// An artefact could not be signed.
    Artefact(consent::Error),
    /// A page or entry of the feed could not be made.
    Feed(feed::Error),
    /// A time out of the range of times.
    Time,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the consent desk's store failed"),
            Self::NoKeys => f.write_str(
                "the hash keys of the consent desk are not a set with numbers of their own",
            ),
            Self::KeyMissing { number } => write!(
                f,
                "persons of the consent desk are still found under hash key {number}, which was \
                 not given: give it, and drop it only after everything was marked anew"
            ),
            Self::OtherKey { key } => {
                write!(
                    f,
                    "the {key} is not the one that the consent desk's store was made with"
                )
            }
            Self::OtherInstance { found } => {
                write!(f, "the consent desk's store is of the instance {found:?}")
            }
            Self::Row { tree } => {
                write!(
                    f,
                    "a row of {tree} in the consent desk's store cannot be read"
                )
            }
            Self::Seal(_) => f.write_str("personal contents could not be sealed"),
            Self::Artefact(_) => f.write_str("a consent could not be signed"),
            Self::Feed(_) => f.write_str("the feed could not be written"),
            Self::Time => f.write_str("a time is out of range"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Seal(error) => Some(error),
            Self::Artefact(error) => Some(error),
            Self::Feed(error) => Some(error),
            Self::NoKeys
            | Self::KeyMissing { .. }
            | Self::OtherKey { .. }
            | Self::OtherInstance { .. }
            | Self::Row { .. }
            | Self::Time => None,
        }
    }
}

impl From<gateway_store::Error> for Error {
    fn from(error: gateway_store::Error) -> Self {
        Self::Store(error)
    }
}
