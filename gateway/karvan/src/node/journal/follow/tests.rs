use std::time::Duration;

use bytes::Bytes;
use gateway_journal::{Ground, Outcome};
use gateway_messagelog::{Ground as Logged, Protocol, Side};

use crate::node::journal::Error;
use crate::node::journal::testing::{NOW, World};
use crate::service::Running;

fn rest(status: &str) -> Bytes {
    let block = format!(
        "{status}\r\nsaid\r\nx-road-id:a\r\nx-road-client:AZ/GOV/0000000261/vemtas\r\n\
         x-road-service:AZ/GOV/0000000131/iamas/GetPerson\r\nx-road-request-id:r\r\n\
         x-road-request-hash:AAAA\r\n"
    );
    block.into()
}

#[tokio::test]
async fn takes_in_what_the_providers_log_says_of_persons_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    let answered = world.ask("a-1", "0TEST01", |_| {}).await;
    world.answer(&answered, |_| {}).await;
    world
        .ask("a-2", "0TEST01", |record| record.side = Side::Consumer)
        .await;
    world
        .ask("a-3", "0TEST01", |record| record.basis = None)
        .await;
    world.ask("a-4", "0TEST02", |_| {}).await;
    for (id, status) in [("a-5", "404"), ("a-6", "200")] {
        let asked = world
            .ask(id, "0TEST01", |record| record.protocol = Protocol::Rest)
            .await;
        world
            .answer(&asked, |record| record.message = rest(status))
            .await;
    }
    world.ask("a-7", "0TEST01", |_| {}).await;
    world.catch_up().await;

    let page = world.usages("0TEST01");
    let seen: Vec<_> = page
        .usages
        .iter()
        .map(|usage| (usage.exchange.message_id.as_str(), usage.outcome))
        .collect();
    let expected = [
        ("a-7", Outcome::Asked),
        ("a-6", Outcome::Answered),
        ("a-5", Outcome::Failed),
        ("a-1", Outcome::Answered),
    ];
    assert_eq!(seen, expected);
    let first = &page.usages[3];
    assert_eq!(first.exchange.client, answered.client);
    assert_eq!(first.exchange.service, answered.service);
    assert_eq!(first.exchange.case.as_deref(), Some("VM-2026-1"));
    assert_eq!(first.exchange.rule, Some(("aid".to_owned(), 2)));
    assert_eq!(first.exchange.ground, Ground::Law);
    assert_eq!(first.time, NOW);
    assert_eq!(world.usages("0TEST02").usages.len(), 1);
    assert_eq!(world.progress().reached(), world.node.log.last_ordinal());
}

#[tokio::test]
async fn goes_on_where_it_was_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    // More than a page.
    for number in 0..250 {
        world.ask(&format!("a-{number}"), "0TEST01", |_| {}).await;
    }
    world.catch_up().await;
    world.ask("late", "0TEST01", |_| {}).await;
    drop(world);
    let world = World::start(dir.path(), "");
    assert_eq!(world.usages("0TEST01").usages.len(), 250);
    world.catch_up().await;
    let usages = world.usages("0TEST01").usages;
    assert_eq!(usages.len(), 251);
    assert_eq!(usages[0].exchange.message_id, "late");
}

#[tokio::test]
async fn follows_while_running_and_tells_of_break_glass() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    let mut running = Running::new();
    let (world, following) = world.apart();
    let (progress, node) = (following.progress(), &world.node);
    running.spawn(following.run(running.stop_signal()));
    world
        .ask("v-1", "0TEST01", |record| {
            let basis = record.basis.as_mut().unwrap();
            basis.ground = Logged::Vital;
            basis.emergency = Some("unconscious at the scene".to_owned());
        })
        .await;
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            progress.news().await;
            let waiting = node.journal.notices(0, 10).unwrap();
            if !waiting.is_empty() {
                return waiting;
            }
        }
    });
    let waiting = told.await.unwrap();
    assert_eq!(waiting[0].exchange.message_id, "v-1");
    assert_eq!(progress.failure(), None);
    running.stop().await;
}

#[tokio::test]
async fn forgets_and_rotates_as_configured_and_finds_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let section = "[journal]\nretention_days = 10\nrotate_days = 4\n";
    let mut world = World::start(dir.path(), section);
    for day in 0..8 {
        world
            .ask(&format!("day-{}", day * 3), "0TEST01", |_| {})
            .await;
        world.catch_up().await;
        let now = world.node.clock.now();
        world.following().clean(now).await.unwrap();
        world.wait_days(3);
    }
    // The last cleaning was on day 21. Keys came on days 0, 6, 12 and 18, each after what was asked on
    // its day; nothing is left under the first.
    let seen: Vec<_> = world
        .usages("0TEST01")
        .usages
        .into_iter()
        .map(|usage| usage.exchange.message_id)
        .collect();
    assert_eq!(seen, ["day-21", "day-18", "day-15", "day-12"]);
    let numbers: Vec<u32> = world
        .following()
        .keys
        .as_ref()
        .unwrap()
        .keys()
        .unwrap()
        .all()
        .iter()
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(numbers, [2, 3, 4]);
}

#[tokio::test]
async fn while_the_journal_stands_still_no_key_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let section = "[journal]\nrotate_days = 4\n";
    let mut world = World::start(dir.path(), section);
    // Under the first key, and nothing else is.
    world.ask("late", "0TEST01", |_| {}).await;
    let progress = world.progress();
    progress.tell(Some("the log is damaged".to_owned()));
    for _ in 0..3 {
        world.wait_days(4);
        let now = world.node.clock.now();
        world.following().clean(now).await.unwrap();
    }
    world.catch_up().await;
    progress.tell(None);
    assert_eq!(world.usages("0TEST01").usages.len(), 1);
    let now = world.node.clock.now();
    world.following().clean(now).await.unwrap();
    assert_eq!(world.usages("0TEST01").usages.len(), 1);
}

#[tokio::test]
async fn a_journal_of_another_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    world.ask("a-1", "0TEST01", |_| {}).await;
    world.catch_up().await;
    drop(world);
    std::fs::remove_dir_all(dir.path().join("log")).unwrap();
    let refused = World::try_start(dir.path(), "");
    assert!(matches!(
        refused.map(drop),
        Err(Error::OtherLog {
            applied: 1,
            last: 0
        })
    ));
}

#[tokio::test]
async fn a_content_that_is_missing_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    world.ask("a-1", "0TEST01", |_| {}).await;
    let mut spool = world.node.log.spool();
    spool.write(Bytes::from(vec![7; 1 << 20])).await.unwrap();
    let content = spool.finish().await.unwrap();
    world
        .ask("a-2", "0TEST01", |record| {
            record.attachments = vec![(Vec::new(), content)];
        })
        .await;
    world.ask("a-3", "0TEST01", |_| {}).await;
    for body in std::fs::read_dir(dir.path().join("log/bodies")).unwrap() {
        std::fs::remove_file(body.unwrap().path()).unwrap();
    }
    world.catch_up().await;
    let usages = world.usages("0TEST01").usages;
    let seen = usages
        .iter()
        .map(|usage| usage.exchange.message_id.as_str());
    assert_eq!(seen.collect::<Vec<_>>(), ["a-3", "a-2", "a-1"]);
}
