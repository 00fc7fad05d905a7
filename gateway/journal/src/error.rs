//! What can go wrong with the journal.

use std::fmt;

/// Why the journal did not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// The store.
    Store(gateway_store::Error),
    /// There is no key, or a number stands twice.
    Keys,
    /// Something in the store is not what the journal writes.
    Damaged,
}

impl From<gateway_store::Error> for Error {
    fn from(error: gateway_store::Error) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => f.write_str("the journal's store failed"),
            Self::Keys => {
                f.write_str("the keys of the journal are not a set with numbers of their own")
            }
            Self::Damaged => f.write_str("something in the journal's store is not understood"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Keys | Self::Damaged => None,
        }
    }
}
