//! Consents: those that allow it, and everything that may be wrong with one.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use certs_keys::Ed25519Key;
use gateway_messagelog::Ground;
use gateway_net::Body;
use gateway_policy::consent::{self, Artefact};
use gateway_policy::feed::Event;
use gateway_policy::rules::{Consumer, Frequency};
use http::Request;
use jiff::Timestamp;

use super::{refused, refused_there};
use crate::support::{
    CREDIT, Desk, FIN, NOW, OTHER_FIN, Soap, World, client, fin, law, rest, ruled, stating,
    with_consent,
};

fn soap(consent: &str) -> Request<Body> {
    let fields = [("purpose", CREDIT), ("consent", consent)];
    Soap::about(FIN).stating(&fields).request()
}

fn get(consent: &str) -> Request<Body> {
    let request = rest("GET", &format!("/persons/{FIN}"), "");
    stating(request, &[("purpose", CREDIT), ("consent", consent)])
}

/// Both nodes refuse it, in SOAP and in REST.
async fn check(world: &World, consent: &str, code: &str) {
    refused(world, || soap(consent), code).await;
    refused(world, || get(consent), code).await;
}

async fn changed(change: impl FnOnce(&mut Artefact), code: &str) {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let mut artefact = desk.artefact();
    change(&mut artefact);
    check(&world, &desk.seal(&artefact), code).await;
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).unwrap()
}

#[tokio::test]
async fn with_the_persons_consent_it_is_answered_and_both_records_name_it() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let mut artefact = desk.artefact();
    artefact.data_life_seconds = Some(3600);
    let text = desk.seal(&artefact);
    for request in [soap(&text), get(&text), get(&text)] {
        let answer = world.ask(request).await;
        answer.is("");
        assert_eq!(answer.header("karvan-rule"), Some("by-consent/3"));
        assert_eq!(answer.header("karvan-data-life"), Some("3600"));
    }
    let digest = certs_keys::Digest::of(certs_keys::DigestAlgorithm::Sha256, text.as_bytes());
    for place in [&world.consumer, &world.provider] {
        for record in place.records().iter().step_by(2) {
            let basis = record.basis.as_ref().unwrap();
            assert_eq!(basis.ground, Ground::Consent);
            let consent = basis.consent.unwrap();
            assert_eq!((consent.id, consent.digest), (artefact.id, digest));
            assert_eq!(basis.purpose.as_deref(), Some(CREDIT));
        }
    }
    world.logged((6, 0), (6, 0)).await;
}

#[tokio::test]
async fn refuses_without_the_consent_that_the_rules_demand() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let bare = || {
        let fields = [("purpose", CREDIT)];
        Soap::about(FIN).stating(&fields).request()
    };
    refused(&world, bare, "consent_required").await;
    world.enact(&desk.part(vec![law()])).await;
    let text = desk.seal(&desk.artefact());
    let by_law = || {
        let fields = [("purpose", "aid"), ("consent", &*text)];
        Soap::about(FIN).stating(&fields).request()
    };
    refused(&world, by_law, "consent_not_taken").await;
}

#[tokio::test]
async fn refuses_signatures_that_do_not_fit() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let artefact = desk.artefact();
    let other = consent::sign(&artefact, "k1", &Ed25519Key::generate().unwrap()).unwrap();
    check(&world, &other, "consent_signature").await;
    let good = desk.seal(&artefact);
    let mut second = artefact.clone();
    second.subject = fin(OTHER_FIN);
    let second = desk.seal(&second);
    // The payload of one under the signature of the other.
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (other_head, _) = second.rsplit_once('.').unwrap();
    assert_ne!(head, other_head);
    check(
        &world,
        &format!("{other_head}.{signature}"),
        "consent_signature",
    )
    .await;
    // After one that holds was remembered too.
    world.ask(soap(&good)).await.is("");
    check(
        &world,
        &format!("{other_head}.{signature}"),
        "consent_signature",
    )
    .await;
    let unknown = consent::sign(&artefact, "k2", &Ed25519Key::generate().unwrap()).unwrap();
    check(&world, &unknown, "consent_unknown_key").await;
}

#[tokio::test]
async fn a_consent_that_was_remembered_is_not_believed_under_other_keys() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let text = desk.seal(&desk.artefact());
    world.ask(soap(&text)).await.is("");
    let other = Desk::new();
    world.enact(&other.part(vec![with_consent()])).await;
    check(&world, &text, "consent_signature").await;
}

#[tokio::test]
async fn refuses_other_algorithms_and_none() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let payload = payload(&desk, &desk.artefact());
    for algorithm in ["none", "None", "HS256", "ES256"] {
        let header =
            format!("{{\"alg\":\"{algorithm}\",\"kid\":\"k1\",\"typ\":\"karvan-consent+jws\"}}");
        let sealed = desk.seal_raw(&header, &payload);
        check(&world, &sealed, "consent_algorithm").await;
    }
    let header = "{\"alg\":\"none\",\"kid\":\"k1\",\"typ\":\"karvan-consent+jws\"}";
    let sealed = desk.seal_raw(header, &payload);
    let (unsigned, _) = sealed.rsplit_once('.').unwrap();
    let answer = world.ask(soap(&format!("{unsigned}."))).await;
    let code = answer.code();
    assert!(
        ["consent_algorithm", "consent_malformed"].contains(&code.rsplit('.').next().unwrap()),
        "{code}"
    );
    assert!(world.sent().is_empty() || world.service.calls().is_empty());
}

/// The octets that are signed.
fn payload(desk: &Desk, artefact: &Artefact) -> Vec<u8> {
    let sealed = desk.seal(artefact);
    let payload = sealed.split('.').nth(1).unwrap();
    BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()
}

#[tokio::test]
async fn refuses_payloads_that_could_be_read_in_two_ways() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    const HEADER: &str = "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"karvan-consent+jws\"}";
    let text = String::from_utf8(payload(&desk, &desk.artefact())).unwrap();
    let (first, rest) = text.split_at(1);
    assert_eq!(first, "{");
    for (payload, code) in [
        (
            format!("{{\"purpose\":\"aid\",{rest}"),
            "consent_duplicate_key",
        ),
        (format!("{{ {rest}"), "consent_not_canonical"),
        (format!("{text} "), "consent_not_canonical"),
        (
            text.replace("karvan-consent/1", "karvan-consent/2"),
            "consent_malformed",
        ),
        ("{}".to_owned(), "consent_malformed"),
        ("[]".to_owned(), "consent_malformed"),
        ("not json".to_owned(), "consent_malformed"),
    ] {
        let sealed = desk.seal_raw(HEADER, payload.as_bytes());
        check(&world, &sealed, code).await;
    }
    for malformed in ["a.b", "a.b.c", "....", "e30.e30.e30"] {
        check(&world, malformed, "consent_malformed").await;
    }
}

#[tokio::test]
async fn refuses_consents_of_other_parties_services_persons_purposes_and_data() {
    let other = || client("DEV/COM/3333/OTHER");
    changed(|one| one.consumer = other(), "consent_other_consumer").await;
    changed(|one| one.provider = other(), "consent_other_provider").await;
    let services = vec!["lookups".to_owned()];
    changed(|one| one.services = services, "consent_other_service").await;
    changed(|one| one.subject = fin(OTHER_FIN), "consent_other_person").await;
    let purpose = "rescue".to_owned();
    changed(|one| one.purpose = purpose, "consent_other_purpose").await;
    let categories = vec!["income".to_owned()];
    changed(
        |one| one.categories = categories,
        "consent_other_categories",
    )
    .await;
}

#[tokio::test]
async fn refuses_consents_replayed_by_another_client() {
    // Another subsystem of the same member, with the same rights and rules, got hold of it.
    const OTHER: &str = "DEV/COM/1111/OTHERCLI";
    let mut rule = with_consent();
    rule.consumers.push(Consumer::Client(client(OTHER)));
    let (world, desk) = ruled(vec![rule]).await;
    world.join_consumer(&client(OTHER)).await;
    let text = desk.seal(&desk.artefact());
    world.ask(soap(&text)).await.is("");
    let replayed = |text: &str| {
        let soap = Soap {
            client: OTHER,
            ..Soap::about(FIN)
        };
        soap.stating(&[("purpose", CREDIT), ("consent", text)])
            .request()
    };
    refused(&world, || replayed(&text), "consent_other_consumer").await;
    let mut own = desk.artefact();
    own.consumer = client(OTHER);
    world.ask(replayed(&desk.seal(&own))).await.is("");
}

#[tokio::test]
async fn refuses_consents_outside_their_time() {
    changed(
        |one| {
            one.issued_at = after(3600);
            one.valid_from = after(3600);
        },
        "consent_from_future",
    )
    .await;
    changed(|one| one.valid_from = after(60), "consent_not_yet_valid").await;
    let expired = |one: &mut Artefact| {
        one.issued_at = after(-7200);
        one.valid_from = after(-7200);
        one.valid_until = NOW;
    };
    changed(expired, "consent_expired").await;
}

#[tokio::test]
async fn a_consent_expires_while_it_is_remembered() {
    let (world, mut desk) = ruled(vec![with_consent()]).await;
    let mut artefact = desk.artefact();
    artefact.valid_until = after(100);
    let text = desk.seal(&artefact);
    world.ask(soap(&text)).await.is("");
    world.clock.advance(100);
    desk.tell(&world, []);
    check(&world, &text, "consent_expired").await;
}

#[tokio::test]
async fn refuses_paused_and_revoked_consents_until_they_are_resumed() {
    let (world, mut desk) = ruled(vec![with_consent()]).await;
    let artefact = desk.artefact();
    let text = desk.seal(&artefact);
    let (consent, ends) = (artefact.id, artefact.valid_until.as_second());
    world.ask(soap(&text)).await.is("");
    desk.tell(&world, [Event::Paused { consent, ends }]);
    check(&world, &text, "consent_paused").await;
    desk.tell(&world, [Event::Resumed { consent }]);
    world.ask(soap(&text)).await.is("");
    desk.tell(&world, [Event::Revoked { consent, ends }]);
    check(&world, &text, "consent_revoked").await;
}

#[tokio::test]
async fn a_consent_about_one_person_opens_no_family() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let text = desk.seal(&desk.artefact());
    let body = format!("{{\"persons\":[{{\"fin\":\"{FIN}\"}},{{\"fin\":\"{OTHER_FIN}\"}}]}}");
    let request = || {
        let fields = [("purpose", CREDIT), ("consent", &*text)];
        stating(rest("POST", "/family", body.clone()), &fields)
    };
    refused(&world, request, "consent_other_person").await;
}

#[tokio::test]
async fn a_single_use_is_one_use() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let mut artefact = desk.artefact();
    artefact.single_use = true;
    let text = desk.seal(&artefact);
    world.ask(soap(&text)).await.is("");
    // The answering node counts, whatever the protocol.
    refused_there(&world, || soap(&text), "consent_used_up").await;
    refused_there(&world, || get(&text), "consent_used_up").await;
    let basis = world.provider.records().remove(0).basis.unwrap();
    assert_eq!(basis.quotas.len(), 1);
    assert!(
        world.consumer.records()[0]
            .basis
            .as_ref()
            .unwrap()
            .quotas
            .is_empty()
    );
    // Another consent of the same person is another.
    let mut second = artefact;
    second.id = desk.artefact().id;
    world.ask(soap(&desk.seal(&second))).await.is("");
}

#[tokio::test]
async fn of_requests_that_race_for_the_last_uses_no_more_are_answered() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let mut artefact = desk.artefact();
    artefact.frequency = Some(Frequency {
        count: 3,
        seconds: 600,
    });
    let text = desk.seal(&artefact);
    let asked = (0..16).map(|at| {
        world.ask(match at % 2 {
            0 => soap(&text),
            _ => get(&text),
        })
    });
    let answers = futures_util::future::join_all(asked).await;
    let answered = answers.iter().filter(|answer| answer.code().is_empty());
    assert_eq!(answered.count(), 3);
    for answer in answers.iter().filter(|answer| !answer.code().is_empty()) {
        answer.is("server.serverproxy.basis.consent_used_up");
    }
    assert_eq!(world.service.calls().len(), 3);
    // The window slides.
    world.clock.advance(601);
    let mut desk = desk;
    desk.tell(&world, []);
    world.ask(soap(&text)).await.is("");
}
