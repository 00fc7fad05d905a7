//! `karvan audit export`, and `karvan audit verify` on what it wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use gateway_asic::zip::Names;
use gateway_globalconf::disk::SIGNED_DIRECTORY;
use serde_json::Value;

use crate::audit_documents::{
    Files, PORTAL, Told, audit, fails_by, failures, packed, stamped, stamping, text_of, unpacked,
    verified,
};
use crate::audit_forgers::{by_the_anchor, keys_that_signed_nothing_are_not_named};
use crate::country::{Country, text};

#[test]
fn a_bundle_proves_an_exchange_to_who_has_nothing_else() {
    let Some(told) = Told::new(&["b-1", "b-2"]) else {
        return;
    };
    let (bundle, other) = (told.export("iria", "b-1"), told.export("iria", "b-2"));
    let alone = verified(0, &[text_of(&bundle)]);
    let item = &alone["items"][0];
    assert_eq!(item["kind"], "bundle");
    assert_eq!(item["configurations"][0]["from"], "bundle");
    assert_eq!(item["documents"].as_array().unwrap().len(), 2);
    for (record, what) in [
        (0, "REST request of the consumer"),
        (1, "REST response of the consumer"),
    ] {
        let record = &item["records"][record];
        assert_eq!(record["what"], what);
        assert_eq!(record["signed_by"], "AZ/GOV/0000001181/iria");
        assert!(record["container"].is_string(), "{record}");
    }
    assert_eq!(item["warnings"], Value::Array(Vec::new()));
    // It says whose word its configuration is, and what to compare.
    let said = audit(&["verify", text_of(&bundle)]);
    let said = String::from_utf8_lossy(&said.stdout);
    for wanted in [
        "it is the word of whoever made this",
        "SHA-256 of its parameters",
        "authority     ",
        "time-stamper  CN=Sandbox TSA",
        "responder     CN=",
        "log key       AZ/GOV/0000001181/iria+",
        "signed by     MEMBER:AZ/GOV/0000001181\n",
        "2 documents: 2 hold, 0 fail; 1 bundle: 1 hold, 0 fail\n",
    ] {
        assert!(said.contains(wanted), "no {wanted} in {said}");
    }

    // By what the auditor has from elsewhere.
    let conf = told.file("verificationconf.zip", &told.conf);
    let log_keys = told.country.data("iria").join("log/tree/keys");
    let log_keys = fs::read_to_string(log_keys).unwrap();
    let log_key = log_keys.lines().next().unwrap();
    let din = told.country.data("din").join("log/tree/keys");
    let din = fs::read_to_string(din).unwrap();
    let given = ["--conf", text_of(&conf), "--log-key", log_key];
    let document = verified(0, &[&[text_of(&bundle)], &given[..]].concat());
    assert_eq!(document["configuration"]["from"], "given");
    assert_eq!(document["items"][0]["log_key"], log_key);
    assert_eq!(document["items"][0]["log_key_is"], "given");
    assert_eq!(item["log_key"], log_key);
    assert!(
        item["log_key_is"]
            .as_str()
            .unwrap()
            .starts_with("from the bundle"),
        "{item}"
    );
    let own = &item["configurations"][0];
    assert_eq!(own["instances"], document["configuration"]["instances"]);
    let found = failures(&[text_of(&bundle), "--log-key", din.lines().next().unwrap()]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|one| one.contains("does not prove it")),
        "{found:?}"
    );

    // The same log gives the same octets, and the provider's evidence is as good.
    let octets = fs::read(&bundle).unwrap();
    assert_eq!(fs::read(told.export("iria", "b-1")).unwrap(), octets);
    verified(0, &[text_of(&told.export("din", "b-1"))]);

    by_the_anchor(&told, &octets);
    keys_that_signed_nothing_are_not_named(&told, &octets);
    crate::audit_tree::proves_what_stands_in_the_log(&told.country.data("iria"), "b-1");
    tampered(&told, &octets, &fs::read(other).unwrap());
    readable_by_common_tools(&told, &octets);

    let data = told.country.data("iria");
    let out = told.work.path().join("none.zip");
    let output = audit(&["export", text_of(&data), "never", "-o", text_of(&out)]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(!out.exists());
    let output = audit(&["export", "/nowhere", "never", "-o", text_of(&out)]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

/// Every way to change a bundle is found, and named.
fn tampered(told: &Told, bundle: &[u8], other: &[u8]) {
    let files = unpacked(bundle, Names::Folders);
    let others = unpacked(other, Names::Folders);
    let named = |files: &Files, end: &str| -> Vec<String> {
        let names = files.keys().filter(|name| name.ends_with(end));
        names.cloned().collect()
    };
    let of = |end: &str| named(&files, end);
    let number = |name: &str| -> u64 {
        let digits = name.trim_start_matches("log/").split('.').next().unwrap();
        digits.parse().unwrap()
    };
    let mut records = of(".record");
    records.sort_by_key(|name| number(name));
    let (record, proof) = (&records[0], &records[0].replace(".record", ".tlog-proof"));
    let ordinal = number(record);
    let containers = of(".asice");
    let container = containers
        .iter()
        .find(|name| name.contains("-request-"))
        .unwrap();
    let found = |change: &dyn Fn(&mut Files)| -> Vec<String> {
        let mut changed = files.clone();
        change(&mut changed);
        let path = told.file("tampered.zip", &packed(&changed, Names::Folders));
        failures(&[text_of(&path)])
    };
    #[track_caller]
    fn only(found: &[String], reason: &str) {
        assert!(
            found.len() == 1 && found[0].contains(reason),
            "{reason}: {found:#?}"
        );
    }
    // Packed again it is as good.
    let again = told.file("again.zip", &packed(&files, Names::Folders));
    verified(0, &[text_of(&again)]);

    // Each file removed.
    let needed = files
        .keys()
        .filter(|name| !name.ends_with(SIGNED_DIRECTORY));
    for name in needed {
        let found = found(&|files| drop(files.remove(name)));
        assert!(!found.is_empty(), "{name}");
        let reason = match name.as_str() {
            name if name.starts_with("conf/") => "conf",
            name if name.ends_with(".record") => &name.replace(".record", ".tlog-proof"),
            name => name,
        };
        assert!(
            found.iter().any(|one| one.contains(reason)),
            "{name}: {found:#?}"
        );
    }
    only(
        &found(&|files| drop(files.remove("README.txt"))),
        "README.txt is not there",
    );
    only(
        &found(&|files| drop(files.remove(container))),
        &format!("{container} is not there"),
    );
    only(
        &found(&|files| drop(files.remove(proof))),
        &format!("{proof} is not there"),
    );

    // Something put in.
    for name in [
        "log/x.txt",
        "containers/x.asice",
        "extra",
        "conf/AZ/private-params.xml",
        "conf-9/x",
    ] {
        let found = found(&|files| drop(files.insert(name.to_owned(), Bytes::from_static(b"x"))));
        only(&found, name);
    }

    // A record changed, or exchanged for another of the same log.
    let mut octets = files[record].to_vec();
    *octets.last_mut().unwrap() ^= 1;
    let changed = found(&|files| drop(files.insert(record.clone(), octets.clone().into())));
    // One that cannot be read any more has no container either.
    let of_record = |one: &String| one.contains(&format!("record {ordinal}"));
    assert!(
        changed.iter().any(of_record)
            && changed
                .iter()
                .all(|one| of_record(one) || one.contains(container)),
        "{changed:#?}"
    );
    let swapped = found(&|files| {
        let second = files[&records[1]].clone();
        files.insert(record.clone(), second);
    });
    assert!(!swapped.is_empty(), "{swapped:#?}");

    // A record of another exchange, with its own proof, under this container.
    let strange = named(&others, ".record");
    let strange = strange
        .iter()
        .find(|name| !files.contains_key(*name))
        .unwrap();
    let strange_proof = strange.replace(".record", ".tlog-proof");
    let found_strange = found(&|files| {
        files.insert(strange.clone(), others[strange].clone());
        files.insert(strange_proof.clone(), others[&strange_proof].clone());
    });
    only(&found_strange, &format!("record {}", number(strange)));

    // The proof of another record; a proof that carries more.
    let other_proof = records[1].replace(".record", ".tlog-proof");
    only(
        &found(&|files| {
            let second = files[&other_proof].clone();
            files.insert(proof.clone(), second);
        }),
        &format!("{proof} is about entry {}", number(&records[1])),
    );
    only(
        &found(&|files| {
            let text = String::from_utf8(files[proof].to_vec()).unwrap();
            let more = text.replacen("\nindex ", "\nextra eA==\nindex ", 1);
            files.insert(proof.clone(), more.into());
        }),
        "nothing vouches for",
    );

    // Keys of somebody else.
    let din = fs::read(told.country.data("din").join("log/tree/keys")).unwrap();
    let found_keys = found(&|files| drop(files.insert("log/keys".to_owned(), din.clone().into())));
    assert_eq!(found_keys.len(), 2, "{found_keys:#?}");
    assert!(
        found_keys
            .iter()
            .all(|one| one.contains("does not prove it")),
        "{found_keys:#?}"
    );

    // The container of another message, which holds by itself.
    let strange = named(&others, ".asice");
    let strange = strange
        .iter()
        .find(|name| name.contains("-request-"))
        .unwrap();
    only(
        &found(&|files| drop(files.insert(container.clone(), others[strange].clone()))),
        "is not its message: it has another message than the record",
    );

    // A configuration that approves nobody the documents rest on.
    let shared = "conf/AZ/shared-params.xml";
    let unapproved = |files: &mut Files| {
        let text = String::from_utf8(files[shared].to_vec()).unwrap();
        let begin = text.find("<approvedTSA>").unwrap();
        let end = text.find("</approvedTSA>").unwrap() + "</approvedTSA>".len();
        let without = text[..begin].to_owned() + &text[end..];
        files.insert(shared.to_owned(), without.into());
    };
    let found_conf = found(&unapproved);
    assert!(
        found_conf
            .iter()
            .any(|one| one.contains("mlog.tsp_certificate_not_found")),
        "{found_conf:#?}"
    );

    // Where it changed in between, each document holds by one of the two.
    let mut both = files.clone();
    for (name, content) in &files {
        if let Some(path) = name.strip_prefix("conf/") {
            both.insert(format!("conf-2/{path}"), content.clone());
        }
    }
    unapproved(&mut both);
    let path = told.file("both.zip", &packed(&both, Names::Folders));
    let document = verified(0, &[text_of(&path)]);
    let configurations = document["items"][0]["configurations"].as_array().unwrap();
    assert_eq!(configurations.len(), 2, "{document}");

    // Cut short, it is no bundle any more.
    let path = told.file("cut.zip", &bundle[..bundle.len() / 2]);
    fails_by("cut.zip", &[text_of(&path)]);
}

/// A stranger has unzip, and reads what it says.
fn readable_by_common_tools(told: &Told, bundle: &[u8]) {
    let files = unpacked(bundle, Names::Folders);
    let readme = String::from_utf8(files["README.txt"].to_vec()).unwrap();
    for name in files.keys().filter(|name| name.ends_with(".asice")) {
        assert!(readme.contains(name), "{name} is not in {readme}");
    }
    assert!(readme.is_ascii() && !readme.contains('{'), "{readme}");
    let path = told.file("by-unzip/bundle.zip", bundle);
    let unzip = std::process::Command::new("unzip")
        .args(["-q", "-t", text_of(&path)])
        .output();
    match unzip {
        Ok(output) => assert!(output.status.success(), "{}", text(&output)),
        Err(_) => println!("not run: there is no unzip"),
    }
}

#[test]
fn exports_what_is_sealed_and_says_what_is_missing() {
    let Some(country) = Country::found() else {
        return;
    };
    stamping(&country, &["din"], "");
    let key = country.folder().join("record.key");
    fs::write(&key, "5e".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let sealed = format!(
        "encryption_key = [{{ id = \"k1\", file = {:?} }}]",
        text_of(&key)
    );
    stamping(&country, &["iria"], &format!("[log]\n{sealed}\n"));
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let answer = running
        .country
        .addresses()
        .person("0TEST01", "s-1")
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    stamped(&running.country, "iria", PORTAL, "s-1");
    let country = running.stop();
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("sealed.zip");
    let data = country.data("iria");
    let keys = format!("k1={}", text_of(&key));
    let arguments = [
        "export",
        text_of(&data),
        "s-1",
        "-o",
        text_of(&out),
        "--key",
        &keys,
    ];
    let output = audit(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // Who gets it needs no key.
    let document = verified(0, &[text_of(&out)]);
    assert_eq!(document["items"][0]["records"].as_array().unwrap().len(), 2);

    let files = unpacked(&fs::read(&out).unwrap(), Names::Folders);
    let plain = files.keys().filter(|name| name.ends_with(".plain"));
    let plain: Vec<String> = plain.cloned().collect();
    assert_eq!(plain.len(), 2, "{:?}", files.keys());
    let changed = work.path().join("changed.zip");
    for (octets, reason) in [
        (None, "its .plain is not there"),
        (
            Some(files[&plain[1]].clone()),
            "is not what is sealed in it",
        ),
    ] {
        let mut files = files.clone();
        match octets {
            None => drop(files.remove(&plain[0])),
            Some(octets) => drop(files.insert(plain[0].clone(), octets)),
        }
        fs::write(&changed, packed(&files, Names::Folders)).unwrap();
        let found = failures(&[text_of(&changed)]);
        assert!(
            found.iter().any(|one| one.contains(reason)),
            "{reason}: {found:#?}"
        );
    }

    // Without the key nothing can be told of it, and that is said once.
    let told = "records are sealed with the key k1, which was not given: --key k1=FILE";
    let found = failures(&[text_of(&data)]);
    assert!(found.len() == 1 && found[0].contains(told), "{found:#?}");
    verified(0, &[text_of(&data), "--key", &keys]);
    let din = country.data("din");
    for arguments in [
        &["show", text_of(&data), "s-1"][..],
        &["find", text_of(&data), "--whole"],
        &["cross-check", text_of(&data), text_of(&din)],
    ] {
        let output = audit(arguments);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert_eq!(said.matches(told).count(), 1, "{arguments:?} {said}");
    }
    fs::remove_file(&out).unwrap();
    let output = audit(&arguments[..5]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(!out.exists());

    // Not yet stamped: there is no signed document of it.
    stamping(
        &country,
        &["iria"],
        "[timestamping]\ninterval_seconds = 3600\n",
    );
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let answer = running
        .country
        .addresses()
        .person("0TEST01", "s-2")
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let country = running.stop();
    let data = country.data("iria");
    let arguments = [
        "export",
        text_of(&data),
        "s-2",
        "-o",
        text_of(&out),
        "--key",
        &keys,
    ];
    let output = audit(&[&arguments[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        document["records"].as_array().unwrap().len(),
        2,
        "{document}"
    );
    assert_eq!(document["containers"], Value::Array(Vec::new()));
    let missing = document["missing"].as_array().unwrap();
    assert!(
        missing
            .iter()
            .all(|one| one.as_str().unwrap().contains("waits for its time stamp")),
        "{missing:#?}"
    );
    let found = failures(&[text_of(&out)]);
    assert!(
        found
            .iter()
            .all(|one| one.contains("before it was time-stamped")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 2);
}
