//! The signed directory: the list of parts with their digests, and the signature over it
//! (PR-GCONF 2.3 to 2.5).
//!
//! Order of trust: the outer MIME frame is taken apart only to find the signed octets and the
//! signature; the signature is verified over exactly those octets with a certificate of the
//! location; only then is anything inside them read. What is handed on ([`VerifiedDirectory`],
//! [`VerifiedPart`]) exists only after its check.

mod error;
mod frame;
mod header;
mod write;

use certs_keys::{Digest, DigestAlgorithm, Signature, SignatureAlgorithm};
use certs_x509::Certificate;
use jiff::{SignedDuration, Timestamp};

pub use error::Error;
pub use write::{Boundaries, Directory, Part};

use crate::params::{
    self, FetchInterval, Monitoring, NextUpdate, PrivateParams, SharedParams, Version, value,
};
use frame::Entity;

/// A directory whose signature and expiry were checked. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedDirectory {
    bytes: Vec<u8>,
    version: Version,
    expires_at: Timestamp,
    parts: Vec<PartEntry>,
    signer: Certificate,
}

/// One announced part of a verified directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    identifier: String,
    instance: String,
    location: String,
    file_name: Option<String>,
    hash: Digest,
    version: Version,
    expires_at: Timestamp,
}

/// The bytes of a part that are what the directory announced: right digest and, for parts we know,
/// right structure and right instance. Only [`PartEntry::check`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedPart {
    entry: PartEntry,
    bytes: Vec<u8>,
    content: Content,
}

/// What a verified part says.
#[derive(Clone, Debug)]
pub enum Content {
    /// Shared parameters.
    Shared(Box<SharedParams>),
    /// Private parameters.
    Private(Box<PrivateParams>),
    /// How often OCSP responses are fetched.
    FetchInterval(FetchInterval),
    /// Whether nextUpdate is looked at.
    NextUpdate(NextUpdate),
    /// Who may query monitoring.
    Monitoring(Monitoring),
    /// A part we do not know: kept as it is.
    Other,
}

/// Verifies a signed directory with the certificates of the location it came from. Their validity
/// period, issuer and usage do not matter: they are containers of the keys the anchor names.
///
/// # Errors
/// When the frame is malformed, no certificate has the announced hash, the signature does not
/// verify, the directory has expired, or its inside is malformed.
pub fn verify(
    bytes: &[u8],
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<VerifiedDirectory, Error> {
    if bytes.len() > DIRECTORY_BYTES_MAX {
        return Err(Error::TooLong {
            bytes: bytes.len(),
            bytes_max: DIRECTORY_BYTES_MAX,
        });
    }
    let outer = frame::outer(bytes)?;
    let signer = signer(&outer.signature, certificates)?;
    verify_signature(&outer.signature, outer.signed.body, signer)?;

    let inside = inside(&outer.signed)?;
    let expires_at = inside.expires_at;
    if now > expires_at {
        return Err(Error::Outdated { expires_at, now });
    }
    Ok(VerifiedDirectory {
        bytes: bytes.to_vec(),
        version: inside.version,
        expires_at,
        parts: inside.parts()?,
        signer: signer.clone(),
    })
}

/// What a directory announces, **whoever signed it**: to see whether files that were kept belong
/// together, never whom to believe.
///
/// # Errors
/// When it is malformed.
pub fn announced_unverified(bytes: &[u8]) -> Result<Vec<PartEntry>, Error> {
    if bytes.len() > DIRECTORY_BYTES_MAX {
        return Err(Error::TooLong {
            bytes: bytes.len(),
            bytes_max: DIRECTORY_BYTES_MAX,
        });
    }
    inside(&frame::outer(bytes)?.signed)?.parts()
}

impl VerifiedDirectory {
    /// As it was received, for others who want to verify it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The version its parts are written in.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Until when it may be used.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The announced parts.
    pub fn parts(&self) -> &[PartEntry] {
        &self.parts
    }

    /// The certificate whose key signed it.
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// It was made before what we hold, whose expiry is `held`. Nothing in the protocol forbids to
    /// serve an older directory while it has not expired, so this is what keeps somebody between
    /// us and the registry from undoing a revoked registration. Nodes of one registry generate at
    /// slightly different times, hence the tolerance.
    pub fn is_older(&self, held: Timestamp) -> bool {
        match self.expires_at.checked_add(OLDER_TOLERANCE) {
            Ok(latest) => latest < held,
            Err(_) => false,
        }
    }
}

impl PartEntry {
    /// The content identifier; empty when the entry had none.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The instance the part is of; empty when the entry named none.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Where the part is, relative to the directory.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// A hint for the name to store it under.
    pub fn file_name(&self) -> Option<&str> {
        self.file_name.as_deref()
    }

    /// The announced digest.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// The version the part is written in.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Until when the part may be used.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// These bytes have the announced digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        Digest::of(self.hash.algorithm(), bytes) == self.hash
    }

    /// Checks the bytes of the part: digest first, then structure and instance.
    ///
    /// # Errors
    /// When the digest differs, or a part we know is not what its schema says or of another
    /// instance.
    pub fn check(&self, bytes: Vec<u8>) -> Result<VerifiedPart, Error> {
        if !self.matches(&bytes) {
            return Err(Error::WrongDigest {
                location: self.location.clone(),
            });
        }
        let part = |source| Error::Part {
            identifier: self.identifier.clone(),
            source,
        };
        let content = match self.identifier.as_str() {
            params::SHARED_PARAMETERS => {
                SharedParams::from_xml(&bytes, self.version, &self.instance)
                    .map(|shared| Content::Shared(Box::new(shared)))
            }
            params::PRIVATE_PARAMETERS => {
                PrivateParams::from_xml(&bytes, self.version, &self.instance)
                    .map(|private| Content::Private(Box::new(private)))
            }
            params::FETCH_INTERVAL => FetchInterval::from_xml(&bytes).map(Content::FetchInterval),
            params::NEXT_UPDATE => NextUpdate::from_xml(&bytes).map(Content::NextUpdate),
            params::MONITORING => Monitoring::from_xml(&bytes).map(Content::Monitoring),
            _ => Ok(Content::Other),
        };
        Ok(VerifiedPart {
            entry: self.clone(),
            content: content.map_err(part)?,
            bytes,
        })
    }
}

impl VerifiedPart {
    /// What announced it.
    pub fn entry(&self) -> &PartEntry {
        &self.entry
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// What stands in the signed octets.
struct Inside<'a> {
    version: Version,
    expires_at: Timestamp,
    entries: Vec<Entity<'a>>,
}

fn inside<'a>(signed: &Entity<'a>) -> Result<Inside<'a>, Error> {
    let mut entries = frame::inner(signed)?.into_iter();
    let first = entries.next().ok_or(Error::Empty)?;
    let expires_at = expires_at(&first)?;
    let version = match first.headers.value("version") {
        Some(text) => Version::parse(text).map_err(|_| Error::UnknownVersion {
            found: text.chars().take(16).collect(),
        })?,
        None => Version::OLDEST,
    };
    Ok(Inside {
        version,
        expires_at,
        entries: entries.collect(),
    })
}

impl Inside<'_> {
    fn parts(&self) -> Result<Vec<PartEntry>, Error> {
        let entries = self.entries.iter();
        entries
            .map(|entry| part_entry(entry, self.version, self.expires_at))
            .collect()
    }
}

/// The certificate that the signature part names by hash, among those of the location only.
fn signer<'a>(
    signature: &Entity<'_>,
    certificates: &'a [Certificate],
) -> Result<&'a Certificate, Error> {
    let header = signature
        .headers
        .parametrized("verification-certificate-hash")?;
    let uri = header
        .parameter("hash-algorithm-id")
        .ok_or(Error::MissingParameter {
            header: "verification-certificate-hash",
            parameter: "hash-algorithm-id",
        })?;
    let algorithm = DigestAlgorithm::from_uri(uri).ok_or_else(|| Error::UnknownAlgorithm {
        uri: uri.to_owned(),
    })?;
    let hash = value::decode_base64(&header.value)
        .and_then(|bytes| Digest::from_bytes(algorithm, &bytes))
        .ok_or(Error::Malformed {
            what: "the hash of the verification certificate",
        })?;
    certificates
        .iter()
        .find(|certificate| Digest::of(algorithm, certificate.der()) == hash)
        .ok_or(Error::UnknownSigner)
}

fn verify_signature(entity: &Entity<'_>, signed: &[u8], signer: &Certificate) -> Result<(), Error> {
    let uri = entity.headers.required("signature-algorithm-id")?;
    let algorithm = SignatureAlgorithm::from_uri(uri).ok_or_else(|| Error::UnknownAlgorithm {
        uri: uri.to_owned(),
    })?;
    refuse_weak(algorithm.digest(), uri)?;
    let octets = std::str::from_utf8(entity.body)
        .ok()
        .and_then(value::decode_base64)
        .ok_or(Error::Malformed {
            what: "the signature value",
        })?;
    // ECDSA values of directories are DER, as the generic signature interfaces have them.
    let signature = Signature::from_der(algorithm, &octets).map_err(Error::Signature)?;
    let digest = Digest::of(algorithm.digest(), signed);
    signer
        .public_key()
        .verify(algorithm, &digest, &signature)
        .map_err(Error::Signature)
}

/// SHA-1 no longer shows who signed what.
fn refuse_weak(digest: DigestAlgorithm, uri: &str) -> Result<(), Error> {
    match digest {
        DigestAlgorithm::Sha1 => Err(Error::WeakAlgorithm {
            uri: uri.to_owned(),
        }),
        DigestAlgorithm::Sha224
        | DigestAlgorithm::Sha256
        | DigestAlgorithm::Sha384
        | DigestAlgorithm::Sha512 => Ok(()),
    }
}

/// ISO 8601 with an offset; a fraction of the second is allowed.
fn expires_at(first: &Entity<'_>) -> Result<Timestamp, Error> {
    let text = first.headers.required("expire-date")?;
    text.parse().map_err(|_| Error::Malformed {
        what: "the expiry date",
    })
}

fn part_entry(
    entity: &Entity<'_>,
    version: Version,
    expires_at: Timestamp,
) -> Result<PartEntry, Error> {
    entity.headers.check_transfer()?;
    let location = entity.headers.required("content-location")?.to_owned();
    let uri = entity.headers.required("hash-algorithm-id")?;
    let algorithm = DigestAlgorithm::from_uri(uri).ok_or_else(|| Error::UnknownAlgorithm {
        uri: uri.to_owned(),
    })?;
    refuse_weak(algorithm, uri)?;
    let hash = std::str::from_utf8(entity.body)
        .ok()
        .and_then(value::decode_base64)
        .and_then(|bytes| Digest::from_bytes(algorithm, &bytes))
        .ok_or(Error::Malformed {
            what: "the digest of a part",
        })?;
    let (identifier, instance) = match entity.headers.value("content-identifier") {
        Some(_) => {
            let header = entity.headers.parametrized("content-identifier")?;
            let instance = header.parameter("instance").map(str::to_owned);
            (header.value, instance)
        }
        None => (String::new(), None),
    };
    let well_known = matches!(
        identifier.as_str(),
        params::SHARED_PARAMETERS | params::PRIVATE_PARAMETERS
    );
    if well_known && instance.is_none() {
        return Err(Error::MissingParameter {
            header: "content-identifier",
            parameter: "instance",
        });
    }
    Ok(PartEntry {
        identifier,
        instance: instance.unwrap_or_default(),
        location,
        file_name: entity.headers.value("content-file-name").map(str::to_owned),
        hash,
        version,
        expires_at,
    })
}

/// The longest directory we read: room for thousands of parts.
pub const DIRECTORY_BYTES_MAX: usize = 4 << 20;
/// The generation interval of a registry, and as much for clocks that differ.
const OLDER_TOLERANCE: SignedDuration = SignedDuration::from_secs(120);

#[cfg(test)]
mod tests;
