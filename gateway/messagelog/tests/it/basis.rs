//! What a record notes of the legal basis, against what the signed message states.

use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::audit::Subject;
use gateway_messagelog::{Basis, Consent, Disclosure, Ground, Protocol, Record, Side};
use gateway_proto::basis::Basis as Stated;
use gateway_proto::rest;
use uuid::Uuid;

use crate::country::Country;
use crate::reduced::reduced;
use crate::{audited, fails};

const ARTEFACT: &str = "eyJh.eyJi.c2ln";

fn stated() -> Stated {
    Stated {
        purpose: Some("credit".to_owned()),
        consent: Some(ARTEFACT.to_owned()),
        emergency: Some("unconscious, ward 3".to_owned()),
        authentication: Some("asan-imza".to_owned()),
    }
}

fn noted() -> Basis {
    Basis {
        ground: Ground::Consent,
        rule: Some("bank-income".to_owned()),
        rule_version: 1,
        rules_version: 3,
        law: None,
        purpose: Some("credit".to_owned()),
        consent: Some(Consent {
            id: Uuid::nil(),
            digest: Digest::of(DigestAlgorithm::Sha256, ARTEFACT.as_bytes()),
        }),
        emergency: None,
        authentication: Some("asan-imza".to_owned()),
        persons: Vec::new(),
        quotas: Vec::new(),
        disclosure: Disclosure::AtOnce,
    }
}

/// A request that states one basis, signed, and a record of it that notes another.
fn request(country: &Country, protocol: Protocol, stated: &Stated, noted: Basis) -> Record {
    let mut record = match protocol {
        Protocol::Soap => {
            let mut record = country.soap_exchange("s-1", Side::Provider).swap_remove(0);
            let text = String::from_utf8(record.message.to_vec()).unwrap();
            let block = stated.to_soap().unwrap_or_default();
            record.message = text.replace("<x:issue>", &(block + "<x:issue>")).into();
            record
        }
        Protocol::Rest => {
            let mut record = country
                .rest_exchange("r-1", Side::Provider, None, None)
                .swap_remove(0);
            let mut block = record.message.to_vec();
            for (name, value) in stated.to_headers() {
                block.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
            }
            record.message = block.into();
            assert!(rest::Request::from_block(record.message.clone()).is_ok());
            record
        }
    };
    record.basis = Some(Box::new(noted));
    country.sign_together(std::slice::from_mut(&mut record));
    record
}

/// With both protocols, judged from the folder alone.
async fn check(stated: &Stated, noted: &Basis, expected: &[Subject]) {
    let country = Country::new();
    let requests = [Protocol::Soap, Protocol::Rest]
        .map(|protocol| request(&country, protocol, stated, noted.clone()));
    let (_dir, verdicts) = audited(&country, requests.to_vec()).await;
    assert_eq!(verdicts.len(), 2);
    for verdict in &verdicts {
        fails(verdict, expected);
        assert_eq!(verdict.basis.as_deref(), Some(noted));
    }
}

#[tokio::test]
async fn a_noted_basis_is_what_the_signed_message_states() {
    check(&stated(), &noted(), &[]).await;
}

#[tokio::test]
async fn a_purpose_that_was_not_stated_may_come_from_the_right() {
    let silent = Stated {
        purpose: None,
        ..stated()
    };
    check(&silent, &noted(), &[]).await;
}

#[tokio::test]
async fn a_noted_basis_that_the_message_does_not_state_fails() {
    let changed = [
        Basis {
            purpose: Some("aid".to_owned()),
            ..noted()
        },
        Basis {
            consent: Some(Consent {
                id: Uuid::nil(),
                digest: Digest::of(DigestAlgorithm::Sha256, b"another"),
            }),
            ..noted()
        },
        Basis {
            emergency: Some("another".to_owned()),
            ..noted()
        },
        Basis {
            authentication: Some("another".to_owned()),
            ..noted()
        },
    ];
    for basis in changed {
        check(&stated(), &basis, &[Subject::Message]).await;
    }
    let silent = Stated::default();
    check(&silent, &noted(), &[Subject::Message]).await;
}

#[tokio::test]
async fn a_noted_basis_under_a_broken_block_fails() {
    let broken = Stated {
        authentication: Some("a\nb".to_owned()),
        ..stated()
    };
    check(&broken, &noted(), &[Subject::Message]).await;
}

#[tokio::test]
async fn where_bodies_are_not_kept_the_basis_stays() {
    let country = Country::new();
    let requests = [Protocol::Soap, Protocol::Rest]
        .map(|protocol| reduced(&request(&country, protocol, &stated(), noted())));
    let (_dir, verdicts) = audited(&country, requests.to_vec()).await;
    for verdict in &verdicts {
        fails(verdict, &[]);
        assert_eq!(verdict.basis.as_deref(), Some(&noted()));
    }
}
