//! Why something could not be encrypted, decrypted or read as a key.

use std::{fmt, io};

/// Why an OpenPGP key or message cannot be used.
#[derive(Debug)]
pub enum Error {
    /// Nobody could read it.
    NoRecipient,
    /// The key is neither version 4, nor so that all implementations read it.
    KeyVersion {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// No part of the key may encrypt now: not bound for it, expired or revoked.
    CannotEncrypt {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// No part of the key may sign now: not bound for it, expired or revoked.
    CannotSign {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// The text is no armored public key.
    NotAPublicKey(pgp::errors::Error),
    /// The text is no armored secret key.
    NotASecretKey(pgp::errors::Error),
    /// The passphrase does not open the key, or it needs one.
    Passphrase {
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The file holds more than one key.
    ManyKeys,
    /// The message is not encrypted.
    NotEncrypted,
    /// The message is encrypted for others.
    NotForUs,
    /// The message is compressed; archives never are.
    Compressed,
    /// The message is not signed.
    NotSigned,
    /// The signature is not by any of those expected.
    Signer,
    /// A new key cannot be described so.
    Parameters(String),
    /// The time is outside what OpenPGP can say.
    Time,
    /// The message or key is broken, or a computation failed.
    OpenPgp(pgp::errors::Error),
    /// Reading or writing failed, or the message is broken further on.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecipient => f.write_str("there is no recipient to encrypt for"),
            Self::KeyVersion { fingerprint } => {
                write!(f, "OpenPGP key {fingerprint} is not of version 4")
            }
            Self::CannotEncrypt { fingerprint } => write!(
                f,
                "no part of OpenPGP key {fingerprint} may encrypt now: it is not meant for that, \
                 expired or revoked"
            ),
            Self::CannotSign { fingerprint } => write!(
                f,
                "no part of OpenPGP key {fingerprint} may sign now: it is not meant for that, \
                 expired or revoked"
            ),
            Self::NotAPublicKey(_) => f.write_str("this is no armored OpenPGP public key"),
            Self::NotASecretKey(_) => f.write_str("this is no armored OpenPGP secret key"),
            Self::Passphrase { fingerprint } => {
                write!(f, "the passphrase does not open OpenPGP key {fingerprint}")
            }
            Self::ManyKeys => f.write_str("there is more than one OpenPGP key in it"),
            Self::NotEncrypted => f.write_str("the OpenPGP message is not encrypted"),
            Self::NotForUs => f.write_str("the OpenPGP message is encrypted for other keys"),
            Self::Compressed => f.write_str("the OpenPGP message is compressed"),
            Self::NotSigned => f.write_str("the OpenPGP message is not signed"),
            Self::Signer => {
                f.write_str("the OpenPGP message is not signed by the key that was expected")
            }
            Self::Parameters(problem) => {
                write!(f, "an OpenPGP key cannot be made so: {problem}")
            }
            Self::Time => f.write_str("the time cannot be said in OpenPGP"),
            Self::OpenPgp(_) => f.write_str("the OpenPGP message or key is broken"),
            Self::Io(_) => f.write_str("the OpenPGP message cannot be read or written"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotAPublicKey(source) | Self::NotASecretKey(source) | Self::OpenPgp(source) => {
                Some(source)
            }
            Self::Io(source) => Some(source),
            Self::NoRecipient
            | Self::KeyVersion { .. }
            | Self::CannotEncrypt { .. }
            | Self::CannotSign { .. }
            | Self::Passphrase { .. }
            | Self::ManyKeys
            | Self::NotEncrypted
            | Self::NotForUs
            | Self::Compressed
            | Self::NotSigned
            | Self::Signer
            | Self::Parameters(_)
            | Self::Time => None,
        }
    }
}

impl From<pgp::errors::Error> for Error {
    fn from(error: pgp::errors::Error) -> Self {
        match error {
            pgp::errors::Error::IO { source, .. } => Self::Io(source),
            error => Self::OpenPgp(error),
        }
    }
}
