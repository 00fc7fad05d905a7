//! `karvan bench consent`: every part runs, and says what it should. How fast is not judged here.

use std::process::Output;
use std::sync::PoisonError;

use serde_json::Value;

use crate::country::{Country, karvan, text};

fn bench(arguments: &[&str]) -> Output {
    karvan()
        .args(["bench", "consent", "--seconds", "0.2", "--json"])
        .args(["--consents", "40", "--signed", "8", "--revoked", "30"])
        .args(["--rules", "40", "--journal-records", "300"])
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

#[track_caller]
fn positive(value: &Value) {
    assert!(value.as_f64().is_some_and(|figure| figure > 0.0), "{value}");
}

#[test]
fn measures_the_check_the_feed_the_desk_and_the_journal() {
    let parts = ["check", "feed", "desk", "journal"].map(|part| ["--part", part]);
    let document = document(&bench(parts.as_flattened()));
    assert!(document.get("exchanges").is_none(), "it was not asked for");

    let check = &document["check"];
    assert_eq!((&check["rules"], &check["signed"]), (&40.into(), &8.into()));
    positive(&check["bound"]["p50_us"]);
    let rows = check["rows"].as_array().unwrap();
    // Three grounds, two protocols, one thread and two.
    assert_eq!(rows.len(), 12);
    for row in rows {
        positive(&row["took"]["p999_us"]);
        positive(&row["checks_per_s"]);
    }
    assert_eq!(document["feed"]["pages"], 1);
    positive(&document["feed"]["took_ms"]);
    let desk = &document["desk"];
    assert_eq!(desk["consents"], 40);
    for figure in ["asked", "approved", "revoked", "found", "durable"] {
        positive(&desk[figure]["p99_us"]);
    }
    let journal = &document["journal"];
    assert_eq!(
        (&journal["records"], &journal["persons"]),
        (&300.into(), &15.into())
    );
    positive(&journal["warm"]["took"]["p99_us"]);
    positive(&journal["applied_per_s"]);
}

#[test]
fn measures_exchanges_under_rules_and_revocation() {
    // It has nodes on these addresses, too.
    if Country::place().is_none() {
        return;
    }
    // A bench looks for free ports by itself: two at the same time would find the same.
    let _alone = crate::country::BENCH
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let output = bench(&[
        "--part",
        "exchanges",
        "--part",
        "revocation",
        "--rounds",
        "1",
        "--clients",
        "4",
        "--revocations",
        "2",
    ]);
    let document = document(&output);
    let exchanges = &document["exchanges"];
    for figure in ["bound_per_s", "off_per_s", "law_per_s", "consent_per_s"] {
        positive(&exchanges[figure]);
    }
    assert_eq!(exchanges["rounds"].as_array().unwrap().len(), 1);
    for node in ["consumer", "provider"] {
        assert_eq!(document["revocation"][node]["count"], 2);
        positive(&document["revocation"][node]["max_us"]);
    }
}
