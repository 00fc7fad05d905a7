//! The repository, held against the rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

use conformance_tidy::repository::{self, Manifest, root};
use conformance_tidy::{floors, homes, source};

#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}

fn manifests() -> Vec<Manifest> {
    let manifests = repository::manifests(&root()).unwrap();
    assert!(
        manifests.len() > 10,
        "these are not the manifests of the house"
    );
    manifests
}

fn texts() -> Vec<(String, String)> {
    let texts = repository::texts(&root()).unwrap();
    assert!(texts.len() > 100, "these are not the files of the house");
    texts
}

/// Complaints about every text.
fn of_texts<C: IntoIterator<Item = String>>(rule: fn(&str, &str) -> C) -> Vec<String> {
    texts()
        .iter()
        .flat_map(|(path, text)| rule(path, text))
        .collect()
}

#[test]
fn a_crate_names_crates_of_lower_floors_only() {
    none(&floors::complaints(&manifests()));
}

#[test]
fn a_package_has_one_home() {
    none(&homes::complaints(&manifests()));
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    none(&homes::uninherited(&manifests()));
}

#[test]
fn a_module_says_what_it_is() {
    none(&of_texts(source::headless));
}

#[test]
fn a_file_can_be_read_in_one_go() {
    let texts = texts();
    let paths: Vec<&str> = texts.iter().map(|(path, _)| path.as_str()).collect();
    none(&source::gone(&paths));
    none(&of_texts(source::long));
}

#[test]
fn nothing_is_unsafe_or_left_out() {
    none(&of_texts(source::words));
}

#[test]
fn no_path_is_of_one_machine() {
    none(&of_texts(source::machine_paths));
}
