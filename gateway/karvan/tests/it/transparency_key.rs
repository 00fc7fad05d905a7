//! A node whose log gets another key: neighbours and auditors follow, and nothing that was signed is
//! taken back.

use std::process::Output;

use toml::Value;

use crate::audit_tree::Auditor;
use crate::country::{Country, Service, eventually, karvan, text};
use crate::evidence::edit;
use crate::transparency::{checkpoint, cosigned, exchange, grown, ready};
use crate::wire;

const WITNESSES: [&str; 2] = ["eesmn", "en"];

fn consistency(country: &Country, held: &std::path::Path, keys: &[&str]) -> Output {
    let mut command = karvan();
    command.args(["audit", "consistency"]);
    command.args([held, &country.data("din")]);
    keys.iter().for_each(|key| {
        command.args(["--log-key", key]);
    });
    command.output().unwrap()
}

#[test]
fn a_log_gets_another_key_and_keeps_its_word() {
    let Some(country) = Country::found() else {
        return;
    };
    country.hurry_trees(&["din", "eesmn", "en"]);
    let (din, eesmn, en) = (
        Service::Node("din"),
        Service::Node("eesmn"),
        Service::Node("en"),
    );
    let mut running = country.start_all(&[
        Service::Registry,
        Service::Adapter("iamas"),
        eesmn,
        en,
        din,
        Service::Node("iria"),
    ]);
    let log_key = |country: &Country| {
        let keys = wire::get(country.transparency("din"), "/keys", &[]).text();
        keys.lines().next().unwrap().to_owned()
    };
    let id = exchange(&running.country, 1);
    let size = cosigned(&running.country).size;
    let held = running.country.folder().join("held");
    let note = wire::get(running.country.transparency("din"), "/checkpoint", &[]).body;
    std::fs::write(&held, note).unwrap();
    let old = log_key(&running.country);

    // Without the old key named, the node does not start over what that has signed.
    running.take(din).stop();
    let values = [("key", Value::from("keys/log-2.key.pem"))];
    running.country.configure("din", "transparency", &values);
    let said = running.country.spawn(din).fails();
    assert!(said.contains("former_keys"), "{said}");
    let values = [("former_keys", Value::from(vec![old.as_str()]))];
    running.country.configure("din", "transparency", &values);
    running.restart(din);
    let new = log_key(&running.country);
    assert_ne!(new, old);
    assert!(checkpoint(&running.country).size >= size);
    eventually("neighbours do not know the new key", || {
        let said = ready(&running.country);
        said.matches("does it have the key of this log in its list?")
            .count()
            == 2
    });

    for (node, service) in WITNESSES.into_iter().zip([eesmn, en]) {
        running.take(service).stop();
        edit(&running.country, node, |config| {
            let section = config["transparency"].as_table_mut().unwrap();
            let witnessed = section["witnessed"].as_array_mut().unwrap();
            witnessed.push(new.as_str().into());
        });
        running.restart(service);
    }
    let size = checkpoint(&running.country).size;
    exchange(&running.country, 1);
    grown(&running.country, size + 2);
    cosigned(&running.country);

    let continued = |keys: &[&str]| consistency(&running.country, &held, keys);
    for keys in [vec![], vec![old.as_str(), new.as_str()]] {
        let output = continued(&keys);
        assert!(output.status.success(), "{}", text(&output));
    }
    // Who believes the new key alone has no word for the older checkpoint.
    let output = continued(&[&new]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    Auditor::before(&running.country, "din").proves_by_both(&id);
}
