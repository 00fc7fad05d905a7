//! A state that was lost, is an older one or of another log: no second chain is begun, and nothing is
//! taken for archived that is not.

use std::path::PathBuf;

use gateway_asic::archive::Start;
use jiff::SignedDuration;

use super::super::{Error, Options};
use super::{Place, previous};

fn reminder(place: &Place) -> PathBuf {
    place.dir.path().join("archived.json")
}

fn options(place: &Place) -> Options {
    Options {
        reminder: Some(reminder(place)),
        keep: SignedDuration::ZERO,
        ..place.options()
    }
}

#[track_caller]
fn forgotten(run: Result<super::Made, Error>, expected: (u64, u64)) {
    match run {
        Err(Error::Forgotten {
            known,
            archived_until,
            ..
        }) => assert_eq!((known, archived_until), expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_state_that_went_away_with_all_files_or_came_back_from_a_backup_is_noticed() {
    let place = Place::new();
    let options = options(&place);
    assert_eq!(place.run(&options).await.unwrap().messages, 0);
    assert!(!reminder(&place).exists());
    place.stamped(2).await;
    place.run(&options).await.unwrap();
    let state = place.folder().join("state.json");
    let older = std::fs::read(&state).unwrap();
    place.world.clock.advance(60);
    place.stamped(2).await;
    place.run(&options).await.unwrap();
    let newer = std::fs::read(&state).unwrap();
    let first = place.files();
    assert_eq!(first.len(), 2);

    // Brought back from a backup: the second file would be made again, beside itself.
    std::fs::write(&state, older).unwrap();
    forgotten(place.run(&options).await, (2, 5));
    assert_eq!(place.files(), first);
    // Carried away with everything else.
    let away = place.dir.path().join("away");
    std::fs::rename(place.folder(), &away).unwrap();
    place.world.clock.advance(60);
    place.stamped(1).await;
    place.world.log.rotate().await.unwrap();
    place.world.clock.advance(60);
    forgotten(place.run(&options).await, (0, 5));
    assert_eq!(place.files(), Vec::<String>::new());
    assert!(place.world.log.get(1).await.is_ok(), "nothing is erased");
    let told = place.run(&options).await.unwrap_err().to_string();
    let path = reminder(&place).display().to_string();
    assert!(
        told.contains("up to entry 5") && told.contains(&path),
        "{told}"
    );

    std::fs::write(&state, newer).unwrap();
    assert_eq!(place.run(&options).await.unwrap().messages, 1);
}

#[tokio::test]
async fn without_what_remembers_a_new_chain_is_begun_when_the_operator_says_so() {
    let place = Place::new();
    let options = options(&place);
    place.stamped(2).await;
    place.run(&options).await.unwrap();
    std::fs::remove_dir_all(place.folder()).unwrap();
    forgotten(place.run(&options).await, (0, 2));
    std::fs::remove_file(reminder(&place)).unwrap();
    assert_eq!(place.run(&options).await.unwrap().messages, 2);
    assert_eq!(
        previous(&place.verified(&place.files()[0], Start::First)),
        None
    );

    std::fs::write(reminder(&place), "{}").unwrap();
    let refused = place.run(&options).await.unwrap_err();
    assert!(matches!(refused, Error::Reminder { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_log_begun_anew_is_not_taken_for_archived_however_long_it_gets() {
    let (before, now) = (Place::new(), Place::new());
    before.stamped(2).await;
    let options = Options {
        keep: SignedDuration::ZERO,
        ..before.options()
    };
    before.run(&options).await.unwrap();
    // The folder is the same, the log another.
    now.world.message("first").await;
    let refused = now.run(&options).await.unwrap_err();
    assert!(matches!(refused, Error::OtherLog { .. }), "{refused:?}");
    now.stamped(5).await;
    now.world.log.rotate().await.unwrap();
    now.world.clock.advance(60);
    for _ in 0..2 {
        let refused = now.run(&options).await.unwrap_err();
        assert!(
            matches!(refused, Error::Replaced { ordinal: 2 }),
            "{refused:?}"
        );
    }
    assert!(now.world.log.get(1).await.is_ok(), "nothing is erased");
    // The log it is of goes on with it.
    before.world.clock.advance(60);
    before.stamped(1).await;
    assert_eq!(before.run(&options).await.unwrap().messages, 1);
}
