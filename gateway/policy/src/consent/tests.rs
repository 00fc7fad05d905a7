use gateway_tlog::note::{Kind, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::person::KeyKind;

fn signer() -> Ed25519Key {
    Ed25519Key::from_seed(&[7; 32]).unwrap()
}

fn published() -> Vec<ConsentKey> {
    let key = |kid: &str, key: Ed25519Key| ConsentKey {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        public: URL_SAFE_NO_PAD.encode(key.public_key()),
    };
    let other = Ed25519Key::from_seed(&[8; 32]).unwrap();
    vec![key("k0", other), key("k1", signer())]
}

fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

fn person(value: &str) -> PersonKey {
    PersonKey::from_canonical(KeyKind::Fin, value.to_owned()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn artefact() -> Artefact {
    Artefact {
        format: FORMAT.to_owned(),
        instance: "AZ".to_owned(),
        id: Uuid::from_u128(7),
        subject: person("0TEST01"),
        consumer: client("AZ/COM/0000001201/kredit"),
        provider: client("AZ/GOV/0000000951/vergi"),
        services: vec!["GetIncome".to_owned()],
        purpose: "credit".to_owned(),
        categories: vec!["income".to_owned()],
        data_from: Some("2025-01-01".to_owned()),
        data_until: Some("2025-12-31".to_owned()),
        issued_at: time("2026-11-22T12:00:00Z"),
        valid_from: time("2026-11-22T12:00:00Z"),
        valid_until: time("2026-12-22T12:00:00Z"),
        frequency: Some(Frequency {
            count: 3,
            seconds: 86_400,
        }),
        single_use: false,
        data_life_seconds: Some(86_400),
        acting_for: None,
        predecessor: None,
        proof: Proof::Attestation {
            portal: client("AZ/GOV/0000001181/mygov"),
            level: "asan-imza".to_owned(),
            at: time("2026-11-22T11:59:00Z"),
        },
    }
}

/// Signs any payload, as nobody should.
fn signed(payload: &[u8]) -> String {
    jws::sign(payload, "k1", MEDIA_TYPE, &signer())
}

fn verified(text: &str) -> Result<Verified, Error> {
    verify_with(text, "AZ", &published())
}

#[track_caller]
fn check_code(text: &str, expected: &str) {
    let error = verified(text).unwrap_err();
    assert_eq!(error.code(), expected, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("0TEST"));
}

/// An artefact with one thing changed, signed and sound but for that.
#[track_caller]
fn check_form(change: impl Fn(&mut Artefact)) {
    let mut artefact = artefact();
    change(&mut artefact);
    let payload = json::canonical_of(&artefact).unwrap();
    check_code(&signed(&payload), "consent_malformed");
    assert!(matches!(
        sign(&artefact, "k1", &signer()),
        Err(Error::Form) | Err(Error::Jws(jws::Error::TooLong))
    ));
}

#[test]
fn what_the_service_signs_every_node_believes() {
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let verified = verified(&text).unwrap();
    assert_eq!(verified.artefact(), &artefact());
    assert_eq!(
        verified.digest(),
        &Digest::of(DigestAlgorithm::Sha256, text.as_bytes())
    );
}

#[test]
fn the_keys_and_the_instance_are_those_of_the_rules() {
    let feed = Ed25519Key::from_seed(&[5; 32]).unwrap().public_key();
    let feed = Verifier::new(Kind::Ed25519, "AZ-feed", feed).unwrap();
    let rules = |consent: Option<Value>| {
        let mut part = json!({
            "format": "karvan-rules/1", "instance": "AZ", "version": 1,
            "published": "2026-11-22T12:00:00Z", "settings": {},
        });
        if let Some(consent) = consent {
            part["consent"] = consent;
        }
        Rules::read(&serde_json::to_vec(&part).unwrap(), "AZ").unwrap()
    };
    let service = json!({
        "keys": published(), "feed_key": feed.to_vkey(), "feed_urls": ["https://registry.az/feed"],
        "feed_certificates": ["00".repeat(32)],
    });
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let believed = verify(&text, &rules(Some(service.clone()))).unwrap();
    assert_eq!(believed.artefact(), &artefact());
    let error = verify(&text, &rules(None)).unwrap_err();
    assert_eq!(error.code(), "consent_unknown_key");
    let mut foreign = artefact();
    foreign.instance = "EE".to_owned();
    let text = sign(&foreign, "k1", &signer()).unwrap();
    let error = verify(&text, &rules(Some(service))).unwrap_err();
    assert_eq!(error.code(), "consent_malformed");
}

#[test]
fn refuses_every_text_with_a_changed_character() {
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    for (at, own) in text.char_indices() {
        let mut changed = text.clone();
        let other = if own == 'A' { "B" } else { "A" };
        changed.replace_range(at..=at, other);
        assert!(verified(&changed).is_err(), "{at}");
    }
}

#[test]
fn refuses_a_signature_of_another_key() {
    let stranger = Ed25519Key::from_seed(&[9; 32]).unwrap();
    let text = sign(&artefact(), "k1", &stranger).unwrap();
    check_code(&text, "consent_signature");
    let text = sign(&artefact(), "k0", &signer()).unwrap();
    check_code(&text, "consent_signature");
}

#[test]
fn refuses_a_key_that_is_not_published() {
    let text = sign(&artefact(), "k2", &signer()).unwrap();
    check_code(&text, "consent_unknown_key");
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let error = verify_with(&text, "AZ", &[]).unwrap_err();
    assert_eq!(error.code(), "consent_unknown_key");
    let mut keys = published();
    keys[1].public.push('A');
    let error = verify_with(&text, "AZ", &keys).unwrap_err();
    assert_eq!(error.code(), "consent_unknown_key");
}

#[test]
fn refuses_another_algorithm_than_the_keys() {
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let (_, rest) = text.split_once('.').unwrap();
    for algorithm in ["none", "HS256", "RS256", "eddsa"] {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"k1","typ":"{MEDIA_TYPE}"}}"#);
        let header = URL_SAFE_NO_PAD.encode(header);
        check_code(&format!("{header}.{rest}"), "consent_algorithm");
        let (payload, _) = rest.split_once('.').unwrap();
        check_code(&format!("{header}.{payload}."), "consent_algorithm");
    }
    // A key whose algorithm we do not have is not used as if it were Ed25519.
    let mut keys = published();
    keys[1].algorithm = "ES256".to_owned();
    let error = verify_with(&text, "AZ", &keys).unwrap_err();
    assert_eq!(error.code(), "consent_algorithm");
}

#[test]
fn refuses_what_is_no_artefact_though_rightly_signed() {
    check_code("", "consent_malformed");
    check_code("a.b.c", "consent_malformed");
    check_code(&signed(b""), "consent_malformed");
    check_code(&signed(b"{}"), "consent_malformed");
    check_code(&signed(b"[]"), "consent_malformed");
    check_code(&signed(b"{\"a\":0.5}"), "consent_malformed");
    check_code(&signed(b"\xff"), "consent_malformed");
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let other_type = jws::sign(
        &json::canonical_of(&artefact()).unwrap(),
        "k1",
        "JWT",
        &signer(),
    );
    check_code(&other_type, "consent_malformed");
    check_code(&text.repeat(20), "consent_too_long");
}

#[test]
fn refuses_duplicate_keys_before_it_asks_which_counts() {
    let payload = String::from_utf8(json::canonical_of(&artefact()).unwrap()).unwrap();
    let twice = payload.replacen(
        "\"purpose\":\"credit\"",
        "\"purpose\":\"credit\",\"purpose\":\"marketing\"",
        1,
    );
    assert_ne!(twice, payload);
    check_code(&signed(twice.as_bytes()), "consent_duplicate_key");
    let inner = payload.replacen("\"kind\":\"fin\"", "\"kind\":\"fin\",\"kind\":\"fin\"", 1);
    assert_ne!(inner, payload);
    check_code(&signed(inner.as_bytes()), "consent_duplicate_key");
}

#[test]
fn refuses_a_payload_that_is_written_otherwise() {
    let payload = json::canonical_of(&artefact()).unwrap();
    let text = String::from_utf8(payload).unwrap();
    check_code(
        &signed(format!(" {text}").as_bytes()),
        "consent_not_canonical",
    );
    check_code(
        &signed(format!("{text}\n").as_bytes()),
        "consent_not_canonical",
    );
    let pretty = serde_json::to_vec_pretty(&artefact()).unwrap();
    check_code(&signed(&pretty), "consent_not_canonical");
    let escaped = text.replacen("credit", "cr\\u0065dit", 1);
    check_code(&signed(escaped.as_bytes()), "consent_not_canonical");
    // In the order of its fields instead of its keys.
    let unsorted = serde_json::to_vec(&artefact()).unwrap();
    check_code(&signed(&unsorted), "consent_not_canonical");
}

#[test]
fn refuses_fields_it_does_not_know_and_misses_those_it_needs() {
    let value = serde_json::to_value(artefact()).unwrap();
    let check = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let Value::Object(mut members) = value.clone() else {
            panic!("an artefact is an object");
        };
        change(&mut members);
        let payload = json::canonical(&Value::Object(members)).unwrap();
        check_code(&signed(&payload), "consent_malformed");
    };
    check(&|members| drop(members.insert("note".to_owned(), json!("x"))));
    check(&|members| drop(members.insert("subject".to_owned(), json!("0TEST01"))));
    let small = json!({"kind": "fin", "value": "0test01"});
    check(&|members| drop(members.insert("subject".to_owned(), small.clone())));
    for field in [
        "subject",
        "consumer",
        "provider",
        "services",
        "purpose",
        "valid_until",
        "proof",
    ] {
        check(&|members| drop(members.remove(field)));
    }
    let proof = json!({"kind": "hearsay"});
    check(&|members| drop(members.insert("proof".to_owned(), proof.clone())));
    let mut proof = value["proof"].clone();
    proof["more"] = json!(1);
    check(&|members| drop(members.insert("proof".to_owned(), proof.clone())));
}

#[test]
fn refuses_another_format_or_instance() {
    check_form(|artefact| artefact.format = "karvan-consent/2".to_owned());
    let text = sign(&artefact(), "k1", &signer()).unwrap();
    let error = verify_with(&text, "EE", &published()).unwrap_err();
    assert!(matches!(error, Error::Form));
}

#[test]
fn refuses_times_that_contradict_themselves_or_are_no_whole_seconds() {
    check_form(|artefact| artefact.valid_until = artefact.valid_from);
    check_form(|artefact| {
        std::mem::swap(&mut artefact.valid_from, &mut artefact.valid_until);
    });
    check_form(|artefact| artefact.issued_at = time("2026-11-22T12:00:00.5Z"));
    check_form(|artefact| artefact.valid_from = time("2026-11-22T12:00:00.000000001Z"));
    check_form(|artefact| artefact.valid_until = time("2026-12-22T12:00:00.1Z"));
    check_form(|artefact| {
        artefact.proof = Proof::Attestation {
            portal: client("AZ/GOV/0000001181/mygov"),
            level: "asan-imza".to_owned(),
            at: time("2026-11-22T11:59:00.25Z"),
        };
    });
}

#[test]
fn refuses_texts_and_lists_beyond_their_bounds() {
    let long = "x".repeat(257);
    check_form(|artefact| artefact.purpose.clone_from(&long));
    check_form(|artefact| artefact.purpose.clear());
    check_form(|artefact| artefact.purpose = " ".to_owned());
    check_form(|artefact| artefact.purpose.push('\n'));
    check_form(|artefact| artefact.services.clear());
    check_form(|artefact| artefact.services = vec!["s".to_owned(); 33]);
    check_form(|artefact| artefact.services.push(long.clone()));
    check_form(|artefact| artefact.services.push(String::new()));
    check_form(|artefact| artefact.categories = vec!["c".to_owned(); 33]);
    let mut widest = artefact();
    // A service may declare no categories.
    widest.categories.clear();
    widest.services = vec!["s".repeat(64); 32];
    widest.purpose = "x".repeat(256);
    assert!(verified(&sign(&widest, "k1", &signer()).unwrap()).is_ok());
    // Each text within its bound, and all together too long.
    widest.services = vec!["s".repeat(256); 32];
    let found = sign(&widest, "k1", &signer());
    assert!(matches!(found, Err(Error::Jws(jws::Error::TooLong))));
}

#[test]
fn refuses_a_data_range_that_is_none() {
    check_form(|artefact| artefact.data_from = Some("2026-01-01".to_owned()));
    check_form(|artefact| artefact.data_from = Some("2025-02-30".to_owned()));
    check_form(|artefact| artefact.data_from = Some("20250101".to_owned()));
    check_form(|artefact| artefact.data_until = Some("2025-12-31T00:00:00".to_owned()));
    check_form(|artefact| artefact.data_until = Some(String::new()));
    let mut open = artefact();
    open.data_from = None;
    assert!(verified(&sign(&open, "k1", &signer()).unwrap()).is_ok());
    open.data_until = None;
    assert!(verified(&sign(&open, "k1", &signer()).unwrap()).is_ok());
}

#[test]
fn refuses_a_frequency_of_nothing_and_digests_that_are_none() {
    let frequency = |count, seconds| Some(Frequency { count, seconds });
    check_form(|artefact| artefact.frequency = frequency(0, 60));
    check_form(|artefact| artefact.frequency = frequency(1, 0));
    check_form(|artefact| artefact.predecessor = Some("ab".to_owned()));
    check_form(|artefact| artefact.predecessor = Some("A".repeat(64)));
    check_form(|artefact| {
        artefact.proof = Proof::SignedDocument {
            sha256: "0".repeat(63),
            media_type: "application/pdf".to_owned(),
        };
    });
    check_form(|artefact| {
        artefact.proof = Proof::SignedDocument {
            sha256: "0".repeat(64),
            media_type: String::new(),
        };
    });
}

#[test]
fn a_parent_acts_for_a_child_and_nobody_for_himself() {
    let acting = |actor: &str, evidence: &str| {
        Some(ActingFor {
            actor: person(actor),
            relation: Relation::Parent,
            evidence: evidence.to_owned(),
        })
    };
    let mut child = artefact();
    child.acting_for = acting("0TEST02", "birth record 7/2020");
    child.predecessor = Some("0".repeat(64));
    let text = sign(&child, "k1", &signer()).unwrap();
    assert_eq!(verified(&text).unwrap().artefact(), &child);
    check_form(|artefact| artefact.acting_for = acting("0TEST01", "birth record 7/2020"));
    check_form(|artefact| artefact.acting_for = acting("0TEST02", ""));
    let printed = format!("{:?}", verified(&text).unwrap());
    assert!(
        !printed.contains("0TEST") && !printed.contains("7/2020"),
        "{printed}"
    );
}

proptest! {
    #[test]
    fn what_is_signed_comes_back(
        id in any::<u128>(), purpose in "[^\\x00-\\x20\\x7f-\\u{9f}\\s]{1,60}", single_use in any::<bool>(),
        services in proptest::collection::vec("[A-Za-z0-9]{1,40}", 1..32),
        from in 0_i64..4_000_000_000, seconds in 1_i64..1_000_000_000,
        data_life_seconds in proptest::option::of(0_u64..1 << 50),
    ) {
        let valid_from = Timestamp::from_second(from).unwrap();
        let valid_until = Timestamp::from_second(from.checked_add(seconds).unwrap()).unwrap();
        let artefact = Artefact {
            id: Uuid::from_u128(id), purpose, single_use, services, valid_from, valid_until,
            data_life_seconds, ..artefact()
        };
        let text = sign(&artefact, "k1", &signer()).unwrap();
        let verified = verified(&text).unwrap();
        prop_assert_eq!(verified.artefact(), &artefact);
        prop_assert_eq!(verified.digest(), &digest(&text));
    }
}
