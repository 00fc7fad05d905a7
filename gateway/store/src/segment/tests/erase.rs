//! Payloads are erased, and everything else holds: the chain, the places, the rest of the log.

use std::fs;
use std::path::Path;

use super::super::format::{self, SEGMENT_HEADER_LENGTH, segment_path, stub_path, torn_path};
use super::super::{Damage, DamageKind, Log, Options, PayloadDigest, Position, Scan};
use super::{
    FaultyDisk, faulty, filled, flip, forget_mark, holds_exactly, payload_digest, record, scanned,
    small_segments,
};
use crate::Error;

/// Three closed segments of several records each and an open one.
async fn log_with_segments(dir: &Path) -> (Log, FaultyDisk, Vec<Position>) {
    let (log, disk) = faulty(dir, small_segments());
    let mut positions = Vec::new();
    while positions
        .last()
        .is_none_or(|last: &Position| last.segment < 4)
    {
        let number = positions.len() as u64 + 1;
        positions.push(log.append(record(number)).await.unwrap());
    }
    (log, disk, positions)
}

fn digests(dir: &Path) -> Vec<PayloadDigest> {
    let digests = Scan::open(dir).unwrap().digests();
    digests.map(|item| item.unwrap()).collect()
}

/// The records of a segment are erased, all others stand.
#[track_caller]
fn only_erased(dir: &Path, positions: &[Position], segments: &[u64]) {
    let found: Vec<_> = Scan::open(dir).unwrap().collect();
    assert_eq!(found.len(), positions.len());
    for (found, position) in found.into_iter().zip(positions) {
        let bytes = record(position.ordinal);
        match found {
            Ok((at, payload)) => {
                assert!(!segments.contains(&position.segment));
                assert_eq!((at, payload), (*position, bytes));
            }
            Err(Error::Erased {
                position: at,
                digest,
            }) => {
                assert!(segments.contains(&position.segment));
                assert_eq!(at.ordinal, position.ordinal);
                assert_eq!(at.segment, position.segment);
                assert_eq!(digest, payload_digest(&bytes));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn rotation_closes_what_was_written_and_leaves_an_empty_segment_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), Options::default()).unwrap();
    log.rotate().await.unwrap();
    assert_eq!(log.append(record(1)).await.unwrap().segment, 1);
    log.rotate().await.unwrap();
    log.rotate().await.unwrap();
    let segments = log.segments().unwrap();
    assert_eq!(segments.len(), 2);
    assert_eq!(
        (segments[0].first_ordinal, segments[0].last_ordinal),
        (1, Some(1))
    );
    assert_eq!(
        segments[0].bytes,
        fs::metadata(segment_path(dir.path(), 1)).unwrap().len()
    );
    assert!(!segments[0].is_open && segments[1].is_open);
    assert_eq!(
        (segments[1].first_ordinal, segments[1].last_ordinal),
        (2, None)
    );
    holds_exactly(dir.path(), 1);
    drop(log);
    let log = Log::open(dir.path(), Options::default()).unwrap();
    assert_eq!(log.append(record(2)).await.unwrap().segment, 2);
    assert_eq!(log.segments().unwrap()[1].last_ordinal, Some(2));
    drop(log);
    holds_exactly(dir.path(), 2);
}

#[tokio::test]
async fn a_rotation_that_fails_leaves_the_log_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    log.append(record(1)).await.unwrap();
    disk.0.lock().unwrap().room = Some(0);
    assert!(log.rotate().await.unwrap_err().is_disk_full());
    disk.0.lock().unwrap().room = None;
    assert_eq!(log.append(record(2)).await.unwrap().segment, 1);
    log.rotate().await.unwrap();
    assert_eq!(log.append(record(3)).await.unwrap().segment, 2);
    drop(log);
    holds_exactly(dir.path(), 3);
}

#[tokio::test]
async fn a_segment_begun_in_vain_never_hides_what_was_written_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    log.append(record(1)).await.unwrap();
    {
        let mut faults = disk.0.lock().unwrap();
        faults.failing_dir_syncs = 1;
        faults.failing_removals = 2;
    }
    // The next segment is there, and cannot be taken away.
    log.rotate().await.unwrap_err();
    assert!(segment_path(dir.path(), 2).exists());
    // Behind it nothing more would be found in the first.
    log.append(record(2)).await.unwrap_err();
    assert_eq!(log.append(record(2)).await.unwrap().segment, 1);
    drop(log);
    forget_mark(dir.path());
    let log = Log::open(dir.path(), Options::default()).unwrap();
    assert_eq!(log.last_ordinal(), 2);
    assert_eq!(log.append(record(3)).await.unwrap().ordinal, 3);
    drop(log);
    holds_exactly(dir.path(), 3);
}

#[tokio::test]
async fn a_segment_with_an_unreadable_header_hides_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    let all = log.segments().unwrap();
    flip(&segment_path(dir.path(), 2), 20);
    let some = log.segments().unwrap();
    // Where the first one ends cannot be told, and nothing is guessed.
    assert_eq!(some[0].last_ordinal, None);
    assert_eq!(some[1..], all[2..]);
    assert!(matches!(log.erase(1), Err(Error::Damaged(_))));
    flip(&segment_path(dir.path(), 2), 20);
    log.erase(1).unwrap();
    flip(&segment_path(dir.path(), 2), 20);
    // Of an erased one it can.
    let last = positions.iter().rfind(|position| position.segment == 1);
    let some = log.segments().unwrap();
    assert_eq!(some[0].last_ordinal, last.map(|last| last.ordinal));
}

#[tokio::test]
async fn erases_payloads_and_keeps_digests_chain_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    let before = digests(dir.path());
    let infos = log.segments().unwrap();
    // Read once, so that the file is held open.
    log.read(positions[0]).unwrap();
    let released = log.erase(1).unwrap();
    assert_eq!(released + log.segments().unwrap()[0].bytes, infos[0].bytes);
    assert_eq!(log.erase(1).unwrap(), 0);
    log.erase(3).unwrap();
    only_erased(dir.path(), &positions, &[1, 3]);

    let after = digests(dir.path());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.digest, after.digest);
        assert_eq!(before.position.ordinal, after.position.ordinal);
        assert_eq!(after.erased, [1, 3].contains(&after.position.segment));
        // The old place and the new one name the same record.
        for position in [before.position, after.position] {
            match log.read(position) {
                Ok(bytes) => assert_eq!((bytes, after.erased), (record(position.ordinal), false)),
                Err(Error::Erased { position, digest }) => {
                    assert_eq!((position, digest), (after.position, after.digest));
                    assert!(after.erased);
                }
                Err(error) => panic!("{error}"),
            }
            let expected = after_from(&digests(dir.path()), position.ordinal);
            for scan in [
                Scan::open_from(dir.path(), position),
                Scan::open_at(dir.path(), position.ordinal),
            ] {
                let from = scan.unwrap().digests();
                assert_eq!(from.map(|item| item.unwrap()).collect::<Vec<_>>(), expected);
            }
        }
    }
    let erased = log.segments().unwrap();
    let shape = |info: &super::super::SegmentInfo| (info.first_ordinal, info.last_ordinal);
    assert_eq!(
        infos.iter().map(shape).collect::<Vec<_>>(),
        erased.iter().map(shape).collect::<Vec<_>>()
    );
    assert_eq!(
        erased.iter().map(|info| info.erased).collect::<Vec<_>>(),
        [true, false, true, false]
    );

    let next = positions.len() as u64 + 1;
    assert_eq!(log.append(record(next)).await.unwrap().ordinal, next);
    drop(log);
    let log = Log::open(dir.path(), small_segments()).unwrap();
    assert_eq!(log.last_ordinal(), next);
    assert!(log.read(positions[0]).is_err());
    assert_eq!(
        log.read(*positions.last().unwrap()).unwrap(),
        record(next - 1)
    );
}

fn after_from(all: &[PayloadDigest], ordinal: u64) -> Vec<PayloadDigest> {
    all.iter()
        .filter(|digest| digest.position.ordinal >= ordinal)
        .copied()
        .collect()
}

#[tokio::test]
async fn there_is_no_record_of_another_segment_in_an_erased_one() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    log.erase(2).unwrap();
    let in_two = |position: &&Position| position.segment == 2;
    let first = *positions.iter().find(in_two).unwrap();
    let last = *positions.iter().rfind(in_two).unwrap();
    for ordinal in [0, 1, first.ordinal - 1, last.ordinal + 1] {
        let position = Position { ordinal, ..first };
        assert!(
            matches!(log.read(position), Err(Error::NoRecord { .. })),
            "{position:?}"
        );
    }
}

#[tokio::test]
async fn refuses_to_erase_a_segment_that_is_open_missing_or_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    assert!(matches!(
        log.erase(4),
        Err(Error::SegmentOpen { segment: 4 })
    ));
    assert!(matches!(
        log.erase(9),
        Err(Error::SegmentOpen { segment: 9 })
    ));
    assert!(matches!(log.erase(0), Err(Error::NoSegment { segment: 0 })));
    let path = segment_path(dir.path(), 2);
    let whole = fs::read(&path).unwrap();
    for offset in (0..whole.len() as u64).step_by(7) {
        flip(&path, offset);
        let damage = match log.erase(2) {
            Err(Error::Damaged(damage)) => damage,
            other => panic!("{offset}: {other:?}"),
        };
        assert_eq!(damage.segment, 2);
        let hit = positions
            .iter()
            .rfind(|position| position.segment == 2 && position.offset <= offset);
        if offset >= SEGMENT_HEADER_LENGTH {
            assert_eq!(damage.ordinal, hit.map(|position| position.ordinal));
        }
        flip(&path, offset);
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert!(!stub_path(dir.path(), 2).exists());
    }
    // Its last record is gone, and nothing inside shows it.
    let last = positions
        .iter()
        .rfind(|position| position.segment == 2)
        .unwrap();
    fs::write(&path, &whole[..last.offset as usize]).unwrap();
    match log.erase(2) {
        Err(Error::Damaged(damage)) => assert_eq!(
            damage,
            Damage {
                segment: 2,
                offset: last.offset,
                ordinal: Some(last.ordinal),
                kind: DamageKind::Truncated
            }
        ),
        other => panic!("{other:?}"),
    }
    fs::write(&path, &whole).unwrap();
    log.erase(2).unwrap();
    only_erased(dir.path(), &positions, &[2]);
}

#[tokio::test]
async fn a_flipped_byte_in_a_closed_segment_is_named_and_the_rest_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    drop(log);
    let path = segment_path(dir.path(), 2);
    let length = fs::metadata(&path).unwrap().len();
    for offset in SEGMENT_HEADER_LENGTH..length {
        flip(&path, offset);
        let hit = *positions
            .iter()
            .rfind(|position| position.segment == 2 && position.offset <= offset)
            .unwrap();
        let (records, damages) = scanned(dir.path());
        assert_eq!(damages.len(), 1, "{offset}: {damages:?}");
        assert_eq!(
            (damages[0].segment, damages[0].offset, damages[0].ordinal),
            (2, hit.offset, Some(hit.ordinal)),
            "{offset}"
        );
        assert_eq!(records.len(), positions.len() - 1, "{offset}");
        // The node starts, serves the others, and names the one.
        let log = Log::open(dir.path(), small_segments()).unwrap();
        for position in &positions {
            match log.read(*position) {
                Ok(bytes) => {
                    assert_ne!(*position, hit, "{offset}");
                    assert_eq!(bytes, record(position.ordinal));
                }
                Err(Error::Damaged(damage)) => {
                    assert_eq!(*position, hit, "{offset}");
                    assert_eq!(damage.ordinal, Some(hit.ordinal));
                }
                Err(error) => panic!("{offset}: {error}"),
            }
        }
        flip(&path, offset);
    }
}

#[tokio::test]
async fn finds_any_flipped_byte_of_an_erased_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    log.erase(2).unwrap();
    let path = segment_path(dir.path(), 2);
    let length = fs::metadata(&path).unwrap().len();
    for offset in SEGMENT_HEADER_LENGTH..length {
        flip(&path, offset);
        let found: Vec<_> = Scan::open(dir.path()).unwrap().digests().collect();
        let damages: Vec<_> = found
            .iter()
            .filter_map(|item| match item {
                Err(Error::Damaged(damage)) => Some(*damage),
                _ => None,
            })
            .collect();
        assert_eq!(damages.len(), 1, "{offset}: {damages:?}");
        assert_eq!(damages[0].segment, 2);
        let first = positions
            .iter()
            .find(|position| position.segment == 2)
            .unwrap();
        let hit = first.ordinal + (offset - SEGMENT_HEADER_LENGTH) / 100;
        assert_eq!(damages[0].ordinal, Some(hit), "{offset}");
        let wrong = Position {
            ordinal: hit,
            ..*first
        };
        assert!(
            matches!(log.read(wrong), Err(Error::Damaged(damage)) if damage.ordinal == Some(hit))
        );
        flip(&path, offset);
    }
    only_erased(dir.path(), &positions, &[2]);
}

#[tokio::test]
async fn an_erased_record_replaced_by_another_digest_breaks_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    log.erase(1).unwrap();
    drop(log);
    let path = segment_path(dir.path(), 1);
    let mut stub = fs::read(&path).unwrap();
    // With the right checksums all the way.
    let raw: &[u8; 68] = stub[..68].try_into().unwrap();
    let segment = format::SegmentHeader::decode(raw).unwrap();
    let raw: &[u8; 68] = stub[68..136].try_into().unwrap();
    let header = format::RecordHeader::decode(raw, &segment).unwrap();
    let other = payload_digest(b"another");
    let forged = header.erased(&other).encode(&segment);
    stub[68..136].copy_from_slice(&forged);
    stub[136..168].copy_from_slice(&other);
    fs::write(&path, &stub).unwrap();
    let found: Vec<_> = Scan::open(dir.path()).unwrap().digests().collect();
    assert!(
        matches!(
            found[0],
            Err(Error::Damaged(Damage {
                ordinal: Some(1),
                kind: DamageKind::Chain,
                ..
            }))
        ),
        "{:?}",
        found[0]
    );
    assert_eq!(found.len(), positions.len() + 1);
}

#[tokio::test]
async fn power_lost_before_the_stub_takes_its_place_leaves_the_segment_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk, positions) = log_with_segments(dir.path()).await;
    disk.0.lock().unwrap().no_power_at_rename = true;
    assert!(log.erase(2).is_err());
    drop(log);
    let stub = stub_path(dir.path(), 2);
    let whole = fs::read(&stub).unwrap();
    forget_mark(dir.path());
    // Whatever of the stub had reached the disk.
    for length in 0..=whole.len() {
        fs::write(&stub, &whole[..length]).unwrap();
        only_erased(dir.path(), &positions, &[]);
        let log = Log::open(dir.path(), small_segments()).unwrap();
        assert!(!stub.exists());
        assert_eq!(log.read(positions[0]).unwrap(), record(1));
        drop(log);
        only_erased(dir.path(), &positions, &[]);
    }
    let log = Log::open(dir.path(), small_segments()).unwrap();
    log.erase(2).unwrap();
    only_erased(dir.path(), &positions, &[2]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_synced_after_the_stub_took_its_place_is_told_and_settled_later() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk, positions) = log_with_segments(dir.path()).await;
    disk.0.lock().unwrap().failing_dir_syncs = 1;
    assert!(log.erase(2).is_err());
    only_erased(dir.path(), &positions, &[2]);
    disk.0.lock().unwrap().failing_dir_syncs = 1;
    assert!(log.erase(2).is_err(), "it tries the sync again");
    assert_eq!(log.erase(2).unwrap(), 0);
    only_erased(dir.path(), &positions, &[2]);
}

#[tokio::test]
async fn a_full_disk_refuses_erasing_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk, positions) = log_with_segments(dir.path()).await;
    for room in [0, 1, 67, 68, 100, 168, 300] {
        disk.0.lock().unwrap().room = Some(room);
        assert!(log.erase(2).unwrap_err().is_disk_full(), "{room}");
        assert!(!stub_path(dir.path(), 2).exists());
        only_erased(dir.path(), &positions, &[]);
    }
    disk.0.lock().unwrap().room = None;
    disk.0.lock().unwrap().failing_syncs = 1;
    assert!(log.erase(2).is_err());
    only_erased(dir.path(), &positions, &[]);
    log.erase(2).unwrap();
    only_erased(dir.path(), &positions, &[2]);
}

#[tokio::test]
async fn a_torn_end_kept_aside_is_erased_with_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3, Options::default()).await;
    for number in [1, 2] {
        fs::write(torn_path(dir.path(), number, 500), b"half a record").unwrap();
    }
    let log = Log::open(dir.path(), Options::default()).unwrap();
    log.rotate().await.unwrap();
    log.erase(1).unwrap();
    assert!(!torn_path(dir.path(), 1, 500).exists());
    assert!(torn_path(dir.path(), 2, 500).exists());
}

#[tokio::test]
async fn a_scan_under_way_is_not_disturbed_by_erasing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    let mut scan = log.scan().unwrap();
    assert_eq!(scan.next().unwrap().unwrap().0, positions[0]);
    // The scan was to end in the open segment; this closes it.
    let next = positions.len() as u64 + 1;
    log.append(record(next)).await.unwrap();
    log.rotate().await.unwrap();
    for segment in 1..=4 {
        log.erase(segment).unwrap();
    }
    let mut ordinal = 1;
    for item in scan {
        ordinal += 1;
        match item {
            Ok((position, bytes)) => assert_eq!(
                (position.ordinal, bytes),
                (ordinal, record(ordinal)),
                "in the file that was open"
            ),
            Err(Error::Erased { position, digest }) => assert_eq!(
                (position.ordinal, digest),
                (ordinal, payload_digest(&record(ordinal)))
            ),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(ordinal + 1 >= next);
}

#[tokio::test]
async fn an_erased_segment_at_the_end_shows_that_a_newer_one_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3, Options::default()).await;
    let log = Log::open(dir.path(), Options::default()).unwrap();
    log.rotate().await.unwrap();
    log.erase(1).unwrap();
    drop(log);
    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    for with_mark in [true, false] {
        if !with_mark {
            forget_mark(dir.path());
        }
        let expected = Damage {
            segment: 2,
            offset: 0,
            ordinal: Some(4),
            kind: DamageKind::SegmentMissing,
        };
        match Log::open(dir.path(), Options::default()) {
            Err(Error::Damaged(damage)) => assert_eq!(damage, expected),
            other => panic!("{other:?}"),
        }
        let damages: Vec<_> = Scan::open(dir.path())
            .unwrap()
            .digests()
            .filter_map(Result::err)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(damages, [Error::Damaged(expected).to_string()]);
    }
}

#[tokio::test]
async fn a_scan_from_an_ordinal_tells_no_damage_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _, positions) = log_with_segments(dir.path()).await;
    let of_two: Vec<_> = positions
        .iter()
        .filter(|position| position.segment == 2)
        .collect();
    flip(&segment_path(dir.path(), 2), of_two[0].offset + 90);
    for position in &of_two {
        let items: Vec<_> = Scan::open_at(dir.path(), position.ordinal)
            .unwrap()
            .collect();
        let damaged = items.iter().filter(|item| item.is_err()).count();
        assert_eq!(damaged, usize::from(position == &of_two[0]));
        let left = positions.len() as u64 + 1 - position.ordinal;
        assert_eq!(items.len() as u64, left);
    }
    let beyond = positions.len() as u64 + 1;
    assert_eq!(Scan::open_at(dir.path(), beyond).unwrap().count(), 0);
    drop(log);
}
