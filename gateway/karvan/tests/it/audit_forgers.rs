//! Bundles of a forger who brings a registry, a log key or witnesses of his own.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use certs_authority::Authority;
use certs_keys::{Ed25519Key, KeyKind};
use gateway_asic::zip::Names;
use gateway_globalconf::Anchor;
use gateway_tlog::checkpoint::Checkpoint;
use gateway_tlog::cosign::cosign;
use gateway_tlog::note::{Kind, Signer};
use gateway_tlog::proof::Proof;
use jiff::Timestamp;
use serde_json::Value;

use crate::audit_documents::{Files, Told, audit, failures, packed, text_of, unpacked, verified};

/// Somebody who makes up a registry convinces nobody who has the anchor of the real one.
pub(crate) fn by_the_anchor(told: &Told, bundle: &[u8]) {
    let anchor = told.country.folder().join("anchor.xml");
    let real = Anchor::from_xml(&fs::read(&anchor).unwrap()).unwrap();
    let bundle_path = told.file("anchored/bundle.zip", bundle);
    let by_anchor =
        |path: &Path| -> Vec<String> { failures(&[text_of(path), "--anchor", text_of(&anchor)]) };
    let given = [text_of(&bundle_path), "--anchor", text_of(&anchor)];
    let document = verified(0, &given);
    let configuration = &document["items"][0]["configurations"][0];
    let vouched = configuration["anchor"].as_str().unwrap();
    assert!(
        vouched.contains("instance AZ") && vouched.contains("SHA-224 "),
        "{vouched}"
    );
    assert!(
        vouched.contains("signed by the registry, valid until "),
        "{vouched}"
    );
    assert!(
        configuration["anchor_expires_at"].is_string(),
        "{configuration}"
    );
    assert_eq!(configuration["warnings"], Value::Array(Vec::new()));
    let said = audit(&[&["verify"], &given[..]].concat());
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("registry's    yes, by the anchor"), "{said}");
    // What a node hands out is what the registry signed, too.
    let conf = told.file("anchored/verificationconf.zip", &told.conf);
    let document = verified(0, &[&given[..], &["--conf", text_of(&conf)]].concat());
    let configuration = &document["configuration"];
    assert_eq!(configuration["from"], "given");
    assert!(configuration["anchor"].is_string(), "{configuration}");
    assert_eq!(configuration["anchor_refused"], Value::Null);
    // Not when it was changed.
    let mut handed_out = unpacked(&told.conf, Names::Folders);
    let name = "verificationconf/AZ/shared-params.xml";
    let mut changed = handed_out[name].to_vec();
    changed.push(b'\n');
    handed_out.insert(name.to_owned(), changed.into());
    let conf = told.file("anchored/conf.zip", &packed(&handed_out, Names::Folders));
    let found = failures(&[&given[..], &["--conf", text_of(&conf)]].concat());
    assert!(
        found.len() == 1 && found[0].contains("it is not what the registry signed"),
        "{found:#?}"
    );
    assert!(!said.contains("whoever made this"), "{said}");

    // What holds by itself, and is not what the registry published.
    let files = unpacked(bundle, Names::Folders);
    let changed = |name: &str, change: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        change(&mut files);
        told.file(name, &packed(&files, Names::Folders))
    };
    let shared = "conf/AZ/shared-params.xml";
    let own_list = changed("anchored/list.zip", &|files| {
        let text = String::from_utf8(files[shared].to_vec()).unwrap();
        files.insert(shared.to_owned(), (text + "\n").into());
    });
    verified(0, &[text_of(&own_list)]);
    let found = by_anchor(&own_list);
    assert!(
        found.len() == 1 && found[0].contains("it is not what the registry signed"),
        "{found:#?}"
    );
    let unsigned = changed("anchored/unsigned.zip", &|files| {
        files.remove("conf/AZ/signed-directory.metadata");
    });
    verified(0, &[text_of(&unsigned)]);
    let found = by_anchor(&unsigned);
    assert!(
        found.len() == 1 && found[0].contains("is not kept with it"),
        "{found:#?}"
    );

    // The anchor of another registry of the same name, first alone, then beside the real one.
    let authority = Authority::create("AZ", KeyKind::P256, Timestamp::now()).unwrap();
    let mut other = real;
    for source in &mut other.sources {
        source.verification_certificates = vec![authority.root().clone()];
    }
    let other = told.file("anchored/other.xml", &other.to_xml());
    let data = told.country.data("iria");
    for path in [text_of(&bundle_path), text_of(&data)] {
        let found = failures(&[path, "--anchor", text_of(&other)]);
        assert!(
            !found.is_empty()
                && found
                    .iter()
                    .all(|one| one.contains("is not shown to be the registry's")),
            "{found:#?}"
        );
        let both = ["--anchor", text_of(&other), "--anchor", text_of(&anchor)];
        verified(0, &[&[path], &both[..]].concat());
    }
    // So are the configurations beside a log, and one that is given.
    let document = verified(0, &[text_of(&data), "--anchor", text_of(&anchor)]);
    let kept = &document["items"][0]["configurations"];
    assert_eq!(kept["kept"], kept["vouched"], "{kept}");
    assert!(kept["kept"].as_u64().unwrap() > 0, "{kept}");
    assert!(
        !kept["timestampers"].as_array().unwrap().is_empty(),
        "{kept}"
    );
    let alone = verified(0, &[text_of(&data)]);
    assert_eq!(alone["items"][0]["configurations"]["vouched"], Value::Null);
    let conf = data.join("globalconf");
    let given = [text_of(&bundle_path), "--conf", text_of(&conf)];
    verified(0, &[&given[..], &["--anchor", text_of(&anchor)]].concat());
    let found = failures(&[&given[..], &["--anchor", text_of(&other)]].concat());
    assert_eq!(found.len(), 1, "{found:#?}");
    let no_anchor = verified(
        2,
        &[text_of(&bundle_path), "--anchor", text_of(&bundle_path)],
    );
    assert!(
        no_anchor.as_str().unwrap().contains("--anchor"),
        "{no_anchor}"
    );
}

/// Whoever signs the log anew may put the keys of the node and of its witnesses beside his own: what is
/// printed to be compared is what has signed.
pub(crate) fn keys_that_signed_nothing_are_not_named(told: &Told, bundle: &[u8]) {
    const WITNESS: &str = "AZ/GOV/0000000261/eesmn/witness";
    let files = unpacked(bundle, Names::Folders);
    let own = |kind, name: &str| {
        let key = Ed25519Key::generate().unwrap();
        Signer::new(kind, name, key).unwrap()
    };
    let vkeys = |signers: &[&Signer]| -> Vec<String> {
        let keys = signers.iter().map(|signer| signer.verifier().to_vkey());
        keys.collect()
    };
    let proofs: Vec<&String> = files
        .keys()
        .filter(|name| name.ends_with(".tlog-proof"))
        .collect();
    let resigned = |name: &str, signer: &Signer, witnesses: &[&Signer]| -> Bytes {
        let proof = Proof::decode(&files[name]).unwrap();
        let checkpoint = Checkpoint::from_text(proof.note().text()).unwrap();
        let mut note = checkpoint.sign(signer).unwrap();
        for witness in witnesses {
            note.add(cosign(&checkpoint, witness, 1_800_000_000).unwrap())
                .unwrap();
        }
        let hashes = proof.hashes().to_vec();
        let proof = Proof::new(proof.index(), hashes, note).unwrap();
        proof.encode().into()
    };
    let keys = String::from_utf8(files["log/keys"].to_vec()).unwrap();
    let genuine = keys.lines().next().unwrap();
    let forger = own(Kind::Ed25519, genuine.split('+').next().unwrap());
    let [witness, false_witness] = [(); 2].map(|()| own(Kind::Cosignature, WITNESS));
    // The same key under another name.
    let key = Ed25519Key::from_seed(&[9; 32]).unwrap();
    let one = Signer::new(Kind::Cosignature, "one", key).unwrap();
    let key = Ed25519Key::from_seed(&[9; 32]).unwrap();
    let alias = Signer::new(Kind::Cosignature, "alias", key).unwrap();
    let beside = vkeys(&[&forger, &witness, &false_witness, &one, &alias]);
    let mut forged = files.clone();
    let beside = format!("{keys}{}\n", beside.join("\n"));
    forged.insert("log/keys".to_owned(), beside.into());
    let by = [&false_witness, &one, &alias];
    for name in &proofs {
        forged.insert((*name).clone(), resigned(name, &forger, &by));
    }
    let path = told.file("keys/forged.zip", &packed(&forged, Names::Folders));
    let item = verified(0, &[text_of(&path)])["items"][0].clone();
    let [own_key] = &vkeys(&[&forger])[..] else {
        panic!("one key");
    };
    assert_eq!(item["log_key"], *own_key);
    assert_eq!(item["log_keys"], serde_json::json!([own_key]));
    let cosigned = vkeys(&[&false_witness, &one]);
    assert_eq!(item["witness_keys"], serde_json::json!(cosigned));
    assert_eq!(
        item["records"][0]["cosigned_by"],
        serde_json::json!([WITNESS, "one"])
    );
    let said = audit(&["verify", text_of(&path)]);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains(own_key) && !said.contains(genuine), "{said}");
    let found = failures(&[text_of(&path), "--log-key", genuine]);
    assert_eq!(found.len(), proofs.len(), "{found:#?}");

    // One record by the node, the other by somebody else: neither key stands for both.
    forged.insert(proofs[0].clone(), files[proofs[0]].clone());
    let path = told.file("keys/half.zip", &packed(&forged, Names::Folders));
    let item = verified(0, &[text_of(&path)])["items"][0].clone();
    assert_eq!(item["log_key"], Value::Null);
    let mut found = item["log_keys"].as_array().unwrap().clone();
    found.sort_by_key(|key| key == own_key);
    assert_eq!(found, [genuine, own_key.as_str()]);
    let records = item["records"].as_array().unwrap();
    let by_own = records
        .iter()
        .filter(|record| record["log_keys"] == serde_json::json!([own_key]));
    assert_eq!(by_own.count(), records.len() - 1, "{item}");
    let said = audit(&["verify", text_of(&path)]);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("by more than one key"), "{said}");
}
