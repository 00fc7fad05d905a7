//! Bytes of another implementation as seeds. They are not part of the project: the folder is named
//! by `KARVAN_XROAD_VECTORS`, and without it there are none.

use std::path::{Path, PathBuf};

/// The seeds for a target.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    let Some(root) = std::env::var_os("KARVAN_XROAD_VECTORS").map(PathBuf::from) else {
        eprintln!("not run: KARVAN_XROAD_VECTORS is not set");
        return Vec::new();
    };
    let all = files(&root);
    let named = |folder: &str, part: &str| -> Vec<Vec<u8>> {
        let is = |path: &&PathBuf| {
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
            path.starts_with(folder) && path.contains(part)
        };
        let found = all
            .iter()
            .filter(is)
            .map(|path| std::fs::read(path).unwrap());
        let found: Vec<_> = found.filter(|bytes| bytes.len() <= BYTES_MAX).collect();
        assert!(!found.is_empty(), "no {part} in {folder}");
        found
    };
    let is_multipart = |bytes: &Vec<u8>| bytes.starts_with(b"--");
    match target {
        "soap_envelope" | "soap_fault" => {
            let mut plain = named("messages", "");
            plain.retain(|bytes| !is_multipart(bytes));
            plain
        }
        "soap_multipart" => {
            let mut messages = named("messages", "");
            messages.retain(is_multipart);
            messages
                .iter()
                .map(|bytes| typed("multipart/related", bytes))
                .collect()
        }
        "envelope" => {
            let messages = named("proxymessages", "");
            messages
                .iter()
                .map(|bytes| typed("multipart/mixed", bytes))
                .collect()
        }
        "xml_reader" | "xml_document" | "signature" => named("signatures", ".xml"),
        "hash_chain" => {
            let [result] = named("signatures", "hash-chain-result").try_into().unwrap();
            let chains = ["hash-chain-1", "hash-chain-2"].map(|name| named("signatures", name));
            let seed = |chain: Vec<u8>| [&result[..], &[0], &chain].concat();
            chains.into_iter().flatten().map(seed).collect()
        }
        "stamped_signature" => named("signatures", ".xml"),
        "zip_archive" | "asic_container" => named("asic", ".asice"),
        "anchor" => named("globalconf", "anchor"),
        "shared_params" => named("globalconf/globalconf_good", "shared-params.xml"),
        "private_params" => named("globalconf/globalconf_good", "private-params.xml"),
        "disk_metadata" => named("globalconf", ".metadata"),
        _ => Vec::new(),
    }
}

/// With the line that our targets begin with; the boundary is that of the first line.
fn typed(kind: &str, body: &[u8]) -> Vec<u8> {
    let line = body.split(|byte| *byte == b'\n').next().unwrap();
    let boundary = std::str::from_utf8(line)
        .unwrap()
        .trim_end()
        .strip_prefix("--")
        .unwrap();
    let mut typed = format!("{kind}; boundary={boundary}\n").into_bytes();
    typed.extend_from_slice(body);
    typed
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    paths.sort_by_key(|entry| entry.as_ref().unwrap().path());
    for entry in paths {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

const BYTES_MAX: usize = 40_000;
