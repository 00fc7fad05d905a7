//! Keys, digests and signature algorithms: the only crate that names `ring` and `aws-lc-rs`.
//!
//! It knows nothing of certificates, XML or messages. Every private key is behind [`SigningKey`];
//! no key bytes leave this crate except sealed under a PIN ([`SoftKey::to_encrypted_pem`]).

use std::fmt;
use std::sync::Arc;

/// A digest algorithm of the X-Road profiles (signatures.md §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm { Sha1, Sha224, Sha256, Sha384, Sha512 }

impl DigestAlgorithm {
    /// The XML-DSig identifier, e.g. `http://www.w3.org/2001/04/xmlenc#sha512`.
    pub fn uri(self) -> &'static str { todo!() }
    pub fn from_uri(uri: &str) -> Option<Self> { todo!() }
    /// `SHA-512`.
    pub fn name(self) -> &'static str { todo!() }
    /// Case-insensitive.
    pub fn from_name(name: &str) -> Option<Self> { todo!() }
    pub fn output_bytes(self) -> usize { todo!() }
}

/// A digest value with its algorithm. Copy; at most 64 bytes; constant-time equality.
#[derive(Clone, Copy)]
pub struct Digest { algorithm: DigestAlgorithm, bytes: [u8; 64] }

impl Digest {
    pub fn of(algorithm: DigestAlgorithm, data: &[u8]) -> Self { todo!() }
    /// `None` when the length does not fit the algorithm.
    pub fn from_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<Self> { todo!() }
    pub fn algorithm(&self) -> DigestAlgorithm { self.algorithm }
    pub fn as_bytes(&self) -> &[u8] { todo!() }
}
impl PartialEq for Digest { fn eq(&self, o: &Self) -> bool { todo!() } }
impl Eq for Digest {}
impl fmt::Debug for Digest { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } }

/// Incremental digest.
pub struct Hasher;
impl Hasher {
    pub fn new(algorithm: DigestAlgorithm) -> Self { todo!() }
    pub fn update(&mut self, data: &[u8]) { todo!() }
    pub fn finish(self) -> Digest { todo!() }
}

/// A signature algorithm with its digest (signatures.md §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm { RsaPkcs1(DigestAlgorithm), RsaPss(DigestAlgorithm), Ecdsa(DigestAlgorithm) }

impl SignatureAlgorithm {
    pub fn uri(self) -> Option<&'static str> { todo!() }
    pub fn from_uri(uri: &str) -> Option<Self> { todo!() }
    pub fn digest(self) -> DigestAlgorithm { todo!() }
}

/// What kind of key to make. New keys default to P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KeyKind { #[default] P256, P384, P521, Rsa2048, Rsa3072, Rsa4096 }
// Display/FromStr: "p256", "rsa2048", …

/// Why a key operation failed. Never holds key material.
#[derive(Debug)]
pub enum Error { /* variants by the implementer */ Todo }

/// A private key that signs digests: soft keys now, PKCS#11 later (it has no hash-and-sign mechanism, so: hash first).
pub trait SigningKey: Send + Sync + fmt::Debug {
    fn public_key(&self) -> &PublicKey;
    /// Signs a digest; `digest.algorithm()` must be `algorithm.digest()`. P-256 with SHA-512 uses the left-most 256 bits.
    fn sign(&self, algorithm: SignatureAlgorithm, digest: &Digest) -> Result<Signature, Error>;
}

/// The signature algorithm a key uses by default with this digest: PKCS#1 v1.5 for RSA, ECDSA for EC.
pub fn default_algorithm(key: &PublicKey, digest: DigestAlgorithm) -> SignatureAlgorithm { todo!() }

/// A signature value. ECDSA is kept so that both forms can be had.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature;
impl Signature {
    /// As X.509, CMS, OCSP and TLS want it: RSA octets, or ECDSA DER.
    pub fn to_der(&self) -> Vec<u8> { todo!() }
    /// As XML-DSig wants it: RSA octets, or r‖s each padded to the field size.
    pub fn to_xmldsig(&self) -> Vec<u8> { todo!() }
    /// From the XML-DSig form. ECDSA accepts any even length, split in halves (signatures.md §3.3).
    pub fn from_xmldsig(algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Self, Error> { todo!() }
    pub fn from_der(algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Self, Error> { todo!() }
}

/// A public key, parsed once (cheap to clone).
#[derive(Clone)]
pub struct PublicKey(Arc<()>);
impl PublicKey {
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> { todo!() }
    pub fn spki_der(&self) -> &[u8] { todo!() }
    /// The BIT STRING content (for OCSP key hashes).
    pub fn key_bits(&self) -> &[u8] { todo!() }
    pub fn is_rsa(&self) -> bool { todo!() }
    pub fn kind(&self) -> Option<KeyKind> { todo!() }
    /// Verifies over a digest already computed.
    pub fn verify(&self, algorithm: SignatureAlgorithm, digest: &Digest, signature: &Signature) -> Result<(), Error> { todo!() }
}

/// A private key in memory.
pub struct SoftKey;
impl SoftKey {
    pub fn generate(kind: KeyKind) -> Result<Self, Error> { todo!() }
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> { todo!() }
    /// PKCS#8 EncryptedPrivateKeyInfo (PBES2) in PEM; opens with `openssl pkcs8`.
    pub fn to_encrypted_pem(&self, pin: &Pin) -> Result<String, Error> { todo!() }
    pub fn from_encrypted_pem(pem: &str, pin: &Pin) -> Result<Self, Error> { todo!() }
    /// Unencrypted PEM, for TLS keys of test clients and the internal TLS certificate only.
    pub fn to_plain_pem_unchecked(&self) -> Result<String, Error> { todo!() }
}
impl fmt::Debug for SoftKey { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("SoftKey") } }
impl SigningKey for SoftKey {
    fn public_key(&self) -> &PublicKey { todo!() }
    fn sign(&self, _: SignatureAlgorithm, _: &Digest) -> Result<Signature, Error> { todo!() }
}

/// A token PIN: zeroized, never printed.
pub struct Pin(());
impl Pin { pub fn new(text: String) -> Self { todo!() } }

/// Cryptographic random bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] { todo!() }
/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] { todo!() }
/// Constant-time equality.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool { todo!() }
