use std::collections::BTreeMap;

use certs_keys::KeyKind;
use certs_x509::Certificate;

use super::*;
use crate::directory::{self, VerifiedDirectory};
use crate::params::{self, ConfigurationSource, SharedParams, Version};
use crate::testing::{boundaries, private, shared, signer, time};
use crate::{Source, testing};

fn anchor(urls: &[&str], certificate: &Certificate) -> Anchor {
    let source = |url: &&str| Source {
        download_url: (*url).to_owned(),
        verification_certificates: vec![certificate.clone()],
    };
    Anchor {
        instance: "DEV".to_owned(),
        generated_at: None,
        sources: urls.iter().map(source).collect(),
    }
}

fn urls(locations: &[Location]) -> Vec<&str> {
    locations
        .iter()
        .map(|location| location.url.as_str())
        .collect()
}

#[test]
fn tries_https_before_http_and_the_anchor_last() {
    let (_, old) = signer("old", KeyKind::P256);
    let (_, new) = signer("new", KeyKind::P256);
    let anchor = anchor(
        &["http://a:8080/internalconf", "https://a:8080/internalconf"],
        &old,
    );
    let found = candidates(&anchor, None, None, 1);
    assert_eq!(
        urls(&found),
        ["https://a:8080/internalconf", "http://a:8080/internalconf"]
    );

    let mut stored = shared("DEV", &new);
    stored.sources[0].address = "b".to_owned();
    let found = candidates(&anchor, Some(&stored), None, 1);
    assert_eq!(
        urls(&found),
        [
            "https://b/internalconf",
            "http://b/internalconf",
            "https://a:8080/internalconf",
            "http://a:8080/internalconf"
        ]
    );
    assert_eq!(found[0].certificates, [new]);
    assert_eq!(found[3].certificates, [old]);

    let found = candidates(
        &anchor,
        Some(&stored),
        Some("http://a:8080/internalconf"),
        1,
    );
    assert_eq!(
        urls(&found)[..2],
        ["http://a:8080/internalconf", "https://b/internalconf"]
    );
}

#[test]
fn takes_the_keys_that_count_for_what_is_asked() {
    let (_, internal) = signer("internal", KeyKind::P256);
    let (_, external) = signer("external", KeyKind::P256);
    let stored = SharedParams {
        instance: "DEV".to_owned(),
        sources: vec![ConfigurationSource {
            address: "b".to_owned(),
            internal_certificates: vec![internal.clone()],
            external_certificates: vec![external.clone()],
        }],
        ..SharedParams::default()
    };
    let first = |url: &str| {
        let anchor = anchor(&[url], &internal);
        candidates(&anchor, Some(&stored), None, 1).remove(0)
    };
    assert_eq!(
        first("http://a/internalconf").certificates,
        std::slice::from_ref(&internal)
    );
    assert_eq!(
        first("http://a/externalconf").certificates,
        std::slice::from_ref(&external)
    );
    let proxy = first("http://a/x/conf?y=1");
    assert_eq!(proxy.url, "https://b/x/conf");
    assert_eq!(proxy.certificates, [internal, external]);
}

#[test]
fn spreads_over_all_nodes_of_a_registry() {
    let (_, certificate) = signer("a", KeyKind::P256);
    let nodes: Vec<String> = (0..6)
        .map(|n| format!("http://n{n}/internalconf"))
        .collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let anchor = anchor(&nodes, &certificate);
    let orders: std::collections::BTreeSet<Vec<String>> = (0..20)
        .map(|seed| {
            let found = candidates(&anchor, None, None, seed);
            assert_eq!(found.len(), 12);
            assert!(
                found[..6]
                    .iter()
                    .all(|location| location.url.starts_with("https://"))
            );
            found.into_iter().map(|location| location.url).collect()
        })
        .collect();
    assert!(orders.len() > 10);
}

#[test]
fn asks_for_older_versions_only_while_newer_ones_are_not_found() {
    let location = |url: &str| Location {
        url: url.to_owned(),
        certificates: Vec::new(),
    };
    let mut negotiation = Negotiation::new(&location("http://a/internalconf"));
    assert_eq!(negotiation.url(), "http://a/internalconf?version=6");
    assert_eq!(negotiation.answered(404), Step::TryOlder);
    assert_eq!(negotiation.url(), "http://a/internalconf?version=5");
    assert_eq!(negotiation.clone().answered(500), Step::GiveUp);
    assert_eq!(negotiation.clone().answered(200), Step::Take);
    for _ in 0..3 {
        assert_eq!(negotiation.answered(404), Step::TryOlder);
    }
    assert_eq!(negotiation.url(), "http://a/internalconf?version=2");
    assert_eq!(negotiation.answered(404), Step::GiveUp);

    let mut fixed = Negotiation::new(&location("http://a/conf?x=1&version=3"));
    assert_eq!(fixed.url(), "http://a/conf?x=1&version=3");
    assert_eq!(fixed.answered(404), Step::GiveUp);
    let with_query = Negotiation::new(&location("http://a/conf?x=1"));
    assert_eq!(with_query.url(), "http://a/conf?x=1&version=6");
}

struct Sample {
    directory: VerifiedDirectory,
    shared: Vec<u8>,
    private: Vec<u8>,
}

/// A verified directory of these parts, each a file of the instance named.
fn verified(parts: &[(&str, &str, &str, &[u8])]) -> VerifiedDirectory {
    let (key, certificate) = signer("a", KeyKind::P256);
    let mut directory = testing::directory("DEV", &[]);
    directory.parts = parts
        .iter()
        .map(|(identifier, instance, location, bytes)| {
            directory::Part::new(identifier, instance, location, bytes)
        })
        .collect();
    let bytes = directory.sign(&key, &certificate, &boundaries()).unwrap();
    directory::verify(&bytes, &[certificate], time("2030-01-02T03:00:00Z")).unwrap()
}

fn sample() -> Sample {
    let (_, certificate) = signer("ca", KeyKind::P256);
    let shared = shared("DEV", &certificate)
        .to_xml(Version::CURRENT)
        .unwrap();
    let private = private("DEV").to_xml();
    let directory = verified(&[
        (
            params::PRIVATE_PARAMETERS,
            "DEV",
            "/V6/1/private-params.xml",
            &private,
        ),
        (
            params::SHARED_PARAMETERS,
            "DEV",
            "/V6/1/shared-params.xml",
            &shared,
        ),
    ]);
    Sample {
        directory,
        shared,
        private,
    }
}

const URL: &str = "http://a:8080/internalconf?version=6";

#[test]
fn makes_files_of_a_directory_only_when_every_part_was_verified() {
    let Sample {
        directory,
        shared,
        private,
    } = sample();
    let stored = BTreeMap::new();
    let plan = || Plan::new(&directory, "DEV", Scope::Own, URL, &stored).unwrap();
    let fetch = plan().to_fetch().unwrap();
    assert_eq!(fetch[0].path, "DEV/private-params.xml");
    assert_eq!(fetch[0].url, "http://a:8080/V6/1/private-params.xml");
    assert_eq!(fetch.len(), 2);

    assert!(matches!(plan().finish(), Err(Error::Incomplete { missing }) if missing.len() == 2));
    let mut plan = plan();
    assert!(matches!(
        plan.receive("DEV/private-params.xml", shared.clone()),
        Err(Error::Part(directory::Error::WrongDigest { .. }))
    ));
    assert!(matches!(
        plan.receive("DEV/other.xml", vec![]),
        Err(Error::NotAsked { .. })
    ));
    plan.receive("DEV/private-params.xml", private.clone())
        .unwrap();
    plan.receive("DEV/shared-params.xml", shared.clone())
        .unwrap();
    assert!(plan.to_fetch().unwrap().is_empty());
    let downloaded = plan.finish().unwrap();
    assert_eq!(downloaded.folder(), "DEV");
    assert_eq!(downloaded.shared().unwrap().instance, "DEV");
    assert!(downloaded.private().is_some());
    let mut files = downloaded.into_files();
    assert_eq!(files.len(), 5);
    assert_eq!(files["DEV/signed-directory.metadata"], directory.bytes());
    let metadata = String::from_utf8(files["DEV/shared-params.xml.metadata"].clone()).unwrap();
    assert_eq!(
        metadata,
        r#"{"contentIdentifier":"SHARED-PARAMETERS","instanceIdentifier":"DEV","expirationDate":"2030-01-02T03:04:05Z","contentLocation":"/V6/1/shared-params.xml","configurationVersion":"6"}"#
    );
    files.insert("instance-identifier".to_owned(), b"DEV".to_vec());
    let snapshot = crate::Snapshot::from_files(&files, time("2030-01-02T03:00:00Z")).unwrap();
    assert_eq!(snapshot.expires_at(), Some(time("2030-01-02T03:04:05Z")));
}

#[test]
fn fetches_only_what_changed() {
    let Sample {
        directory, shared, ..
    } = sample();
    let stored = BTreeMap::from([("DEV/shared-params.xml".to_owned(), shared)]);
    let plan = Plan::new(&directory, "DEV", Scope::Own, URL, &stored).unwrap();
    let paths: Vec<String> = plan
        .to_fetch()
        .unwrap()
        .into_iter()
        .map(|f| f.path)
        .collect();
    assert_eq!(paths, ["DEV/private-params.xml"]);
}

#[test]
fn takes_from_a_partner_nothing_but_its_own_shared_parameters() {
    let Sample {
        shared,
        private,
        directory,
    } = sample();
    let stored = BTreeMap::new();
    let plan = |directory: &VerifiedDirectory, instance: &str, scope: Scope| {
        Plan::new(directory, instance, scope, URL, &stored)
    };
    assert!(matches!(
        plan(&directory, "DEV", Scope::Partner),
        Err(Error::ForbiddenPart {
            identifier: params::PRIVATE_PARAMETERS
        })
    ));
    // Signed by the partner, of our instance: not taken, and then nothing is left.
    let foreign = verified(&[(params::SHARED_PARAMETERS, "DEV", "/s", &shared)]);
    assert!(matches!(
        plan(&foreign, "PARTNER", Scope::Partner),
        Err(Error::MissingPart {
            identifier: params::SHARED_PARAMETERS
        })
    ));
    let external = verified(&[
        (params::SHARED_PARAMETERS, "DEV", "/s.xml", &shared),
        (params::NEXT_UPDATE, "DEV", "/n.xml", b"<x/>"),
    ]);
    assert_eq!(
        plan(&external, "DEV", Scope::Partner)
            .unwrap()
            .ignored()
            .len(),
        1
    );
    assert!(matches!(
        plan(&external, "DEV", Scope::Own),
        Err(Error::MissingPart {
            identifier: params::PRIVATE_PARAMETERS
        })
    ));
    drop(private);
}

#[test]
fn refuses_parts_with_names_that_lead_elsewhere_or_collide() {
    let Sample {
        shared, private, ..
    } = sample();
    let with = |identifier: &str, location: &str| {
        let directory = verified(&[
            (params::PRIVATE_PARAMETERS, "DEV", "/p", &private),
            (params::SHARED_PARAMETERS, "DEV", "/s", &shared),
            (identifier, "DEV", location, b"x"),
        ]);
        Plan::new(&directory, "DEV", Scope::Own, URL, &BTreeMap::new()).map(drop)
    };
    with("OTHER", "/V6/other.xml?x=/y").unwrap();
    for location in [
        "/V6/..",
        "/V6/",
        "/V6/.hidden",
        "/V6/a\\b",
        "/V6/shared-params.xml",
        "/V6/x.metadata",
        "/V6/a%2Fb",
    ] {
        assert!(
            matches!(with("OTHER", location), Err(Error::Name(_))),
            "{location}"
        );
    }
    assert!(matches!(
        with(params::SHARED_PARAMETERS, "/t"),
        Err(Error::SameName { .. })
    ));
}

#[track_caller]
fn check_url(location: &str, expected: Option<&str>) {
    let Sample { shared, .. } = sample();
    let directory = verified(&[(params::SHARED_PARAMETERS, "DEV", location, &shared)]);
    let plan = Plan::new(
        &directory,
        "DEV",
        Scope::Partner,
        "https://a/x/conf?version=6",
        &BTreeMap::new(),
    );
    let fetch = plan.unwrap().to_fetch().ok();
    assert_eq!(fetch.as_ref().map(|fetch| fetch[0].url.as_str()), expected);
}

#[test]
fn resolves_where_parts_are() {
    check_url("/V6/s.xml", Some("https://a/V6/s.xml"));
    check_url("s.xml", Some("https://a/x/s.xml"));
    check_url("http://b/s.xml", Some("http://b/s.xml"));
    check_url("//b/s.xml", Some("https://b/s.xml"));
    check_url("file:///etc/passwd", None);
    check_url("/a b", None);
}

#[test]
fn follows_only_the_partners_that_the_node_wants() {
    assert_eq!(Federations::parse(""), Federations::None);
    assert_eq!(Federations::parse("FI, none, all"), Federations::None);
    assert_eq!(Federations::parse("fi, All"), Federations::All);
    let some = Federations::parse(" fi , Se ");
    assert!(some.allow("FI") && some.allow("se") && !some.allow("NO"));

    let (_, certificate) = signer("a", KeyKind::P256);
    let mut private = private("DEV");
    private.trusted_anchors = ["FI", "DEV"]
        .iter()
        .map(|instance| Anchor {
            instance: (*instance).to_owned(),
            ..anchor(&["http://x/externalconf"], &certificate)
        })
        .collect();
    let followed = Federations::All.anchors(&private);
    assert_eq!(followed.len(), 1);
    assert_eq!(followed[0].instance, "FI");
    assert!(Federations::None.anchors(&private).is_empty());
}
