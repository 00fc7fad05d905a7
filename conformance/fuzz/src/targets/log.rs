//! Segments and records of the message log, as a reader of a copied folder meets them.

use std::path::Path;

use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::audit::Reader;
use gateway_store::segment::Scan;

/// A scan of any file ends, tells its damage and gives no record that is not in the file.
pub fn log_segment(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join(FILE), data).expect("a file");
    let Ok(scan) = Scan::open(folder.path()) else {
        return;
    };
    let (mut records, mut steps) = (0_usize, 0_usize);
    for found in scan {
        steps += 1;
        assert!(steps <= data.len() + 10, "it does not end");
        if let Ok((position, payload)) = found {
            records += 1;
            let at = usize::try_from(position.offset).expect("within the file");
            let payload_at = at + RECORD_HEADER_BYTES;
            assert_eq!(
                data.get(payload_at..payload_at + payload.len()),
                Some(&payload[..])
            );
        }
    }
    assert!(records * RECORD_HEADER_BYTES <= data.len());
}

/// A record of any bytes is served or named as unreadable, and so is the one after it.
pub fn log_record(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let segments = folder.path().join("segments");
    std::fs::create_dir(&segments).expect("a folder");
    std::fs::write(segments.join(FILE), segment(&[data, data])).expect("a file");
    let scanned: Vec<_> = Scan::open(&segments).expect("a folder").collect();
    assert_eq!(scanned.len(), 2);
    for found in scanned {
        let (_, payload) = found.expect("the segment is whole");
        assert_eq!(payload, data);
    }
    let reader = Reader::open(folder.path()).expect("a log");
    let entries: Vec<_> = reader.entries().expect("a log").collect();
    assert_eq!(entries.len(), 2, "{entries:?}");
    if let Some(Ok(logged)) = entries.first() {
        assert_eq!(
            format!("{:?}", logged.entry.time()),
            format!("{:?}", logged.entry.time())
        );
        if let Some(id) = logged.entry.message_id() {
            assert_eq!(reader.find(id).expect("a log").len(), 2);
        }
    }
    check_audit(folder.path(), &reader);
}

/// The audit of it ends and holds nothing for good that is made up.
fn check_audit(_folder: &Path, reader: &Reader) {
    let history = reader.history().expect("none is kept");
    let audit = reader.audit(&history).expect("a log");
    assert!(audit.count() <= 10);
}

/// A segment with these records, by the layout that `gateway-store` documents.
pub(crate) fn segment(payloads: &[&[u8]]) -> Vec<u8> {
    let sha256 = |bytes: &[u8]| {
        Digest::of(DigestAlgorithm::Sha256, bytes)
            .as_bytes()
            .to_vec()
    };
    let first_chain = sha256(b"the chain value a segment begins with");
    let mut header = b"KARVANSG".to_vec();
    header.extend([1_u32, 0].iter().flat_map(|number| number.to_le_bytes()));
    header.extend([1_u64, 1].iter().flat_map(|number| number.to_le_bytes()));
    header.extend(&first_chain);
    header.extend(crc32fast::hash(&header).to_le_bytes());

    let mut out = header;
    let mut chain = first_chain.clone();
    for (payload, ordinal) in payloads.iter().zip(1_u64..) {
        let mut link = b"karvan segment record 1".to_vec();
        link.extend(&chain);
        link.extend(ordinal.to_le_bytes());
        link.extend(sha256(payload));
        chain = sha256(&link);

        let mut record = b"KREC".to_vec();
        record.extend([0_u8; 4]);
        record.extend(u32::try_from(payload.len()).expect("short").to_le_bytes());
        record.extend(crc32fast::hash(payload).to_le_bytes());
        record.extend(ordinal.to_le_bytes());
        record.extend((ordinal - 1).to_le_bytes());
        record.extend(&chain);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&first_chain);
        crc.update(&record);
        record.extend(crc.finalize().to_le_bytes());
        out.extend(record);
        out.extend_from_slice(payload);
    }
    out
}

const FILE: &str = "0000000001.seg";
const RECORD_HEADER_BYTES: usize = 68;
