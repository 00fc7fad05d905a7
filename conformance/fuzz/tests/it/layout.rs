//! What stands in folders fits what stands in the code.

use std::collections::BTreeSet;
use std::path::Path;

use conformance_fuzz::TARGETS;

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(folder).unwrap();
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.map(|entry| stem(&entry.unwrap().path())).collect()
}

fn names() -> BTreeSet<String> {
    TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect()
}

#[test]
fn every_target_has_a_name_of_its_own_and_a_seed() {
    assert_eq!(names().len(), TARGETS.len());
    for target in TARGETS {
        assert!(
            !target.seeds().unwrap().is_empty(),
            "{} has no seed",
            target.name
        );
    }
    let unknown: Vec<_> = stems("seeds").difference(&names()).cloned().collect();
    assert_eq!(unknown, [""; 0], "folders of seeds without a target");
}

#[test]
fn every_target_has_its_libfuzzer_binary_and_the_other_way_round() {
    assert_eq!(stems("libfuzzer/fuzz_targets"), names());
    let manifest = include_str!("../../libfuzzer/Cargo.toml");
    for target in TARGETS {
        let name = target.name;
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} in the manifest"
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = path.join(format!("libfuzzer/fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.contains(&format!("conformance_fuzz::{name}(data)")),
            "{name} calls itself"
        );
    }
}
