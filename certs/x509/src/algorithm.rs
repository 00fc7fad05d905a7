//! Signature and digest algorithms as X.509, CMS and OCSP write them.

use certs_keys::{DigestAlgorithm, SignatureAlgorithm};
use const_oid::ObjectIdentifier;
use der::asn1::{Any, AnyRef, Null};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;

use crate::Error;

/// ```text
/// RSASSA-PSS-params ::= SEQUENCE {                                   -- RFC 4055, 3.1
///   hashAlgorithm    [0] HashAlgorithm    DEFAULT sha1Identifier,
///   maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
///   saltLength       [2] INTEGER          DEFAULT 20,
///   trailerField     [3] INTEGER          DEFAULT 1 }
/// ```
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt_bytes: Option<u16>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The AlgorithmIdentifier of a signature algorithm.
pub(crate) fn signature_identifier(algorithm: SignatureAlgorithm) -> AlgorithmIdentifierOwned {
    if let SignatureAlgorithm::RsaPss(digest) = algorithm {
        return pss_identifier(digest);
    }
    let row = SIGNATURES.iter().find(|(known, _)| *known == algorithm);
    #[expect(
        clippy::expect_used,
        reason = "the table has a row for every digest of both kinds"
    )]
    let (_, oid) = row.expect("every algorithm other than PSS has an identifier");
    // RFC 4055: NULL with RSA; RFC 5758: nothing with ECDSA.
    let parameters = algorithm.is_rsa().then(|| Any::from(AnyRef::from(Null)));
    AlgorithmIdentifierOwned {
        oid: *oid,
        parameters,
    }
}

/// The signature algorithm of an AlgorithmIdentifier. `rsaEncryption` is not one: CMS names the
/// digest beside it, see [`cms_signature_algorithm`].
///
/// # Errors
///
/// [`Error::UnknownAlgorithm`] for any other algorithm, and for parameters that do not belong.
pub(crate) fn signature_algorithm(
    identifier: &AlgorithmIdentifierOwned,
) -> Result<SignatureAlgorithm, Error> {
    let unknown = || Error::UnknownAlgorithm {
        oid: identifier.oid.to_string(),
    };
    if identifier.oid == RSASSA_PSS {
        return pss_algorithm(identifier).ok_or_else(unknown);
    }
    if !has_no_parameters(identifier) {
        return Err(unknown());
    }
    SIGNATURES
        .iter()
        .find(|(_, oid)| *oid == identifier.oid)
        .map(|(algorithm, _)| *algorithm)
        .ok_or_else(unknown)
}

/// The signature algorithm of a CMS SignerInfo, which may name the kind of key alone and leave the
/// digest to `digestAlgorithm` beside it.
///
/// # Errors
///
/// [`Error::UnknownAlgorithm`] as [`signature_algorithm`], and when the two digests differ.
pub(crate) fn cms_signature_algorithm(
    identifier: &AlgorithmIdentifierOwned,
    digest: DigestAlgorithm,
) -> Result<SignatureAlgorithm, Error> {
    let unknown = || Error::UnknownAlgorithm {
        oid: identifier.oid.to_string(),
    };
    match identifier.oid {
        RSA_ENCRYPTION if has_no_parameters(identifier) => Ok(SignatureAlgorithm::RsaPkcs1(digest)),
        EC_PUBLIC_KEY => Ok(SignatureAlgorithm::Ecdsa(digest)),
        _ => match signature_algorithm(identifier)? {
            algorithm if algorithm.digest() == digest => Ok(algorithm),
            _ => Err(unknown()),
        },
    }
}

/// The AlgorithmIdentifier of a digest, with NULL parameters as Java writes it in certificate
/// identifiers and time-stamp imprints.
pub(crate) fn digest_identifier(algorithm: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    let oid = match algorithm {
        DigestAlgorithm::Sha1 => SHA_1,
        DigestAlgorithm::Sha224 => SHA_224,
        DigestAlgorithm::Sha256 => SHA_256,
        DigestAlgorithm::Sha384 => SHA_384,
        DigestAlgorithm::Sha512 => SHA_512,
    };
    AlgorithmIdentifierOwned {
        oid,
        parameters: Some(Any::from(AnyRef::from(Null))),
    }
}

/// The digest algorithm of an AlgorithmIdentifier; parameters absent or NULL.
///
/// # Errors
///
/// [`Error::UnknownAlgorithm`] for any other.
pub(crate) fn digest_algorithm(
    identifier: &AlgorithmIdentifierOwned,
) -> Result<DigestAlgorithm, Error> {
    let unknown = || Error::UnknownAlgorithm {
        oid: identifier.oid.to_string(),
    };
    if !has_no_parameters(identifier) {
        return Err(unknown());
    }
    match identifier.oid {
        SHA_1 => Ok(DigestAlgorithm::Sha1),
        SHA_224 => Ok(DigestAlgorithm::Sha224),
        SHA_256 => Ok(DigestAlgorithm::Sha256),
        SHA_384 => Ok(DigestAlgorithm::Sha384),
        SHA_512 => Ok(DigestAlgorithm::Sha512),
        _ => Err(unknown()),
    }
}

fn has_no_parameters(identifier: &AlgorithmIdentifierOwned) -> bool {
    identifier
        .parameters
        .as_ref()
        .is_none_or(|parameters| AnyRef::from(parameters).is_null())
}

fn pss_identifier(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    let hash = digest_identifier(digest);
    let parameters = Any::encode_from(&hash).and_then(|mask_hash| {
        Any::encode_from(&PssParameters {
            hash: Some(hash),
            mask: Some(AlgorithmIdentifierOwned {
                oid: MGF1,
                parameters: Some(mask_hash),
            }),
            salt_bytes: u16::try_from(digest.output_bytes()).ok(),
            trailer: None,
        })
    });
    #[expect(
        clippy::expect_used,
        reason = "a few short values always have a DER form"
    )]
    let parameters = parameters.expect("identifiers and a small number can be encoded");
    AlgorithmIdentifierOwned {
        oid: RSASSA_PSS,
        parameters: Some(parameters),
    }
}

/// Only what XML-DSig and hardware tokens produce: MGF1 and salt length of the same digest.
fn pss_algorithm(identifier: &AlgorithmIdentifierOwned) -> Option<SignatureAlgorithm> {
    let parameters = identifier.parameters.as_ref()?.to_der().ok()?;
    let parameters = PssParameters::from_der(&parameters).ok()?;
    let digest = digest_algorithm(&parameters.hash?).ok()?;
    let mask = parameters.mask?;
    let mask_hash = AlgorithmIdentifierOwned::from_der(&mask.parameters?.to_der().ok()?).ok()?;
    let fits = !digest.is_legacy()
        && mask.oid == MGF1
        && digest_algorithm(&mask_hash).ok()? == digest
        && usize::from(parameters.salt_bytes?) == digest.output_bytes()
        && parameters.trailer.unwrap_or(1) == 1;
    fits.then_some(SignatureAlgorithm::RsaPss(digest))
}

const SIGNATURES: [(SignatureAlgorithm, ObjectIdentifier); 10] = {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1};
    [
        (
            RsaPkcs1(Sha1),
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
        ),
        (
            RsaPkcs1(Sha224),
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14"),
        ),
        (
            RsaPkcs1(Sha256),
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
        ),
        (
            RsaPkcs1(Sha384),
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
        ),
        (
            RsaPkcs1(Sha512),
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
        ),
        (
            Ecdsa(Sha1),
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
        ),
        (
            Ecdsa(Sha224),
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1"),
        ),
        (
            Ecdsa(Sha256),
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        ),
        (
            Ecdsa(Sha384),
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
        ),
        (
            Ecdsa(Sha512),
            ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
        ),
    ]
};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_224: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_identifiers_lead_back() {
        let pss = [
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ]
        .map(SignatureAlgorithm::RsaPss);
        for algorithm in SIGNATURES
            .iter()
            .map(|(algorithm, _)| *algorithm)
            .chain(pss)
        {
            let identifier = signature_identifier(algorithm);
            let der = identifier.to_der().unwrap();
            let identifier = AlgorithmIdentifierOwned::from_der(&der).unwrap();
            assert_eq!(signature_algorithm(&identifier).unwrap(), algorithm);
            assert_eq!(
                cms_signature_algorithm(&identifier, algorithm.digest()).unwrap(),
                algorithm
            );
        }
    }

    #[test]
    fn writes_pss_parameters_as_rfc_4055_has_them() {
        let algorithm = SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha256);
        let der = signature_identifier(algorithm).to_der().unwrap();
        assert_eq!(
            hex::encode(der),
            "304106092a864886f70d01010a3034a00f300d06096086480165030402010500\
             a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
        );
    }

    #[test]
    fn digest_identifiers_lead_back_with_and_without_null() {
        for algorithm in DigestAlgorithm::ALL {
            let mut identifier = digest_identifier(algorithm);
            assert_eq!(digest_algorithm(&identifier).unwrap(), algorithm);
            identifier.parameters = None;
            assert_eq!(digest_algorithm(&identifier).unwrap(), algorithm);
        }
    }

    #[test]
    fn takes_the_digest_from_beside_a_bare_kind_of_key_only_in_cms() {
        let bare = AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: None,
        };
        assert!(signature_algorithm(&bare).is_err());
        assert_eq!(
            cms_signature_algorithm(&bare, DigestAlgorithm::Sha512).unwrap(),
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512)
        );
        let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
        let ecdsa = signature_identifier(ecdsa);
        assert!(cms_signature_algorithm(&ecdsa, DigestAlgorithm::Sha512).is_err());
    }

    #[test]
    fn refuses_parameters_that_do_not_belong() {
        let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
        let mut identifier = signature_identifier(ecdsa);
        identifier.parameters = Some(Any::encode_from(&EC_PUBLIC_KEY).unwrap());
        assert!(signature_algorithm(&identifier).is_err());
        let pss = AlgorithmIdentifierOwned {
            oid: RSASSA_PSS,
            parameters: None,
        };
        assert!(signature_algorithm(&pss).is_err());
        let weak = signature_identifier(SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha1));
        assert!(signature_algorithm(&weak).is_err());
    }
}
