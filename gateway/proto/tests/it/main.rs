//! Messages made by another implementation, read through the public face. They are not part of the
//! project: the folder is named by `KARVAN_XROAD_VECTORS`, and without it nothing is run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    unused_crate_dependencies,
    reason = "test helpers"
)]

mod messages;
mod privacy;
mod proxymessages;

use std::path::PathBuf;

/// The files of one area by name; `None` when the vectors are not there.
fn vectors(area: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let Some(folder) = std::env::var_os("KARVAN_XROAD_VECTORS") else {
        eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
        return None;
    };
    let mut files: Vec<_> = std::fs::read_dir(PathBuf::from(folder).join(area))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    Some(files)
}

/// The boundary in the first line of a multipart, which here always is a boundary line.
fn first_boundary(body: &[u8]) -> String {
    let line = body.split(|byte| *byte == b'\n').next().unwrap();
    let line = std::str::from_utf8(line).unwrap().trim_end();
    line.strip_prefix("--").unwrap().to_owned()
}
