//! Private keys at rest: PKCS#8 EncryptedPrivateKeyInfo in PEM, sealed under a PIN.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use der::pem::{LineEnding, PemLabel};
use der::{Decode, SecretDocument};
use pkcs8::pkcs5::{self, pbes2};
use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo};
use zeroize::Zeroizing;

use crate::{Error, Pin, random_bytes};

/// Seals a PKCS#8 PrivateKeyInfo with PBES2 of PBKDF2-HMAC-SHA-256 and AES-256-CBC.
/// `openssl pkey` opens it.
pub(crate) fn seal(plain: &[u8], pin: &Pin) -> Result<String, Error> {
    let internal = || Error::Internal {
        operation: "seal a key",
    };
    PrivateKeyInfo::from_der(plain).map_err(|_| internal())?;
    let salt = pin.salt();
    let iv = random_bytes::<16>();
    let key = pin.key(&salt, ITERATIONS);
    let encrypted = encrypt(&key, iv, plain).map_err(|_| internal())?;
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(ITERATIONS.get(), &salt, &iv)
        .map_err(|_| internal())?;
    let sealed = EncryptedPrivateKeyInfo {
        encryption_algorithm: parameters.into(),
        encrypted_data: &encrypted,
    };
    let document = SecretDocument::try_from(sealed).map_err(|_| internal())?;
    document
        .to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF)
        .map(|pem| pem.as_str().to_owned())
        .map_err(|_| internal())
}

/// Opens what [`seal`] or another program has sealed with PBES2 of PBKDF2 (HMAC with a SHA-2
/// digest) or scrypt, and AES in CBC. What comes out is a PrivateKeyInfo.
pub(crate) fn open(pem: &str, pin: &Pin) -> Result<SecretDocument, Error> {
    let document = read_pem(pem, EncryptedPrivateKeyInfo::PEM_LABEL)?;
    let sealed = EncryptedPrivateKeyInfo::from_der(document.as_bytes()).map_err(|_| {
        Error::MalformedKey {
            structure: "EncryptedPrivateKeyInfo",
        }
    })?;
    check_seal(&sealed.encryption_algorithm)?;
    // A wrong PIN mostly fails on the padding; one time in 256 it yields noise instead of a key.
    let plain = match Usual::of(&sealed.encryption_algorithm) {
        Some(usual) => {
            let key = pin.key(usual.salt, usual.iterations);
            let plain = decrypt(&key, usual.iv, sealed.encrypted_data);
            let plain = plain.map_err(|_| Error::WrongPin)?;
            SecretDocument::try_from(plain.as_slice()).map_err(|_| Error::WrongPin)?
        }
        None => sealed
            .decrypt(pin.as_bytes())
            .map_err(|_| Error::WrongPin)?,
    };
    PrivateKeyInfo::from_der(plain.as_bytes()).map_err(|_| Error::WrongPin)?;
    Ok(plain)
}

/// A seal as [`seal`] makes it, and `openssl` unless told otherwise.
struct Usual<'s> {
    salt: &'s [u8],
    iterations: NonZeroU32,
    iv: [u8; 16],
}

impl<'s> Usual<'s> {
    fn of(scheme: &pkcs5::EncryptionScheme<'s>) -> Option<Self> {
        let parameters = scheme.pbes2()?;
        let kdf = parameters.kdf.pbkdf2()?;
        let pbes2::EncryptionScheme::Aes256Cbc { iv } = parameters.encryption else {
            return None;
        };
        let is_usual = kdf.prf == pbes2::Pbkdf2Prf::HmacWithSha256
            && kdf.key_length.is_none_or(|bytes| bytes == 32);
        is_usual.then_some(Self {
            salt: kdf.salt,
            iterations: NonZeroU32::new(kdf.iteration_count)?,
            iv: *iv,
        })
    }
}

fn encrypt(key: &[u8; 32], iv: [u8; 16], plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key)?)?;
    // Room for the padding: what is not encrypted yet is never moved.
    let mut octets = Vec::with_capacity(plain.len().saturating_add(AES_BLOCK_BYTES));
    octets.extend_from_slice(plain);
    key.less_safe_encrypt(&mut octets, EncryptionContext::Iv128(iv.into()))?;
    Ok(octets)
}

fn decrypt(
    key: &[u8; 32],
    iv: [u8; 16],
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    if encrypted.is_empty() {
        return Err(Unspecified);
    }
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key)?)?;
    let mut octets = Zeroizing::new(encrypted.to_owned());
    let bytes = key
        .decrypt(&mut octets, DecryptionContext::Iv128(iv.into()))?
        .len();
    octets.truncate(bytes);
    Ok(octets)
}

/// The one document in a PEM text, which must have this label.
pub(crate) fn read_pem(pem: &str, label: &str) -> Result<SecretDocument, Error> {
    let malformed = || Error::MalformedKey { structure: "PEM" };
    if pem.len() > PEM_BYTES_MAX {
        return Err(malformed());
    }
    match SecretDocument::from_pem(pem.trim()) {
        Ok((found, document)) if found == label => Ok(document),
        Ok(_) | Err(_) => Err(malformed()),
    }
}

/// Opening costs what the file says: a file that asks for too much time or memory is refused.
fn check_seal(scheme: &pkcs5::EncryptionScheme<'_>) -> Result<(), Error> {
    let parameters = scheme.pbes2().ok_or(Error::UnsupportedSeal)?;
    let acceptable = match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= PBKDF2_ITERATIONS_MAX,
        pbes2::Kdf::Scrypt(scrypt) => {
            let block = u64::from(scrypt.block_size);
            let memory = scrypt
                .cost_parameter
                .checked_mul(block)
                .and_then(|n| n.checked_mul(128));
            let work = memory.and_then(|n| n.checked_mul(u64::from(scrypt.parallelization)));
            work.is_some_and(|bytes| bytes <= SCRYPT_BYTES_MAX)
        }
        _ => false,
    };
    if acceptable {
        Ok(())
    } else {
        Err(Error::UnsupportedSeal)
    }
}

/// The longest PrivateKeyInfo that is read: an RSA key of 8192 bits takes less than 5000 bytes.
pub(crate) const PKCS8_BYTES_MAX: usize = 8192;
/// What OWASP's password storage advice asks of PBKDF2 with SHA-256. scrypt with parameters of the
/// same strength needs more memory than `openssl` grants without being told.
pub(crate) const ITERATIONS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(iterations) => iterations,
    None => NonZeroU32::MIN,
};
const PBKDF2_ITERATIONS_MAX: u32 = 10_000_000;
/// Memory times passes.
const SCRYPT_BYTES_MAX: u64 = 1 << 29;
const PEM_BYTES_MAX: usize = 16_384;
const AES_BLOCK_BYTES: usize = 16;
