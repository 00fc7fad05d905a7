//! Proof of possession: the signature in a handshake is made by the key of the leaf.
//!
//! The leaf is read by `certs-x509` and its key used by `certs-keys`, as everywhere else in the
//! gateway, so that one certificate never means two things.

use certs_keys::{Digest, KeyKind, Signature, SignatureAlgorithm};
use certs_x509::Certificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerIncompatible, PeerMisbehaved,
    SignatureScheme, client::danger::HandshakeSignatureValid, pki_types::CertificateDer,
};

use super::signer::algorithm_of;

/// What we verify, the preferred first.
pub(super) const SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// RFC 5246, 4.7: the scheme fits the kind of the key; in TLS 1.2 an ECDSA scheme names only its
/// digest, not the curve.
pub(super) fn tls12(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    signature(message, &certificate(leaf)?, signed)
}

/// RFC 8446, 4.4.3 and 4.2.3: no PKCS#1 v1.5, and an ECDSA scheme is bound to its curve.
pub(super) fn tls13(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let leaf = certificate(leaf)?;
    let fits = match signed.scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => leaf.public_key().kind() == Some(KeyKind::P256),
        SignatureScheme::ECDSA_NISTP384_SHA384 => leaf.public_key().kind() == Some(KeyKind::P384),
        SignatureScheme::ECDSA_NISTP521_SHA512 => leaf.public_key().kind() == Some(KeyKind::P521),
        SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::RSA_PSS_SHA384
        | SignatureScheme::RSA_PSS_SHA512 => leaf.public_key().is_rsa(),
        _ => false,
    };
    if !fits {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    signature(message, &leaf, signed)
}

/// The leaf, readable.
pub(super) fn certificate(der: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(der).map_err(|_unreadable| CertificateError::BadEncoding.into())
}

fn signature(
    message: &[u8],
    leaf: &Certificate,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let algorithm =
        algorithm_of(signed.scheme).ok_or(PeerIncompatible::NoSignatureSchemesInCommon)?;
    let wants_rsa = match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss(_) => true,
        SignatureAlgorithm::Ecdsa(_) => false,
    };
    if wants_rsa != leaf.public_key().is_rsa() {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let digest = Digest::of(algorithm.digest(), message);
    Signature::from_der(algorithm, signed.signature())
        .and_then(|signature| leaf.public_key().verify(algorithm, &digest, &signature))
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_wrong| CertificateError::BadSignature.into())
}
