//! Why something of a transparency log was not accepted.

use std::fmt;

use crate::{checkpoint, note, proof, tile, tree, witness};

/// Any of the errors of this crate, for callers that do not care of which subject it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A proof does not hold.
    Tree(tree::Error),
    /// A path, tile or bundle is not one.
    Tile(tile::Error),
    /// A key or a signed note is not accepted.
    Note(note::Error),
    /// A checkpoint is not accepted.
    Checkpoint(checkpoint::Error),
    /// A request to a witness is not one.
    Witness(witness::Error),
    /// A proof file is not accepted.
    Proof(proof::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(error) => error.fmt(f),
            Self::Tile(error) => error.fmt(f),
            Self::Note(error) => error.fmt(f),
            Self::Checkpoint(error) => error.fmt(f),
            Self::Witness(error) => error.fmt(f),
            Self::Proof(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Tree(error) => error.source(),
            Self::Tile(error) => error.source(),
            Self::Note(error) => error.source(),
            Self::Checkpoint(error) => error.source(),
            Self::Witness(error) => error.source(),
            Self::Proof(error) => error.source(),
        }
    }
}

impl From<tree::Error> for Error {
    fn from(error: tree::Error) -> Self {
        Self::Tree(error)
    }
}

impl From<tile::Error> for Error {
    fn from(error: tile::Error) -> Self {
        Self::Tile(error)
    }
}

impl From<note::Error> for Error {
    fn from(error: note::Error) -> Self {
        Self::Note(error)
    }
}

impl From<checkpoint::Error> for Error {
    fn from(error: checkpoint::Error) -> Self {
        Self::Checkpoint(error)
    }
}

impl From<witness::Error> for Error {
    fn from(error: witness::Error) -> Self {
        Self::Witness(error)
    }
}

impl From<proof::Error> for Error {
    fn from(error: proof::Error) -> Self {
        Self::Proof(error)
    }
}
