//! The keys of logs and witnesses.

use std::borrow::Cow;
use std::fmt;

use certs_keys::{Digest, DigestAlgorithm, Ed25519Key, ed25519_verify};

use super::{Error, Signature, check_name, text};

/// What a key signs, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Type 0x01: Ed25519 over the text of the note.
    Ed25519,
    /// Type 0x04: Ed25519 over the text of a checkpoint and a time (C2SP `tlog-cosignature`).
    Cosignature,
}

/// A public key with the name of who signs with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verifier {
    kind: Kind,
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

/// A private key with the name of who signs with it.
///
/// One key should not be used in both kinds: nothing in a signature by the text alone says that it
/// is not a cosignature.
#[derive(Debug)]
pub struct Signer {
    verifier: Verifier,
    key: Ed25519Key,
}

impl Kind {
    fn octet(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    fn from_octet(found: u8) -> Result<Self, Error> {
        match found {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::Cosignature),
            _ => Err(Error::KeyType { found }),
        }
    }
}

impl Verifier {
    /// The key of somebody.
    ///
    /// # Errors
    /// The name is empty, or has a space, a plus sign or a control character.
    pub fn new(kind: Kind, name: &str, public: [u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        let id = key_id(kind, name, &public);
        Ok(Self {
            kind,
            name: name.to_owned(),
            id,
            public,
        })
    }

    /// Reads a verifier key: `name+hexadecimal identifier+base64 of type and key`.
    ///
    /// # Errors
    /// It is not written so, is of a type that we do not have, or its parts do not fit together.
    pub fn from_vkey(vkey: &str) -> Result<Self, Error> {
        let mut parts = vkey.splitn(3, '+');
        let mut part = || parts.next().ok_or(Error::Vkey);
        let (name, id, encoded) = (part()?, part()?, part()?);
        let decoded = text::base64_decode(encoded).ok_or(Error::Vkey)?;
        let (octet, public) = decoded.split_first().ok_or(Error::Vkey)?;
        let kind = Kind::from_octet(*octet)?;
        let public = public.try_into().map_err(|_| Error::Vkey)?;
        let verifier = Self::new(kind, name, public)?;
        if id != text::hex(&verifier.id) {
            return Err(Error::KeyId);
        }
        Ok(verifier)
    }

    /// The key as it stands in configurations.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        let octets = [&[self.kind.octet()][..], &self.public].concat();
        let encoded = text::base64_encode(&octets);
        format!("{}+{}+{encoded}", self.name, text::hex(&self.id))
    }

    /// What the key signs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The beginning of a hash over kind, name and key. Two keys can share it.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The public key, as RFC 8032 encodes it.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// Verifies a signature over the text of a note, and gives its time if it has one.
    pub(crate) fn verify(&self, text: &str, signature: &Signature) -> Result<Option<u64>, Error> {
        let bad = || Error::BadSignature {
            name: self.name.clone(),
        };
        if !signature.is_by(self) {
            return Err(Error::Unsigned);
        }
        let (time, octets) = match self.kind {
            Kind::Ed25519 => (None, signature.octets()),
            Kind::Cosignature => {
                let (time, octets) = signature.octets().split_first_chunk().ok_or_else(bad)?;
                let time = u64::from_be_bytes(*time);
                (Some(time).filter(|time| *time <= TIME_MAX), octets)
            }
        };
        let message = match (self.kind, time) {
            (Kind::Ed25519, _) => Cow::Borrowed(text),
            (Kind::Cosignature, Some(time)) => Cow::Owned(cosigned_message(text, time)),
            (Kind::Cosignature, None) => return Err(bad()),
        };
        let octets = octets.try_into().map_err(|_| bad())?;
        match ed25519_verify(&self.public, message.as_bytes(), octets) {
            true => Ok(time),
            false => Err(bad()),
        }
    }
}

impl Signer {
    /// A key with a name to sign under.
    ///
    /// # Errors
    /// The name is empty, or has a space, a plus sign or a control character.
    pub fn new(kind: Kind, name: &str, key: Ed25519Key) -> Result<Self, Error> {
        let verifier = Verifier::new(kind, name, key.public_key())?;
        Ok(Self { verifier, key })
    }

    /// What verifies its signatures.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The name it signs under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// Signs the text of a note.
    pub(super) fn sign(&self, text: &str) -> Result<Signature, Error> {
        match self.verifier.kind {
            Kind::Ed25519 => {
                let octets = self.key.sign(text.as_bytes());
                Ok(Signature::new(&self.verifier, octets.to_vec()))
            }
            found @ Kind::Cosignature => Err(Error::WrongKind { found }),
        }
    }

    /// Cosigns the text of a checkpoint.
    pub(crate) fn cosign(&self, text: &str, time: u64) -> Result<Signature, Error> {
        if time == 0 || time > TIME_MAX {
            return Err(Error::Time { time });
        }
        match self.verifier.kind {
            Kind::Cosignature => {
                let octets = self.key.sign(cosigned_message(text, time).as_bytes());
                let octets = [&time.to_be_bytes()[..], &octets].concat();
                Ok(Signature::new(&self.verifier, octets))
            }
            found @ Kind::Ed25519 => Err(Error::WrongKind { found }),
        }
    }
}

/// SHA-256 over the name, a line break, the type and the key: its first four octets.
fn key_id(kind: Kind, name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hashed = [name.as_bytes(), b"\n", &[kind.octet()], public].concat();
    let digest = Digest::of(DigestAlgorithm::Sha256, &hashed);
    let mut id = [0; 4];
    let octets = id.iter_mut().zip(digest.as_bytes());
    octets.for_each(|(to, from)| *to = *from);
    id
}

/// What a cosigner of version 1 signs: two lines, and the text of the checkpoint.
fn cosigned_message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "signed notes",
            Self::Cosignature => "cosignatures",
        })
    }
}

/// The greatest time of a cosignature, in seconds.
const TIME_MAX: u64 = (1 << 63) - 1;
