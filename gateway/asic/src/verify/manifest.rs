//! The manifest beside a batch time stamp: what it says must not be wrong.
//!
//! It is not signed, and the time stamp is judged without it; but other programs will believe it.

use gateway_xml::{Document, Limits};

use super::Error;
use super::hashes::Hashes;
use super::structure;
use crate::report::Warning;

/// Compares the digests that `META-INF/ASiCManifest.xml` states (ETSI TS 102 918, 6.2.2) with the
/// files.
pub(super) fn check(hashes: &mut Hashes<'_>) -> Result<Vec<Warning>, Error> {
    let container = hashes.container();
    let Some(manifest) = container.asic_manifest() else {
        return Ok(Vec::new());
    };
    let Ok(document) = Document::parse(manifest, LIMITS) else {
        return Ok(vec![Warning::UnreadableManifest]);
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
            warnings.push(Warning::UnreadableManifest);
            continue;
        };
        let Some(entry) = container.archive().entry(name) else {
            warnings.push(Warning::ManifestNamesAbsent {
                name: name.chars().take(NAME_CHARS_MAX).collect(),
            });
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

const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 16,
    // Each reference costs reading a file.
    nodes_max: 1_000,
    attributes_max: 16,
};
const NAME_CHARS_MAX: usize = 200;
