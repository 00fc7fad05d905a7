//! Why a seal was not made or not accepted.

use std::fmt;

use certs_keys::DigestAlgorithm;

use crate::hashchain;

/// Why a seal was not made or not accepted.
#[derive(Debug)]
pub enum Error {
    /// The signature is no document that we read.
    Xml(gateway_xml::Error),
    /// The signature is not of its schema or profile.
    Structure {
        /// What is wrong.
        reason: &'static str,
    },
    /// The signature uses an algorithm or transform that we do not take.
    UnsupportedAlgorithm {
        /// Where.
        place: &'static str,
    },
    /// The certificate in the signature cannot be read.
    Certificate(certs_x509::Error),
    /// The certificate is not for signing: it lacks the usage nonRepudiation.
    NotASigningCertificate,
    /// The signature names another certificate in its signed properties than it carries.
    OtherCertificate,
    /// The signature value is not that of the certificate's key.
    Value(certs_keys::Error),
    /// What a reference stands for has another digest.
    Digest {
        /// The reference.
        uri: String,
    },
    /// A reference to something that was not received.
    Unresolvable {
        /// The reference.
        uri: String,
    },
    /// The digest in a reference is of another algorithm than that of the part received.
    DigestAlgorithm {
        /// The reference.
        uri: String,
        /// What the reference needs.
        expected: DigestAlgorithm,
        /// What was computed.
        actual: DigestAlgorithm,
    },
    /// A part was received that neither the signature nor its chain covers.
    Uncovered {
        /// The part.
        uri: String,
    },
    /// The hash chain does not hold.
    HashChain(hashchain::Error),
    /// A further certificate is not as the signature refers to it.
    ExtraCertificate {
        /// What is wrong.
        reason: &'static str,
    },
    /// The signature holds no OCSP response.
    NoOcspResponse,
    /// An OCSP response in the signature cannot be read.
    OcspResponse(certs_x509::Error),
    /// No valid path from the signing certificate to the anchor.
    Path(certs_x509::Error),
    /// No OCSP response is about this certificate of the path.
    MissingOcspResponse {
        /// Its serial number, decimal.
        serial: String,
    },
    /// The OCSP response for a certificate of the path is not to be believed, or not good.
    Ocsp(certs_x509::Error),
    /// The key is not that of the certificate.
    OtherKey,
    /// A message cannot be signed as given.
    Unsignable {
        /// Why not.
        reason: &'static str,
    },
    /// The key did not sign.
    Key(certs_keys::Error),
}

impl Error {
    /// The error code that other servers use for this, below `signature_verification`, or
    /// `cannot_create_signature` where signing failed.
    pub fn code(&self) -> String {
        let code = match self {
            Self::Xml(_) => "invalid_xml",
            Self::Structure { .. }
            | Self::UnsupportedAlgorithm { .. }
            | Self::Certificate(_)
            | Self::NotASigningCertificate
            | Self::OtherCertificate
            | Self::Unresolvable { .. }
            | Self::DigestAlgorithm { .. }
            | Self::Uncovered { .. }
            | Self::ExtraCertificate { .. }
            | Self::NoOcspResponse
            | Self::OcspResponse(_) => "malformed_signature",
            Self::Value(_) | Self::Digest { .. } => "invalid_signature_value",
            Self::HashChain(error) => return format!("malformed_signature.{}", error.code()),
            Self::Path(_) => "cannot_create_cert_path.internal_error",
            Self::MissingOcspResponse { .. } => "invalid_cert_path.cert_validation",
            Self::Ocsp(certs_x509::Error::Ocsp(error)) => {
                return format!("invalid_cert_path.{}", error.code());
            }
            Self::Ocsp(_) => "invalid_cert_path.incorrect_validation_info",
            Self::OtherKey | Self::Unsignable { .. } | Self::Key(_) => "cannot_create_signature",
        };
        code.to_owned()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(_) => f.write_str("the signature could not be read"),
            Self::Structure { reason } => write!(f, "malformed signature: {reason}"),
            Self::UnsupportedAlgorithm { place } => {
                write!(
                    f,
                    "the signature uses an algorithm that is not taken for its {place}"
                )
            }
            Self::Certificate(_) => {
                f.write_str("the certificate in the signature could not be read")
            }
            Self::NotASigningCertificate => f.write_str("the certificate is not for signing"),
            Self::OtherCertificate => f.write_str(
                "the signed properties name another certificate than the signature holds",
            ),
            Self::Value(_) => f.write_str("the signature value is not valid"),
            Self::Digest { uri } => write!(f, "{uri} has another digest than was signed"),
            Self::Unresolvable { uri } => {
                write!(f, "the signature refers to {uri}, which was not received")
            }
            Self::DigestAlgorithm {
                uri,
                expected,
                actual,
            } => {
                write!(
                    f,
                    "the signature needs a {expected} digest of {uri}, not {actual}"
                )
            }
            Self::Uncovered { uri } => write!(f, "the signature does not cover {uri}"),
            Self::HashChain(_) => f.write_str("the hash chain of the signature does not hold"),
            Self::ExtraCertificate { reason } => {
                write!(f, "a further certificate in the signature: {reason}")
            }
            Self::NoOcspResponse => f.write_str("the signature holds no OCSP response"),
            Self::OcspResponse(_) => {
                f.write_str("an OCSP response in the signature could not be read")
            }
            Self::Path(_) => f.write_str("the signing certificate has no valid path to its anchor"),
            Self::MissingOcspResponse { serial } => {
                write!(
                    f,
                    "no OCSP response is about the certificate with serial number {serial}"
                )
            }
            Self::Ocsp(_) => f.write_str("an OCSP response does not confirm its certificate"),
            Self::OtherKey => f.write_str("the key is not that of the signing certificate"),
            Self::Unsignable { reason } => write!(f, "the message cannot be signed: {reason}"),
            Self::Key(_) => f.write_str("the key did not sign"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Xml(source) => Some(source),
            Self::Certificate(source)
            | Self::OcspResponse(source)
            | Self::Path(source)
            | Self::Ocsp(source) => Some(source),
            Self::Value(source) | Self::Key(source) => Some(source),
            Self::HashChain(source) => Some(source),
            Self::Structure { .. }
            | Self::UnsupportedAlgorithm { .. }
            | Self::NotASigningCertificate
            | Self::OtherCertificate
            | Self::Digest { .. }
            | Self::Unresolvable { .. }
            | Self::DigestAlgorithm { .. }
            | Self::Uncovered { .. }
            | Self::ExtraCertificate { .. }
            | Self::NoOcspResponse
            | Self::MissingOcspResponse { .. }
            | Self::OtherKey
            | Self::Unsignable { .. } => None,
        }
    }
}

impl From<gateway_xml::Error> for Error {
    fn from(source: gateway_xml::Error) -> Self {
        Self::Xml(source)
    }
}

impl From<hashchain::Error> for Error {
    fn from(source: hashchain::Error) -> Self {
        Self::HashChain(source)
    }
}

impl From<&'static str> for Error {
    fn from(reason: &'static str) -> Self {
        Self::Structure { reason }
    }
}
