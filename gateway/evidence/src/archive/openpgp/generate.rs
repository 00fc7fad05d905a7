//! A new key pair for an operator.

use jiff::Timestamp;
use pgp::composed::{
    ArmorOptions, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::types::CompressionAlgorithm;
use rand::rngs::OsRng;

use super::key::seconds;
use super::{Error, PublicKey};

/// A new key, both halves armored.
pub struct Pair {
    /// The secret half, under the passphrase if there was one.
    pub secret: zeroize::Zeroizing<String>,
    /// The public half, for others.
    pub public: String,
    /// The fingerprint, in hexadecimal.
    pub fingerprint: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pair").field(&self.fingerprint).finish()
    }
}

/// Makes a key that signs, with a subkey to encrypt to. It does not expire: archives outlive plans.
///
/// Ed25519 and X25519 under their first OpenPGP names, version 4: what GnuPG makes itself and
/// everything since 2017 reads.
///
/// # Errors
/// The user id or the time cannot be said in OpenPGP.
pub fn generate(user_id: &str, passphrase: Option<&str>, now: Timestamp) -> Result<Pair, Error> {
    let created = seconds(now)?;
    let passphrase = passphrase.map(str::to_owned);
    let encrypting = SubkeyParamsBuilder::default()
        .key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy))
        .can_encrypt(EncryptionCaps::All)
        .created_at(created)
        .passphrase(passphrase.clone())
        .build()
        .map_err(unsound)?;
    let key = SecretKeyParamsBuilder::default()
        .key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(true)
        .created_at(created)
        .primary_user_id(user_id.to_owned())
        .passphrase(passphrase)
        .preferred_symmetric_algorithms([SymmetricKeyAlgorithm::AES256].into_iter().collect())
        .preferred_hash_algorithms(
            [HashAlgorithm::Sha512, HashAlgorithm::Sha256]
                .into_iter()
                .collect(),
        )
        .preferred_compression_algorithms(
            [CompressionAlgorithm::Uncompressed].into_iter().collect(),
        )
        .subkey(encrypting)
        .build()
        .map_err(unsound)?
        .generate(OsRng)?;
    let secret = key.to_armored_string(ArmorOptions::default())?.into();
    let public = PublicKey::of(key.to_public_key());
    Ok(Pair {
        secret,
        public: public.to_armored()?,
        fingerprint: public.fingerprint(),
    })
}

fn unsound(problem: impl std::fmt::Display) -> Error {
    Error::Parameters(problem.to_string())
}
