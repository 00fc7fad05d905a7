//! `karvan bench evidence`: every part runs, and says what it should. How fast is not judged here.

use std::process::Output;
use std::sync::PoisonError;

use serde_json::Value;

use crate::country::{Country, karvan, text};

fn bench(arguments: &[&str]) -> Output {
    karvan()
        .args(["bench", "evidence", "--seconds", "0.2"])
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
fn measures_records_documents_and_proofs_of_a_small_log() {
    let parts = ["--part", "append", "--part", "documents", "--part", "tree"];
    let output = bench(&[&parts[..], &["--records", "600", "--json"]].concat());
    let document = document(&output);
    assert!(document.get("exchanges").is_none(), "it was not asked for");

    let rows = document["append"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    for row in rows {
        positive(&row["records_per_s"]);
        positive(&row["bound_per_s"]);
        // A message of 2 KiB and its signature.
        assert!(row["stored_bytes"].as_f64().unwrap() > 4096.0, "{row}");
    }
    let rows = document["documents"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        positive(&row["made_per_s"]);
        positive(&row["verified_per_s"]);
    }
    let tree = &document["tree"];
    assert_eq!(tree["records"], 600);
    for figure in ["tree_bytes", "index_bytes", "segment_bytes"] {
        positive(&tree[figure]);
    }
    for spread in ["inclusion", "consistency", "tiles"] {
        positive(&tree[spread]["p99_us"]);
    }
    positive(&tree["opened"]["proved_ms"]);
}

#[test]
fn measures_exchanges_with_the_log_in_memory_durable_and_with_extras() {
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
        "--rounds",
        "1",
        "--clients",
        "4",
        "--json",
    ]);
    let exchanges = &document(&output)["exchanges"];
    positive(&exchanges["bound_per_s"]);
    let rounds = exchanges["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 1);
    positive(&rounds[0]["off_per_s"]);
    positive(&rounds[0]["on_per_s"]);
    let states = exchanges["processors"].as_array().unwrap();
    assert!(states.len() >= 2, "{states:?}");
    for state in states {
        positive(&state["exchange_us"]);
        positive(&state["log_us"]);
        assert!(
            state["log_us"].as_f64() < state["exchange_us"].as_f64(),
            "{state}"
        );
    }
    let disks = exchanges["disk"].as_array().unwrap();
    assert_eq!(disks.len(), 2);
    for disk in disks {
        // All of it was on: the log has a tree, and was stamped.
        for figure in ["exchanges", "messages", "stamps", "index", "tree"] {
            positive(&disk[figure]);
        }
    }
}

#[test]
fn the_load_of_the_road_is_no_option_of_this_bench() {
    let output = karvan()
        .args(["bench", "--seconds", "1", "evidence"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}
