//! The log: order, durability under faults, torn ends, damage, readers without ownership.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::format::{
    RECORD_HEADER_LENGTH, SEGMENT_HEADER_LENGTH, payload_digest, segment_number, segment_path,
};
use super::medium::{Disk, Handle, Medium};
use super::{Committed, Damage, DamageKind, Log, OnDamage, Options, Position, Scan, recover};
use crate::Error;

mod erase;
mod told;

fn record(number: u64) -> Bytes {
    format!("record {number} {}", "x".repeat((number % 7 * 11) as usize)).into()
}

async fn filled(dir: &Path, count: u64, options: Options) -> Vec<Position> {
    let log = Log::open(dir, options).unwrap();
    let mut positions = Vec::new();
    for number in 1..=count {
        positions.push(log.append(record(number)).await.unwrap());
    }
    positions
}

/// What a scan tells: records as (ordinal, bytes), and damages.
fn scanned(dir: &Path) -> (Vec<(u64, Bytes)>, Vec<Damage>) {
    let mut records = Vec::new();
    let mut damages = Vec::new();
    for item in Scan::open(dir).unwrap() {
        match item {
            Ok((position, bytes)) => records.push((position.ordinal, bytes)),
            Err(Error::Damaged(damage)) => damages.push(damage),
            Err(error) => panic!("{error}"),
        }
    }
    (records, damages)
}

#[track_caller]
fn holds_exactly(dir: &Path, count: u64) {
    let (records, damages) = scanned(dir);
    assert_eq!(damages, []);
    assert_eq!(
        records,
        (1..=count)
            .map(|number| (number, record(number)))
            .collect::<Vec<_>>()
    );
}

/// As after a power cut: the mark was never synced.
fn forget_mark(dir: &Path) {
    fs::remove_file(dir.join("durable")).unwrap();
}

fn flip(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

fn small_segments() -> Options {
    Options {
        segment_bytes_max: 600,
        ..Options::default()
    }
}

#[tokio::test]
async fn keeps_records_in_order_over_reopening_and_rotation() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20, small_segments()).await;
    let log = Log::open(dir.path(), small_segments()).unwrap();
    assert_eq!(log.last_ordinal(), 20);
    let position = log.append(record(21)).await.unwrap();
    assert_eq!(position.ordinal, 21);
    assert!(position.segment > 3);
    assert_eq!(log.read(position).unwrap(), record(21));
    drop(log);
    holds_exactly(dir.path(), 21);
}

#[tokio::test]
async fn reads_any_durable_record_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), small_segments()).unwrap();
    let mut positions = Vec::new();
    for number in 1..=9 {
        positions.push(log.append(record(number)).await.unwrap());
    }
    for position in &positions {
        assert_eq!(log.read(*position).unwrap(), record(position.ordinal));
    }
    let last = positions[8];
    let wrong = [
        Position {
            offset: last.offset + 500,
            ..last
        },
        Position {
            ordinal: 10,
            ..last
        },
        Position { ordinal: 8, ..last },
        Position {
            segment: last.segment + 1,
            ..last
        },
    ];
    for position in wrong {
        assert!(
            matches!(log.read(position), Err(Error::NoRecord { .. })),
            "{position:?}"
        );
    }
    let crooked = Position {
        offset: last.offset - 1,
        ..last
    };
    assert!(matches!(log.read(crooked), Err(Error::Damaged(_))));
    let seen: Vec<_> = log
        .scan_from(positions[4])
        .unwrap()
        .map(|item| item.unwrap().0)
        .collect();
    assert_eq!(seen, positions[4..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_many_appenders_each_with_its_own_place() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes_max: 20_000,
        queue_max: 5,
        ..Options::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    let mut tasks = Vec::new();
    for task in 0..16_u64 {
        let log = log.clone();
        tasks.push(tokio::spawn(async move {
            let mut positions = Vec::new();
            for turn in 0..40_u64 {
                let bytes = Bytes::from(format!("{task}/{turn}"));
                let position = log.append(bytes.clone()).await.unwrap();
                assert_eq!(log.read(position).unwrap(), bytes);
                positions.push((position, bytes));
            }
            // One appender's records stand in the order in which it wrote them.
            assert!(positions.is_sorted_by_key(|(position, _)| *position));
            positions
        }));
    }
    let mut expected = BTreeMap::new();
    for task in tasks {
        expected.extend(
            task.await
                .unwrap()
                .into_iter()
                .map(|(p, bytes)| (p.ordinal, bytes)),
        );
    }
    drop(log);
    let (records, damages) = scanned(dir.path());
    assert_eq!(damages, []);
    assert_eq!(records, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(records.len(), 640);
}

#[tokio::test]
async fn tells_the_observer_every_record_in_order_before_the_appender() {
    let dir = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let told = Arc::clone(&told);
        Box::new(move |batch: &[Committed]| {
            told.lock().unwrap().extend(batch.iter().map(|committed| {
                assert_eq!(committed.digest, payload_digest(&committed.payload));
                committed.position.ordinal
            }));
        })
    };
    let log = Log::open_observed(dir.path(), Options::default(), observer).unwrap();
    for number in 1..=5 {
        log.append(record(number)).await.unwrap();
        assert_eq!(*told.lock().unwrap(), (1..=number).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn commits_what_is_queued_before_it_closes() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), Options::default()).unwrap();
    let count = Arc::new(Mutex::new(0));
    for number in 1..=30 {
        let count = Arc::clone(&count);
        log.append_detached(record(number), move |result| {
            result.unwrap();
            *count.lock().unwrap() += 1;
        })
        .unwrap();
    }
    drop(log);
    assert_eq!(*count.lock().unwrap(), 30);
    holds_exactly(dir.path(), 30);
}

#[tokio::test]
async fn lingers_only_as_long_as_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        linger_max: Duration::from_millis(5),
        ..Options::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    let (a, b) = tokio::join!(log.append(record(1)), log.append(record(2)));
    assert_eq!((a.unwrap().ordinal, b.unwrap().ordinal), (1, 2));
    // Alone now, though there was company: it must come to an end all the same.
    assert_eq!(log.append(record(3)).await.unwrap().ordinal, 3);
    drop(log);
    holds_exactly(dir.path(), 3);
}

#[tokio::test]
async fn refuses_a_second_owner_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), Options::default()).unwrap();
    assert!(matches!(
        Log::open(dir.path(), Options::default()),
        Err(Error::Locked { .. })
    ));
    drop(log);
    Log::open(dir.path(), Options::default()).unwrap();
}

#[tokio::test]
async fn refuses_a_record_that_is_too_long_and_takes_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        record_bytes_max: 10,
        ..Options::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    let refused = log.append(Bytes::from_static(b"12345678901")).await;
    assert!(matches!(
        refused,
        Err(Error::RecordTooLarge {
            bytes: 11,
            bytes_max: 10
        })
    ));
    let position = log.append(Bytes::new()).await.unwrap();
    assert_eq!(log.read(position).unwrap(), Bytes::new());
}

#[tokio::test]
async fn cuts_a_last_record_torn_at_any_byte_and_goes_on() {
    let source = tempfile::tempdir().unwrap();
    let positions = filled(source.path(), 4, Options::default()).await;
    let whole = fs::read(segment_path(source.path(), 1)).unwrap();
    let last = positions[3].offset as usize;
    for length in last..whole.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(segment_path(dir.path(), 1), &whole[..length]).unwrap();
        // Readers pass over the torn end in silence: it was never durable.
        holds_exactly(dir.path(), 3);
        let log = Log::open(dir.path(), Options::default()).unwrap();
        let torn = log.recovery().torn.as_ref();
        assert_eq!(torn.map_or(0, |torn| torn.bytes), (length - last) as u64);
        if let Some(kept) = torn.and_then(|torn| torn.kept.as_ref()) {
            assert_eq!(fs::read(kept).unwrap(), whole[last..length]);
        }
        assert_eq!(log.append(record(4)).await.unwrap(), positions[3]);
        drop(log);
        holds_exactly(dir.path(), 4);
    }
}

#[tokio::test]
async fn cuts_a_commit_whose_pages_reached_the_disk_out_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _) = recover::open(Arc::new(Disk), dir.path(), &Options::default()).unwrap();
    let mut positions = Vec::new();
    for batch in [1..2, 2..5] {
        let batch: Vec<_> = batch
            .map(|number| (record(number), payload_digest(&record(number))))
            .collect();
        positions.extend(writer.commit(batch.iter().map(|(a, b)| (a, b))).unwrap());
    }
    drop(writer);
    // The second batch was on its way: its first record is zeros still, the others are there.
    let path = segment_path(dir.path(), 1);
    let mut torn = fs::read(&path).unwrap();
    torn[positions[1].offset as usize..positions[2].offset as usize].fill(0);
    fs::write(&path, &torn).unwrap();
    forget_mark(dir.path());
    holds_exactly(dir.path(), 1);
    let log = Log::open(dir.path(), Options::default()).unwrap();
    let recovered = log.recovery().torn.clone().unwrap();
    assert_eq!(recovered.offset, positions[1].offset);
    let kept = fs::read(recovered.kept.unwrap()).unwrap();
    assert_eq!(kept, torn[positions[1].offset as usize..]);
}

#[tokio::test]
async fn the_loss_of_acknowledged_records_is_damage_and_not_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let positions = filled(dir.path(), 4, Options::default()).await;
    let file = File::options()
        .write(true)
        .open(segment_path(dir.path(), 1))
        .unwrap();
    file.set_len(positions[3].offset).unwrap();
    let expected = Damage {
        segment: 1,
        offset: positions[3].offset,
        ordinal: Some(4),
        kind: DamageKind::Truncated,
    };
    match Log::open(dir.path(), Options::default()) {
        Err(Error::Damaged(damage)) => assert_eq!(damage, expected),
        other => panic!("{other:?}"),
    }
    let (records, damages) = scanned(dir.path());
    assert_eq!((records.len(), damages), (3, vec![expected]));
}

#[tokio::test]
async fn finds_any_flipped_byte_and_serves_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let positions = filled(dir.path(), 5, Options::default()).await;
    let path = segment_path(dir.path(), 1);
    let end = fs::metadata(&path).unwrap().len();
    for offset in SEGMENT_HEADER_LENGTH..end {
        flip(&path, offset);
        let hit = positions
            .iter()
            .rposition(|position| position.offset <= offset)
            .unwrap()
            + 1;
        let (records, damages) = scanned(dir.path());
        assert_eq!(damages.len(), 1, "{offset}: {damages:?}");
        assert_eq!(damages[0].ordinal, Some(hit as u64), "{offset}");
        assert_eq!(damages[0].offset, positions[hit - 1].offset, "{offset}");
        let expected: Vec<_> = (1..=5)
            .filter(|number| *number != hit as u64)
            .map(|number| (number, record(number)))
            .collect();
        assert_eq!(records, expected, "{offset}");
        let opened = Log::open(dir.path(), Options::default());
        assert!(matches!(opened, Err(Error::Damaged(_))), "{offset}");
        flip(&path, offset);
    }
    holds_exactly(dir.path(), 5);
}

#[tokio::test]
async fn a_flipped_byte_before_the_last_commit_is_damage_even_without_the_mark() {
    let dir = tempfile::tempdir().unwrap();
    let positions = filled(dir.path(), 3, Options::default()).await;
    forget_mark(dir.path());
    flip(
        &segment_path(dir.path(), 1),
        positions[0].offset + RECORD_HEADER_LENGTH,
    );
    match Log::open(dir.path(), Options::default()) {
        Err(Error::Damaged(damage)) => {
            assert_eq!(
                (damage.ordinal, damage.kind),
                (Some(1), DamageKind::Payload)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn goes_on_behind_damage_when_told_to_and_keeps_showing_it() {
    let dir = tempfile::tempdir().unwrap();
    let positions = filled(dir.path(), 3, Options::default()).await;
    flip(
        &segment_path(dir.path(), 1),
        positions[1].offset + RECORD_HEADER_LENGTH,
    );
    let options = Options {
        on_damage: OnDamage::Continue,
        ..Options::default()
    };
    let log = Log::open(dir.path(), options).unwrap();
    assert_eq!(log.recovery().damages.len(), 1);
    let position = log.append(record(4)).await.unwrap();
    assert_eq!((position.ordinal, position.segment), (4, 2));
    drop(log);
    let (records, damages) = scanned(dir.path());
    assert_eq!(
        records.iter().map(|record| record.0).collect::<Vec<_>>(),
        [1, 3, 4]
    );
    assert_eq!(damages.len(), 1);
    assert_eq!(damages[0].ordinal, Some(2));
}

#[tokio::test]
async fn finds_a_record_that_was_cut_out_or_replaced_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let positions = filled(dir.path(), 4, Options::default()).await;
    let path = segment_path(dir.path(), 1);
    let whole = fs::read(&path).unwrap();
    let at = |number: usize| positions[number - 1].offset as usize;

    let mut without = whole[..at(2)].to_vec();
    without.extend(&whole[at(3)..]);
    fs::write(&path, &without).unwrap();
    let (records, damages) = scanned(dir.path());
    assert_eq!(records.len(), 3);
    assert_eq!(damages[0].kind, DamageKind::Gap { found: 3 });
    assert_eq!(damages[0].ordinal, Some(2));

    // Another log's record in its place, whole and with the right ordinal.
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 4, Options::default()).await;
    let foreign = fs::read(segment_path(other.path(), 1)).unwrap();
    let mut mixed = whole[..at(2)].to_vec();
    mixed.extend(&foreign[at(2)..at(3)]);
    mixed.extend(&whole[at(3)..]);
    fs::write(&path, &mixed).unwrap();
    let (records, damages) = scanned(dir.path());
    assert_eq!(records.len(), 3);
    assert_eq!((damages.len(), damages[0].ordinal), (1, Some(2)));
}

#[tokio::test]
async fn names_a_missing_segment_and_an_unreadable_header() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20, small_segments()).await;
    flip(&segment_path(dir.path(), 2), 20);
    let (_, damages) = scanned(dir.path());
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!(
        (damages[0].segment, damages[0].kind),
        (2, DamageKind::SegmentHeader)
    );
    assert!(Log::open(dir.path(), small_segments()).is_err());

    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    let (records, damages) = scanned(dir.path());
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!(
        (damages[0].segment, damages[0].kind),
        (2, DamageKind::SegmentMissing)
    );
    assert_eq!(records.last().unwrap().0, 20);
    assert!(Log::open(dir.path(), small_segments()).is_err());
}

#[tokio::test]
async fn names_segments_that_are_gone_from_the_front() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20, small_segments()).await;
    for number in [1, 2] {
        fs::remove_file(segment_path(dir.path(), number)).unwrap();
        let (records, damages) = scanned(dir.path());
        assert_eq!(damages.len(), 1, "{damages:?}");
        let Damage {
            segment,
            ordinal,
            kind,
            ..
        } = damages[0];
        assert_eq!(
            (segment, ordinal, kind),
            (1, Some(1), DamageKind::SegmentMissing)
        );
        assert!(records[0].0 > 1 && records.last().unwrap().0 == 20);
        let refused = Log::open(dir.path(), small_segments()).unwrap_err();
        let Error::Damaged(damage) = refused else {
            panic!("{refused}");
        };
        assert_eq!((damage.segment, damage.kind), (segment, kind));
    }
    let options = Options {
        on_damage: OnDamage::Continue,
        ..small_segments()
    };
    let log = Log::open(dir.path(), options).unwrap();
    assert_eq!(log.recovery().damages.len(), 1);
    assert_eq!(log.last_ordinal(), 20);
}

#[tokio::test]
async fn sets_a_segment_aside_whose_header_was_never_finished() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3, Options::default()).await;
    for length in [0_usize, 1, 30, 67] {
        fs::write(segment_path(dir.path(), 2), vec![7; length]).unwrap();
        holds_exactly(dir.path(), 3);
        let log = Log::open(dir.path(), Options::default()).unwrap();
        assert_eq!(log.recovery().torn.as_ref().unwrap().segment, 2);
        assert_eq!(log.last_ordinal(), 3);
    }
}

#[tokio::test]
async fn a_record_inside_a_record_is_never_taken_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 9, Options::default()).await;
    // A message that looks like our own file.
    let image = Bytes::from(fs::read(segment_path(other.path(), 1)).unwrap());
    let log = Log::open(dir.path(), Options::default()).unwrap();
    let first = log.append(image).await.unwrap();
    log.append(record(2)).await.unwrap();
    drop(log);
    flip(&segment_path(dir.path(), 1), first.offset + 8);
    let (records, damages) = scanned(dir.path());
    assert_eq!(records, [(2, record(2))]);
    assert_eq!(damages.len(), 1);
}

#[tokio::test]
async fn a_reader_sees_a_living_log_up_to_its_durable_end() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), small_segments()).unwrap();
    for number in 1..=7 {
        log.append(record(number)).await.unwrap();
        holds_exactly(dir.path(), number);
    }
    // Something behind the durable end is not there yet, whatever it looks like.
    let path = segment_path(
        dir.path(),
        log.scan().unwrap().last().unwrap().unwrap().0.segment,
    );
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"KREC half a record").unwrap();
    holds_exactly(dir.path(), 7);
}

#[test]
fn only_the_names_of_segments_are_taken_for_segments() {
    assert_eq!(segment_number("0000000012.seg"), Some(12));
    assert_eq!(segment_number("12345678901.seg"), Some(12_345_678_901));
    for name in [
        "12.seg",
        "0000000000.seg",
        "0000000012.seg.torn-5",
        "+000000012.seg",
        "lock",
    ] {
        assert_eq!(segment_number(name), None, "{name}");
    }
}

// ── Disks that fail ─────────────────────────────────────────────────────────────────────────────

#[derive(Debug, Default)]
struct Faults {
    /// Room left; `None`: enough.
    room: Option<u64>,
    /// How many of the next syncs fail.
    failing_syncs: u32,
    /// How many of the next cuts fail.
    failing_cuts: u32,
    /// The power is gone as soon as a file is to be renamed: nothing of it, and nothing after it.
    no_power_at_rename: bool,
    /// How many of the next syncs of the folder fail.
    failing_dir_syncs: u32,
    /// How many of the next removals fail.
    failing_removals: u32,
}

/// A disk with faults to order. A failing sync loses what was not synced, as a real one may.
#[derive(Clone, Debug, Default)]
struct FaultyDisk(Arc<Mutex<Faults>>);

#[derive(Debug)]
struct FaultyFile {
    file: File,
    synced: u64,
    faults: Arc<Mutex<Faults>>,
}

impl Medium for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        if self.0.lock().unwrap().room == Some(0) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        drop(Disk.create(path)?);
        self.open(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = OpenOptions::new().append(true).open(path)?;
        let synced = file.metadata()?.len();
        Ok(Box::new(FaultyFile {
            file,
            synced,
            faults: Arc::clone(&self.0),
        }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut faults = self.0.lock().unwrap();
        if faults.no_power_at_rename {
            return Err(io::Error::other("injected"));
        }
        if faults.failing_removals > 0 {
            faults.failing_removals -= 1;
            return Err(io::Error::other("injected"));
        }
        Disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.0.lock().unwrap().no_power_at_rename {
            return Err(io::Error::other("injected"));
        }
        Disk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut faults = self.0.lock().unwrap();
        if faults.failing_dir_syncs > 0 {
            faults.failing_dir_syncs -= 1;
            return Err(io::Error::other("injected"));
        }
        Disk.sync_dir(dir)
    }
}

impl Handle for FaultyFile {
    fn append(&mut self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        let all: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let fits = faults
            .room
            .map_or(all.len(), |room| all.len().min(room as usize));
        self.file.write_all(&all[..fits])?;
        if let Some(room) = faults.room.as_mut() {
            *room -= fits as u64;
        }
        if fits < all.len() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut faults = self.faults.lock().unwrap();
        if faults.failing_syncs > 0 {
            faults.failing_syncs -= 1;
            self.file.set_len(self.synced)?;
            self.file.set_len(length)?;
            return Err(io::Error::other("injected"));
        }
        self.synced = length;
        self.file.sync_data()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        let mut faults = self.faults.lock().unwrap();
        if faults.failing_cuts > 0 {
            faults.failing_cuts -= 1;
            return Err(io::Error::other("injected"));
        }
        let length = self.file.metadata()?.len();
        if let Some(room) = faults.room.as_mut() {
            *room += length - bytes;
        }
        self.synced = bytes;
        self.file.set_len(bytes)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

fn faulty(dir: &Path, options: Options) -> (Log, FaultyDisk) {
    let disk = FaultyDisk::default();
    let log = Log::open_on(Arc::new(disk.clone()), dir, options, Box::new(|_| {})).unwrap();
    (log, disk)
}

#[tokio::test]
async fn a_full_disk_refuses_and_room_is_enough_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    log.append(record(1)).await.unwrap();
    // At any number of bytes that do not hold the record.
    for room in 0..RECORD_HEADER_LENGTH + record(2).len() as u64 {
        disk.0.lock().unwrap().room = Some(room);
        let refused = log.append(record(2)).await.unwrap_err();
        assert!(refused.is_disk_full(), "{refused:?}");
        assert_eq!(
            disk.0.lock().unwrap().room,
            Some(room),
            "what was written is given back"
        );
        holds_exactly(dir.path(), 1);
    }
    disk.0.lock().unwrap().room = None;
    assert_eq!(log.append(record(2)).await.unwrap().ordinal, 2);
    drop(log);
    holds_exactly(dir.path(), 2);
}

#[tokio::test]
async fn a_full_disk_at_rotation_refuses_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(
        dir.path(),
        Options {
            segment_bytes_max: 100,
            ..Options::default()
        },
    );
    log.append(record(1)).await.unwrap();
    for room in [0, 10, 67, 68, 90] {
        disk.0.lock().unwrap().room = Some(room);
        assert!(log.append(record(2)).await.unwrap_err().is_disk_full());
        holds_exactly(dir.path(), 1);
    }
    disk.0.lock().unwrap().room = None;
    log.append(record(2)).await.unwrap();
    drop(log);
    holds_exactly(dir.path(), 2);
    assert_eq!(
        Log::open(dir.path(), Options::default())
            .unwrap()
            .last_ordinal(),
        2
    );
}

#[tokio::test]
async fn a_failed_sync_refuses_the_whole_batch_and_the_next_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    log.append(record(1)).await.unwrap();
    disk.0.lock().unwrap().failing_syncs = 1;
    assert!(matches!(
        log.append(record(2)).await,
        Err(Error::NotWritten { .. })
    ));
    assert_eq!(log.append(record(2)).await.unwrap().ordinal, 2);
    drop(log);
    holds_exactly(dir.path(), 2);
}

#[tokio::test]
async fn stays_refusing_while_the_disk_cannot_be_brought_to_the_durable_end() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    log.append(record(1)).await.unwrap();
    {
        let mut faults = disk.0.lock().unwrap();
        faults.failing_syncs = 1;
        faults.failing_cuts = 3;
    }
    for _ in 0..3 {
        assert!(log.append(record(2)).await.is_err());
        holds_exactly(dir.path(), 1);
    }
    assert_eq!(log.append(record(2)).await.unwrap().ordinal, 2);
    drop(log);
    holds_exactly(dir.path(), 2);
}

#[tokio::test]
async fn accepts_nothing_when_what_was_durable_is_gone_after_a_failed_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(dir.path(), Options::default());
    let position = log.append(record(1)).await.unwrap();
    flip(
        &segment_path(dir.path(), 1),
        position.offset + RECORD_HEADER_LENGTH + 2,
    );
    disk.0.lock().unwrap().failing_syncs = 1;
    for _ in 0..2 {
        assert!(log.append(record(2)).await.is_err());
    }
    drop(log);
    let (records, damages) = scanned(dir.path());
    assert_eq!((records.len(), damages.len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_on_a_disk_that_keeps_failing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = faulty(
        dir.path(),
        Options {
            segment_bytes_max: 3000,
            ..Options::default()
        },
    );
    let mut tasks = Vec::new();
    for task in 0..8_u64 {
        let (log, disk) = (log.clone(), disk.clone());
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for turn in 0..50_u64 {
                match (task + turn) % 9 {
                    0 => disk.0.lock().unwrap().failing_syncs = 1,
                    1 => disk.0.lock().unwrap().room = Some(turn * 3),
                    2 => disk.0.lock().unwrap().failing_cuts = 1,
                    _ => disk.0.lock().unwrap().room = None,
                }
                let bytes = Bytes::from(format!("{task}/{turn}"));
                if let Ok(position) = log.append(bytes.clone()).await {
                    acknowledged.push((position.ordinal, bytes));
                }
            }
            acknowledged
        }));
    }
    let mut expected = BTreeMap::new();
    for task in tasks {
        expected.extend(task.await.unwrap());
    }
    drop(log);
    let (records, damages) = scanned(dir.path());
    assert_eq!(damages, []);
    assert!(!expected.is_empty());
    // A refused record may have stayed when the last cut failed; an acknowledged one never goes.
    let found: BTreeMap<_, _> = records.into_iter().collect();
    for (ordinal, bytes) in expected {
        assert_eq!(found.get(&ordinal), Some(&bytes));
    }
    Log::open(dir.path(), Options::default()).unwrap();
}
