//! Bodies that are not kept: both parties get everything, the log keeps what proves it.

use std::collections::HashSet;
use std::path::Path;

use bytes::Bytes;
use gateway_exchange::BodyLogging;
use gateway_messagelog::audit::{Outcome, Subject, Verdict};
use gateway_messagelog::{Error, Record};

use crate::support::{Soap, World, client, multipart, response, rest, soap};

fn kept() -> BodyLogging {
    BodyLogging::default()
}

fn not_kept() -> BodyLogging {
    BodyLogging {
        kept: false,
        ..kept()
    }
}

/// Every octet in a folder and below.
pub(crate) fn octets(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(octets(&path)),
            false => all.extend(std::fs::read(path).unwrap()),
        }
    }
    all
}

pub(crate) fn holds(octets: &[u8], text: &str) -> bool {
    let mut windows = octets.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

fn outcome(verdict: &Verdict, subject: Subject) -> &Outcome {
    let found = verdict.checks.iter().find(|check| check.subject == subject);
    &found.unwrap().outcome
}

/// The message was reduced, and what is left of it is proved.
#[track_caller]
fn check_reduced(record: &Record, verdict: &Verdict) {
    assert!(record.message_digest.is_some());
    assert!(
        record
            .attachments
            .iter()
            .all(|(headers, content)| { headers.is_empty() && content.is_withheld() })
    );
    for subject in [Subject::Message, Subject::Contents] {
        let expected = "the body was not kept, only its digest".to_owned();
        assert_eq!(outcome(verdict, subject), &Outcome::NotChecked(expected));
    }
    for subject in [Subject::Signature, Subject::Signer, Subject::Trust] {
        assert_eq!(outcome(verdict, subject), &Outcome::Holds);
    }
}

#[track_caller]
fn check_whole(record: &Record, verdict: &Verdict) {
    assert!(record.message_digest.is_none() && verdict.bodies_kept());
    assert_eq!(outcome(verdict, Subject::Message), &Outcome::Holds);
    assert_eq!(outcome(verdict, Subject::Contents), &Outcome::Holds);
}

#[track_caller]
fn bound(verdict: &Verdict) {
    assert_eq!(outcome(verdict, Subject::Exchange), &Outcome::Holds);
}

#[tokio::test]
async fn a_soap_exchange_leaves_header_and_digests() {
    let world = World::with_bodies(not_kept(), not_kept()).await;
    let mut question = Soap::new("s-1");
    question.more.push_str("<x:unknown>unheard of</x:unknown>");
    question.body = question.body.replace("42", "confidential");
    let answer = world.ask(question.request()).await;
    answer.is("");
    assert!(
        answer.text().contains("confidential"),
        "the client gets all of it"
    );
    world.logged((2, 0), (2, 0)).await;
    for place in [&world.consumer, &world.provider] {
        let (records, verdicts) = (place.records(), place.verdicts());
        for (record, verdict) in records.iter().zip(&verdicts) {
            check_reduced(record, verdict);
            assert_eq!(record.content_type, "text/xml; charset=UTF-8");
            assert_eq!(record.user_id.as_deref(), Some("AZ99"));
        }
        bound(&verdicts[1]);
        let [request, response] = [0, 1].map(|at| String::from_utf8_lossy(&records[at].message));
        assert!(request.contains("<SOAP-ENV:Body><xroad:lookup/></SOAP-ENV:Body>"));
        assert!(response.contains("<xroad:lookupResponse/>") && response.contains("requestHash"));
        assert!(request.contains("<xroad:issue>case-7</xroad:issue>"));
        let octets = octets(place.dir.path());
        assert!(!holds(&octets, "confidential") && !holds(&octets, "unheard of"));
    }
}

#[tokio::test]
async fn attachments_leave_their_digests() {
    let world = World::with_bodies(not_kept(), not_kept()).await;
    let envelope = Soap::new("s-2").text();
    let long = "confidential".repeat(20_000);
    let body = multipart(
        "b",
        &[
            ("Content-Type: text/xml", envelope.as_bytes()),
            (
                "Content-Type: text/plain\r\nContent-ID: <secret-name>",
                long.as_bytes(),
            ),
            ("Content-Type: text/plain", b"confidential"),
        ],
    );
    let answer = world.ask(soap("multipart/related; boundary=b", body)).await;
    answer.is("");
    assert!(holds(&answer.body, &long), "the client gets all of it");
    drop(answer);
    world.logged((2, 0), (2, 0)).await;
    for place in [&world.consumer, &world.provider] {
        let (records, verdicts) = (place.records(), place.verdicts());
        for (record, verdict) in records.iter().zip(&verdicts) {
            check_reduced(record, verdict);
            assert_eq!(record.attachments.len(), 2);
            let content = &record.attachments[0].1;
            assert_eq!(content.len(), long.len() as u64);
            let refused = content.reader().next_chunk().await.unwrap_err();
            assert!(matches!(refused, Error::ContentWithheld), "{refused:?}");
            assert!(record.hash_chain.is_some(), "the batch signature is whole");
        }
        bound(&verdicts[1]);
        let octets = octets(place.dir.path());
        assert!(!holds(&octets, "confidential") && !holds(&octets, "secret-name"));
    }
}

#[tokio::test]
async fn a_rest_exchange_leaves_method_service_and_x_road_headers() {
    let world = World::with_bodies(not_kept(), not_kept()).await;
    let long = Bytes::from("confidential".repeat(20_000));
    let answered = long.clone();
    world.service.answers(move |_, _| {
        let mut answer = response(201, Some("text/confidential"), answered.clone());
        let location = "/confidential/7".parse().unwrap();
        answer.headers_mut().insert("location", location);
        Ok(answer)
    });
    let mut question = rest("PUT", "/confidential/7?name=confidential", long.clone());
    let headers = question.headers_mut();
    headers.insert("x-road-id", "r-1".parse().unwrap());
    headers.insert("authorization", "confidential".parse().unwrap());
    let answer = world.ask(question).await;
    answer.is("");
    assert_eq!((answer.status, &answer.body), (201, &long));
    assert_eq!(world.service.calls()[0].body, long);
    world.logged((2, 0), (2, 0)).await;
    for place in [&world.consumer, &world.provider] {
        let (records, verdicts) = (place.records(), place.verdicts());
        for (record, verdict) in records.iter().zip(&verdicts) {
            check_reduced(record, verdict);
            assert_eq!(record.attachments[0].1.len(), long.len() as u64);
        }
        bound(&verdicts[1]);
        let [request, response] = [0, 1].map(|at| String::from_utf8_lossy(&records[at].message));
        assert!(request.starts_with("PUT\r\n/r1/DEV/GOV/2222/TESTPROV/petstore\r\nx-road-client:"));
        assert!(response.starts_with("201\r\n") && response.contains("x-road-request-hash:"));
        let octets = octets(place.dir.path());
        assert!(!holds(&octets, "confidential"));
    }
    let bodies = |place: &crate::support::Place| {
        std::fs::read_dir(place.dir.path().join("bodies"))
            .unwrap()
            .count()
    };
    drop(answer);
    assert_eq!((bodies(&world.consumer), bodies(&world.provider)), (0, 0));
}

#[tokio::test]
async fn messages_without_a_body_are_reduced_too() {
    let world = World::with_bodies(not_kept(), not_kept()).await;
    world
        .service
        .answers(|_, _| Ok(response(204, Some("text/plain"), "")));
    world.ask(rest("GET", "/confidential", "")).await.is("");
    world.logged((2, 0), (2, 0)).await;
    for place in [&world.consumer, &world.provider] {
        for (record, verdict) in place.records().iter().zip(&place.verdicts()) {
            assert!(record.message_digest.is_some() && record.attachments.is_empty());
            assert!(matches!(
                outcome(verdict, Subject::Message),
                Outcome::NotChecked(_)
            ));
        }
        assert!(!holds(&octets(place.dir.path()), "confidential"));
    }
}

#[tokio::test]
async fn each_node_keeps_by_its_own_rule() {
    let except = |kept, local: &[&str], remote: &[&str]| {
        let ids = |ids: &[&str]| ids.iter().map(|id| client(id)).collect::<HashSet<_>>();
        BodyLogging {
            kept,
            except_local: ids(local),
            except_remote: ids(remote),
        }
    };
    const PROVIDER: &[&str] = &["DEV/GOV/2222/TESTPROV"];
    const CLIENT: &[&str] = &["DEV/COM/1111/TESTCLI"];
    // (rule of the consumer, rule of the provider, kept there, kept here)
    let cases = [
        (not_kept(), kept(), false, true),
        (kept(), not_kept(), true, false),
        (except(true, &[], PROVIDER), kept(), false, true),
        (except(true, PROVIDER, CLIENT), kept(), true, true),
        (kept(), except(true, PROVIDER, &[]), true, false),
        (kept(), except(true, CLIENT, PROVIDER), true, true),
        (
            except(false, &[], PROVIDER),
            except(false, PROVIDER, &[]),
            true,
            true,
        ),
        (
            except(false, PROVIDER, &[]),
            except(false, &[], PROVIDER),
            false,
            false,
        ),
    ];
    for (at, (consumer, provider, consumer_keeps, provider_keeps)) in cases.into_iter().enumerate()
    {
        let world = World::with_bodies(consumer, provider).await;
        world.ask(Soap::new("s-1").request()).await.is("");
        world.ask(rest("POST", "/pets", "{}")).await.is("");
        world.logged((4, 0), (4, 0)).await;
        for (place, keeps) in [
            (&world.consumer, consumer_keeps),
            (&world.provider, provider_keeps),
        ] {
            for (record, verdict) in place.records().iter().zip(&place.verdicts()) {
                match keeps {
                    true => check_whole(record, verdict),
                    false => check_reduced(record, verdict),
                }
            }
            assert_eq!(place.records().len(), 4, "case {at}");
        }
    }
}
