//! May this token be believed.

use certs_keys::{Digest, Signature};
use der::Decode;
use spki::AlgorithmIdentifierOwned;

use super::token::Inner;
use super::{Error, TST_INFO, Token};
use crate::{Certificate, Error as X509Error, algorithm};

impl Token {
    /// The token is over this imprint and signed by one of the approved authorities.
    ///
    /// The certificate must be the one that the signed attributes name, and valid at the time
    /// stated. That it may stamp at all is what the approval says: path, key usage and revocation
    /// are not looked at, and certificates inside the token count for nothing.
    ///
    /// # Errors
    /// Any refusal; see [`Error`].
    pub fn verify(&self, imprint: &Digest, approved: &[Certificate]) -> Result<(), X509Error> {
        self.authority(imprint, approved).map(drop)
    }

    /// The approved authority that has signed the token, verified as [`verify`](Self::verify) does.
    ///
    /// # Errors
    /// Any refusal; see [`Error`].
    pub fn authority<'a>(
        &self,
        imprint: &Digest,
        approved: &'a [Certificate],
    ) -> Result<&'a Certificate, X509Error> {
        let token = self.inner();
        if self.imprint() != imprint {
            return Err(Error::ImprintMismatch.into());
        }
        verify_content(token)?;
        // An approved authority may be listed twice; one that fits is enough.
        let mut first_failure = None;
        for certificate in approved
            .iter()
            .filter(|certificate| token.signer.is(certificate))
        {
            match verify_signer(token, certificate) {
                Ok(()) => return Ok(certificate),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        Err(first_failure.unwrap_or(Error::UnknownSigner).into())
    }
}

/// The signed attributes are about the TSTInfo that stands beside them.
fn verify_content(token: &Inner) -> Result<(), Error> {
    let attributes = &token.signer.attributes;
    if attributes.content_type != TST_INFO.as_bytes() {
        return Err(Error::ContentMismatch {
            attribute: "content-type",
        });
    }
    let digest = Digest::of(token.signer.digest, &token.content);
    match digest.as_bytes() == attributes.message_digest.as_slice() {
        true => Ok(()),
        false => Err(Error::ContentMismatch {
            attribute: "message-digest",
        }),
    }
}

fn verify_signer(token: &Inner, certificate: &Certificate) -> Result<(), Error> {
    let signer = &token.signer;
    if !signer
        .attributes
        .signing_certificates
        .iter()
        .all(|named| named.is(certificate))
    {
        return Err(Error::OtherSigningCertificate);
    }
    for at in [Some(token.info.gen_time), signer.attributes.signing_time]
        .into_iter()
        .flatten()
    {
        if !certificate.is_valid_at(at) {
            return Err(Error::CertificateNotValid { at });
        }
    }
    let identifier = AlgorithmIdentifierOwned::from_der(&signer.algorithm)
        .map_err(|_| Error::InvalidSignature)?;
    let algorithm =
        algorithm::cms_signature_algorithm(&identifier, signer.digest).map_err(|_| {
            Error::UnknownAlgorithm {
                oid: identifier.oid.to_string(),
            }
        })?;
    let digest = Digest::of(algorithm.digest(), &signer.signed);
    let signature =
        Signature::from_der(algorithm, &signer.signature).map_err(|_| Error::InvalidSignature)?;
    certificate
        .public_key()
        .verify(algorithm, &digest, &signature)
        .map_err(|_| Error::InvalidSignature)
}
