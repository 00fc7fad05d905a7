//! May the certificate of a signature be believed at a time.

use certs_x509::chain::{self, VerifiedPath};
use certs_x509::{Certificate, ocsp};
use jiff::Timestamp;

use crate::{Error, VerifiedSignature};

/// Judges certificate path and OCSP responses of a signature at a time: now on the wire, the time
/// of the time stamp for an archived message.
///
/// `anchor` is the authority that the configuration names for the signer's issuer; the certificates
/// in the signature may lead to it. Every certificate of the path needs an OCSP response in the
/// signature that `policy` accepts and that says good.
///
/// # Errors
///
/// Says what does not hold.
pub fn verify_trust(
    signature: &VerifiedSignature,
    anchor: &Certificate,
    policy: &ocsp::Policy<'_>,
    at: Timestamp,
) -> Result<VerifiedPath, Error> {
    let leaf = signature.signing_certificate();
    let path =
        chain::verify(leaf, signature.extra_certificates(), anchor, at).map_err(Error::Path)?;
    let certificates = path.certificates();
    let issuers = certificates.iter().skip(1).chain([anchor]);
    for (certificate, issuer) in certificates.iter().zip(issuers) {
        let response = signature
            .ocsp_responses()
            .iter()
            .find(|response| response.applies_to(certificate, issuer))
            .ok_or_else(|| Error::MissingOcspResponse {
                serial: certificate.serial_decimal(),
            })?;
        ocsp::verify_good(response, certificate, issuer, policy, at).map_err(Error::Ocsp)?;
    }
    Ok(path)
}
