//! The two manifests: what they say of the files must not be wrong.
//!
//! They are not signed, and nothing is judged by them; but other programs will believe them.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_xml::{Document, Limits};

use super::Error;
use super::hashes::Hashes;
use super::structure;
use crate::container::Container;
use crate::make::{ASIC_MANIFEST, MANIFEST};
use crate::report::Warning;

/// Compares what the manifests say with the files.
pub(super) fn check(hashes: &mut Hashes<'_>) -> Result<Vec<Warning>, Error> {
    let mut warnings = stated(hashes)?;
    warnings.extend(listed(hashes.container()));
    Ok(warnings)
}

/// The files that `META-INF/manifest.xml` lists (OpenDocument 1.2, part 3, section 4.3): one that is
/// not there may have been taken out.
fn listed(container: &Container) -> Vec<Warning> {
    let Some(manifest) = container.manifest() else {
        return Vec::new();
    };
    let Some(document) = read(manifest, LISTED_NODES_MAX) else {
        return vec![Warning::UnreadableManifest { manifest: MANIFEST }];
    };
    let paths: BTreeSet<&str> = document
        .root()
        .children()
        .filter(|child| child.is(OPEN_DOCUMENT, "file-entry"))
        .filter_map(|entry| entry.attribute(OPEN_DOCUMENT, "full-path"))
        .collect();
    paths
        .into_iter()
        // Folders, and the container itself, are no files.
        .filter(|path| !path.ends_with('/') && container.archive().entry(path).is_none())
        .take(ABSENT_MAX)
        .map(|path| absent(MANIFEST, path))
        .collect()
}

/// The digests that `META-INF/ASiCManifest.xml` states (ETSI TS 102 918, section 6.2.2), which other
/// verifiers do not compare.
fn stated(hashes: &mut Hashes<'_>) -> Result<Vec<Warning>, Error> {
    let unreadable = Warning::UnreadableManifest {
        manifest: ASIC_MANIFEST,
    };
    let container = hashes.container();
    let Some(manifest) = container.asic_manifest() else {
        return Ok(Vec::new());
    };
    let Some(document) = read(manifest, STATED_NODES_MAX) else {
        return Ok(vec![unreadable]);
    };
    let mut warnings = Vec::new();
    let references = document
        .root()
        .children()
        .filter(|child| child.local_name() == "DataObjectReference");
    for reference in references {
        let uri = reference.attribute("", "URI").unwrap_or_default();
        let name = uri.strip_prefix('/').unwrap_or(uri);
        let stated = structure::digest(reference, None);
        let Some(stated) = stated else {
            warnings.push(unreadable.clone());
            continue;
        };
        let Some(entry) = container.archive().entry(name) else {
            warnings.push(absent(ASIC_MANIFEST, name));
            continue;
        };
        if hashes.of(entry, stated.algorithm())? != stated {
            return Err(Error::Manifest {
                name: entry.name().to_owned(),
            });
        }
    }
    Ok(warnings)
}

fn read(manifest: &Bytes, nodes_max: usize) -> Option<Document> {
    let limits = Limits {
        // As much as is taken of any small file.
        bytes_max: usize::MAX,
        depth_max: 16,
        nodes_max,
        attributes_max: 16,
    };
    Document::parse(manifest, limits).ok()
}

fn absent(manifest: &'static str, name: &str) -> Warning {
    Warning::ManifestNamesAbsent {
        manifest,
        name: name.chars().take(NAME_CHARS_MAX).collect(),
    }
}

const OPEN_DOCUMENT: &str = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
/// A line, with the white space around it, for as many files as a container may hold.
const LISTED_NODES_MAX: usize = 50_000;
/// Each reference costs reading a file.
const STATED_NODES_MAX: usize = 1_000;
/// More would be told by nobody.
const ABSENT_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 200;
