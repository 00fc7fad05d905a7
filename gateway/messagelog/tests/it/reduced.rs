//! Records whose bodies were not kept: judged by the digests of what was signed.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::audit::{Outcome, Subject, Verdict};
use gateway_messagelog::{Content, Error, Protocol, Record, Side};
use gateway_proto::{Limits, rest, soap};

use crate::country::Country;
use crate::{audited, fails, outcome};

/// As the path leaves it.
pub(crate) fn reduced(record: &Record) -> Record {
    let is_response = record.direction == gateway_messagelog::Direction::Response;
    let message = record.message.clone();
    let reduced = match (record.protocol, is_response) {
        (Protocol::Soap, _) => {
            match soap::parse(message, &record.content_type, &Limits::default()).unwrap() {
                soap::Parsed::Message(message) => message.reduced(is_response),
                soap::Parsed::Fault(_) => panic!("a fault"),
            }
        }
        (Protocol::Rest, false) => rest::Request::from_block(message).unwrap().reduced(),
        (Protocol::Rest, true) => rest::Response::from_block(message).unwrap().reduced(),
    };
    let attachments = record.attachments.iter();
    Record {
        message: reduced,
        message_digest: Some(Digest::of(DigestAlgorithm::Sha512, &record.message)),
        attachments: attachments
            .map(|(_, content)| (Vec::new(), content.withheld()))
            .collect(),
        ..record.clone()
    }
}

#[track_caller]
fn not_kept(verdict: &Verdict, subject: Subject) {
    match outcome(verdict, subject) {
        Outcome::NotChecked(reason) => assert!(reason.contains("not kept"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn signature_and_binding_hold_without_the_bodies() {
    let country = Country::new();
    let body = Bytes::from(vec![7; 5000]);
    let mut records = country.soap_exchange("s-1", Side::Consumer);
    records.extend(country.rest_exchange("r-1", Side::Provider, Some(&body), None));
    records.extend(country.rest_exchange("r-2", Side::Consumer, Some(&body), Some(&body)));
    let (_dir, verdicts) = audited(&country, records.iter().map(reduced).collect()).await;
    assert_eq!(verdicts.len(), 6);
    for (at, (verdict, record)) in verdicts.iter().zip(&records).enumerate() {
        fails(verdict, &[]);
        not_kept(verdict, Subject::Message);
        not_kept(verdict, Subject::Contents);
        for subject in [Subject::Signature, Subject::Signer, Subject::Trust] {
            assert_eq!(outcome(verdict, subject), &Outcome::Holds);
        }
        assert!(!verdict.bodies_kept());
        let message = &verdict.parts[0];
        assert_eq!((message.bytes, message.is_kept), (None, false));
        let signed = Digest::of(DigestAlgorithm::Sha512, &record.message);
        assert_eq!(message.digest, signed);
        for part in &verdict.parts[1..] {
            assert_eq!((part.bytes, part.is_kept), (Some(5000), false));
        }
        if at % 2 == 1 {
            assert_eq!(outcome(verdict, Subject::Exchange), &Outcome::Holds);
        }
    }
}

#[tokio::test]
async fn a_reduced_record_is_no_way_around_the_checks() {
    let country = Country::new();
    let original = country.soap_exchange("s-1", Side::Consumer)[0].clone();
    let mut other_digest = reduced(&original);
    other_digest.message_digest = Some(Digest::of(DigestAlgorithm::Sha512, b"another"));
    let another_user = Record {
        user_id: Some("AZ1".to_owned()),
        ..reduced(&original)
    };
    let mut by_another = original;
    country.sign_as_provider(&mut by_another);
    let body = Bytes::from(vec![7; 10]);
    let mut rest = reduced(&country.rest_exchange("r-1", Side::Consumer, Some(&body), None)[0]);
    rest.attachments[0].1 = Content::from_bytes(Bytes::from_static(b"another")).withheld();
    let records = vec![other_digest, another_user, reduced(&by_another), rest];
    let (_dir, verdicts) = audited(&country, records).await;
    fails(&verdicts[0], &[Subject::Signature]);
    fails(&verdicts[1], &[Subject::Message]);
    fails(&verdicts[2], &[Subject::Signer]);
    fails(&verdicts[3], &[Subject::Signature]);
}

#[tokio::test]
async fn a_withheld_content_says_so() {
    let content = Content::from_bytes(Bytes::from_static(b"secret"));
    let withheld = content.withheld();
    assert_eq!((withheld.len(), withheld.digest()), (6, content.digest()));
    assert!(withheld.is_withheld() && !content.is_withheld());
    assert!(withheld.bytes().is_none());
    let refused = withheld.reader().next_chunk().await.unwrap_err();
    assert!(matches!(refused, Error::ContentWithheld), "{refused:?}");
    assert!(matches!(
        withheld.digest_again(),
        Err(Error::ContentWithheld)
    ));
    let empty = Content::from_bytes(Bytes::new()).withheld();
    assert!(matches!(
        empty.reader().next_chunk().await,
        Err(Error::ContentWithheld)
    ));
}
