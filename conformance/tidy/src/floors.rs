//! A crate names crates of lower floors only. Dev-dependencies are free: tests may stand on more.

use crate::repository::{Kind, Manifest};

/// The floors, by the names of crates; a name that ends in `-*` is a family.
const FLOORS: [(&str, u8); 21] = [
    ("karvan", 6),
    ("adapters-*", 5),
    ("gateway-admin", 5),
    ("gateway-exchange", 4),
    ("gateway-evidence", 4),
    ("gateway-messagelog", 3),
    ("gateway-registry", 3),
    ("gateway-asic", 3),
    ("gateway-consent", 3),
    ("gateway-journal", 3),
    ("gateway-seal", 2),
    ("gateway-policy", 2),
    ("gateway-globalconf", 2),
    ("gateway-net", 2),
    ("certs-authority", 2),
    ("certs-x509", 1),
    ("gateway-proto", 1),
    ("gateway-tlog", 1),
    ("certs-keys", 0),
    ("gateway-xml", 0),
    ("gateway-store", 0),
];

/// Crates of `conformance/` that may name any of ours: the fuzz targets call the parsers
/// themselves. All others of that family speak the wire, and may name the sandbox authority alone.
const INSIDERS: [&str; 1] = ["conformance-fuzz"];

/// What the family outside may name.
const OF_OUTSIDERS: [&str; 1] = ["certs-authority"];

/// What is wrong with the floors of these crates.
pub fn complaints(manifests: &[Manifest]) -> Vec<String> {
    let ours: Vec<&str> = manifests.iter().map(Manifest::name).collect();
    let mut complaints = Vec::new();
    for manifest in manifests {
        let name = manifest.name();
        let outside = name.starts_with("conformance-") || name.starts_with("examples-");
        if !outside && floor(name).is_none() {
            complaints.push(format!(
                "{name} has no floor: give it one in conformance/tidy/src/floors.rs and in \
                 ARCHITECTURE.md"
            ));
        }
        let lines = manifest.dependencies().into_iter();
        for line in lines.filter(|line| line.kind != Kind::Dev && ours.contains(&line.name)) {
            let named = line.name;
            if outside {
                let may = INSIDERS.contains(&name)
                    || OF_OUTSIDERS.contains(&named)
                    || named.starts_with("conformance-");
                if !may {
                    complaints.push(format!(
                        "{name} names {named}, but conformance speaks the wire and knows nothing \
                         of ours but {OF_OUTSIDERS:?}"
                    ));
                }
                continue;
            }
            match (floor(name), floor(named)) {
                (Some(own), Some(other)) if other < own => {}
                (Some(own), Some(other)) => complaints.push(format!(
                    "{name} (floor {own}) names {named} (floor {other}): only lower floors may be \
                     named; move what both need down, or pass it in from above"
                )),
                (Some(_), None) => complaints.push(format!(
                    "{name} names {named}, which stands outside of the house"
                )),
                // Said above.
                (None, _) => {}
            }
        }
    }
    complaints
}

fn floor(name: &str) -> Option<u8> {
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(family) => name.starts_with(family),
        None => name == pattern,
    };
    FLOORS
        .iter()
        .find(|(pattern, _)| is(pattern))
        .map(|(_, floor)| *floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, dependencies: &str, expected: &[&str]) {
        let manifest = |name: &str, dependencies: &str| {
            let text = format!("[package]\nname = '{name}'\n{dependencies}");
            Manifest::parse("x", &text).unwrap()
        };
        let mut all = vec![manifest(name, dependencies)];
        let others = [
            "certs-keys",
            "certs-x509",
            "certs-authority",
            "gateway-net",
            "karvan",
            "conformance-fuzz",
        ];
        all.extend(
            others
                .iter()
                .filter(|other| **other != name)
                .map(|other| manifest(other, "")),
        );
        let found = complaints(&all);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn lets_a_crate_name_lower_floors_and_others_packages() {
        check(
            "gateway-net",
            "[dependencies]\ncerts-x509.workspace = true\nhyper.workspace = true",
            &[],
        );
        check(
            "adapters-file",
            "[dependencies]\ngateway-net.workspace = true",
            &[],
        );
        check(
            "conformance-suite",
            "[dependencies]\ncerts-authority.workspace = true",
            &[],
        );
        check(
            "conformance-fuzz",
            "[dependencies]\ncerts-keys.workspace = true",
            &[],
        );
        check(
            "certs-keys",
            "[dev-dependencies]\nkarvan.workspace = true",
            &[],
        );
    }

    #[test]
    fn refuses_the_same_floor_and_higher_ones() {
        check(
            "certs-authority",
            "[dependencies]\ngateway-net.workspace = true",
            &["(floor 2) names gateway-net (floor 2)"],
        );
        check(
            "certs-keys",
            "[build-dependencies]\ncerts-x509.workspace = true",
            &["names certs-x509 (floor 1)"],
        );
        check(
            "certs-x509",
            "[target.'cfg(unix)'.dependencies]\nkarvan.workspace = true",
            &["(floor 6)"],
        );
    }

    #[test]
    fn refuses_what_has_no_floor_and_what_comes_from_outside() {
        check(
            "gateway-new",
            "[dependencies]\ncerts-keys.workspace = true",
            &["gateway-new has no floor"],
        );
        check(
            "conformance-suite",
            "[dependencies]\ngateway-net.workspace = true",
            &["speaks the wire"],
        );
        check(
            "karvan",
            "[dependencies]\nconformance-fuzz.workspace = true",
            &["outside of the house"],
        );
    }
}
