//! Private keys in memory, and their form at rest.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, KeyPair as _, RsaSignatureEncoding};
use der::pem::{LineEnding, PemLabel};
use der::{Decode, SecretDocument};
use pkcs8::PrivateKeyInfo;
use zeroize::Zeroizing;

use crate::public::{
    Curve, EC_PUBLIC_KEY, RSA_BITS_MAX, RSA_BITS_MIN_NEW, RSA_ENCRYPTION, aws_digest_of,
};
use crate::{
    Digest, DigestAlgorithm, Error, KeyKind, Pin, PublicKey, Signature, SignatureAlgorithm,
    SigningKey, sealed,
};

/// A private key in memory.
pub struct SoftKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(Curve, EcdsaKeyPair),
}

impl SoftKey {
    /// Makes a new key. RSA takes a tenth of a second to a second and more.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        let pair = match kind {
            KeyKind::P256 => generate_ec(Curve::P256)?,
            KeyKind::P384 => generate_ec(Curve::P384)?,
            KeyKind::P521 => generate_ec(Curve::P521)?,
            KeyKind::Rsa2048 => generate_rsa(KeySize::Rsa2048)?,
            KeyKind::Rsa3072 => generate_rsa(KeySize::Rsa3072)?,
            KeyKind::Rsa4096 => generate_rsa(KeySize::Rsa4096)?,
        };
        Self::new(pair)
    }

    /// Reads an unencrypted PKCS#8 key: RSA of 2048 to 8192 bits, or EC on P-256, P-384, P-521.
    ///
    /// # Errors
    ///
    /// When the structure is not that, the key does not fit together, or is of another kind.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::MalformedKey {
            structure: "PrivateKeyInfo",
        };
        if der.len() > sealed::PKCS8_BYTES_MAX {
            return Err(malformed());
        }
        let info = PrivateKeyInfo::from_der(der).map_err(|_| malformed())?;
        let pair = match info.algorithm.oid {
            RSA_ENCRYPTION => {
                // Read by itself and not through the library's PKCS#8 reader, which reports a
                // length it does not take as if the key were malformed.
                let bits = rsa_modulus_bits(info.private_key).ok_or_else(malformed)?;
                check_rsa_bits(bits)?;
                Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(|_| malformed())?)
            }
            EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters_oid().map_err(|_| malformed())?;
                let curve = Curve::from_oid(curve)?;
                let pair =
                    EcdsaKeyPair::from_pkcs8(curve.signing(), der).map_err(|_| malformed())?;
                Pair::Ec(curve, pair)
            }
            other => {
                return Err(Error::UnsupportedKey {
                    oid: other.to_string(),
                });
            }
        };
        Self::new(pair)
    }

    /// Reads an unencrypted PKCS#8 key in PEM.
    ///
    /// # Errors
    ///
    /// As [`SoftKey::from_pkcs8_der`].
    pub fn from_plain_pem(pem: &str) -> Result<Self, Error> {
        let document = sealed::read_pem(pem, PrivateKeyInfo::PEM_LABEL)?;
        Self::from_pkcs8_der(document.as_bytes())
    }

    /// Seals the key under a PIN: PKCS#8 EncryptedPrivateKeyInfo in PEM, with PBES2 of
    /// PBKDF2-HMAC-SHA-256 and AES-256-CBC. `openssl pkey` opens it.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn to_encrypted_pem(&self, pin: &Pin) -> Result<String, Error> {
        sealed::seal(&self.to_pkcs8_der_unchecked()?, pin)
    }

    /// Opens a key sealed by [`SoftKey::to_encrypted_pem`] or by another program with PBES2 of
    /// PBKDF2 (HMAC with a SHA-2 digest) or scrypt, and AES in CBC.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPin`] when the PIN is another one; otherwise what is wrong with the file.
    pub fn from_encrypted_pem(pem: &str, pin: &Pin) -> Result<Self, Error> {
        let plain = sealed::open(pem, pin)?;
        Self::from_pkcs8_der(plain.as_bytes())
    }

    /// Unencrypted PKCS#8 PEM, for the TLS keys of test clients and the internal TLS certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn to_plain_pem_unchecked(&self) -> Result<Zeroizing<String>, Error> {
        let internal = |_| Error::Internal {
            operation: "write a key",
        };
        let plain = self.to_pkcs8_der_unchecked()?;
        let document = SecretDocument::try_from(plain.as_slice()).map_err(internal)?;
        document
            .to_pem(PrivateKeyInfo::PEM_LABEL, LineEnding::LF)
            .map_err(internal)
    }

    /// Unencrypted PKCS#8, for a TLS library that insists on the bytes. Wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the library cannot.
    pub fn to_pkcs8_der_unchecked(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let internal = |_| Error::Internal {
            operation: "write a key",
        };
        match &self.pair {
            Pair::Rsa(pair) => {
                let der = pair.as_der().map_err(internal)?;
                Ok(Zeroizing::new(der.as_ref().to_vec()))
            }
            Pair::Ec(_, pair) => {
                let der = pair.to_pkcs8v1().map_err(internal)?;
                Ok(Zeroizing::new(der.as_ref().to_vec()))
            }
        }
    }

    fn new(pair: Pair) -> Result<Self, Error> {
        let internal = |_| Error::Internal {
            operation: "write a public key",
        };
        let public = match &pair {
            Pair::Rsa(pair) => {
                PublicKey::from_spki(pair.public_key().as_der().map_err(internal)?.as_ref())?
            }
            Pair::Ec(_, pair) => {
                PublicKey::from_spki(pair.public_key().as_der().map_err(internal)?.as_ref())?
            }
        };
        Ok(Self { pair, public })
    }
}

impl SigningKey for SoftKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, algorithm: SignatureAlgorithm, digest: &Digest) -> Result<Signature, Error> {
        if digest.algorithm() != algorithm.digest() {
            return Err(Error::DigestMismatch {
                algorithm,
                digest: digest.algorithm(),
            });
        }
        let unsupported = || Error::UnsupportedAlgorithm { algorithm };
        let internal = |_| Error::Internal { operation: "sign" };
        if digest.algorithm().is_legacy() {
            return Err(unsupported());
        }
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(algorithm).ok_or_else(unsupported)?;
                let digest = aws_digest_of(digest).ok_or_else(unsupported)?;
                let mut octets = vec![0; pair.public_modulus_len()].into_boxed_slice();
                pair.sign_digest(encoding, &digest, &mut octets)
                    .map_err(internal)?;
                Ok(Signature::rsa(octets))
            }
            Pair::Ec(curve, pair) => {
                if algorithm.is_rsa() {
                    return Err(unsupported());
                }
                let value = pair.sign_digest(&curve.fit(digest)?).map_err(internal)?;
                Signature::ecdsa(value.as_ref()).ok_or(Error::Internal { operation: "sign" })
            }
        }
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftKey({:?})", self.public)
    }
}

fn generate_ec(curve: Curve) -> Result<Pair, Error> {
    EcdsaKeyPair::generate(curve.signing())
        .map(|pair| Pair::Ec(curve, pair))
        .map_err(|_| Error::Internal {
            operation: "generate a key",
        })
}

fn generate_rsa(size: KeySize) -> Result<Pair, Error> {
    RsaKeyPair::generate(size)
        .map(Pair::Rsa)
        .map_err(|_| Error::Internal {
            operation: "generate a key",
        })
}

fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static RsaSignatureEncoding> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{RsaPkcs1, RsaPss};
    Some(match algorithm {
        RsaPkcs1(Sha256) => &aws::RSA_PKCS1_SHA256,
        RsaPkcs1(Sha384) => &aws::RSA_PKCS1_SHA384,
        RsaPkcs1(Sha512) => &aws::RSA_PKCS1_SHA512,
        RsaPss(Sha256) => &aws::RSA_PSS_SHA256,
        RsaPss(Sha384) => &aws::RSA_PSS_SHA384,
        RsaPss(Sha512) => &aws::RSA_PSS_SHA512,
        RsaPkcs1(_) | RsaPss(_) | SignatureAlgorithm::Ecdsa(_) => return None,
    })
}

/// The length of the modulus in an RSAPrivateKey (RFC 8017, A.1.2).
fn rsa_modulus_bits(der: &[u8]) -> Option<u32> {
    use der::Reader;
    let mut reader = der::SliceReader::new(der).ok()?;
    let header = der::Header::decode(&mut reader).ok()?;
    header.tag.assert_eq(der::Tag::Sequence).ok()?;
    reader.decode::<u8>().ok()?;
    let modulus = reader.decode::<der::asn1::UintRef<'_>>().ok()?;
    let bytes = u32::try_from(modulus.as_bytes().len()).ok()?;
    let unused = modulus.as_bytes().first()?.leading_zeros();
    bytes.checked_mul(8)?.checked_sub(unused)
}

fn check_rsa_bits(bits: u32) -> Result<(), Error> {
    if (RSA_BITS_MIN_NEW..=RSA_BITS_MAX).contains(&bits) {
        return Ok(());
    }
    Err(Error::RsaSize {
        bits,
        bits_min: RSA_BITS_MIN_NEW,
        bits_max: RSA_BITS_MAX,
    })
}

#[cfg(test)]
mod tests;
