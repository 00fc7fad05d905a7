//! One home per package, so that replacing a library is the work of one crate; and versions at
//! workspace level, so that there is one of each. `deny.toml` says the same of indirect users.

use toml::Value;

use crate::repository::Manifest;

/// Packages that few crates may name, with those crates.
const HOMES: [(&str, &[&str]); 24] = [
    ("redb", &["gateway-store"]),
    ("quick-xml", &["gateway-xml"]),
    ("hyper", &["gateway-net"]),
    ("hyper-util", &["gateway-net"]),
    // The adapter speaks TLS to a PostgreSQL server, which is no peer and no client of a node.
    ("rustls", &["gateway-net", "adapters-sql"]),
    ("tokio-rustls", &["gateway-net"]),
    ("ring", &["certs-keys"]),
    ("aws-lc-rs", &["certs-keys"]),
    ("pkcs8", &["certs-keys"]),
    ("x509-parser", &["certs-x509"]),
    ("x509-cert", &["certs-x509"]),
    ("x509-ocsp", &["certs-x509"]),
    ("x509-tsp", &["certs-x509"]),
    ("cms", &["certs-x509"]),
    ("minicbor", &["gateway-messagelog"]),
    // The fuzz target reads each archive a second time, from the front.
    ("flate2", &["gateway-asic", "conformance-fuzz"]),
    ("pgp", &["gateway-evidence"]),
    ("object_store", &["gateway-evidence"]),
    ("rusqlite", &["adapters-sql"]),
    ("tokio-postgres", &["adapters-sql"]),
    ("tokio-postgres-rustls", &["adapters-sql"]),
    ("clap", &["karvan"]),
    ("mimalloc", &["karvan"]),
    ("tracing-subscriber", &["karvan"]),
];

/// What a package inherits from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

/// Which packages are named away from home.
pub fn complaints(manifests: &[Manifest]) -> Vec<String> {
    let mut complaints = Vec::new();
    for manifest in manifests {
        let name = manifest.name();
        for line in manifest.dependencies() {
            let home = HOMES.iter().find(|(package, _)| *package == line.name);
            if let Some((package, homes)) = home
                && !homes.contains(&name)
            {
                complaints.push(format!(
                    "{name} names {package}, whose home is {homes:?}: use what that crate offers, \
                     or, with a reason, add the crate in conformance/tidy/src/homes.rs and deny.toml"
                ));
            }
        }
    }
    complaints
}

/// What a manifest says for itself that the workspace should say.
pub fn uninherited(manifests: &[Manifest]) -> Vec<String> {
    let mut complaints = Vec::new();
    for manifest in manifests {
        let path = &manifest.path;
        for line in manifest.dependencies() {
            if !inherits(Some(line.value)) {
                complaints.push(format!(
                    "{path}: {} must be `{}.workspace = true`; its version belongs in the root \
                     manifest",
                    line.name, line.name
                ));
            }
        }
        let package = manifest.table.get("package");
        for key in INHERITED {
            if !inherits(package.and_then(|package| package.get(key))) {
                complaints.push(format!("{path}: it must be `{key}.workspace = true`"));
            }
        }
        if !inherits(manifest.table.get("lints")) {
            complaints.push(format!("{path}: the lints are those of the workspace"));
        }
    }
    complaints
}

/// `{ workspace = true }`, features added or not.
fn inherits(value: Option<&Value>) -> bool {
    let workspace = value.and_then(|value| value.get("workspace"));
    workspace.and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, rest: &str) -> Manifest {
        Manifest::parse(
            "x/Cargo.toml",
            &format!("[package]\nname = '{name}'\n{rest}"),
        )
        .unwrap()
    }

    #[test]
    fn knows_every_home() {
        let line = "[dependencies]\nredb.workspace = true";
        assert_eq!(complaints(&[manifest("gateway-store", line)]), [""; 0]);
        let found = complaints(&[manifest("gateway-seal", line)]);
        assert!(
            found[0].starts_with("gateway-seal names redb, whose home is"),
            "{found:?}"
        );
        let dev = manifest("gateway-seal", "[dev-dependencies]\nring.workspace = true");
        assert_eq!(complaints(&[dev]).len(), 1);
    }

    #[test]
    fn wants_versions_in_the_root() {
        let inherited = INHERITED
            .map(|key| format!("{key}.workspace = true\n"))
            .concat();
        let lints = "[lints]\nworkspace = true\n";
        let good = "[dependencies]\na = { workspace = true, features = ['b'] }\n";
        let found = uninherited(&[manifest("a", &format!("{inherited}{lints}{good}"))]);
        assert_eq!(found, [""; 0]);
        let bad = "[dependencies]\na = '1'\nb = { path = '../b' }\n";
        let found = uninherited(&[manifest("a", &format!("{inherited}{lints}{bad}"))]);
        assert_eq!(found.len(), 2, "{found:?}");
        let bare = uninherited(&[manifest("a", "version = '1.0.0'")]);
        assert_eq!(bare.len(), INHERITED.len() + 1, "{bare:?}");
    }
}
