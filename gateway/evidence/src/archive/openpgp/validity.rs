//! Which part of a key may do what, and when.
//!
//! RFC 9580, 5.2.3.10 and 10.1: what holds is what the newest valid self-signature says. A part
//! whose signatures do not verify is as if it were not there. Revocations count from when they were
//! made if the key was merely replaced or retired, and always if it may have been compromised.

use jiff::Timestamp;
use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{RevocationCode, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, PublicParams, Tag};

use super::key::created;

/// What a part of a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Sign,
    Encrypt,
}

/// What a key says of its parts.
pub(super) struct Validity<'a> {
    key: &'a SignedPublicKey,
    /// The newest valid self-signature on the key itself or on one of its user ids.
    own: Option<&'a Signature>,
    revocations: Vec<&'a Signature>,
}

impl<'a> Validity<'a> {
    pub(super) fn new(key: &'a SignedPublicKey) -> Self {
        let primary = &key.primary_key;
        let direct = key.details.direct_signatures.iter().filter(|signature| {
            signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok()
        });
        let users = key.details.users.iter().flat_map(|user| {
            user.signatures.iter().filter(move |signature| {
                signature.is_certification()
                    && signature
                        .verify_certification(primary, Tag::UserId, &user.id)
                        .is_ok()
            })
        });
        Self {
            key,
            own: direct
                .chain(users)
                .max_by_key(|signature| created(signature)),
            revocations: key
                .details
                .revocation_signatures
                .iter()
                .filter(|signature| signature.verify_key(primary).is_ok())
                .collect(),
        }
    }

    /// Whether the primary key itself may do this at that time.
    pub(super) fn primary(&self, wanted: Use, at: Timestamp) -> bool {
        let Some(own) = self.own else {
            return false;
        };
        self.lives(at) && allows(own, &self.key.primary_key, wanted)
    }

    /// Whether this subkey may do this at that time.
    pub(super) fn subkey(&self, subkey: &SignedPublicSubKey, wanted: Use, at: Timestamp) -> bool {
        let primary = &self.key.primary_key;
        let valid = |signature: &&Signature| {
            signature
                .verify_subkey_binding(primary, &subkey.key)
                .is_ok()
        };
        let (bindings, revocations): (Vec<_>, Vec<_>) = subkey
            .signatures
            .iter()
            .filter(valid)
            .partition(|signature| signature.typ() == Some(SignatureType::SubkeyBinding));
        let newest = bindings
            .into_iter()
            .max_by_key(|signature| created(signature));
        let Some(binding) = newest else {
            return false;
        };
        self.lives(at)
            && in_time(&subkey.key, binding, at)
            && !revoked(&revocations, at)
            && allows(binding, &subkey.key, wanted)
            && (wanted != Use::Sign || self.agrees(binding, subkey))
    }

    /// The whole key is neither expired nor revoked.
    fn lives(&self, at: Timestamp) -> bool {
        self.own
            .is_some_and(|own| in_time(&self.key.primary_key, own, at))
            && !revoked(&self.revocations, at)
    }

    /// RFC 9580, 5.2.1.9: a signing subkey itself says that it belongs to the key; else a foreign
    /// one could be bound and its signatures claimed.
    fn agrees(&self, binding: &Signature, subkey: &SignedPublicSubKey) -> bool {
        binding.embedded_signature().is_some_and(|back| {
            back.verify_primary_key_binding(&subkey.key, &self.key.primary_key)
                .is_ok()
        })
    }
}

/// From its making until the end that the self-signature gives it, if any.
fn in_time(key: &impl KeyDetails, own: &Signature, at: Timestamp) -> bool {
    let begin = i64::from(key.created_at().as_secs());
    let lasts = own.key_expiration_time().map_or(0, |lasts| lasts.as_secs());
    let end = match lasts {
        0 => i64::MAX,
        lasts => begin.saturating_add(i64::from(lasts)),
    };
    (begin..end).contains(&at.as_second())
}

fn revoked(revocations: &[&Signature], at: Timestamp) -> bool {
    revocations.iter().any(|revocation| {
        let replaced = matches!(
            revocation.revocation_reason_code(),
            Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired)
        );
        !replaced || created(revocation).is_none_or(|since| since <= at)
    })
}

/// RFC 9580, 5.2.3.29; keys older than this subpacket may do what their algorithm can.
fn allows(own: &Signature, key: &impl KeyDetails, wanted: Use) -> bool {
    let flagged = own.config().is_some_and(|config| {
        config
            .hashed_subpackets()
            .any(|subpacket| matches!(subpacket.data, SubpacketData::KeyFlags(_)))
    });
    let flags = own.key_flags();
    let algorithm = key.algorithm();
    let (able, meant) = match wanted {
        Use::Sign => (algorithm.can_sign(), flags.sign()),
        Use::Encrypt => (
            algorithm.can_encrypt(),
            flags.encrypt_storage() || flags.encrypt_comms(),
        ),
    };
    able && (meant || !flagged) && strong(key.public_params())
}

/// What can be broken protects nothing; what only the library knows, nobody else reads.
fn strong(params: &PublicParams) -> bool {
    match params {
        PublicParams::RSA(_) => rsa_bits(params) >= RSA_BITS_MIN,
        PublicParams::ECDSA(_)
        | PublicParams::ECDH(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::X25519(_)
        | PublicParams::X448(_)
        | PublicParams::Ed448(_) => true,
        PublicParams::DSA(_) | PublicParams::Elgamal(_) | PublicParams::Unknown { .. } => false,
    }
}

/// The modulus comes first, with its length in bits (RFC 9580, 3.2 and 5.5.5.1).
fn rsa_bits(params: &PublicParams) -> u16 {
    let bytes = params.to_bytes().unwrap_or_default();
    match bytes.first_chunk() {
        Some(bits) => u16::from_be_bytes(*bits),
        None => 0,
    }
}

const RSA_BITS_MIN: u16 = 2048;
