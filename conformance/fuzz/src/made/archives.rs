//! Encrypted archives, keys, linking information and states of archives.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_asic::linking::{Chain, Previous};
use gateway_evidence::archive::openpgp::{self, SecretKey};
use serde_json::json;

use super::now;

/// Who signs archives and who reads them.
pub(crate) struct OpenPgpKeys {
    pub(crate) signer: SecretKey,
    pub(crate) reader: SecretKey,
}

/// The same in every process, so that a message that was found in one is a message in all. These keys
/// protect nothing, and never expire.
pub(crate) fn openpgp_keys() -> &'static OpenPgpKeys {
    static KEYS: OnceLock<OpenPgpKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let read = |text: &[u8]| SecretKey::read(text, None).expect("a key");
        OpenPgpKeys {
            signer: read(include_bytes!("archives/signer.secret.asc")),
            reader: read(include_bytes!("archives/reader.secret.asc")),
        }
    })
}

/// Messages signed by one and encrypted for the other.
pub fn encrypted_archives() -> Vec<Vec<u8>> {
    let keys = openpgp_keys();
    let readers = [keys.reader.public()];
    let sealed = |plain: &&[u8]| {
        let mut out = Vec::new();
        openpgp::encrypt(*plain, &mut out, &readers, &keys.signer, now()).expect("a message");
        out
    };
    ARCHIVED.iter().map(sealed).collect()
}

/// Whether it is decrypted with the reader's key and signed by the signer's.
pub fn is_archive(message: &[u8]) -> bool {
    let keys = openpgp_keys();
    let signers = [keys.signer.public()];
    openpgp::decrypt(message, std::io::sink(), &keys.reader, &signers).is_ok()
}

/// Public keys, armored and not so.
pub fn openpgp_public_keys() -> Vec<Vec<u8>> {
    let keys = openpgp_keys();
    let armored = [&keys.signer, &keys.reader].map(|key| key.public().to_armored().expect("a key"));
    let binary = armored.clone().map(|text| binary(&text));
    let armored = armored.map(String::into_bytes);
    armored.into_iter().chain(binary).collect()
}

/// What is in the armor (RFC 9580, 6.2): between an empty line and the checksum.
fn binary(armored: &str) -> Vec<u8> {
    let lines = armored.lines().skip_while(|line| !line.is_empty()).skip(1);
    let lines = lines.take_while(|line| !line.starts_with(['=', '-']));
    let text: String = lines.collect();
    STANDARD.decode(text).expect("it is armored")
}

/// Linking information of files that begin a chain, and that go on from another file.
pub fn linking_infos() -> Vec<Vec<u8>> {
    let previous = Previous {
        digest: "0a".repeat(64),
        file_name: "mlog-AZ_GOV_1_a b-20260102030405-20260102030405-abcdef.zip".to_owned(),
    };
    let chains = [
        (DigestAlgorithm::Sha512, None),
        (DigestAlgorithm::Sha512, Some(previous.clone())),
        (DigestAlgorithm::Sha256, Some(previous)),
    ];
    let mut made = Vec::new();
    for (length, (algorithm, previous)) in chains.into_iter().enumerate() {
        let mut chain = Chain::new(algorithm, previous);
        for number in 0..length {
            let container = Digest::of(algorithm, &[number.to_le_bytes()[0]]);
            chain.add(&format!("id-{number}-request-x.asice"), &container);
        }
        made.push(chain.into_info().encode().into_bytes());
    }
    made
}

/// States of archives: at the beginning, with files on their way, and with one that gets its name.
pub fn archive_states() -> Vec<Vec<u8>> {
    let sha256 = Digest::of(DigestAlgorithm::Sha256, WRITTEN);
    let sha256: String = sha256
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let end = json!({ "digest": "0a".repeat(64), "file": "mlog-a.zip" });
    let pending = json!({ "name": "mlog-a.zip", "bytes": WRITTEN.len(), "sha256": sha256 });
    let written = json!({
        "temporary": TEMPORARY,
        "name": "mlog-b.zip",
        "bytes": WRITTEN.len(),
        "sha256": sha256,
        "messages": 1,
    });
    let state = |removing: &[&str], making: serde_json::Value| {
        let state = json!({
            "version": 1,
            "archived_until": 0,
            "last_run": now().to_string(),
            "groups": { "": end },
            "pending": [pending],
            "removing": removing,
            "command_due": true,
            "making": making,
        });
        state.to_string().into_bytes()
    };
    let batch = json!({ "until": 0, "groups": { "AZ/GOV/1": end }, "files": [written] });
    vec![
        state(&[], serde_json::Value::Null),
        state(&["mlog-0.zip", TEMPORARY], serde_json::Value::Null),
        state(&[], batch),
    ]
}

/// All that was ever signed.
pub(crate) const ARCHIVED: [&[u8]; 3] = [b"", b"PK\x03\x04 an archive", &[0x5a; 9000]];
/// A file that the state may name, in the folder of the archives.
pub(crate) const TEMPORARY: &str = "tmp-mlog-1-0.tmp";
/// What is in it.
pub(crate) const WRITTEN: &[u8] = b"an archive";
