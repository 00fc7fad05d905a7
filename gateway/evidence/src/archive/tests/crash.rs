//! Crashes and full disks: no gap, nothing twice, no file without its place in the chain.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gateway_asic::archive::Start;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::super::openpgp::generate;
use super::super::{Archiver, Encryption, Error, Grouping, Options};
use super::encrypted::{clear, encryption};
use super::medium::{Crash, Full};
use super::{Place, files, last_digest, names, previous};

/// Names and octets of the archive files.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files(folder)
        .into_iter()
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}

fn options(folder: &Path) -> Options {
    Options {
        grouping: Grouping::Subsystem,
        file_bytes_max: 12_000,
        batch_max: 4,
        ..Options::new(folder.to_owned())
    }
}

async fn place() -> Place {
    let place = Place::new();
    for number in 0..3 {
        place
            .world
            .sent_by("DEV/COM/1111/A", &format!("a-{number}"))
            .await;
        place
            .world
            .came_to("DEV/COM/1111/B", &format!("b-{number}"))
            .await;
    }
    place.stamp().await;
    place
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_what_an_undisturbed_run_would_have_made() {
    let place = place().await;
    place.run(&options(&place.folder())).await.unwrap();
    let expected = contents(&place.folder());
    assert!(expected.len() >= 4, "{:?}", expected.keys());
    let now = place.world.clock.now();
    for is_last_done in [false, true] {
        for operations in 0.. {
            let folder = place
                .dir
                .path()
                .join(format!("{operations}-{is_last_done}"));
            let crash = Crash::after(operations, is_last_done);
            let medium = Arc::new(crash.clone());
            let log = place.world.log.clone();
            let run = Archiver::on(log, options(&folder), medium).once(now).await;
            assert_eq!(run.is_err(), crash.is_down());
            let made = place.run(&options(&folder)).await;
            assert!(made.is_ok(), "{operations} {is_last_done}: {made:?}");
            assert!(
                contents(&folder) == expected,
                "{operations} {is_last_done}: {:?}",
                files(&folder)
            );
            if !crash.is_down() {
                assert!(operations > 20);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_one_whole_chain_of_encrypted_files() {
    let place = place().await;
    let (encryption, auditor) = encryption();
    let now = place.world.clock.now();
    for operations in 0.. {
        let folder = place.dir.path().join(operations.to_string());
        let options = Options {
            encryption: Some(encryption.clone()),
            ..Options::new(folder.clone())
        };
        let options = Options {
            batch_max: 4,
            ..options
        };
        let crash = Crash::after(operations, operations % 2 == 0);
        let medium = Arc::new(crash.clone());
        let log = place.world.log.clone();
        let run = Archiver::on(log, options.clone(), medium).once(now).await;
        assert_eq!(run.is_err(), crash.is_down());
        place.run(&options).await.unwrap();
        let files = files(&folder);
        assert_eq!(files.len(), 2, "{operations}: {files:?}");
        let mut reports: Vec<_> = files
            .iter()
            .map(|name| {
                let bytes = clear(&folder.join(name), &auditor, &encryption);
                (name, place.verified_bytes(bytes, Start::Unknown))
            })
            .collect();
        reports.sort_by_key(|(_, report)| previous(report).is_some());
        let [(first_name, first), (_, second)] = reports.as_slice() else {
            panic!("{files:?}");
        };
        assert_eq!(previous(first), None);
        assert_eq!(previous(second), Some(first_name.as_str()));
        assert_eq!(names(first).len() + names(second).len(), 6);
        if !crash.is_down() {
            break;
        }
    }
}

#[tokio::test]
async fn a_full_disk_stops_archiving_only_until_there_is_room() {
    let place = place().await;
    let (encryption, _) = encryption();
    let body = place.long_body(2 << 20).await;
    place.world.record("long", vec![body]).await;
    place.stamp().await;
    let now = place.world.clock.now();
    let last = place.world.log.last_ordinal();
    for (number, (room, encryption)) in [
        (0, None),
        (10_000, None),
        (30_000, None),
        (1 << 20, None),
        (10_000, Some(&encryption)),
        (1 << 20, Some(&encryption)),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = place.dir.path().join(number.to_string());
        let options = Options {
            // Everything archived would be erased at once.
            keep: SignedDuration::ZERO,
            encryption: encryption.cloned(),
            ..Options::new(folder.clone())
        };
        let room = Arc::new(AtomicU64::new(room));
        let full = Full {
            room: Arc::clone(&room),
        };
        let log = place.world.log.clone();
        let mut archiver = Archiver::on(log, options, Arc::new(full));
        let failed = archiver.once(now).await.unwrap_err();
        assert!(is_full(&failed), "{failed:?}");
        assert_eq!(files(&folder), Vec::<String>::new());
        let status = archiver.watch().status();
        assert_eq!((status.failures, status.archived_until), (1, 0));
        assert!(status.failure.is_some_and(|told| told.contains("space")));
        // The log is as it was.
        let messages = place.world.log.messages(0, last, 100).await.unwrap();
        assert_eq!(messages.len(), 7);
        if number == 5 {
            room.store(u64::MAX, Ordering::SeqCst);
            assert_eq!(archiver.once(now).await.unwrap().messages, 7);
            assert_eq!(archiver.watch().status().failure, None);
        }
    }
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
            return true;
        }
        next = error.source();
    }
    false
}

/// One step of an eventful life.
#[derive(Clone, Debug)]
enum Event {
    Messages(u8),
    Run,
    Crash(u64, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1_u8..4).prop_map(Event::Messages),
        Just(Event::Run),
        (0_u64..40, any::<bool>()).prop_map(|(after, done)| Event::Crash(after, done)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever happens, the chain holds every message once.
    #[test]
    fn the_chain_survives_crashes_between_and_within_runs(
        events in proptest::collection::vec(event(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(live(events));
    }
}

async fn live(events: Vec<Event>) {
    let place = Place::new();
    let options = Options {
        batch_max: 2,
        ..place.options()
    };
    let mut count = 0;
    for event in events.into_iter().chain([Event::Run]) {
        let now = place.world.clock.now();
        match event {
            Event::Messages(more) => {
                place.stamped(more.into()).await;
                count += usize::from(more);
            }
            Event::Run => drop(place.run(&options).await.unwrap()),
            Event::Crash(after, done) => {
                let medium = Arc::new(Crash::after(after, done));
                let log = place.world.log.clone();
                let mut archiver = Archiver::on(log, options.clone(), medium);
                let _down = archiver.once(now).await;
            }
        }
    }
    if count == 0 {
        return;
    }
    let mut seen = 0;
    let mut end = None;
    let mut left = place.files();
    while !left.is_empty() {
        let wanted = end
            .as_ref()
            .map(|(name, _): &(String, String)| name.as_str());
        let next = left
            .iter()
            .position(|name| previous(&place.verified(name, Start::Unknown)) == wanted)
            .expect("a file goes on from the last one");
        let name = left.remove(next);
        let start = match &end {
            None => Start::First,
            Some((_, digest)) => Start::After(digest),
        };
        let report = place.verified(&name, start);
        seen += names(&report).len();
        end = Some((name, last_digest(&report)));
    }
    assert_eq!(seen, count);
}

#[tokio::test]
async fn a_key_that_expired_stops_archiving_and_says_which() {
    let place = place().await;
    let (mut encryption, _) = encryption();
    // Not made yet, as far as the node's clock goes.
    let later = place.world.clock.now() + SignedDuration::from_hours(24);
    let late = generate("late", None, later).unwrap();
    let late = super::super::openpgp::PublicKey::read(late.public.as_bytes()).unwrap();
    encryption.default = vec![late.clone()];
    let options = Options {
        encryption: Some(Encryption { ..encryption }),
        ..place.options()
    };
    let refused = place.run(&options).await.unwrap_err();
    let Error::OpenPgp(source) = &refused else {
        panic!("{refused:?}");
    };
    assert!(source.to_string().contains(&late.fingerprint()), "{source}");
    assert_eq!(place.files(), Vec::<String>::new());
    place.world.clock.advance(24 * 3600);
    place.run(&options).await.unwrap();
}
