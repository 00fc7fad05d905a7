//! Signature algorithms with their identifiers in XML-DSig, and kinds of keys.

use std::fmt;
use std::str::FromStr;

use crate::{DigestAlgorithm, PublicKey};

/// A signature algorithm with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS; MGF1 and the salt's length follow the digest.
    RsaPss(DigestAlgorithm),
    /// ECDSA on the curve of the key.
    Ecdsa(DigestAlgorithm),
}

/// What kind of key to make. New keys default to P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KeyKind {
    /// EC on P-256.
    #[default]
    P256,
    /// EC on P-384.
    P384,
    /// EC on P-521.
    P521,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

/// A text that names no kind of key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKeyKind {
    /// The text.
    pub text: String,
}

impl SignatureAlgorithm {
    /// The XML-DSig identifier; `None` where X-Road knows none.
    #[must_use]
    pub fn uri(self) -> Option<&'static str> {
        URIS.iter()
            .find(|(algorithm, _)| *algorithm == self)
            .map(|(_, uri)| *uri)
    }

    /// The algorithm of an XML-DSig identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        URIS.iter()
            .find(|(_, known)| *known == uri)
            .map(|(algorithm, _)| *algorithm)
    }

    /// The digest that is signed.
    #[must_use]
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss(digest) | Self::Ecdsa(digest) => digest,
        }
    }

    /// Whether the key must be an RSA key.
    #[must_use]
    pub fn is_rsa(self) -> bool {
        match self {
            Self::RsaPkcs1(_) | Self::RsaPss(_) => true,
            Self::Ecdsa(_) => false,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RsaPkcs1(digest) => write!(f, "RSA PKCS#1 v1.5 with {digest}"),
            Self::RsaPss(digest) => write!(f, "RSA-PSS with {digest}"),
            Self::Ecdsa(digest) => write!(f, "ECDSA with {digest}"),
        }
    }
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The name in configurations: `p256`, `rsa2048`, …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKeyKind;

    fn from_str(text: &str) -> Result<Self, UnknownKeyKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKeyKind {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for UnknownKeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no kind of key; known are", self.text)?;
        KeyKind::ALL
            .iter()
            .try_for_each(|kind| write!(f, " {kind}"))
    }
}

impl std::error::Error for UnknownKeyKind {}

/// The algorithm a key uses by default with this digest: PKCS#1 v1.5 for RSA, ECDSA for EC.
#[must_use]
pub fn default_algorithm(key: &PublicKey, digest: DigestAlgorithm) -> SignatureAlgorithm {
    if key.is_rsa() {
        SignatureAlgorithm::RsaPkcs1(digest)
    } else {
        SignatureAlgorithm::Ecdsa(digest)
    }
}

/// XML-DSig core and RFC 9231; the rows that X-Road's sign mechanisms can produce.
const URIS: [(SignatureAlgorithm, &str); 12] = {
    use DigestAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    [
        (RsaPkcs1(Sha1), "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        (
            RsaPkcs1(Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        ),
        (
            RsaPkcs1(Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        ),
        (
            RsaPkcs1(Sha512),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        ),
        (
            RsaPss(Sha256),
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        ),
        (
            RsaPss(Sha384),
            "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        ),
        (
            RsaPss(Sha512),
            "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        ),
        (
            Ecdsa(Sha1),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        ),
        (
            Ecdsa(Sha224),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224",
        ),
        (
            Ecdsa(Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        ),
        (
            Ecdsa(Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        ),
        (
            Ecdsa(Sha512),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        ),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lead_back() {
        for (algorithm, uri) in URIS {
            assert_eq!(algorithm.uri(), Some(uri));
            assert_eq!(SignatureAlgorithm::from_uri(uri), Some(algorithm));
        }
        assert_eq!(
            SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha1).uri(),
            None
        );
        assert_eq!(
            SignatureAlgorithm::from_uri("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
            None
        );
    }

    #[test]
    fn kinds_lead_back_from_their_names() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let refused = "rsa1024".parse::<KeyKind>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "\"rsa1024\" is no kind of key; known are p256 p384 p521 rsa2048 rsa3072 rsa4096"
        );
    }
}
