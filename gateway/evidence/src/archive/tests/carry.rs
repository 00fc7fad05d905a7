//! What becomes of finished files, and of the log behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_net::{Client, ClientOptions, ServerTrust};
use http::StatusCode;
use jiff::SignedDuration;

use super::super::transfer::tests::bucket::{self, Running};
use super::super::transfer::{self, Access, Command, Store};
use super::super::{Archiver, Options};
use super::Place;

async fn store() -> (Running, Store) {
    let running = bucket::serve(None).await;
    let place = transfer::Place {
        endpoint: format!("http://{}", running.address),
        bucket: "evidence".to_owned(),
        prefix: String::new(),
        region: "az-1".to_owned(),
    };
    let access = Access {
        key_id: "KEYID".to_owned(),
        secret: "SECRET".to_owned().into(),
    };
    let client = Client::new(ClientOptions::default()).unwrap();
    let store = Store::new(&place, access, client, ServerTrust::Any).unwrap();
    (running, store)
}

fn stored(running: &Running) -> Vec<String> {
    let state = running.bucket.state();
    let names = state.objects.keys();
    names
        .map(|path| path.trim_start_matches("/evidence/").to_owned())
        .collect()
}

fn command(text: &str) -> Option<Command> {
    Some(Command::new(text, Duration::from_secs(60)))
}

#[tokio::test]
async fn files_are_copied_to_the_store_and_stay_here() {
    let place = Place::new();
    place.stamped(2).await;
    let (running, store) = store().await;
    let options = Options {
        store: Some(store),
        ..place.options()
    };
    let made = place.run(&options).await.unwrap();
    assert_eq!(made.transferred, 1);
    assert_eq!(stored(&running), place.files());
    let name = &place.files()[0];
    let there = running.bucket.state().objects[&format!("/evidence/{name}")].clone();
    assert!(there.bytes == std::fs::read(place.folder().join(name)).unwrap());
    // Once is enough.
    running.bucket.state().asked.clear();
    assert_eq!(place.run(&options).await.unwrap().transferred, 0);
    assert_eq!(running.bucket.state().asked, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_goes_away_here_only_once_the_store_has_it() {
    let place = Place::new();
    place.stamped(2).await;
    let (running, store) = store().await;
    let options = Options {
        store: Some(store),
        remove_local: true,
        file_bytes_max: 1,
        ..place.options()
    };
    running.bucket.state().loses = true;
    let mut archiver = place.archiver(options.clone());
    archiver.once(place.world.clock.now()).await.unwrap();
    assert_eq!(place.files().len(), 2);
    let status = archiver.watch().status();
    assert_eq!((status.pending, status.transfer_failures), (2, 2));
    // What it kept wrongly has the names now, and is not overwritten; somebody clears it up.
    running.bucket.state().loses = false;
    running.bucket.state().objects.clear();
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    assert_eq!((made.files, made.transferred), (0, 2));
    assert_eq!(place.files(), Vec::<String>::new());
    assert_eq!(stored(&running).len(), 2);
    assert_eq!(archiver.watch().status().pending, 0);
    // The chain goes on from a file that is not here any more.
    place.stamped(1).await;
    assert_eq!(
        archiver
            .once(place.world.clock.now())
            .await
            .unwrap()
            .transferred,
        1
    );
}

#[tokio::test]
async fn a_store_that_is_down_holds_nothing_up_and_gets_all_later() {
    let place = Place::new();
    let (running, store) = store().await;
    let options = Options {
        store: Some(store),
        ..place.options()
    };
    for run in 0..3 {
        place.world.clock.advance(60);
        place.stamped(1).await;
        running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 50];
        let mut archiver = place.archiver(options.clone());
        let made = archiver.once(place.world.clock.now()).await.unwrap();
        assert_eq!((made.files, made.transferred), (1, 0));
        let status = archiver.watch().status();
        assert_eq!((status.pending, status.transfer_failures), (run + 1, 1));
        assert!(status.transfer_failure.unwrap().1.contains("503"));
    }
    running.bucket.state().failing.clear();
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.files, made.transferred), (0, 3));
    assert_eq!(stored(&running), place.files());
}

#[tokio::test]
async fn a_file_that_went_away_before_it_was_stored_is_told_until_it_is_back() {
    let place = Place::new();
    let (running, store) = store().await;
    let options = Options {
        store: Some(store),
        ..place.options()
    };
    place.stamped(1).await;
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 50];
    let mut archiver = place.archiver(options);
    archiver.once(place.world.clock.now()).await.unwrap();
    running.bucket.state().failing.clear();
    let file = place.folder().join(&place.files()[0]);
    let aside = place.dir.path().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    for failures in [2, 3] {
        archiver.once(place.world.clock.now()).await.unwrap();
        let status = archiver.watch().status();
        assert_eq!((status.pending, status.transfer_failures), (1, failures));
        let (_, told) = status.transfer_failure.unwrap();
        assert!(told.contains("neither here nor in the store"), "{told}");
    }
    std::fs::rename(&aside, &file).unwrap();
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    assert_eq!(
        (made.transferred, archiver.watch().status().pending),
        (1, 0)
    );
    assert_eq!(stored(&running), place.files());
}

#[tokio::test]
async fn a_file_that_the_store_has_need_not_be_here_any_more() {
    let place = Place::new();
    let (running, store) = store().await;
    let options = Options {
        store: Some(store),
        ..place.options()
    };
    place.stamped(1).await;
    let state = place.folder().join("state.json");
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 50];
    place.run(&options).await.unwrap();
    let waiting = std::fs::read(&state).unwrap();
    running.bucket.state().failing.clear();
    place.run(&options).await.unwrap();
    // As if the machine had gone down between the store and the state.
    std::fs::write(&state, waiting).unwrap();
    std::fs::remove_file(place.folder().join(&place.files()[0])).unwrap();
    let mut archiver = place.archiver(options);
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    let status = archiver.watch().status();
    assert_eq!(
        (made.transferred, status.pending, status.transfer_failures),
        (1, 0, 0)
    );
}

#[tokio::test]
async fn the_log_is_not_cleaned_before_its_files_are_carried_away() {
    let place = Place::new();
    let (running, store) = store().await;
    let options = Options {
        keep: SignedDuration::ZERO,
        store: Some(store),
        command: command("test -e ok"),
        ..place.options()
    };
    place.stamped(2).await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(3600);
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 50];
    // Neither has done its work; then the command alone has.
    for _ in 0..2 {
        let made = place.run(&options).await.unwrap();
        assert_eq!((made.transferred, made.erased.segments), (0, 0));
        std::fs::write(place.folder().join("ok"), "").unwrap();
    }
    running.bucket.state().failing.clear();
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.transferred, made.erased.segments), (1, 1));
    // What is archived but not carried away waits for the next time.
    std::fs::remove_file(place.folder().join("ok")).unwrap();
    place.stamped(1).await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(3600);
    let made = place.run(&options).await.unwrap();
    assert_eq!(
        (made.messages, made.transferred, made.erased.segments),
        (1, 1, 0)
    );
    std::fs::write(place.folder().join("ok"), "").unwrap();
    assert_eq!(place.run(&options).await.unwrap().erased.segments, 1);
}

#[tokio::test]
async fn a_message_that_comes_late_is_kept_until_its_file_is_carried_away() {
    let place = Place::new();
    let (running, store) = store().await;
    let options = Options {
        keep: SignedDuration::ZERO,
        store: Some(store),
        ..place.options()
    };
    place.with_body("other", 5000).await;
    let body = place.with_body("late", 5000).await;
    place.stamp().await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(3600);
    let aside = place.dir.path().join("aside");
    std::fs::rename(&body, &aside).unwrap();
    let made = place.run(&options).await.unwrap();
    assert_eq!(
        (made.messages, made.transferred, made.erased.segments),
        (1, 1, 0)
    );
    // It comes back while the store is down, and the process is begun anew between the runs.
    std::fs::rename(&aside, &body).unwrap();
    running.bucket.state().failing = vec![StatusCode::SERVICE_UNAVAILABLE; 50];
    for messages in [1, 0] {
        let made = place.run(&options).await.unwrap();
        assert_eq!((made.messages, made.transferred), (messages, 0));
        assert_eq!(made.erased.segments, 0);
        place.world.log.get(2).await.unwrap();
        assert!(body.exists());
    }
    running.bucket.state().failing.clear();
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.transferred, made.erased.segments), (1, 1));
    assert!(!body.exists());
}

#[tokio::test]
async fn what_a_command_wrote_is_not_shown_to_whoever_asks_how_it_goes() {
    let place = Place::new();
    place.stamped(1).await;
    let options = Options {
        command: command("echo password=hunter2; echo key=hunter2 >&2; exit 3"),
        ..place.options()
    };
    let mut archiver = place.archiver(options);
    archiver.once(place.world.clock.now()).await.unwrap();
    let (_, told) = archiver.watch().status().transfer_failure.unwrap();
    assert_eq!(told, "the transfer command failed (exit status: 3)");
}

#[tokio::test]
async fn the_command_runs_after_files_were_made_and_again_until_it_has_done_its_work() {
    let place = Place::new();
    let log = place.dir.path().join("runs");
    let text = format!("ls *.zip | wc -l >> {}; test -e ok", log.display());
    let options = Options {
        command: command(&text),
        ..place.options()
    };
    let mut archiver = place.archiver(options);
    let now = place.world.clock.now();
    archiver.once(now).await.unwrap();
    assert!(!log.exists(), "nothing was made");
    place.stamped(1).await;
    archiver.once(now).await.unwrap();
    let status = archiver.watch().status();
    assert!(status.is_command_due);
    assert_eq!(status.transfer_failures, 1);
    assert!(
        status
            .transfer_failure
            .unwrap()
            .1
            .contains("exit status: 1")
    );
    std::fs::write(place.folder().join("ok"), "").unwrap();
    for _ in 0..2 {
        archiver.once(now).await.unwrap();
        assert!(!archiver.watch().status().is_command_due);
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "1\n1\n");
}

#[tokio::test]
async fn the_log_is_cleaned_behind_the_archive_and_not_before() {
    let place = Place::new();
    let hour = SignedDuration::from_hours(1);
    let options = Options {
        keep: hour,
        ..place.options()
    };
    place.stamped(3).await;
    place.world.clock.advance(30);
    let made = place.run(&options).await.unwrap();
    assert_eq!(made.erased.records, 0);
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(2 * 3600);
    // Old enough, but neither stamped nor archived.
    place.world.message("late").await;
    let made = place.run(&options).await.unwrap();
    assert_eq!(made.erased.segments, 1);
    let gone = place.world.log.get(1).await;
    assert!(
        matches!(gone, Err(gateway_messagelog::Error::Erased { .. })),
        "{gone:?}"
    );
    place.stamp().await;
    let log = place.world.log.clone();
    let mut archiver = Archiver::new(log, options);
    let made = archiver.once(place.world.clock.now()).await.unwrap();
    assert_eq!((made.files, made.messages), (1, 1));
    let status = archiver.watch().status();
    assert_eq!(status.last_run, Some(place.world.clock.now()));
    assert_eq!((status.files, status.messages, status.failures), (1, 1, 0));
    assert_eq!(archiver.last_run().unwrap(), status.last_run);
}

#[tokio::test]
async fn what_somebody_else_has_not_read_is_not_erased() {
    let place = Place::new();
    let followed = Arc::new(AtomicU64::new(2));
    let options = Options {
        keep: SignedDuration::ZERO,
        followed: Some(Arc::clone(&followed)),
        ..place.options()
    };
    place.stamped(3).await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(3600);
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.messages, made.erased.segments), (3, 0));
    followed.store(place.world.log.last_ordinal(), Ordering::Release);
    let made = place.run(&options).await.unwrap();
    assert_eq!(made.erased.segments, 1);
}
