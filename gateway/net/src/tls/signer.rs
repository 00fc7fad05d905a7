//! TLS signatures made by a [`SigningKey`]: hash first, then sign, as a hardware token needs it.

use std::sync::Arc;

use certs_keys::{Digest, DigestAlgorithm, KeyKind, SignatureAlgorithm, SigningKey};
use rustls::{Error, SignatureScheme, sign::Signer};

/// A key as the TLS library asks for it.
#[derive(Debug)]
pub(super) struct TlsKey {
    key: Arc<dyn SigningKey>,
}

impl TlsKey {
    pub(super) fn new(key: Arc<dyn SigningKey>) -> Self {
        Self { key }
    }

    /// What this key can sign with, the preferred first.
    fn schemes(&self) -> &'static [SignatureScheme] {
        match self.key.public_key().kind() {
            Some(KeyKind::P256) => &[SignatureScheme::ECDSA_NISTP256_SHA256],
            Some(KeyKind::P384) => &[SignatureScheme::ECDSA_NISTP384_SHA384],
            Some(KeyKind::P521) => &[SignatureScheme::ECDSA_NISTP521_SHA512],
            Some(KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096) => RSA,
            None if self.key.public_key().is_rsa() => RSA,
            None => &[],
        }
    }
}

impl rustls::sign::SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self
            .schemes()
            .iter()
            .find(|scheme| offered.contains(scheme))?;
        let algorithm = algorithm_of(scheme)?;
        Some(Box::new(TlsSigner {
            key: Arc::clone(&self.key),
            scheme,
            algorithm,
        }))
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        match self.key.public_key().is_rsa() {
            true => rustls::SignatureAlgorithm::RSA,
            false => rustls::SignatureAlgorithm::ECDSA,
        }
    }
}

/// A key that has settled on a scheme.
#[derive(Debug)]
struct TlsSigner {
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    algorithm: SignatureAlgorithm,
}

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = Digest::of(self.algorithm.digest(), message);
        let signature = self
            .key
            .sign(self.algorithm, &digest)
            .map_err(|error| Error::General(format!("cannot sign for TLS: {error}")))?;
        Ok(signature.to_der())
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// The signature algorithm of a TLS scheme (RFC 8446, 4.2.3), SHA-1 and EdDSA left out.
pub(super) fn algorithm_of(scheme: SignatureScheme) -> Option<SignatureAlgorithm> {
    let algorithm = match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
        }
        SignatureScheme::ECDSA_NISTP384_SHA384 => {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)
        }
        SignatureScheme::ECDSA_NISTP521_SHA512 => {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)
        }
        SignatureScheme::RSA_PSS_SHA256 => SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha256),
        SignatureScheme::RSA_PSS_SHA384 => SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha384),
        SignatureScheme::RSA_PSS_SHA512 => SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha512),
        SignatureScheme::RSA_PKCS1_SHA256 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
        SignatureScheme::RSA_PKCS1_SHA384 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384),
        SignatureScheme::RSA_PKCS1_SHA512 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512),
        _ => return None,
    };
    Some(algorithm)
}

/// What an RSA key signs with: PSS before PKCS#1 v1.5, which TLS 1.3 has given up.
const RSA: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
