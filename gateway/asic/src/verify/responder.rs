//! Who made an OCSP response, for the report.
//!
//! The response was believed already; here the certificate is found whose key that was. A response
//! can carry certificates that have nothing to do with it, so one of those counts only when the
//! authority appointed it.

use certs_keys::{Digest, DigestAlgorithm};
use certs_x509::{Certificate, ocsp};

/// The responder of a response about a certificate of this issuer; `None` when it is not certain.
pub(super) fn of<'a>(
    response: &'a ocsp::Response,
    issuer: &'a Certificate,
    policy: &ocsp::Policy<'a>,
) -> Option<&'a Certificate> {
    let id = Id::read(response.der())?;
    let appointed = response.certificates().iter().filter(|certificate| {
        certificate.issuer() == issuer.subject()
            && certificate.has_extended_key_usage(OCSP_SIGNING)
            && certificate.is_signed_by(issuer)
    });
    let mut fitting = policy
        .responders
        .iter()
        .chain(policy.candidates)
        .chain(std::iter::once(issuer))
        .chain(appointed)
        .filter(|certificate| id.is(certificate));
    let first = fitting.next()?;
    fitting.all(|other| other == first).then_some(first)
}

/// How a response names its responder (RFC 6960, 4.2.1).
enum Id<'a> {
    /// The DER of the name.
    Name(&'a [u8]),
    /// SHA-1 of the public key.
    Key(&'a [u8]),
}

impl<'a> Id<'a> {
    /// From the octets of a response that was read before, so their structure is known to hold.
    fn read(response: &'a [u8]) -> Option<Self> {
        let (_, response, _) = element(response)?;
        let (_, _, rest) = element(response)?;
        let (_, explicit, _) = element(rest)?;
        let (_, bytes, _) = element(explicit)?;
        let (_, _, rest) = element(bytes)?;
        let (_, basic, _) = element(rest)?;
        let (_, basic, _) = element(basic)?;
        let (_, data, _) = element(basic)?;
        let (mut tag, mut content, rest) = element(data)?;
        if tag == VERSION {
            (tag, content, _) = element(rest)?;
        }
        match tag {
            BY_NAME => Some(Self::Name(content)),
            BY_KEY => Some(Self::Key(element(content)?.1)),
            _ => None,
        }
    }

    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(der) => certificate.subject().der() == *der,
            Self::Key(hash) => {
                let key = certificate.public_key().key_bits();
                Digest::of(DigestAlgorithm::Sha1, key).as_bytes() == *hash
            }
        }
    }
}

/// Tag, content and what follows (X.690, 8.1; tags of one octet only).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count) => {
            let (octets, rest) = rest.split_at_checked(usize::from(count))?;
            let length = octets.iter().try_fold(0_usize, |length, octet| {
                length.checked_mul(256)?.checked_add(usize::from(*octet))
            })?;
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

const VERSION: u8 = 0xA0;
const BY_NAME: u8 = 0xA1;
const BY_KEY: u8 = 0xA2;
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
