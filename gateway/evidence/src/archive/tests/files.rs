//! What is in the files, and how they are linked.

use gateway_asic::archive::Start;

use super::super::{Error, Grouping, Options};
use super::{Place, last_digest, names, previous};

#[tokio::test]
async fn what_is_stamped_becomes_a_file_whose_containers_hold() {
    let place = Place::new();
    place.stamped(3).await;
    let made = place.run(&place.options()).await.unwrap();
    assert_eq!((made.files, made.messages), (1, 3));
    let files = place.files();
    let [name] = files.as_slice() else {
        panic!("{files:?}");
    };
    let report = place.verified(name, Start::First);
    assert_eq!(
        names(&report),
        [
            "id-0-request-1.asice",
            "id-1-request-2.asice",
            "id-2-request-3.asice"
        ]
    );
    // The times of the first and last record and the beginning of the last digest.
    let digest: String = last_digest(&report).chars().take(16).collect();
    assert_eq!(
        *name,
        format!("mlog-20300101000000-20300101000000-{digest}.zip")
    );
    assert_eq!(report.foreign, Vec::<String>::new());
}

#[tokio::test]
async fn files_state_and_folder_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.stamped(1).await;
    place.run(&place.options()).await.unwrap();
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode(&place.folder()), 0o700);
    for name in [place.files().remove(0), "state.json".to_owned()] {
        assert_eq!(mode(&place.folder().join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn every_message_is_archived_once_and_files_are_linked_across_runs() {
    let place = Place::new();
    assert_eq!(place.run(&place.options()).await.unwrap().files, 0);
    let mut end: Option<(String, String)> = None;
    let mut seen = Vec::new();
    for run in 0..3 {
        place.world.clock.advance(60);
        place.world.message(&format!("a-{run}")).await;
        place.world.message(&format!("b-{run}")).await;
        place.stamp().await;
        assert_eq!(place.run(&place.options()).await.unwrap().messages, 2);
        // Nothing new: nothing made.
        assert_eq!(place.run(&place.options()).await.unwrap().files, 0);
        let new: Vec<String> = place
            .files()
            .into_iter()
            .filter(|name| !seen.contains(name))
            .collect();
        let [name] = new.as_slice() else {
            panic!("{new:?}");
        };
        let start = match &end {
            None => Start::First,
            Some((_, digest)) => Start::After(digest),
        };
        let report = place.verified(name, start);
        assert_eq!(
            previous(&report),
            end.as_ref().map(|(name, _)| name.as_str())
        );
        end = Some((name.clone(), last_digest(&report)));
        seen.push(name.clone());
    }
}

#[tokio::test]
async fn a_message_without_a_time_stamp_waits() {
    let place = Place::new();
    place.stamped(2).await;
    place.world.message("late").await;
    assert_eq!(place.run(&place.options()).await.unwrap().messages, 2);
    place.stamp().await;
    assert_eq!(place.run(&place.options()).await.unwrap().messages, 1);
}

#[tokio::test]
async fn a_file_that_has_grown_too_long_is_closed() {
    let place = Place::new();
    place.stamped(5).await;
    let options = Options {
        file_bytes_max: 1,
        ..place.options()
    };
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.files, made.messages), (5, 5));
    check_chain(&place, 5);
}

#[tokio::test]
async fn a_batch_ends_files_and_all_are_made_in_one_run() {
    let place = Place::new();
    place.stamped(7).await;
    let options = Options {
        batch_max: 3,
        ..place.options()
    };
    let made = place.run(&options).await.unwrap();
    assert_eq!((made.files, made.messages), (3, 7));
    check_chain(&place, 3);
}

/// All files are one chain.
#[track_caller]
fn check_chain(place: &Place, count: usize) {
    let mut left = place.files();
    assert_eq!(left.len(), count);
    let mut end: Option<(String, String)> = None;
    while !left.is_empty() {
        let wanted = end.as_ref().map(|(name, _)| name.as_str());
        let next = left
            .iter()
            .position(|name| previous(&place.verified(name, Start::Unknown)) == wanted)
            .expect("a file goes on from the last one");
        let name = left.remove(next);
        let start = match &end {
            None => Start::First,
            Some((_, digest)) => Start::After(digest),
        };
        let digest = last_digest(&place.verified(&name, start));
        end = Some((name, digest));
    }
}

#[tokio::test]
async fn a_long_body_goes_through_a_pipe_into_its_file() {
    let place = Place::new();
    let body = place.long_body(3 << 20).await;
    place.world.record("long", vec![body]).await;
    place.stamped(1).await;
    let made = place.run(&place.options()).await.unwrap();
    assert!(made.bytes > 3 << 20, "{made:?}");
    let report = place.verified(&place.files()[0], Start::First);
    assert_eq!(names(&report)[0], "long-request-1.asice");
}

/// One message each: two subsystems of one member, asked and asking, the member itself, and another.
async fn several() -> Place {
    let place = Place::new();
    place.world.sent_by("DEV/COM/1111/B", "1").await;
    place.world.came_to("DEV/COM/1111/A", "2").await;
    place.world.sent_by("DEV/COM/1111", "3").await;
    place.world.came_to("DEV/COM/1110/A", "4").await;
    place.world.sent_by("DEV/COM/1111/A", "5").await;
    place.stamp().await;
    place
}

/// Containers by the group in the name of their file; the groups in order.
fn grouped(place: &Place) -> Vec<(String, Vec<String>)> {
    let groups = place.files().into_iter().map(|name| {
        let bytes = std::fs::read(place.folder().join(&name)).unwrap();
        let archive = gateway_asic::archive::Archive::open(
            bytes::Bytes::from(bytes),
            &gateway_asic::zip::Limits::ARCHIVE,
        )
        .unwrap();
        archive.links(Start::First).unwrap();
        let group = name
            .strip_prefix("mlog-")
            .unwrap()
            .split("20300101000000")
            .next()
            .unwrap()
            .trim_end_matches('-');
        let containers = archive.containers().iter();
        let containers = containers.map(|entry| entry.name().chars().take(1).collect());
        (group.to_owned(), containers.collect())
    });
    groups.collect()
}

#[tokio::test]
async fn without_groups_all_are_in_one_file_in_the_order_of_their_parties() {
    let place = several().await;
    place.run(&place.options()).await.unwrap();
    assert_eq!(
        grouped(&place),
        [(String::new(), owned(&["4", "3", "2", "5", "1"]))]
    );
}

#[tokio::test]
async fn each_member_has_its_own_chain() {
    let place = several().await;
    let options = Options {
        grouping: Grouping::Member,
        ..place.options()
    };
    place.run(&options).await.unwrap();
    assert_eq!(
        grouped(&place),
        [
            ("DEV_COM_1110".to_owned(), owned(&["4"])),
            ("DEV_COM_1111".to_owned(), owned(&["3", "2", "5", "1"])),
        ]
    );
    // The chain of a group goes on with the next run, past those of others.
    place.world.clock.advance(60);
    place.world.sent_by("DEV/COM/1111/C", "6").await;
    place.stamp().await;
    let before = place.files();
    place.run(&options).await.unwrap();
    let after = place.files();
    let new = after.iter().find(|name| !before.contains(name)).unwrap();
    let report = place.verified(new, Start::Unknown);
    assert_eq!(previous(&report), before.last().map(String::as_str));
}

#[tokio::test]
async fn each_subsystem_has_its_own_chain_and_so_has_the_member_itself() {
    let place = several().await;
    let options = Options {
        grouping: Grouping::Subsystem,
        ..place.options()
    };
    place.run(&options).await.unwrap();
    assert_eq!(
        grouped(&place),
        [
            ("DEV_COM_1110_A".to_owned(), owned(&["4"])),
            ("DEV_COM_1111".to_owned(), owned(&["3"])),
            ("DEV_COM_1111_A".to_owned(), owned(&["2", "5"])),
            ("DEV_COM_1111_B".to_owned(), owned(&["1"])),
        ]
    );
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn a_file_that_has_the_name_already_is_never_overwritten() {
    let place = Place::new();
    place.stamped(2).await;
    place.run(&place.options()).await.unwrap();
    let name = place.files().remove(0);
    let elsewhere = place.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("state.json"), STATE).unwrap();
    std::fs::write(elsewhere.join(&name), "something else").unwrap();
    let options = Options::new(elsewhere.clone());
    for _ in 0..2 {
        let refused = place.run(&options).await.unwrap_err();
        assert!(matches!(refused, Error::Taken { .. }), "{refused:?}");
        let kept = std::fs::read(elsewhere.join(&name)).unwrap();
        assert_eq!(kept, b"something else");
    }
    std::fs::remove_file(elsewhere.join(&name)).unwrap();
    place.run(&options).await.unwrap();
    let made = std::fs::read(elsewhere.join(&name)).unwrap();
    assert!(made == std::fs::read(place.folder().join(&name)).unwrap());
}

/// As before the first file.
const STATE: &str = r#"{"version":1,"archived_until":0,"last_run":null,"groups":{},
    "pending":[],"removing":[],"command_due":false,"making":null}"#;

#[tokio::test]
async fn the_state_of_another_log_and_a_lost_state_stop_archiving_and_cleaning() {
    let place = Place::new();
    place.stamped(2).await;
    let options = Options {
        keep: jiff::SignedDuration::ZERO,
        ..place.options()
    };
    place.run(&options).await.unwrap();
    let state = place.folder().join("state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    assert!(text.contains("\"archived_until\": 2"), "{text}");
    std::fs::write(&state, text.replace(": 2,", ": 20000,")).unwrap();
    let refused = place.run(&options).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::OtherLog {
                archived_until: 20_000,
                ..
            }
        ),
        "{refused:?}"
    );
    std::fs::remove_file(&state).unwrap();
    let refused = place.run(&options).await.unwrap_err();
    assert!(matches!(refused, Error::State { .. }), "{refused:?}");
}
