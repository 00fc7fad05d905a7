//! Tokens made here and elsewhere, and every reason to refuse one.
#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

mod vectors;

use certs_keys::{
    Digest, DigestAlgorithm, KeyKind, SignatureAlgorithm, SigningKey, SoftKey, default_algorithm,
};
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, Tag, TagNumber};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::query::encode_imprint;
use super::*;
use crate::asn1::{
    context, encode, encode_digest_algorithm, encode_octets, encode_oid, encode_sequence,
    encode_set_of, encode_time, encode_unsigned,
};
use crate::builder::Builder;
use crate::{Certificate, Error as X509Error, Name, algorithm};

struct World {
    ca: Certificate,
    ca_key: SoftKey,
    tsa: Certificate,
    key: SoftKey,
    now: Timestamp,
    imprint: Digest,
}

const POLICY: &str = "1.3.6.1.4.1.32473.1.1";

fn name(text: &str) -> Name {
    Name::from_attributes(&[("2.5.4.3", text)]).unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn world() -> World {
    world_of(KeyKind::P256)
}

fn world_of(kind: KeyKind) -> World {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let ca_key = SoftKey::generate(KeyKind::P256).unwrap();
    let ca = Builder::ca(name("Test CA"), ca_key.public_key())
        .validity(now - hours(24), now + hours(24 * 365))
        .self_sign(&ca_key)
        .unwrap();
    let key = SoftKey::generate(kind).unwrap();
    let tsa = Builder::timestamper(name("Test TSA"), key.public_key())
        .validity(now - hours(1), now + hours(24))
        .sign(&ca, &ca_key)
        .unwrap();
    let imprint = Digest::of(DigestAlgorithm::Sha512, b"stamped");
    World {
        ca,
        ca_key,
        tsa,
        key,
        now,
        imprint,
    }
}

impl World {
    fn authority(&self) -> Authority<'_> {
        Authority {
            certificate: &self.tsa,
            key: &self.key,
            policy: POLICY,
            accuracy_seconds: 1,
        }
    }

    fn respond(&self, query: &[u8]) -> Vec<u8> {
        respond(query, self.authority(), &[0x80, 1], self.now).unwrap()
    }

    fn token(&self) -> Token {
        token_of_response(&self.respond(&request(&self.imprint))).unwrap()
    }

    fn info(&self) -> Vec<u8> {
        self.info_with(&crate::asn1::encode_generalized_time(self.now), &[])
    }

    fn info_with(&self, time: &[u8], rest: &[u8]) -> Vec<u8> {
        encode_sequence(&[
            &encode_unsigned(&[1]),
            &encode_oid(ObjectIdentifier::new(POLICY).unwrap()),
            &encode_imprint(&self.imprint),
            &encode_unsigned(&[9]),
            time,
            rest,
        ])
    }

    /// The signed attributes of RFC 3161, in order.
    fn attributes(&self, info: &[u8]) -> Vec<Vec<u8>> {
        let digest = Digest::of(DigestAlgorithm::Sha256, info);
        let hash = encode_octets(self.tsa.sha256().as_bytes());
        let ess = encode_sequence(&[&encode_sequence(&[&encode_sequence(&[&hash])])]);
        let mut attributes = vec![
            attribute(CONTENT_TYPE, &[&encode_oid(TST_INFO)]),
            attribute(SIGNING_TIME, &[&encode_time(self.now)]),
            attribute(MESSAGE_DIGEST, &[&encode_octets(digest.as_bytes())]),
            attribute(SIGNING_CERTIFICATE_V2, &[&ess]),
        ];
        attributes.sort();
        attributes
    }

    fn issuer_and_serial(&self) -> Vec<u8> {
        let serial = encode(Tag::Integer, &[self.tsa.serial_content()]);
        encode_sequence(&[self.tsa.issuer().der(), &serial])
    }

    fn signer(&self, id: &[u8], attributes: Vec<Vec<u8>>) -> Vec<u8> {
        let algorithm = default_algorithm(self.key.public_key(), DigestAlgorithm::Sha256);
        let identifier = algorithm::signature_identifier(algorithm).to_der().unwrap();
        self.signer_with(id, attributes, algorithm, &identifier)
    }

    fn signer_with(
        &self,
        id: &[u8],
        attributes: Vec<Vec<u8>>,
        algorithm: SignatureAlgorithm,
        identifier: &[u8],
    ) -> Vec<u8> {
        let signed = encode_set_of(Tag::Set, attributes.clone());
        let digest = Digest::of(DigestAlgorithm::Sha256, &signed);
        let signature = self.key.sign(algorithm, &digest).unwrap();
        // Sent in the order given, which need not be that of DER.
        let sent: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        encode_sequence(&[
            &encode_unsigned(&[1]),
            id,
            &encode_digest_algorithm(DigestAlgorithm::Sha256),
            &encode(context(TagNumber::N0), &sent),
            identifier,
            &encode_octets(&signature.to_der()),
        ])
    }

    fn verify(&self, token: &[u8]) -> Result<(), X509Error> {
        Token::from_der(token)?.verify(&self.imprint, std::slice::from_ref(&self.tsa))
    }
}

fn attribute(oid: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    encode_sequence(&[&encode_oid(oid), &encode(Tag::Set, values)])
}

fn token_of(info: &[u8], signers: &[&[u8]]) -> Vec<u8> {
    token_with(SIGNED_DATA, TST_INFO, info, signers)
}

fn token_with(
    outer: ObjectIdentifier,
    inner: ObjectIdentifier,
    info: &[u8],
    signers: &[&[u8]],
) -> Vec<u8> {
    let content = encode(context(TagNumber::N0), &[&encode_octets(info)]);
    let signed_data = encode_sequence(&[
        &encode_unsigned(&[3]),
        &encode(
            Tag::Set,
            &[&encode_digest_algorithm(DigestAlgorithm::Sha256)],
        ),
        &encode_sequence(&[&encode_oid(inner), &content]),
        &encode(Tag::Set, signers),
    ]);
    encode_sequence(&[
        &encode_oid(outer),
        &encode(context(TagNumber::N0), &[&signed_data]),
    ])
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(result: Result<T, X509Error>) -> Error {
    match result {
        Err(X509Error::Timestamp(error)) => error,
        other => panic!("not refused for a time-stamp reason: {other:?}"),
    }
}

#[track_caller]
fn check_rejected(response: &[u8], bit: usize) {
    assert!(matches!(
        refusal(token_of_response(response)),
        Error::NotGranted { status: 2, .. }
    ));
    let mut outer = crate::asn1::Reader::only(response, Tag::Sequence).unwrap();
    let mut status = outer.sequence().unwrap();
    status.small().unwrap();
    status.sequence().unwrap();
    let bits = der::asn1::BitStringRef::from_der(status.element().unwrap().whole).unwrap();
    let set: Vec<usize> = bits
        .bits()
        .enumerate()
        .filter_map(|(at, bit)| bit.then_some(at))
        .collect();
    assert_eq!(set, [bit]);
    assert_eq!(bits.bit_len(), bit + 1, "no trailing zero bits");
}

#[test]
fn asks_as_other_servers_do() {
    let imprint = Digest::of(DigestAlgorithm::Sha512, b"data");
    let der = request(&imprint);
    let mut expected =
        hex::decode("305402010130 4f300b0609608648016503040203 0440".replace(' ', "")).unwrap();
    expected.extend_from_slice(imprint.as_bytes());
    assert_eq!(der, expected);
    assert_eq!(der.len(), 86);
    let read = x509_tsp::TimeStampReq::from_der(&der).unwrap();
    assert!(read.nonce.is_none() && read.req_policy.is_none() && !read.cert_req);
    assert_eq!(Query::from_der(&der).unwrap().imprint(), &imprint);
}

#[test]
fn grants_and_accepts_a_time_stamp() {
    let world = world();
    let token = world.token();
    token
        .verify(&world.imprint, &[world.ca.clone(), world.tsa.clone()])
        .unwrap();
    assert_eq!(token.gen_time(), world.now);
    assert_eq!(token.imprint(), &world.imprint);
    assert_eq!(token.policy(), POLICY);
    assert_eq!(token.serial(), [0, 0x80, 1]);
    assert!(
        token.certificates().is_empty(),
        "no certificate was asked for"
    );
    assert_eq!(Token::from_der(token.der()).unwrap(), token);
}

#[test]
fn grants_what_an_independent_decoder_reads() {
    let world = world();
    let response = world.respond(&request(&world.imprint));
    let read = x509_tsp::TimeStampResp::from_der(&response).unwrap();
    assert_eq!(read.to_der().unwrap(), response);
    let content = read.time_stamp_token.unwrap().content;
    let signed: cms::signed_data::SignedData = content.decode_as().unwrap();
    assert_eq!(signed.to_der().unwrap(), content.to_der().unwrap());
    let info = signed.encap_content_info.econtent.unwrap();
    let info = x509_tsp::TstInfo::from_der(info.value()).unwrap();
    assert_eq!(
        info.message_imprint.hashed_message.as_bytes(),
        world.imprint.as_bytes()
    );
    let stated = info.gen_time.to_unix_duration().as_secs();
    assert_eq!(i64::try_from(stated).unwrap(), world.now.as_second());
    assert_eq!(signed.signer_infos.0.len(), 1);
}

#[test]
fn sends_certificate_and_nonce_when_asked() {
    let world = world();
    let query = encode_sequence(&[
        &encode_unsigned(&[1]),
        &encode_imprint(&world.imprint),
        &encode_oid(ObjectIdentifier::new(POLICY).unwrap()),
        &encode(Tag::Integer, &[&[0x31, 0x4c]]),
        &encode(Tag::Boolean, &[&[0xff]]),
    ]);
    let token = token_of_response(&world.respond(&query)).unwrap();
    token
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
    assert_eq!(token.nonce(), Some(&[0x31, 0x4c][..]));
    assert_eq!(token.certificates(), std::slice::from_ref(&world.tsa));
}

#[test]
fn repeats_the_imprint_as_it_was_asked() {
    let world = world();
    let algorithm = encode_sequence(&[&encode_oid(crate::asn1::SHA512), crate::asn1::NULL]);
    let imprint = encode_sequence(&[&algorithm, &encode_octets(world.imprint.as_bytes())]);
    let response = world.respond(&encode_sequence(&[&encode_unsigned(&[1]), &imprint]));
    assert!(
        response
            .windows(imprint.len())
            .any(|window| window == imprint)
    );
    token_of_response(&response)
        .unwrap()
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
}

#[test]
fn rejects_queries_with_the_reason() {
    let world = world();
    let version = encode_unsigned(&[1]);
    let imprint = encode_imprint(&world.imprint);
    let extensions = encode(context(TagNumber::N0), &[]);
    let policy = encode_oid(ObjectIdentifier::new("1.2.3.4").unwrap());
    let md5 = encode_oid(ObjectIdentifier::new("1.2.840.113549.2.5").unwrap());
    let md5 = encode_sequence(&[&encode_sequence(&[&md5]), &encode_octets(&[0; 16])]);
    let sha1 = encode_imprint(&Digest::of(DigestAlgorithm::Sha1, b"stamped"));
    let short = encode_sequence(&[
        &encode_digest_algorithm(DigestAlgorithm::Sha512),
        &encode_octets(&[0; 63]),
    ]);
    let nonce = encode(Tag::Integer, &[&[1; 65]]);

    check_rejected(&world.respond(b"not DER"), 5);
    check_rejected(&world.respond(&vec![0x30; MESSAGE_BYTES_MAX + 1]), 5);
    check_rejected(
        &world.respond(&encode_sequence(&[&encode_unsigned(&[2]), &imprint])),
        2,
    );
    check_rejected(
        &world.respond(&encode_sequence(&[&version, &imprint, &nonce])),
        2,
    );
    check_rejected(&world.respond(&encode_sequence(&[&version, &md5])), 0);
    check_rejected(&world.respond(&encode_sequence(&[&version, &sha1])), 0);
    check_rejected(&world.respond(&encode_sequence(&[&version, &short])), 0);
    check_rejected(
        &world.respond(&encode_sequence(&[&version, &imprint, &policy])),
        15,
    );
    check_rejected(
        &world.respond(&encode_sequence(&[&version, &imprint, &extensions])),
        16,
    );
    check_rejected(&reject(Failure::TimeNotAvailable), 14);
    check_rejected(&reject(Failure::SystemFailure), 25);
}

#[test]
fn refuses_a_response_that_grants_nothing() {
    let refused = refusal(token_of_response(&reject(Failure::SystemFailure)));
    assert_eq!(refused.code(), "mlog.timestamp_non_granted_response");
    let granted = encode_sequence(&[&encode_sequence(&[&encode_unsigned(&[1])])]);
    assert!(matches!(
        refusal(token_of_response(&granted)),
        Error::NoToken
    ));
}

#[test]
fn tells_the_reason_of_a_rejection_without_control_characters() {
    let text = encode(
        Tag::Utf8String,
        &["try\r\nlater \u{1b}[31m".repeat(100).as_bytes()],
    );
    let status = encode_sequence(&[&encode_unsigned(&[3]), &encode_sequence(&[&text])]);
    match refusal(token_of_response(&encode_sequence(&[&status]))) {
        Error::NotGranted { status: 3, text } => {
            assert!(text.starts_with("trylater [31m"));
            assert!(text.chars().count() <= 200);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn accepts_a_response_granted_with_modifications() {
    let world = world();
    let granted = encode_sequence(&[&encode_unsigned(&[1])]);
    let response = encode_sequence(&[&granted, world.token().der()]);
    token_of_response(&response)
        .unwrap()
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
}

#[test]
fn refuses_a_time_stamp_over_another_imprint() {
    let world = world();
    for other in [
        Digest::of(DigestAlgorithm::Sha512, b"something else"),
        Digest::of(DigestAlgorithm::Sha256, b"stamped"),
    ] {
        let refused = refusal(
            world
                .token()
                .verify(&other, std::slice::from_ref(&world.tsa)),
        );
        assert!(matches!(refused, Error::ImprintMismatch));
        assert_eq!(refused.code(), "malformed_signature");
    }
}

#[test]
fn refuses_a_signer_that_is_not_approved() {
    let world = world();
    for approved in [&[][..], std::slice::from_ref(&world.ca)] {
        let refused = refusal(world.token().verify(&world.imprint, approved));
        assert!(matches!(refused, Error::UnknownSigner));
        assert_eq!(refused.code(), "mlog.tsp_certificate_not_found");
    }
}

#[test]
fn refuses_another_certificate_than_the_one_named() {
    let world = world();
    let twin = Builder::timestamper(name("Test TSA"), world.key.public_key())
        .serial(world.tsa.serial())
        .validity(world.now - hours(2), world.now + hours(2))
        .sign(&world.ca, &world.ca_key)
        .unwrap();
    let refused = refusal(
        world
            .token()
            .verify(&world.imprint, std::slice::from_ref(&twin)),
    );
    assert!(matches!(refused, Error::OtherSigningCertificate));
    assert_eq!(refused.code(), "mlog.timestamp_signer_verification_failed");
    // Listed beside the right one it does no harm, and is not taken for it.
    let approved = [twin, world.tsa.clone()];
    let token = world.token();
    token.verify(&world.imprint, &approved).unwrap();
    let authority = token.authority(&world.imprint, &approved).unwrap();
    assert_eq!(authority, &world.tsa);
}

#[test]
fn refuses_a_certificate_that_has_expired_when_it_stamps() {
    let mut world = world();
    world.now += hours(25);
    let refused = refusal(
        world
            .token()
            .verify(&world.imprint, std::slice::from_ref(&world.tsa)),
    );
    assert!(matches!(refused, Error::CertificateNotValid { at } if at == world.now));
}

#[test]
fn refuses_a_signature_by_another_key() {
    let mut world = world();
    world.key = SoftKey::generate(KeyKind::P256).unwrap();
    let refused = refusal(
        world
            .token()
            .verify(&world.imprint, std::slice::from_ref(&world.tsa)),
    );
    assert!(matches!(refused, Error::InvalidSignature));
}

#[test]
fn refuses_a_changed_time() {
    let world = world();
    let mut der = world.token().der().to_vec();
    let at = der
        .windows(15)
        .position(|window| window == b"20260301120000Z")
        .unwrap();
    der[at + 13] = b'1';
    let refused = refusal(world.verify(&der));
    assert!(matches!(
        refused,
        Error::ContentMismatch {
            attribute: "message-digest"
        }
    ));
}

#[test]
fn accepts_the_tokens_that_these_tests_make() {
    let world = world();
    let info = world.info();
    let signer = world.signer(&world.issuer_and_serial(), world.attributes(&info));
    world.verify(&token_of(&info, &[&signer])).unwrap();
}

#[test]
fn accepts_a_signer_named_by_its_key() {
    let world = world();
    let info = world.info();
    let identifier = match world.tsa.subject_key_identifier() {
        Some(identifier) => identifier.to_vec(),
        None => {
            let bits = world.tsa.public_key().key_bits();
            Digest::of(DigestAlgorithm::Sha1, bits).as_bytes().to_vec()
        }
    };
    let id = encode(
        crate::asn1::context_primitive(TagNumber::N0),
        &[&identifier],
    );
    let signer = world.signer(&id, world.attributes(&info));
    world.verify(&token_of(&info, &[&signer])).unwrap();
    let id = encode(crate::asn1::context_primitive(TagNumber::N0), &[b"another"]);
    let signer = world.signer(&id, world.attributes(&info));
    assert!(matches!(
        refusal(world.verify(&token_of(&info, &[&signer]))),
        Error::UnknownSigner
    ));
}

#[test]
fn accepts_fractions_of_a_second() {
    let world = world();
    let time = encode(Tag::GeneralizedTime, &[b"20260301120000.25Z"]);
    let info = world.info_with(&time, &[]);
    let signer = world.signer(&world.issuer_and_serial(), world.attributes(&info));
    let token = Token::from_der(&token_of(&info, &[&signer])).unwrap();
    token
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
    assert_eq!(
        token.gen_time(),
        world.now + SignedDuration::from_millis(250)
    );
}

#[test]
fn accepts_attributes_out_of_order_and_indefinite_lengths() {
    let world = world();
    let info = world.info();
    let mut attributes = world.attributes(&info);
    attributes.reverse();
    let signer = world.signer(&world.issuer_and_serial(), attributes);
    let der = token_of(&info, &[&signer]);
    let mut outer = crate::asn1::Reader::only(&der, Tag::Sequence).unwrap();
    let content_type = outer.element().unwrap().whole;
    let signed_data = outer.content(context(TagNumber::N0)).unwrap();
    let mut ber = vec![0x30, 0x80];
    ber.extend_from_slice(content_type);
    ber.extend_from_slice(&[0xa0, 0x80]);
    ber.extend_from_slice(signed_data);
    ber.extend_from_slice(&[0; 4]);
    let token = Token::from_der(&ber).unwrap();
    token
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
    assert_eq!(token.der(), der);
}

#[test]
fn accepts_the_older_signing_certificate_attribute_too() {
    let world = world();
    let info = world.info();
    let issuer = encode(context(TagNumber::N4), &[world.ca.subject().der()]);
    let serial = encode(Tag::Integer, &[world.tsa.serial_content()]);
    let issuer_serial = encode_sequence(&[&encode_sequence(&[&issuer]), &serial]);
    let ess = |hash: &[u8], issuer_serial: &[u8]| {
        let id = encode_sequence(&[&encode_octets(hash), issuer_serial]);
        let value = encode_sequence(&[&encode_sequence(&[&id])]);
        attribute(SIGNING_CERTIFICATE, &[&value])
    };
    let check = |ess: Vec<u8>| {
        let mut attributes = world.attributes(&info);
        attributes.push(ess);
        let signer = world.signer(&world.issuer_and_serial(), attributes);
        world.verify(&token_of(&info, &[&signer]))
    };
    check(ess(world.tsa.sha1().as_bytes(), &[])).unwrap();
    check(ess(world.tsa.sha1().as_bytes(), &issuer_serial)).unwrap();
    // Beside a right one of version 2, a wrong one of version 1 is still wrong.
    let refused = refusal(check(ess(world.ca.sha1().as_bytes(), &[])));
    assert!(matches!(refused, Error::OtherSigningCertificate));
    let other = encode_sequence(&[&encode_sequence(&[&issuer]), &encode_unsigned(&[77])]);
    let refused = refusal(check(ess(world.tsa.sha1().as_bytes(), &other)));
    assert!(matches!(refused, Error::OtherSigningCertificate));
}

#[test]
fn refuses_tokens_without_each_attribute_once() {
    let world = world();
    let info = world.info();
    let all = world.attributes(&info);
    let refuse = |attributes: Vec<Vec<u8>>| {
        let signer = world.signer(&world.issuer_and_serial(), attributes);
        refusal(world.verify(&token_of(&info, &[&signer])))
    };
    for (oid, expected) in [
        (CONTENT_TYPE, "content-type"),
        (MESSAGE_DIGEST, "message-digest"),
        (SIGNING_CERTIFICATE_V2, "signing-certificate"),
    ] {
        let encoded = encode_oid(oid);
        let is = |attribute: &Vec<u8>| {
            attribute
                .windows(encoded.len())
                .any(|window| window == encoded)
        };
        let without = all
            .iter()
            .filter(|attribute| !is(attribute))
            .cloned()
            .collect();
        assert!(
            matches!(refuse(without), Error::MissingAttribute { attribute } if attribute == expected)
        );
        let mut twice = all.clone();
        twice.push(attribute(oid, &[&encode_octets(b"second")]));
        assert!(
            matches!(refuse(twice), Error::MissingAttribute { attribute } if attribute == expected)
        );
    }
    let valueless = vec![attribute(CONTENT_TYPE, &[])];
    assert!(matches!(refuse(valueless), Error::MissingAttribute { .. }));
}

#[test]
fn refuses_attributes_about_another_type_of_content() {
    let world = world();
    let info = world.info();
    let mut attributes = world.attributes(&info);
    attributes.retain(|attribute| !attribute.windows(11).any(|w| w == TST_INFO.as_bytes()));
    attributes.push(attribute(CONTENT_TYPE, &[&encode_oid(SIGNED_DATA)]));
    let signer = world.signer(&world.issuer_and_serial(), attributes);
    let refused = refusal(world.verify(&token_of(&info, &[&signer])));
    assert!(matches!(
        refused,
        Error::ContentMismatch {
            attribute: "content-type"
        }
    ));
}

#[test]
fn refuses_a_signing_time_outside_the_certificates_validity() {
    let world = world();
    let info = world.info();
    let mut attributes = world.attributes(&info);
    let encoded = encode_oid(SIGNING_TIME);
    attributes.retain(|attribute| !attribute.windows(encoded.len()).any(|w| w == encoded));
    attributes.push(attribute(
        SIGNING_TIME,
        &[&encode_time(world.now + hours(48))],
    ));
    let signer = world.signer(&world.issuer_and_serial(), attributes);
    let refused = refusal(world.verify(&token_of(&info, &[&signer])));
    assert!(matches!(refused, Error::CertificateNotValid { .. }));
}

#[test]
fn refuses_tokens_with_no_signer_or_two() {
    let world = world();
    let info = world.info();
    let signer = world.signer(&world.issuer_and_serial(), world.attributes(&info));
    let check = |signers: &[&[u8]], expected| {
        let refused = refusal(Token::from_der(&token_of(&info, signers)));
        assert!(matches!(refused, Error::SignerCount { signers } if signers == expected));
    };
    check(&[], 0);
    check(&[&signer, &signer], 2);
}

#[test]
fn refuses_content_that_is_no_time_stamp() {
    let world = world();
    let info = world.info();
    let signer = world.signer(&world.issuer_and_serial(), world.attributes(&info));
    for (outer, inner) in [(TST_INFO, TST_INFO), (SIGNED_DATA, SIGNED_DATA)] {
        let refused = refusal(Token::from_der(&token_with(
            outer,
            inner,
            &info,
            &[&signer],
        )));
        assert!(matches!(refused, Error::UnexpectedContent { .. }));
    }
}

#[test]
fn refuses_unknown_critical_extensions() {
    let world = world();
    let check = |critical: u8| {
        let critical = encode(Tag::Boolean, &[&[critical]]);
        let extension =
            encode_sequence(&[&encode_oid(SIGNING_TIME), &critical, &encode_octets(b"")]);
        let extensions = encode(context(TagNumber::N1), &[&extension]);
        let time = crate::asn1::encode_generalized_time(world.now);
        let info = world.info_with(&time, &extensions);
        let signer = world.signer(&world.issuer_and_serial(), world.attributes(&info));
        world.verify(&token_of(&info, &[&signer]))
    };
    check(0x00).unwrap();
    assert!(matches!(
        refusal(check(0xff)),
        Error::UnknownCriticalExtension
    ));
}

#[test]
fn refuses_unknown_algorithms() {
    let world = world();
    let info = world.info();
    let identifier = encode_sequence(&[&encode_oid(SIGNING_TIME)]);
    let algorithm = default_algorithm(world.key.public_key(), DigestAlgorithm::Sha256);
    let signer = world.signer_with(
        &world.issuer_and_serial(),
        world.attributes(&info),
        algorithm,
        &identifier,
    );
    let refused = refusal(world.verify(&token_of(&info, &[&signer])));
    assert!(matches!(refused, Error::UnknownAlgorithm { .. }));
}

#[test]
fn accepts_rsa_with_the_digest_named_beside_the_key() {
    let world = world_of(KeyKind::Rsa2048);
    world
        .token()
        .verify(&world.imprint, std::slice::from_ref(&world.tsa))
        .unwrap();
    let info = world.info();
    let rsa = encode_oid(ObjectIdentifier::new("1.2.840.113549.1.1.1").unwrap());
    let signer = world.signer_with(
        &world.issuer_and_serial(),
        world.attributes(&info),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
        &encode_sequence(&[&rsa, crate::asn1::NULL]),
    );
    world.verify(&token_of(&info, &[&signer])).unwrap();
}

#[test]
fn adds_the_authoritys_certificate_once() {
    let world = world();
    let token = world.token();
    let once = token.with_certificate(&world.tsa).unwrap();
    assert_eq!(once.certificates(), std::slice::from_ref(&world.tsa));
    assert_eq!(once.with_certificate(&world.tsa).unwrap(), once);
    let both = once.with_certificate(&world.ca).unwrap();
    assert_eq!(both.certificates().len(), 2);
    for token in [&once, &both] {
        token
            .verify(&world.imprint, std::slice::from_ref(&world.tsa))
            .unwrap();
        assert_eq!(token.gen_time(), world.now);
    }
}

#[test]
fn refuses_a_response_cut_short_anywhere() {
    let world = world();
    let response = world.respond(&request(&world.imprint));
    for end in 0..response.len() {
        assert!(token_of_response(&response[..end]).is_err(), "{end}");
    }
}

#[test]
fn refuses_tokens_that_are_too_large() {
    let octets = vec![0; MESSAGE_BYTES_MAX + 1];
    assert!(matches!(
        Token::from_der(&octets),
        Err(X509Error::TooLarge { .. })
    ));
    assert!(matches!(
        token_of_response(&octets),
        Err(X509Error::TooLarge { .. })
    ));
}

#[test]
fn cannot_stamp_under_a_policy_that_is_none() {
    let world = world();
    let authority = Authority {
        policy: "not an identifier",
        ..world.authority()
    };
    let failed = respond(&request(&world.imprint), authority, &[1], world.now);
    assert!(matches!(
        failed,
        Err(X509Error::UnrepresentableValue { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_asked_is_what_is_read_and_stamped(
        data in proptest::collection::vec(any::<u8>(), 0..64),
        nonce in proptest::collection::vec(1_u8..0x80, 1..20),
        wanted in any::<bool>(),
        serial in proptest::collection::vec(1_u8.., 1..20),
    ) {
        let mut world = world();
        world.imprint = Digest::of(DigestAlgorithm::Sha384, &data);
        let certificate_wanted = match wanted {
            true => encode(Tag::Boolean, &[&[0xff]]),
            false => Vec::new(),
        };
        let query = encode_sequence(&[
            &encode_unsigned(&[1]),
            &encode_imprint(&world.imprint),
            &encode(Tag::Integer, &[&nonce]),
            &certificate_wanted,
        ]);
        let read = Query::from_der(&query).unwrap();
        prop_assert_eq!(read.imprint(), &world.imprint);
        prop_assert_eq!(read.nonce(), Some(&nonce[..]));
        prop_assert_eq!(read.certificate_wanted(), wanted);

        let response = respond(&query, world.authority(), &serial, world.now).unwrap();
        let token = token_of_response(&response).unwrap();
        token.verify(&world.imprint, std::slice::from_ref(&world.tsa)).unwrap();
        prop_assert_eq!(token.nonce(), Some(&nonce[..]));
        prop_assert_eq!(token.certificates().len(), usize::from(wanted));
        let trimmed = token.serial().strip_prefix(&[0]).unwrap_or(token.serial());
        prop_assert_eq!(trimmed, &serial[..]);
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_are_no_token(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Token::from_der(&octets).is_err());
        prop_assert!(token_of_response(&octets).is_err());
        prop_assert!(Query::from_der(&octets).is_err());
    }
}
