use std::collections::BTreeMap;

use gateway_globalconf::directory;
use gateway_globalconf::download::{self, Location, Negotiation, Plan, Scope, Step};
use gateway_globalconf::{Anchor, Snapshot};
use gateway_proto::id::{ClientId, GlobalGroupId};

use super::*;
use crate::Command;
use crate::state::{OWNERS_GROUP, Settings};
use crate::testing::{Pki, begun, client, declared, keys, member, run, server, time};

const NOW: &str = "2030-01-02T03:00:00Z";

fn published(state: &State, keys: &Keys, now: &str) -> Publication {
    Publication::default()
        .next(state, keys, time(now), [7; 40])
        .unwrap()
}

/// Downloads as a node does, from anchor to files, without sockets.
fn download(
    publication: &Publication,
    anchor: &Anchor,
    scope: Scope,
    refuse_version_six: bool,
) -> BTreeMap<String, Vec<u8>> {
    let locations = download::candidates(anchor, None, None, 1);
    let location: &Location = locations
        .iter()
        .find(|location| location.url.starts_with("http://"))
        .unwrap();
    let fetch = |url: &str| {
        let rest = url.strip_prefix("http://127.0.0.1:8080").unwrap();
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        match refuse_version_six && query == Some("version=6") {
            true => None,
            false => publication.answer(path, query).map(|(_, bytes)| bytes),
        }
    };
    let mut negotiation = Negotiation::new(location);
    let bytes = loop {
        let answer = fetch(&negotiation.url());
        match negotiation.answered(if answer.is_some() { 200 } else { 404 }) {
            Step::Take => break answer.unwrap(),
            Step::TryOlder => {}
            Step::GiveUp => panic!("no version is served"),
        }
    };
    let verified = directory::verify(&bytes, &location.certificates, time(NOW)).unwrap();
    let stored = BTreeMap::new();
    let mut plan = Plan::new(
        &verified,
        &anchor.instance,
        scope,
        &negotiation.url(),
        &stored,
    )
    .unwrap();
    for part in plan.to_fetch().unwrap() {
        plan.receive(&part.path, fetch(&part.url).unwrap().to_vec())
            .unwrap();
    }
    plan.finish().unwrap().into_files()
}

fn snapshot(mut files: BTreeMap<String, Vec<u8>>) -> Snapshot {
    files.insert(disk::INSTANCE_IDENTIFIER.to_owned(), b"AZ".to_vec());
    Snapshot::from_files(&files, time(NOW)).unwrap()
}

#[test]
fn publishes_what_nodes_read_back_in_versions_six_and_five() {
    let pki = Pki::new("CA");
    let settings = Settings {
        ocsp_fetch_interval_seconds: Some(900),
        verify_next_update: Some(false),
        ..Settings::default()
    };
    let state = run(begun(&pki), vec![Command::ChangeSettings { settings }]).unwrap();
    let keys = keys();
    let publication = published(&state, &keys, NOW);
    let anchor = parameters::anchor(&state, &keys, Source::Internal, time(NOW));
    let anchor = Anchor::from_xml(&anchor.to_xml()).unwrap();
    for older in [false, true] {
        let files = download(&publication, &anchor, Scope::Own, older);
        // Four parts, each with its metadata, and the directory that was signed over them.
        assert_eq!(files.len(), 9, "{:?}", files.keys());
        let snapshot = snapshot(files);
        assert_eq!(snapshot.expires_at(), Some(time("2030-01-02T03:10:00Z")));
        assert_eq!(
            snapshot.servers_of(&client("AZ/GOV/2/pensiya"))[0].address,
            "127.0.0.2"
        );
        let node = server("AZ/GOV/1/node");
        let certificate = &state.servers[&node].auth_certificates[0];
        assert_eq!(
            snapshot.server_by_auth_certificate(certificate),
            Some(&node)
        );
        let issuer = snapshot.issuer("AZ", certificate).unwrap();
        assert_eq!(issuer.certificate, pki.certificate);
        assert_eq!(issuer.responders[0].url, "http://ocsp.example");
        let owners = GlobalGroupId::new("AZ", OWNERS_GROUP).unwrap();
        assert!(snapshot.is_in_global_group(&ClientId::from(member("1")), &owners));
        assert_eq!(
            snapshot.member_name(&member("1")),
            Some("Daxili İşlər Nazirliyi")
        );
        assert_eq!(snapshot.timestampers()[0].url, "http://tsa.example");
        assert_eq!(snapshot.ocsp_fetch_interval_seconds(), 900);
        assert!(!snapshot.ocsp_policy(issuer).verify_next_update);
        let private = snapshot.private().unwrap();
        assert_eq!(
            private.management_service.provider,
            client("AZ/GOV/1/management")
        );
    }
}

#[test]
fn gives_partners_shared_parameters_only() {
    let state = begun(&Pki::new("CA"));
    let keys = keys();
    let publication = published(&state, &keys, NOW);
    let anchor = parameters::anchor(&state, &keys, Source::External, time(NOW));
    let files = download(&publication, &anchor, Scope::Partner, false);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            "AZ/shared-params.xml",
            "AZ/shared-params.xml.metadata",
            "AZ/signed-directory.metadata"
        ]
    );
    let internal = parameters::anchor(&state, &keys, Source::Internal, time(NOW));
    let (_, bytes) = publication
        .answer("/externalconf", Some("version=6"))
        .unwrap();
    let certificates = &internal.sources[0].verification_certificates;
    assert!(matches!(
        directory::verify(&bytes, certificates, time(NOW)),
        Err(directory::Error::UnknownSigner)
    ));
}

#[test]
fn gives_its_own_nodes_the_rules_once_they_are_published() {
    let keys = keys();
    let drafted = declared(&Pki::new("CA"));
    let anchor = parameters::anchor(&drafted, &keys, Source::Internal, time(NOW));
    let before = published(&drafted, &keys, NOW);
    assert_eq!(
        snapshot(download(&before, &anchor, Scope::Own, false)).rules(),
        None
    );
    let state = run(drafted, vec![Command::PublishRules {}]).unwrap();
    let octets = state.published.as_ref().unwrap().octets();
    let after = before.next(&state, &keys, time(NOW), [7; 40]).unwrap();
    for older in [false, true] {
        let files = download(&after, &anchor, Scope::Own, older);
        assert_eq!(files["AZ/karvan-rules.json"], octets[..]);
        assert_eq!(snapshot(files).rules(), Some(&octets[..]));
    }
    for version in [6, 5] {
        let path = format!("/V{version}/20300102030000000000001/karvan-rules.json");
        let (media_type, bytes) = after.answer(&path, None).unwrap();
        assert_eq!((media_type, &bytes), ("application/json", octets));
    }
    // The same octets, round after round.
    let last = after
        .next(&state, &keys, time("2030-01-02T03:01:00Z"), [7; 40])
        .unwrap();
    let (_, again) = last
        .answer("/V6/20300102030100000000000/karvan-rules.json", None)
        .unwrap();
    assert_eq!(&again, octets);
    let external = parameters::anchor(&state, &keys, Source::External, time(NOW));
    let files = download(&after, &external, Scope::Partner, false);
    assert!(
        !files.keys().any(|name| name.contains("karvan")),
        "{files:?}"
    );
}

#[test]
fn hides_disabled_registrations() {
    let disable = Command::SetClientEnabled {
        server: server("AZ/GOV/1/node"),
        client: client("AZ/GOV/2/pensiya"),
        enabled: false,
    };
    let state = run(begun(&Pki::new("CA")), vec![disable]).unwrap();
    let keys = keys();
    let anchor = parameters::anchor(&state, &keys, Source::Internal, time(NOW));
    let publication = published(&state, &keys, NOW);
    let snapshot = snapshot(download(&publication, &anchor, Scope::Own, false));
    assert!(snapshot.servers_of(&client("AZ/GOV/2/pensiya")).is_empty());
    assert_eq!(snapshot.servers_of(&client("AZ/GOV/1/iamas")).len(), 1);
}

#[test]
fn answers_only_for_versions_it_publishes() {
    let publication = published(&begun(&Pki::new("CA")), &keys(), NOW);
    let answers = |path: &str, query: Option<&str>| publication.answer(path, query).is_some();
    for query in ["version=6", "version=5", "a=b&version=6", "version=06"] {
        assert!(answers("/internalconf", Some(query)), "{query}");
        assert!(answers("/externalconf", Some(query)), "{query}");
    }
    for query in [
        "version=2",
        "version=7",
        "version=",
        "version=x",
        "version=6x",
        "Version=6",
    ] {
        assert!(!answers("/internalconf", Some(query)), "{query}");
    }
    assert!(!answers("/internalconf", None));
    for path in [
        "/",
        "",
        "internalconf",
        "/internalconf/",
        "/V6",
        "/V6/../internalconf",
    ] {
        assert!(!answers(path, Some("version=6")), "{path}");
    }
}

#[test]
fn keeps_parts_of_earlier_rounds_for_ten_minutes() {
    let state = begun(&Pki::new("CA"));
    let keys = keys();
    let next = |publication: &Publication, now: &str| {
        publication.next(&state, &keys, time(now), [7; 40]).unwrap()
    };
    let first = published(&state, &keys, "2030-01-02T03:00:00.5Z");
    let path = "/V6/20300102030000500000000/shared-params.xml";
    assert!(first.answer(path, None).is_some());
    let second = next(&first, "2030-01-02T03:01:00Z");
    assert!(second.answer(path, None).is_some());
    assert!(
        second
            .answer("/V6/20300102030100000000000/shared-params.xml", None)
            .is_some()
    );
    let third = next(&second, "2030-01-02T03:11:00Z");
    assert!(third.answer(path, None).is_some());
    let fourth = next(&third, "2030-01-02T03:11:01Z");
    assert!(fourth.answer(path, None).is_none());
    assert_eq!(fourth.rounds.len(), 3);
}

#[test]
fn keeps_the_last_hundred_of_very_many_rounds() {
    let state = begun(&Pki::new("CA"));
    let keys = keys();
    let mut publication = published(&state, &keys, NOW);
    let path = |nanosecond: usize| format!("/V6/20300102030000{nanosecond:09}/shared-params.xml");
    for _ in 0..120 {
        publication = publication.next(&state, &keys, time(NOW), [7; 40]).unwrap();
    }
    assert_eq!(publication.rounds.len(), ROUNDS_KEPT_MAX + 1);
    assert!(publication.answer(&path(120), None).is_some());
    assert!(publication.answer(&path(20), None).is_some());
    assert!(publication.answer(&path(19), None).is_none());
}

#[test]
fn never_serves_two_rounds_under_one_path() {
    let pki = Pki::new("CA");
    let state = begun(&pki);
    let keys = keys();
    let first = published(&state, &keys, NOW);
    let rename = Command::RenameMember {
        member: member("1"),
        name: "Başqa".to_owned(),
    };
    let changed = run(state, vec![rename]).unwrap();
    let second = first.next(&changed, &keys, time(NOW), [7; 40]).unwrap();
    let path = "/V6/20300102030000000000000/shared-params.xml";
    assert_eq!(second.answer(path, None), first.answer(path, None));
    let new = second.answer("/V6/20300102030000000000001/shared-params.xml", None);
    assert_ne!(new, first.answer(path, None));
}

#[test]
fn publishes_nothing_until_it_is_complete_and_keeps_the_last_on_failure() {
    let pki = Pki::new("CA");
    let keys = keys();
    let publisher = Publisher::new();
    let not_ready = |state: &State| {
        assert!(matches!(
            publisher.publish(state, &keys, time(NOW)),
            Err(Error::NotReady { .. })
        ));
    };
    not_ready(&State::default());
    let mut state = begun(&pki);
    let provider = state.management.provider.take();
    not_ready(&state);
    assert!(
        publisher
            .answer("/internalconf", Some("version=6"))
            .is_none()
    );
    state.management.provider = provider;
    publisher.publish(&state, &keys, time(NOW)).unwrap();
    assert!(
        publisher
            .answer("/internalconf", Some("version=6"))
            .is_some()
    );
    state.management.provider = None;
    not_ready(&state);
    assert!(
        publisher
            .answer("/internalconf", Some("version=6"))
            .is_some()
    );
    assert_eq!(
        publisher.current().expires_at(),
        Some(time("2030-01-02T03:10:00Z"))
    );
}

#[test]
fn lists_every_signing_certificate_for_rotation() {
    let state = begun(&Pki::new("CA"));
    let keys = keys();
    let added = super::super::testing::keys()
        .internal
        .certificates()
        .remove(0);
    let keys = Keys {
        internal: keys.internal.with_other(added.clone()),
        ..keys
    };
    let anchor = parameters::anchor(&state, &keys, Source::Internal, time(NOW));
    assert_eq!(anchor.sources.len(), 2);
    assert!(anchor.sources[0].download_url.starts_with("http://"));
    assert_eq!(anchor.sources[0].verification_certificates.len(), 2);
    let publication = published(&state, &keys, NOW);
    let snapshot = snapshot(download(&publication, &anchor, Scope::Own, false));
    let source = &snapshot.shared("AZ").unwrap().sources[0];
    assert!(source.internal_certificates.contains(&added));
    assert_eq!(source.external_certificates.len(), 1);
}

#[test]
fn refuses_a_certificate_of_another_key() {
    let keys = keys();
    let other = super::super::testing::keys();
    let wrong = crate::Signer::new(
        Arc::new(certs_keys::SoftKey::generate(certs_keys::KeyKind::P256).unwrap()),
        other.internal.certificates().remove(0),
        Source::Internal,
    );
    assert!(matches!(
        wrong,
        Err(Error::WrongCertificate { source: "internal" })
    ));
    drop(keys);
}
