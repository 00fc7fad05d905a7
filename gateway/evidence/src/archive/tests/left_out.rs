//! Messages of which no document can be made: they hold up no other, and nothing of them is erased.

use std::future::Future as _;
use std::path::Path;
use std::sync::Arc;

use gateway_asic::archive::Start;
use gateway_messagelog::Error;
use jiff::SignedDuration;

use super::super::{Archiver, Options};
use super::medium::Crash;
use super::{Place, files, names};

/// Changes the last byte of a file.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn options(place: &Place) -> Options {
    Options {
        keep: SignedDuration::ZERO,
        ..place.options()
    }
}

async fn run(place: &Place, archiver: &mut Archiver) -> u64 {
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    made.messages
}

/// All containers in the archive files, in order.
fn archived(place: &Place) -> Vec<String> {
    archived_in(place, &place.folder())
}

fn archived_in(place: &Place, folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for file in files(folder) {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let report = place.verified_bytes(bytes, Start::Unknown);
        all.extend(names(&report).into_iter().map(str::to_owned));
    }
    all.sort();
    all
}

#[tokio::test]
async fn what_cannot_be_made_is_told_holds_up_nothing_and_comes_when_it_can_be() {
    let place = Place::new();
    // One that is noticed while its file is read, and that file is long; one that is not even opened.
    let changed = place.with_body("changed", 3 << 20).await;
    let gone = place.with_body("gone", 5000).await;
    place.world.message("good").await;
    place.stamp().await;
    flip(&changed);
    let aside = place.dir.path().join("aside");
    std::fs::rename(&gone, &aside).unwrap();

    let mut archiver = place.archiver(options(&place));
    assert_eq!(run(&place, &mut archiver).await, 1);
    assert_eq!(archived(&place), ["good-request-3.asice"]);
    let status = archiver.watch().status();
    let left_out = status.left_out.unwrap();
    assert_eq!((left_out.messages, left_out.first), (2, 1));
    let reason = &left_out.reason;
    assert!(
        reason.contains("the body is not what was logged"),
        "{reason}"
    );
    assert_eq!((status.failures, status.failure), (0, None));

    // A later run, of another process, goes on behind them and knows of them.
    place.world.clock.advance(60);
    place.stamped(1).await;
    let mut archiver = place.archiver(options(&place));
    assert_eq!(run(&place, &mut archiver).await, 1);
    let left_out = archiver.watch().status().left_out.unwrap();
    assert_eq!((left_out.messages, left_out.first), (2, 1));

    std::fs::rename(&aside, &gone).unwrap();
    assert_eq!(run(&place, &mut archiver).await, 1);
    let left_out = archiver.watch().status().left_out.unwrap();
    assert_eq!((left_out.messages, left_out.first), (1, 1));
    flip(&changed);
    assert_eq!(run(&place, &mut archiver).await, 1);
    assert_eq!(archiver.watch().status().left_out, None);
    assert_eq!(run(&place, &mut archiver).await, 0);
    assert_eq!(
        archived(&place),
        [
            "changed-request-1.asice",
            "gone-request-2.asice",
            "good-request-3.asice",
            "id-0-request-5.asice"
        ]
    );
}

#[tokio::test]
async fn the_log_keeps_what_was_left_out_and_is_cleaned_behind_it() {
    let place = Place::new();
    let changed = place.with_body("changed", 5000).await;
    place.stamp().await;
    flip(&changed);
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(60);
    place.stamped(1).await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(60);
    let mut archiver = place.archiver(options(&place));
    assert_eq!(run(&place, &mut archiver).await, 1);
    let log = &place.world.log;
    let erased = |got: Result<_, Error>| matches!(got, Err(Error::Erased { .. }));
    assert!(!erased(log.get(1).await));
    assert!(erased(log.get(3).await));
    assert!(changed.exists());
    // Once it is whole and archived, it goes its way.
    flip(&changed);
    assert_eq!(run(&place, &mut archiver).await, 1);
    assert!(erased(log.get(1).await));
    assert!(!changed.exists());
}

#[tokio::test]
async fn nothing_is_left_out_for_the_trouble_of_the_machine() {
    let place = Place::new();
    let body = place.with_body("one", 5000).await;
    place.world.message("two").await;
    place.stamp().await;
    let mut archiver = place.archiver(options(&place));
    // The disk with the bodies is not there, or is empty; a body is there, and cannot be read.
    let bodies = body.parent().unwrap();
    let aside = place.dir.path().join("aside");
    std::fs::rename(bodies, &aside).unwrap();
    for trouble in 0..3 {
        match trouble {
            0 => {}
            1 => std::fs::create_dir(bodies).unwrap(),
            _ => std::fs::create_dir(&body).unwrap(),
        }
        let run = archiver.once(place.world.clock.now()).await;
        assert!(
            matches!(run, Err(super::super::Error::Container { ordinal: 1, .. })),
            "{trouble}: {run:?}"
        );
        let status = archiver.watch().status();
        assert_eq!((status.left_out, status.archived_until), (None, 0));
        assert_eq!(files(&place.folder()), Vec::<String>::new());
    }
    std::fs::remove_dir_all(bodies).unwrap();
    std::fs::rename(&aside, bodies).unwrap();
    assert_eq!(run(&place, &mut archiver).await, 2);
}

#[tokio::test]
async fn what_is_left_out_already_holds_up_no_other_though_the_machine_has_trouble_with_it() {
    let place = Place::new();
    let gone = place.with_body("gone", 5000).await;
    let other = place.with_body("other", 5000).await;
    place.stamp().await;
    std::fs::remove_file(&gone).unwrap();
    let mut archiver = place.archiver(options(&place));
    assert_eq!(run(&place, &mut archiver).await, 1);
    // Now the folder is empty.
    std::fs::remove_file(&other).unwrap();
    place.stamped(1).await;
    assert_eq!(run(&place, &mut archiver).await, 1);
    assert_eq!(archiver.watch().status().left_out.unwrap().messages, 1);
}

#[tokio::test]
async fn those_that_come_late_are_taken_in_in_batches() {
    let place = Place::new();
    let mut bodies = Vec::new();
    for number in 0..3 {
        bodies.push(place.with_body(&format!("late-{number}"), 5000).await);
    }
    place.stamp().await;
    // Others are there.
    place.with_body("later", 5000).await;
    let aside = place.dir.path().join("aside");
    std::fs::create_dir(&aside).unwrap();
    let aside_of = |path: &Path| aside.join(path.file_name().unwrap());
    for body in &bodies {
        std::fs::rename(body, aside_of(body)).unwrap();
    }
    let options = Options {
        batch_max: 2,
        ..options(&place)
    };
    let mut archiver = place.archiver(options);
    assert_eq!(run(&place, &mut archiver).await, 0);
    for body in &bodies {
        std::fs::rename(aside_of(body), body).unwrap();
    }
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    assert_eq!((made.messages, made.files), (3, 2));
    assert_eq!(archiver.watch().status().left_out, None);
}

#[tokio::test]
async fn whoever_looks_while_they_are_tried_again_is_still_told_of_them() {
    let place = Place::new();
    let changed = place.with_body("changed", 5000).await;
    place.stamp().await;
    flip(&changed);
    let mut archiver = place.archiver(options(&place));
    assert_eq!(run(&place, &mut archiver).await, 0);
    let watch = archiver.watch();
    assert_eq!(watch.status().left_out.unwrap().messages, 1);
    // Whenever the run waits for anything.
    let mut again = Box::pin(archiver.once(place.world.clock.now()));
    while std::future::poll_fn(|context| {
        std::task::Poll::Ready(again.as_mut().poll(context).is_pending())
    })
    .await
    {
        assert_eq!(watch.status().left_out.unwrap().messages, 1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_leaving_out_and_taking_in_leaves_every_message_once() {
    let place = Place::new();
    let changed = place.with_body("changed", 5000).await;
    place.world.message("good").await;
    place.stamp().await;
    let now = place.world.clock.now();
    for is_known in [false, true] {
        for operations in 0.. {
            let folder = place.dir.path().join(format!("{is_known}-{operations}"));
            let options = Options::new(folder.clone());
            let crashing = || {
                let crash = Crash::after(operations, operations % 2 == 0);
                let log = place.world.log.clone();
                let medium = Arc::new(crash.clone());
                (Archiver::on(log, options.clone(), medium), crash)
            };
            flip(&changed);
            let (mut archiver, first) = crashing();
            assert_eq!(archiver.once(now).await.is_err(), first.is_down());
            if is_known {
                place.run(&options).await.unwrap();
                assert_eq!(archived_in(&place, &folder), ["good-request-2.asice"]);
            }
            flip(&changed);
            let (mut archiver, second) = crashing();
            assert_eq!(archiver.once(now).await.is_err(), second.is_down());
            place.run(&options).await.unwrap();
            assert_eq!(
                archived_in(&place, &folder),
                ["changed-request-1.asice", "good-request-2.asice"],
                "{is_known} {operations}"
            );
            if !first.is_down() && !second.is_down() {
                assert!(operations > 10);
                break;
            }
        }
    }
}
