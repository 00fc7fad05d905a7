//! Private keys at rest: PKCS#8 EncryptedPrivateKeyInfo in PEM, sealed under a PIN.

use der::pem::{LineEnding, PemLabel};
use der::{Decode, SecretDocument};
use pkcs8::pkcs5::{self, pbes2};
use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo};

use crate::{Error, Pin, random_bytes};

/// Seals a PKCS#8 PrivateKeyInfo with PBES2 of PBKDF2-HMAC-SHA-256 and AES-256-CBC.
/// `openssl pkey` opens it.
pub(crate) fn seal(plain: &[u8], pin: &Pin) -> Result<String, Error> {
    let internal = || Error::Internal {
        operation: "seal a key",
    };
    let info = PrivateKeyInfo::from_der(plain).map_err(|_| internal())?;
    let salt = random_bytes::<16>();
    let iv = random_bytes::<16>();
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, &iv)
        .map_err(|_| internal())?;
    let sealed = info
        .encrypt_with_params(parameters, pin.as_bytes())
        .map_err(|_| internal())?;
    sealed
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
    let plain = sealed
        .decrypt(pin.as_bytes())
        .map_err(|_| Error::WrongPin)?;
    PrivateKeyInfo::from_der(plain.as_bytes()).map_err(|_| Error::WrongPin)?;
    Ok(plain)
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
pub(crate) const PBKDF2_ITERATIONS: u32 = 600_000;
const PBKDF2_ITERATIONS_MAX: u32 = 10_000_000;
/// Memory times passes.
const SCRYPT_BYTES_MAX: u64 = 1 << 29;
const PEM_BYTES_MAX: usize = 16_384;
