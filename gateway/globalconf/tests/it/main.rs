//! The face of the crate against configurations made by another implementation. They are read from
//! the folder that `KARVAN_XROAD_VECTORS` names; without it these tests say so and check nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use gateway_globalconf::params::{SharedParams, Version};
use gateway_globalconf::{Anchor, Snapshot};
use gateway_proto::id::{ClientId, GlobalGroupId, ServerId};
use jiff::Timestamp;

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("KARVAN_XROAD_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("not run: KARVAN_XROAD_VECTORS is unset");
    }
    folder
}

fn read_tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn load(folder: &Path) -> Snapshot {
    let snapshot = Snapshot::from_files(&read_tree(folder), now()).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: {:?}",
            folder.display(),
            error.source().map(ToString::to_string)
        )
    });
    assert!(
        snapshot.ignored().is_empty(),
        "{}: {:?}",
        folder.display(),
        snapshot.ignored()
    );
    snapshot
}

fn refusal(folder: &Path) -> String {
    let error = Snapshot::from_files(&read_tree(folder), now()).unwrap_err();
    format!("{error}: {}", error.source().unwrap())
}

#[test]
fn loads_instances_of_versions_two_to_six_side_by_side() {
    let Some(vectors) = vectors() else { return };
    let snapshot = load(&vectors.join("globalconf/globalconf_good_v6"));
    assert_eq!(snapshot.instance(), "EE");
    let instances: Vec<&str> = snapshot.instances().collect();
    assert_eq!(
        instances,
        ["EE", "bar", "baz_v3", "foo_v2", "quux_v5", "qux_v4"]
    );
    assert_eq!(snapshot.timestamping_interval_seconds(), 123);
    assert_eq!(
        snapshot.expires_at(),
        Some("2124-05-20T17:42:55Z".parse().unwrap())
    );

    let producer = ClientId::from_rest("EE/BUSINESS/producer").unwrap();
    let mut addresses: Vec<&str> = snapshot
        .servers_of(&producer)
        .iter()
        .map(|server| server.address.as_str())
        .collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["", "127.0.0.1"]);
    let server = ServerId::from_rest("EE/BUSINESS/foo/FooBarServerCode").unwrap();
    assert_eq!(
        snapshot.server(&server).unwrap().address,
        "https://foo.bar.baz"
    );

    let group = GlobalGroupId::new("EE", "Test group").unwrap();
    let member = ClientId::from_rest("EE/BUSINESS/member2").unwrap();
    assert!(snapshot.is_in_global_group(&member, &group));
    let subsystem = ClientId::from_rest("EE/BUSINESS/member1/subsys").unwrap();
    assert!(snapshot.is_in_global_group(&subsystem, &group));
    assert_eq!(snapshot.timestampers().len(), 1);
}

#[test]
fn loads_a_configuration_of_version_three() {
    let Some(vectors) = vectors() else { return };
    let snapshot = load(&vectors.join("globalconf/globalconf_good_v3"));
    let instances: Vec<&str> = snapshot.instances().collect();
    assert_eq!(instances, ["EE", "bar", "foo_v2"]);
    assert_eq!(
        snapshot.private().unwrap().trusted_anchors[0].instance,
        "bar"
    );
    assert_eq!(snapshot.private().unwrap().left_out.len(), 1);
}

#[test]
fn loads_a_configuration_whose_certificates_are_armoured() {
    let Some(vectors) = vectors() else { return };
    let snapshot = load(&vectors.join("asic/globalconf"));
    assert_eq!(snapshot.instance(), "DEV");
    assert_eq!(snapshot.expires_at(), None);
    let shared = snapshot.shared("DEV").unwrap();
    assert!(shared.left_out.is_empty(), "{:?}", shared.left_out);
    let authority = shared.authorities[0].top.as_ref().unwrap();
    assert!(
        snapshot
            .issuer("DEV", &authority.certificate)
            .unwrap()
            .profile
            .is_some()
    );
    assert_eq!(snapshot.timestampers().len(), 1);
}

#[test]
fn refuses_folders_that_are_no_configuration_with_a_reason() {
    let Some(vectors) = vectors() else { return };
    let reason = refusal(&vectors.join("globalconf/globalconf_missing_identifier"));
    assert!(
        reason.contains("\"instance-identifier\" is missing"),
        "{reason}"
    );
    let reason = refusal(&vectors.join("globalconf/globalconf_empty"));
    assert!(reason.contains("no folder of any instance"), "{reason}");
}

#[test]
fn writes_what_another_implementation_wrote_so_that_it_reads_the_same() {
    let Some(vectors) = vectors() else { return };
    let snapshot = load(&vectors.join("globalconf/globalconf_good_v6"));
    for instance in ["EE", "quux_v5", "qux_v4", "bar"] {
        let read = snapshot.shared(instance).unwrap();
        let xml = read.to_xml(Version::CURRENT).unwrap();
        let again = SharedParams::from_xml(&xml, Version::CURRENT, instance).unwrap();
        assert_eq!(format!("{again:?}"), format!("{read:?}"));
    }
}

#[test]
fn loads_anchors() {
    let Some(vectors) = vectors() else { return };
    let read = |path: &str| Anchor::from_xml(&std::fs::read(vectors.join(path)).unwrap()).unwrap();
    let anchor = read("globalconf/configuration-anchor2.xml");
    assert_eq!(anchor.sources.len(), 1);
    assert_eq!(anchor.sources[0].verification_certificates.len(), 2);
    let anchor = read("asic/configuration-anchor.xml");
    assert_eq!(anchor.instance, "EE");
    assert_eq!(anchor.sources.len(), 3);
    assert_eq!(Anchor::from_xml(&anchor.to_xml()).unwrap(), anchor);
}
