//! Keys that say they may not be used any more, made with the library's own parts.

#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use jiff::{SignedDuration, Timestamp};
use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::packet::{
    KeyFlags, RevocationCode, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::types::{Duration, KeyDetails, Password, Tag};
use rand::rngs::OsRng;

use super::{Error, PublicKey, SecretKey, generate, now};

fn key() -> SignedSecretKey {
    let pair = generate("key", None, now()).unwrap();
    SignedSecretKey::from_string(&pair.secret).unwrap().0
}

fn later(days: i64) -> Timestamp {
    now()
        .checked_add(SignedDuration::from_hours(24 * days))
        .unwrap()
}

fn config(key: &SignedSecretKey, kind: SignatureType, at: Timestamp) -> SignatureConfig {
    let mut config = SignatureConfig::from_key(OsRng, &key.primary_key, kind).unwrap();
    let seconds = super::super::key::seconds(at).unwrap();
    config.hashed_subpackets = [
        SubpacketData::SignatureCreationTime(seconds),
        SubpacketData::IssuerFingerprint(key.fingerprint()),
    ]
    .into_iter()
    .map(|data| Subpacket::regular(data).unwrap())
    .collect();
    config
}

fn add(config: &mut SignatureConfig, data: SubpacketData) {
    config
        .hashed_subpackets
        .push(Subpacket::regular(data).unwrap());
}

/// A certification of the user id: flags, and for how many days the key lives.
fn certify(key: &mut SignedSecretKey, made: Timestamp, sign: bool, days: Option<u32>) {
    let mut config = config(key, SignatureType::CertPositive, made);
    let mut flags = KeyFlags::default();
    flags.set_sign(sign);
    add(&mut config, SubpacketData::KeyFlags(flags));
    if let Some(days) = days {
        let lasts = Duration::from_secs(days * 86_400);
        add(&mut config, SubpacketData::KeyExpirationTime(lasts));
    }
    let signature = config
        .sign_certification(
            &key.primary_key,
            key.primary_key.public_key(),
            &Password::empty(),
            Tag::UserId,
            &key.details.users[0].id,
        )
        .unwrap();
    key.details.users[0].signatures.push(signature);
}

fn revocation(key: &SignedSecretKey, reason: RevocationCode, at: Timestamp) -> Signature {
    let mut config = config(key, SignatureType::KeyRevocation, at);
    let data = SubpacketData::RevocationReason(reason, "".into());
    add(&mut config, data);
    config
        .sign_key(
            &key.primary_key,
            &Password::empty(),
            key.primary_key.public_key(),
        )
        .unwrap()
}

/// A signature of the primary key on its subkey.
fn subkey(key: &SignedSecretKey, kind: SignatureType, what: SubpacketData) -> Signature {
    let mut config = config(key, kind, later(0));
    add(&mut config, what);
    config
        .sign_subkey_binding(
            &key.primary_key,
            key.primary_key.public_key(),
            &Password::empty(),
            key.secret_subkeys[0].public_key(),
        )
        .unwrap()
}

#[track_caller]
fn check(key: &SignedSecretKey, at: Timestamp, signs: bool, encrypts: bool) {
    let armored = key.to_armored_string(Default::default()).unwrap();
    let secret = SecretKey::read(armored.as_bytes(), None).unwrap();
    let public = PublicKey::read(secret.public().to_armored().unwrap().as_bytes()).unwrap();
    match (secret.check_signs(at), signs) {
        (Ok(()), true) | (Err(Error::CannotSign { .. }), false) => {}
        (said, _) => panic!("signs: {said:?}"),
    }
    match (public.check_encrypts(at), encrypts) {
        (Ok(()), true) | (Err(Error::CannotEncrypt { .. }), false) => {}
        (said, _) => panic!("encrypts: {said:?}"),
    }
}

#[test]
fn a_key_that_does_not_expire_serves_from_its_making_on() {
    check(&key(), now(), true, true);
    check(&key(), later(30_000), true, true);
    check(&key(), later(-1), false, false);
}

#[test]
fn an_expired_key_serves_no_more_and_neither_do_its_subkeys() {
    let mut expiring = key();
    expiring.details.users[0].signatures.clear();
    certify(&mut expiring, later(0), true, Some(10));
    check(&expiring, later(9), true, true);
    check(&expiring, later(10), false, false);
}

#[test]
fn the_newest_self_signature_holds() {
    let mut renewed = key();
    renewed.details.users[0].signatures.clear();
    certify(&mut renewed, later(5), true, Some(100));
    certify(&mut renewed, later(0), true, Some(10));
    check(&renewed, later(50), true, true);
    let mut withdrawn = key();
    withdrawn.details.users[0].signatures.clear();
    certify(&mut withdrawn, later(0), true, None);
    certify(&mut withdrawn, later(5), false, None);
    check(&withdrawn, later(50), false, true);
}

#[test]
fn a_forged_self_signature_is_as_if_it_were_not_there() {
    let mut forged = key();
    let mut other = key();
    certify(&mut other, later(0), true, None);
    forged.details.users[0].signatures = other.details.users[0].signatures.clone();
    check(&forged, now(), false, false);
    let mut forged = key();
    forged.secret_subkeys[0].signatures = other.secret_subkeys[0].signatures.clone();
    check(&forged, now(), true, false);
}

#[test]
fn a_replaced_key_serves_until_then_and_a_compromised_one_never() {
    for (reason, before) in [
        (RevocationCode::KeySuperseded, true),
        (RevocationCode::KeyRetired, true),
        (RevocationCode::KeyCompromised, false),
        (RevocationCode::NoReason, false),
    ] {
        let mut revoked = key();
        let signature = revocation(&revoked, reason, later(10));
        revoked.details.revocation_signatures.push(signature);
        check(&revoked, later(9), before, before);
        check(&revoked, later(10), false, false);
    }
}

#[test]
fn somebody_elses_revocation_means_nothing() {
    let mut victim = key();
    let signature = revocation(&key(), RevocationCode::KeyCompromised, later(0));
    victim.details.revocation_signatures.push(signature);
    check(&victim, later(1), true, true);
}

#[test]
fn a_revoked_or_expired_subkey_encrypts_no_more() {
    let mut revoked = key();
    let reason = SubpacketData::RevocationReason(RevocationCode::KeyCompromised, "".into());
    let signature = subkey(&revoked, SignatureType::SubkeyRevocation, reason);
    revoked.secret_subkeys[0].signatures.push(signature);
    check(&revoked, later(1), true, false);

    let mut expired = key();
    let mut flags = KeyFlags::default();
    flags.set_encrypt_storage(true);
    let mut config = config(&expired, SignatureType::SubkeyBinding, later(0));
    add(&mut config, SubpacketData::KeyFlags(flags));
    add(
        &mut config,
        SubpacketData::KeyExpirationTime(Duration::from_secs(10 * 86_400)),
    );
    let binding = config
        .sign_subkey_binding(
            &expired.primary_key,
            expired.primary_key.public_key(),
            &Password::empty(),
            expired.secret_subkeys[0].public_key(),
        )
        .unwrap();
    expired.secret_subkeys[0].signatures = vec![binding];
    check(&expired, later(9), true, true);
    check(&expired, later(10), true, false);
}

#[test]
fn a_subkey_that_is_not_meant_for_it_encrypts_nothing() {
    let mut other = key();
    let mut flags = KeyFlags::default();
    flags.set_authentication(true);
    let binding = subkey(
        &other,
        SignatureType::SubkeyBinding,
        SubpacketData::KeyFlags(flags),
    );
    other.secret_subkeys[0].signatures = vec![binding];
    check(&other, now(), true, false);
}
