//! Why a hash chain was not accepted or could not be built.

use std::fmt;

use certs_keys::DigestAlgorithm;

/// Why a hash chain was not accepted or could not be built.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The result or the chain is no document that we read.
    Xml(gateway_xml::Error),
    /// The result or the chain is not of its schema.
    Structure {
        /// What is wrong.
        reason: &'static str,
    },
    /// A step is referred to that is not there, or in a way that names none.
    NoSuchStep,
    /// The steps refer to one another in a circle, or too deep.
    Circular,
    /// The chain refers to a part that was not received, or to one whose digest is of another
    /// algorithm.
    Unresolvable,
    /// The chain does not lead to the result.
    ResultMismatch,
    /// A part was received that the chain does not refer to.
    UnusedInput {
        /// Its name.
        uri: String,
    },
    /// Digests of different algorithms cannot be put into one tree.
    MixedAlgorithms {
        /// That of the first.
        first: DigestAlgorithm,
        /// Another one.
        other: DigestAlgorithm,
    },
    /// A single part needs no chain, and none has no chain.
    NothingToChain,
}

impl Error {
    /// The error code that other servers use for this, below `malformed_signature`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Xml(_) | Self::Structure { .. } | Self::NoSuchStep | Self::Circular => {
                "malformed_hash_chain"
            }
            Self::Unresolvable => "invalid_reference",
            Self::ResultMismatch => "invalid_hash_chain",
            Self::UnusedInput { .. } => "hashchain_unused_inputs",
            Self::MixedAlgorithms { .. } | Self::NothingToChain => "internal_error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(_) => f.write_str("the hash chain could not be read"),
            Self::Structure { reason } => write!(f, "malformed hash chain: {reason}"),
            Self::NoSuchStep => f.write_str("the hash chain refers to a step that is not there"),
            Self::Circular => f.write_str("the steps of the hash chain go in a circle or too deep"),
            Self::Unresolvable => {
                f.write_str("the hash chain refers to a part that was not received")
            }
            Self::ResultMismatch => f.write_str("the hash chain does not lead to its result"),
            Self::UnusedInput { uri } => write!(f, "the hash chain does not refer to {uri}"),
            Self::MixedAlgorithms { first, other } => {
                write!(f, "digests of {first} and {other} in one hash chain")
            }
            Self::NothingToChain => f.write_str("a hash chain needs two parts"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Xml(source) => Some(source),
            Self::Structure { .. }
            | Self::NoSuchStep
            | Self::Circular
            | Self::Unresolvable
            | Self::ResultMismatch
            | Self::UnusedInput { .. }
            | Self::MixedAlgorithms { .. }
            | Self::NothingToChain => None,
        }
    }
}

impl From<gateway_xml::Error> for Error {
    fn from(source: gateway_xml::Error) -> Self {
        Self::Xml(source)
    }
}

impl From<&'static str> for Error {
    fn from(reason: &'static str) -> Self {
        Self::Structure { reason }
    }
}
