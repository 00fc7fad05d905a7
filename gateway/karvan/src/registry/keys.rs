//! The registry's keys at rest: made on its first start, encrypted under its PIN.
//!
//! | file | what it does |
//! |---|---|
//! | `internalconf.key.pem`, `externalconf.key.pem` | sign the configuration; beside each its certificate |
//! | `consent.key.pem` | signs consent artefacts (Ed25519) |
//! | `feed.key.pem` | signs the feed (Ed25519) |
//! | `feed-tls.key.pem` | shows nodes that it is the feed they asked; beside it its certificate, which the rules name |
//! | `desk.key.pem` | 32 secret octets in the form of an Ed25519 key, so that they rest and open like the others; what seals the desk's contents and hash key 1 are derived from them |
//! | `desk-hash-2.key.pem` … | further hash keys in the same form, the highest number is the current one |
//!
//! Who has the files and the PIN speaks for the registry. Back them up: without `desk.key.pem` nobody
//! finds a person's consents again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Digest, DigestAlgorithm, Ed25519Key, KeyKind, Pin, SecretKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_consent::HashKeys;
use gateway_net::Identity;
use gateway_policy::rules::{ConsentKey, ConsentService};
use gateway_registry::Source;
use gateway_tlog::note::{Kind, Signer};
use jiff::Timestamp;

use super::Error;
use crate::config::Loaded;
use crate::config::node::KeyPair;

/// The keys of the consent desk.
#[derive(Debug)]
pub(crate) struct DeskKeys {
    consent: Ed25519Key,
    feed: Signer,
    feed_tls: (SoftKey, Certificate),
    hash: HashKeys,
    seal: SecretKey,
}

impl DeskKeys {
    /// Opens the keys in a folder; those missing are made.
    pub(super) fn open(data_dir: &Path, pin: &Pin, instance: &str) -> Result<Self, Error> {
        let path = data_dir.join("feed.key.pem");
        let feed = Signer::new(Kind::Ed25519, &feed_name(instance), ed25519(&path, pin)?)
            .map_err(|error| unusable(&path, error))?;
        let path = data_dir.join("desk.key.pem");
        let secret = secret(&path, pin)?;
        let mut hash = vec![(1, secret.derive(b"", HASH))];
        for number in 2_u32.. {
            let path = hash_key(data_dir, number);
            if !path.exists() {
                break;
            }
            hash.push((number, self::secret(&path, pin)?.derive(b"", HASH)));
        }
        Ok(Self {
            consent: ed25519(&data_dir.join("consent.key.pem"), pin)?,
            feed,
            feed_tls: feed_tls(data_dir, pin, instance)?,
            hash: HashKeys::new(hash).map_err(Error::Desk)?,
            seal: secret.derive(b"", SEAL),
        })
    }

    /// What nodes have to know to believe this desk, and where its feed is.
    pub(crate) fn published(&self, feed_urls: Vec<String>) -> ConsentService {
        ConsentService {
            keys: vec![ConsentKey {
                kid: self.kid(),
                algorithm: "EdDSA".to_owned(),
                public: URL_SAFE_NO_PAD.encode(self.consent.public_key()),
            }],
            feed_key: self.feed.verifier().to_vkey(),
            feed_urls,
            feed_certificates: vec![hex::encode(self.feed_tls.1.sha256().as_bytes())],
        }
    }

    /// Hands its keys to the desk, and what it presents in TLS to the feed.
    pub(super) fn into_keys(self) -> (gateway_consent::Keys, Identity) {
        let keys = gateway_consent::Keys {
            consent_kid: self.kid(),
            consent: self.consent,
            feed: self.feed,
            hash: self.hash,
            seal: self.seal,
        };
        let (key, certificate) = self.feed_tls;
        (keys, presented(key, certificate))
    }

    /// A name that follows from the key, so that another key never has it.
    fn kid(&self) -> String {
        let digest = Digest::of(DigestAlgorithm::Sha256, &self.consent.public_key());
        let digits = hex::encode(digest.as_bytes());
        format!("consent-{}", digits.get(..KID_DIGITS).unwrap_or(&digits))
    }
}

/// Makes the next hash key of the desk, which is the current one from the next start on.
pub(super) fn add_hash_key(data_dir: &Path, pin: &Pin) -> Result<u32, Error> {
    let next = (2_u32..).find(|number| !hash_key(data_dir, *number).exists());
    let number = next.unwrap_or(u32::MAX);
    ed25519(&hash_key(data_dir, number), pin)?;
    Ok(number)
}

fn hash_key(data_dir: &Path, number: u32) -> PathBuf {
    data_dir.join(format!("desk-hash-{number}.key.pem"))
}

/// The name of the feed's key.
fn feed_name(instance: &str) -> String {
    format!("{instance}-feed")
}

/// The key and certificate of a source; made when there are none.
pub(super) fn signer(
    data_dir: &Path,
    source: Source,
    pin: &Pin,
) -> Result<gateway_registry::Signer, Error> {
    // RSA, as every deployed node can verify it; the certificate only holds the key.
    let (name, kind) = (source.directory(), KeyKind::Rsa2048);
    let self_signed = |key: &SoftKey| source.self_signed(key);
    let (key, certificate) = pair(data_dir, name, kind, pin, self_signed)?;
    gateway_registry::Signer::new(Arc::new(key), certificate, source).map_err(Error::Registry)
}

/// The key and certificate of the feed's listener; made when there are none. Nodes compare the
/// certificate with the one in the rules and take nothing from it, so it is valid for long.
fn feed_tls(data_dir: &Path, pin: &Pin, instance: &str) -> Result<(SoftKey, Certificate), Error> {
    let self_signed = |key: &SoftKey| {
        let name = Name::from_attributes(&[(COMMON_NAME, &feed_name(instance))])?;
        Builder::tls(name, certs_keys::SigningKey::public_key(key))
            .validity(Timestamp::UNIX_EPOCH, END_OF_2037)
            .self_sign(key)
    };
    pair(data_dir, "feed-tls", KeyKind::P256, pin, self_signed)
}

/// A key with its certificate in two files; made when there are none.
fn pair(
    data_dir: &Path,
    name: &str,
    kind: KeyKind,
    pin: &Pin,
    self_signed: impl FnOnce(&SoftKey) -> Result<Certificate, certs_x509::Error>,
) -> Result<(SoftKey, Certificate), Error> {
    let (key_path, certificate_path) = (
        data_dir.join(format!("{name}.key.pem")),
        data_dir.join(format!("{name}.cert.pem")),
    );
    if key_path.exists() {
        return read_pair(&key_path, &certificate_path, pin);
    }
    let key = SoftKey::generate(kind).map_err(|error| unusable(&key_path, error))?;
    let certificate = self_signed(&key).map_err(|error| unusable(&key_path, error))?;
    let pem = key
        .to_encrypted_pem(pin)
        .map_err(|error| unusable(&key_path, error))?;
    // The certificate first: a key without one would be taken for a complete pair.
    gateway_store::file::replace(&certificate_path, certificate.to_pem().as_bytes())
        .map_err(Error::Store)?;
    gateway_store::file::replace_secret(&key_path, pem.as_bytes()).map_err(Error::Store)?;
    Ok((key, certificate))
}

/// The Ed25519 key in a file; made when there is none.
pub(super) fn ed25519(path: &Path, pin: &Pin) -> Result<Ed25519Key, Error> {
    match std::fs::read_to_string(path) {
        Ok(pem) => Ed25519Key::from_encrypted_pem(&pem, pin).map_err(|error| unusable(path, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = Ed25519Key::generate().map_err(|error| unusable(path, error))?;
            let pem = key
                .to_encrypted_pem(pin)
                .map_err(|error| unusable(path, error))?;
            gateway_store::file::replace_secret(path, pem.as_bytes()).map_err(Error::Store)?;
            tracing::info!(path = %path.display(), "made a key for the consent desk");
            Ok(key)
        }
        Err(error) => Err(unusable(path, error)),
    }
}

/// The secret octets in a file of the form of an Ed25519 key; made when there is none.
pub(super) fn secret(path: &Path, pin: &Pin) -> Result<SecretKey, Error> {
    let key = ed25519(path, pin)?;
    let der = key
        .to_pkcs8_der_unchecked()
        .map_err(|error| unusable(path, error))?;
    // RFC 8410, 7: the private key is the last field of the structure's first version.
    let seed: Option<[u8; 32]> = der.last_chunk().copied();
    seed.map(SecretKey::from_bytes)
        .ok_or_else(|| unusable(path, "it is too short"))
}

/// What a listener presents in TLS.
pub(super) fn identity<T>(
    config: &Loaded<T>,
    pair: &KeyPair,
    pin: &Pin,
) -> Result<Identity, Error> {
    let (key, certificate) = (config.path(&pair.key), config.path(&pair.certificate));
    let (key, certificate) = read_pair(&key, &certificate, pin)?;
    Ok(presented(key, certificate))
}

fn presented(key: SoftKey, certificate: Certificate) -> Identity {
    Identity {
        key: Arc::new(key),
        chain: vec![certificate],
        ocsp_staple: None,
    }
}

/// A certificate in a PEM file.
pub(super) fn certificate(path: &Path) -> Result<Certificate, Error> {
    let pem = std::fs::read_to_string(path).map_err(|error| unusable(path, error))?;
    Certificate::from_pem(&pem).map_err(|error| unusable(path, error))
}

fn read_pair(key: &Path, at: &Path, pin: &Pin) -> Result<(SoftKey, Certificate), Error> {
    let pem = std::fs::read_to_string(key).map_err(|error| unusable(key, error))?;
    let soft = SoftKey::from_encrypted_pem(&pem, pin).map_err(|error| unusable(key, error))?;
    let certificate = certificate(at)?;
    match certs_keys::SigningKey::public_key(&soft).spki_der()
        == certificate.public_key().spki_der()
    {
        true => Ok((soft, certificate)),
        false => Err(unusable(at, "it is the certificate of another key")),
    }
}

fn unusable(path: &Path, reason: impl ToString) -> Error {
    Error::Key {
        path: PathBuf::from(path),
        reason: reason.to_string(),
    }
}

/// What the key is for that is derived from the secret octets.
const HASH: &[u8] = b"karvan consent desk: hash";
const SEAL: &[u8] = b"karvan consent desk: seal";
const KID_DIGITS: usize = 16;
const COMMON_NAME: &str = "2.5.4.3";
const END_OF_2037: Timestamp = Timestamp::constant(2_145_916_800, 0);

#[cfg(test)]
mod tests;
