//! Archives of a running node: made, encrypted, carried away, linked across a restart.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use gateway_asic::archive::{Report, Start, verify};
use gateway_asic::zip::Limits;
use gateway_evidence::archive::openpgp::{self, PublicKey, SecretKey, decrypt_file};
use gateway_globalconf::Snapshot;
use jiff::Timestamp;
use toml::{Table, Value};

use crate::country::{Country, Service, eventually};
use crate::evidence::{country, edit, snapshot};
use crate::wire;

/// Keys for one node: its own under its PIN, and an auditor's who may read.
fn keys(country: &Country, node: &'static str) -> (PublicKey, SecretKey) {
    let folder = country.node_folder(node);
    let pin = std::fs::read_to_string(folder.join("pin")).unwrap();
    let own = openpgp::generate(node, Some(pin.trim_end()), Timestamp::now()).unwrap();
    let secret = folder.join("keys/archive.asc");
    std::fs::write(&secret, own.secret.as_bytes()).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let auditor = openpgp::generate("auditor", None, Timestamp::now()).unwrap();
    std::fs::write(folder.join("keys/auditor.asc"), &auditor.public).unwrap();
    edit(country, node, |config| {
        let keys = [
            ("signing_key_file", Value::from("keys/archive.asc")),
            ("default_recipients", vec!["keys/auditor.asc"].into()),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value));
        let archive = config["archive"].as_table_mut().unwrap();
        archive.insert("encryption".to_owned(), Table::from_iter(keys).into());
    });
    (
        PublicKey::read(own.public.as_bytes()).unwrap(),
        SecretKey::read(auditor.secret.as_bytes(), None).unwrap(),
    )
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("mlog-"))
        .collect()
}

/// Opens a file as an auditor does, and judges all that is in it.
fn judged(file: &Path, signer: &PublicKey, auditor: &SecretKey, conf: &Snapshot) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let clear = folder.path().join("clear.zip");
    decrypt_file(file, &clear, auditor, std::slice::from_ref(signer)).unwrap();
    let bytes = Bytes::from(std::fs::read(&clear).unwrap());
    let (files, containers) = (&Limits::ARCHIVE, &Limits::CONTAINER);
    let report = verify(bytes, Start::Unknown, files, containers, conf).unwrap();
    assert!(report.holds(), "{:?}", report.containers);
    report
}

#[test]
fn a_node_archives_what_is_stamped_for_those_who_may_read_it_and_goes_on_after_a_restart() {
    let Some(country) = country(1) else {
        return;
    };
    let (signer, auditor) = keys(&country, "iria");
    edit(&country, "iria", |config| {
        let archive = config["archive"].as_table_mut().unwrap();
        for (key, value) in [
            ("interval_seconds", Value::from(1)),
            ("grouping", "subsystem".into()),
            ("transfer_command", CARRY.into()),
        ] {
            archive.insert(key.to_owned(), value);
        }
    });
    let folder = country.data("iria").join("archive");
    let away = folder.join("away");
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    let ask = |country: &Country, id: &str| {
        let answer = country.addresses().person("0TEST01", id).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    ask(&running.country, "archived-1");
    eventually("request and response are archived and carried away", || {
        !names(&away).is_empty()
    });
    let first = names(&folder);
    running.take(Service::Node("iria")).kill();
    running.restart(Service::Node("iria"));
    ask(&running.country, "archived-2");
    eventually("the next file is carried away", || {
        names(&away).len() > first.len()
    });

    let conf = snapshot(running.country.clients("iria"));
    // The country has a history; of other subsystems there are other chains.
    let portal = || {
        let portal = |name: &String| name.starts_with("mlog-AZ_GOV_0000001181_mygov-");
        let files = names(&away).into_iter().filter(portal);
        let judge = |name: String| {
            assert!(name.ends_with(".zip.gpg"), "{name}");
            let report = judged(&away.join(&name), &signer, &auditor, &conf);
            (name, report)
        };
        files.map(judge).collect::<Vec<_>>()
    };
    let ours = || {
        let reports = portal();
        let containers = reports.iter().flat_map(|(_, report)| &report.containers);
        let names = containers.map(|(name, _)| name.rsplit_once('-').unwrap().0.to_owned());
        let ours = names.filter(|name| name.starts_with("archived-"));
        ours.collect::<BTreeSet<_>>()
    };
    eventually("all four messages are archived", || ours().len() == 4);
    assert_eq!(
        ours().into_iter().collect::<Vec<_>>(),
        [
            "archived-1-request",
            "archived-1-response",
            "archived-2-request",
            "archived-2-response"
        ]
    );
    // One chain: every file but the last is gone on from, and the first goes on from none.
    let reports = portal();
    assert!(reports.len() >= 2);
    let mut ends: BTreeSet<_> = reports.iter().map(|(name, _)| Some(name.clone())).collect();
    ends.insert(None);
    let goes_on: BTreeSet<_> = reports
        .into_iter()
        .map(|(_, report)| {
            let previous = report.linked.unwrap().info.previous;
            previous.map(|file| file.file_name)
        })
        .collect();
    assert!(goes_on.is_subset(&ends), "{goes_on:?} {ends:?}");
    assert_eq!(goes_on.len() + 1, ends.len());
    let ready = wire::get(running.country.health("iria"), "/readyz", &[]).text();
    assert!(!ready.contains("archive"), "{ready}");
    running.stop();
}

/// The containers in all archive files, without the numbers of their records.
fn archived(folder: &Path, conf: &Snapshot) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in names(folder) {
        let bytes = Bytes::from(std::fs::read(folder.join(name)).unwrap());
        let (files, containers) = (&Limits::ARCHIVE, &Limits::CONTAINER);
        let report = verify(bytes, Start::Unknown, files, containers, conf).unwrap();
        assert!(report.holds(), "{:?}", report.containers);
        let names = report.containers.iter();
        all.extend(names.map(|(name, _)| name.rsplit_once('-').unwrap().0.to_owned()));
    }
    all
}

#[test]
fn a_message_that_cannot_be_archived_is_named_and_holds_up_no_other() {
    // Nothing is stamped before it is asked for.
    let Some(country) = country(3600) else {
        return;
    };
    edit(&country, "iria", |config| {
        let archive = config["archive"].as_table_mut().unwrap();
        archive.insert("interval_seconds".to_owned(), 1.into());
    });
    country.configure("iria", "log", &[("content_memory_bytes_max", 16.into())]);
    let data = country.data("iria");
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    let ask = |country: &Country, id: &str| {
        let answer = country.addresses().person("0TEST01", id).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    ask(&running.country, "left-1");
    running.take(Service::Node("iria")).stop();
    let bodies = std::fs::read_dir(data.join("log/bodies")).unwrap();
    let bodies: Vec<_> = bodies.map(|entry| entry.unwrap().path()).collect();
    let [body] = bodies.as_slice() else {
        panic!("{bodies:?}");
    };
    let whole = std::fs::read(body).unwrap();
    let mut changed = whole.clone();
    changed[20] ^= 1;
    std::fs::write(body, changed).unwrap();
    running.restart(Service::Node("iria"));
    ask(&running.country, "left-2");
    let iria = running.country.clients("iria");
    let portal = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000001181&subsystemCode=mygov";
    let stamped = format!("/asic?{portal}&queryId=left-2&requestOnly&force");
    let answer = wire::get(iria, &stamped, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());

    let ready = || wire::get(running.country.health("iria"), "/readyz", &[]).text();
    eventually("it is named", || {
        let text = ready();
        text.starts_with("ready\n")
            && text.contains("degraded: 1 messages cannot be archived and stay in the log")
            && text.contains("the body is not what was logged")
    });
    let (folder, conf) = (data.join("archive"), snapshot(iria));
    let ours = || {
        let all = archived(&folder, &conf);
        let ours = all.into_iter().filter(|name| name.starts_with("left-"));
        ours.collect::<Vec<_>>()
    };
    eventually("the others are archived", || ours().len() == 3);
    assert_eq!(
        ours(),
        ["left-1-request", "left-2-request", "left-2-response"]
    );
    // Brought back from a backup, it is archived with the next run.
    std::fs::write(body, whole).unwrap();
    eventually("it is archived", || ours().len() == 4);
    eventually("all is well", || !ready().contains("archived"));
    running.stop();
}

/// Whole or not at all, and once.
const CARRY: &str = "mkdir -p away; for f in mlog-*; do test -e away/$f || ln $f away; done";

#[test]
fn an_archive_that_cannot_be_made_is_seen_and_holds_up_nothing() {
    let Some(country) = country(1) else {
        return;
    };
    edit(&country, "iria", |config| {
        let archive = config["archive"].as_table_mut().unwrap();
        archive.insert("interval_seconds".to_owned(), 1.into());
        archive.insert(
            "transfer_command".to_owned(),
            "echo hunter2 >&2; exit 7".into(),
        );
    });
    let folder = country.data("iria").join("archive");
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let ask = |id: &str| {
        let answer = running.country.addresses().person("0TEST01", id).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let ready = || wire::get(running.country.health("iria"), "/readyz", &[]);
    ask("seen-1");
    eventually("the command's failure is seen", || {
        let text = ready().text();
        text.starts_with("ready\n")
            && text.contains("the transfer command has not done its work")
            && text.contains("exit status: 7")
            && !text.contains("hunter2")
    });
    // Somebody else's state: nothing is archived over it. (A run under way may write its own.)
    eventually("the state's damage is seen", || {
        std::fs::write(folder.join("state.json"), "{}").unwrap();
        ready()
            .text()
            .contains("state.json does not say up to where the log is archived")
    });
    assert_eq!(ready().status, 200);
    ask("seen-2");
    running.stop();
}
