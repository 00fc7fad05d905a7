//! Archives: what is encrypted, for whom, how files are linked, and up to where they reach.

use std::collections::BTreeSet;
use std::path::Path;

use gateway_asic::linking::{Chain, Info};
use gateway_evidence::archive::openpgp::{self, PublicKey};
use gateway_evidence::archive::{Archiver, Options};
use gateway_messagelog::MessageLog;

use crate::made;

/// What is decrypted was signed so: no change to a message makes it another's, or say something else.
pub fn archive_openpgp(data: &[u8]) {
    let keys = made::openpgp_keys();
    let mut plain = Vec::new();
    let signers = [keys.signer.public()];
    let Ok(opened) = openpgp::decrypt(data, &mut plain, &keys.reader, &signers) else {
        return;
    };
    assert!(
        made::ARCHIVED.contains(&&plain[..]),
        "this was never signed"
    );
    assert_eq!(u64::try_from(plain.len()), Ok(opened.bytes));
    assert_eq!(opened.signed_by, keys.signer.fingerprint());
    assert_eq!(opened.signed_at, made::now());
    // Whom it is believed to come from, and whom it is for, is not left to the message.
    let others = [keys.reader.public()];
    for (key, signers) in [(&keys.reader, &others), (&keys.signer, &signers)] {
        let refused = openpgp::decrypt(data, std::io::sink(), key, signers);
        assert!(refused.is_err(), "others were believed, or can read it");
    }
}

/// A key stays itself when it is written, and what is said of it is what it does.
pub fn openpgp_key(data: &[u8]) {
    let now = made::now();
    let Ok(key) = PublicKey::read(data) else {
        return;
    };
    let encrypts = key.check_encrypts(now).is_ok();
    let armored = key.to_armored().expect("it was read");
    let again = PublicKey::read(armored.as_bytes()).expect("as it was written");
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert_eq!(again.check_encrypts(now).is_ok(), encrypts);
    let signer = &made::openpgp_keys().signer;
    let sealed = openpgp::encrypt(&b"x"[..], Vec::new(), &[key], signer, now);
    assert!(encrypts || sealed.is_err());
}

/// Linking information reads the same when it is written again, and goes on from where it ends.
pub fn linking_info(data: &[u8]) {
    let Ok(info) = Info::parse(data) else {
        return;
    };
    let text = info.encode();
    assert_eq!(Info::parse(text.as_bytes()).as_ref(), Ok(&info));
    let names: BTreeSet<_> = info.links.iter().map(|link| &link.name).collect();
    assert_eq!(names.len(), info.links.len(), "a name stands for two");
    assert!(!info.algorithm.is_legacy());
    // Whoever writes the first line of it comes from the same file; of one that begins, from none.
    let begun = Chain::new(info.algorithm, info.previous.clone());
    let first = text.lines().next().expect("a line");
    assert_eq!(begun.info().encode(), format!("{first}\n"));
    assert_eq!(
        info.last_digest().is_empty(),
        info.links.is_empty() && info.previous.is_none()
    );
}

/// A state of an archive is refused, or a run goes on from it; nothing outside of the archive's folder
/// is touched, and what the run leaves is a state again.
pub fn archive_state(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("archive");
    std::fs::create_dir(&archive).expect("a folder");
    std::fs::write(archive.join("state.json"), data).expect("a file");
    std::fs::write(archive.join(made::TEMPORARY), made::WRITTEN).expect("a file");
    std::fs::write(folder.path().join("other"), "another's").expect("a file");
    let before = names(folder.path());
    let log = LOG.with(|(log, _)| log.clone());
    let mut archiver = Archiver::new(log, Options::new(archive.clone()));
    let read = archiver.last_run();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let ran = runtime.block_on(archiver.once(made::now()));
    match read {
        Ok(_) => {
            let last = archiver.last_run().expect("what a run leaves is read");
            assert!(ran.is_err() || last == Some(made::now()));
        }
        Err(_) => {
            assert!(ran.is_err(), "a run went on from what is no state");
            let left = std::fs::read(archive.join("state.json")).expect("a file");
            assert_eq!(left, data);
        }
    }
    assert_eq!(names(folder.path()), before);
    let other = std::fs::read(folder.path().join("other")).expect("a file");
    assert_eq!(other, b"another's");
}

thread_local! {
    /// A log with nothing in it, and its folder. Making one takes longer than all the rest.
    static LOG: (MessageLog, tempfile::TempDir) = {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = MessageLog::open(folder.path(), gateway_messagelog::Options::default());
        (log.expect("a log"), folder)
    };
}

fn names(folder: &Path) -> BTreeSet<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect()
}
