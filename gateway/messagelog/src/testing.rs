//! What the tests of the log share.

use std::path::Path;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use jiff::Timestamp;

use crate::record::tests::record;
use crate::{
    Content, Covered, Entry, MessageLog, Options, Protocol, Record, Refusal, Side, Stamp, Unstamped,
};

pub(crate) fn open(dir: &Path) -> MessageLog {
    open_with(dir, Options::default())
}

pub(crate) fn open_with(dir: &Path, options: Options) -> MessageLog {
    let options = Options {
        content_memory_bytes_max: 1000,
        refusals_per_second_max: 1_000_000,
        ..options
    };
    MessageLog::open(dir, options).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Logs a message of this second, with its own signature; tells its number.
pub(crate) async fn message(log: &MessageLog, id: &str, second: i64) -> u64 {
    message_with(log, id, second, Vec::new()).await
}

pub(crate) async fn message_with(
    log: &MessageLog,
    id: &str,
    second: i64,
    attachments: Vec<(Vec<(String, String)>, Content)>,
) -> u64 {
    let record = Record {
        time: at(second),
        message_id: id.to_owned(),
        signature: signature_of(id),
        attachments,
        ..record()
    };
    log.append(record).await.unwrap();
    log.last_ordinal()
}

pub(crate) fn signature_of(id: &str) -> Bytes {
    format!("<signature>{id}</signature>").into()
}

pub(crate) fn digest_of(id: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha512, &signature_of(id))
}

/// Notes a refusal and waits until it is durable; tells its number.
pub(crate) async fn refuse(log: &MessageLog, second: i64) -> u64 {
    let stored = log.refusal_counts().stored;
    log.note_refusal(Refusal {
        time: at(second),
        side: Side::Provider,
        protocol: Protocol::Rest,
        client: None,
        service: None,
        message_id: Some("refused".to_owned()),
        peer: None,
        code: "access_denied".to_owned(),
        reason: "no right".to_owned(),
        fault_id: "1f".to_owned(),
    });
    while log.refusal_counts().stored == stored {
        assert_eq!(log.refusal_counts().dropped, 0);
        tokio::task::yield_now().await;
    }
    log.last_ordinal()
}

/// A stamp over these messages; the token is none.
pub(crate) fn stamp_over(messages: &[Unstamped], second: i64) -> Stamp {
    Stamp {
        time: at(second),
        authority: "http://127.0.0.1/tsa".to_owned(),
        token: Bytes::from_static(b"token"),
        algorithm: DigestAlgorithm::Sha512,
        single: messages.len() == 1,
        covers: messages
            .iter()
            .map(|message| Covered {
                ordinal: message.ordinal,
                digest: message.digest,
            })
            .collect(),
    }
}

/// Stamps at most so many messages; tells the number of the stamp.
pub(crate) async fn stamp(log: &MessageLog, max: usize, second: i64) -> u64 {
    let waiting = log.unstamped(max).await.unwrap();
    let position = log.append_stamp(stamp_over(&waiting, second)).await;
    position.unwrap().ordinal
}

pub(crate) async fn id_at(log: &MessageLog, ordinal: u64) -> String {
    match log.get(ordinal).await.unwrap().entry {
        Entry::Message(record) => record.message_id,
        other => panic!("{other:?}"),
    }
}

/// As a crash leaves it: what is on the disk now, without an orderly end.
pub(crate) fn copied(dir: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => copy(&entry.path(), &to),
                false => {
                    // A part may be gone meanwhile.
                    let _ = std::fs::copy(entry.path(), to);
                }
            }
        }
    }
    let copied = tempfile::tempdir().unwrap();
    copy(dir, copied.path());
    copied
}
