//! Any mix of messages, refusals, stamps, erasing and crashes: what is known stays true.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test helpers"
)]

use std::fs;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config;
use proptest::{collection, proptest};
use tempfile::TempDir;

use crate::audit::{self, Unreadable};
use crate::testing::{at, copied, digest_of, message_with, open, refuse, stamp};
use crate::{Bookmark, Content, Entry, Error, MessageLog};

#[derive(Clone, Debug)]
enum Step {
    /// With a content in a file or not. The clock may step back.
    Message(i64, bool),
    Refusal(i64),
    /// Over at most so many.
    Stamp(usize, i64),
    Rotate,
    /// Older than, archived until.
    Erase(i64, u64),
    Restart,
    /// Goes on with a copy made while the log was open.
    Crash,
    /// And the index is gone.
    LoseIndex,
    /// And the index is one from before.
    OldIndex,
}

fn step() -> impl Strategy<Value = Step> {
    let second = 0..100_i64;
    prop_oneof![
        8 => (second.clone(), any::<bool>()).prop_map(|(second, file)| Step::Message(second, file)),
        2 => second.clone().prop_map(Step::Refusal),
        4 => (1..6_usize, second.clone()).prop_map(|(max, second)| Step::Stamp(max, second)),
        3 => Just(Step::Rotate),
        3 => (0..120_i64, 0..60_u64).prop_map(|(second, until)| Step::Erase(second, until)),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => Just(Step::LoseIndex),
        1 => Just(Step::OldIndex),
    ]
}

/// What an entry is, as it was logged.
#[derive(Clone, Debug, PartialEq)]
enum Was {
    Message {
        id: String,
        second: i64,
        stamp: Option<u64>,
    },
    Refusal(i64),
    Stamp(i64),
}

struct World {
    dir: TempDir,
    log: Option<MessageLog>,
    /// By ordinal, from 1.
    entries: Vec<Was>,
    erased: Vec<bool>,
    old_index: Option<Vec<u8>>,
    last_refusal: i64,
    /// Of somebody who reads along.
    read_to: Bookmark,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = Some(open(dir.path()));
        Self {
            dir,
            log,
            entries: Vec::new(),
            erased: Vec::new(),
            old_index: None,
            last_refusal: 0,
            read_to: Bookmark::behind(0),
        }
    }

    fn log(&self) -> &MessageLog {
        self.log.as_ref().unwrap()
    }

    fn add(&mut self, ordinal: u64, was: Was) {
        self.entries.push(was);
        self.erased.push(false);
        assert_eq!(ordinal, self.entries.len() as u64);
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Message(second, file) => {
                let id = format!("id-{}", self.entries.len());
                let mut attachments = Vec::new();
                if file {
                    let mut spool = self.log().spool();
                    spool.write(vec![7; 2000].into()).await.unwrap();
                    attachments.push((Vec::new(), spool.finish().await.unwrap()));
                } else {
                    attachments.push((Vec::new(), Content::from_bytes("small".into())));
                }
                let ordinal = message_with(self.log(), &id, second, attachments).await;
                self.add(
                    ordinal,
                    Was::Message {
                        id,
                        second,
                        stamp: None,
                    },
                );
            }
            Step::Refusal(second) => {
                // Their rate is measured by their times: these do not step back.
                let second = second.max(self.last_refusal);
                self.last_refusal = second;
                let ordinal = refuse(self.log(), second).await;
                self.add(ordinal, Was::Refusal(second));
            }
            Step::Stamp(max, second) => {
                if self.log().unstamped(max).await.unwrap().is_empty() {
                    return;
                }
                let ordinal = stamp(self.log(), max, second).await;
                let mut left = max;
                for entry in &mut self.entries {
                    if let Was::Message { stamp, .. } = entry
                        && stamp.is_none()
                        && left > 0
                    {
                        *stamp = Some(ordinal);
                        left -= 1;
                    }
                }
                self.add(ordinal, Was::Stamp(second));
            }
            Step::Rotate => self.log().rotate().await.unwrap(),
            Step::Erase(second, until) => self.erase(second, until).await,
            Step::Restart => self.restart(|_| {}),
            Step::Crash => {
                let copy = copied(self.dir.path());
                self.restart(|world| world.dir = copy);
            }
            Step::LoseIndex => self.restart(|world| {
                let _ = fs::remove_file(world.dir.path().join("index.redb"));
            }),
            Step::OldIndex => self.restart(|world| {
                let path = world.dir.path().join("index.redb");
                let now = fs::read(&path).unwrap();
                if let Some(old) = world.old_index.replace(now) {
                    fs::write(&path, old).unwrap();
                }
            }),
        }
    }

    fn restart(&mut self, between: impl FnOnce(&mut Self)) {
        self.log = None;
        between(self);
        self.log = Some(open(self.dir.path()));
    }

    async fn erase(&mut self, second: i64, until: u64) {
        let told = self.log().erase_before(at(second), until).await.unwrap();
        let mut count = 0;
        for ordinal in 1..=self.entries.len() {
            let got = self.log().get(ordinal as u64).await;
            let is_erased = matches!(got, Err(Error::Erased { .. }));
            let before = std::mem::replace(&mut self.erased[ordinal - 1], is_erased);
            assert!(is_erased || !before, "{ordinal} came back");
            if before || !is_erased {
                continue;
            }
            count += 1;
            // It may go.
            match &self.entries[ordinal - 1] {
                Was::Message {
                    second: logged,
                    stamp,
                    ..
                } => {
                    assert!(*logged < second && ordinal as u64 <= until && stamp.is_some());
                }
                Was::Refusal(logged) | Was::Stamp(logged) => assert!(*logged < second),
            }
        }
        assert_eq!(told.records, count);
    }

    /// An auditor finds every entry, or that it was erased.
    fn audit(&self) {
        let reader = audit::Reader::open(self.dir.path()).unwrap();
        let found: Vec<_> = reader.entries().unwrap().collect();
        assert_eq!(found.len(), self.entries.len());
        for (index, entry) in found.iter().enumerate() {
            let ordinal = match entry {
                Ok(logged) => logged.position.ordinal,
                Err(Unreadable::Erased { position, .. }) => position.ordinal,
                Err(other) => panic!("{other}"),
            };
            assert_eq!(ordinal, index as u64 + 1);
            assert_eq!(entry.is_err(), self.erased[index]);
        }
    }

    /// Everything known is as it was.
    async fn check(&mut self) {
        let log = self.log().clone();
        let stamping = log.stamping();
        assert!(stamping.complete);
        let waiting: Vec<_> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, was)| match was {
                Was::Message {
                    id,
                    second,
                    stamp: None,
                } => Some((index as u64 + 1, at(*second), digest_of(id))),
                _ => None,
            })
            .collect();
        assert_eq!(stamping.unstamped, waiting.len() as u64);
        // The clock may have stepped back behind the first.
        assert_eq!(stamping.oldest.is_some(), !waiting.is_empty());
        if let Some(oldest) = stamping.oldest {
            let least = waiting.iter().map(|one| one.1).min().unwrap();
            assert!((least..=waiting[0].1).contains(&oldest));
        }
        let first_waiting = waiting.first().map_or(u64::MAX, |first| first.0);
        assert!(stamping.stamped_until < first_waiting);
        let told = log.unstamped(1000).await.unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|message| (message.ordinal, message.time, message.digest))
            .collect();
        assert_eq!(told, waiting);

        let mut there = Vec::new();
        for (index, was) in self.entries.iter().enumerate() {
            let ordinal = index as u64 + 1;
            if self.erased[index] {
                assert!(matches!(log.get(ordinal).await, Err(Error::Erased { .. })));
                assert!(matches!(
                    log.stored(ordinal).await,
                    Err(Error::Erased { .. })
                ));
                continue;
            }
            let entry = log.get(ordinal).await.unwrap().entry;
            let stamp = log.stamp_of(ordinal).await.unwrap();
            match (was, entry) {
                (
                    Was::Message {
                        id,
                        second,
                        stamp: expected,
                    },
                    Entry::Message(record),
                ) => {
                    assert_eq!((&record.message_id, record.time), (id, at(*second)));
                    record.attachments[0].1.digest_again().unwrap();
                    assert_eq!(log.find(id).await.unwrap().len(), 1);
                    assert_eq!(stamp.is_some(), expected.is_some());
                    if let (Some(stamp), Some(expected)) = (stamp, expected) {
                        // The stamp is there as long as its message is.
                        match log.get(*expected).await.unwrap().entry {
                            Entry::Stamp(found) => assert_eq!(found, stamp),
                            other => panic!("{other:?}"),
                        }
                        assert!(
                            stamp.covers.iter().any(|covered| covered.ordinal == ordinal
                                && covered.digest == digest_of(id))
                        );
                    }
                    there.push(ordinal);
                }
                (Was::Refusal(second), Entry::Refusal(refusal)) => {
                    assert_eq!(refusal.time, at(*second));
                    assert_eq!(stamp, None);
                }
                (Was::Stamp(second), Entry::Stamp(found)) => {
                    assert_eq!(found.time, at(*second));
                    assert_eq!(stamp, None);
                }
                (was, entry) => panic!("{was:?} {entry:?}"),
            }
        }
        for (after, until, max) in [(0, u64::MAX, usize::MAX), (3, 9, 4), (5, 5, 9)] {
            let found = log.messages(after, until, max).await.unwrap();
            let found: Vec<_> = found.iter().map(|logged| logged.position.ordinal).collect();
            let expected = there
                .iter()
                .filter(|ordinal| **ordinal > after && **ordinal <= until)
                .take(max);
            assert_eq!(found, expected.copied().collect::<Vec<_>>());
        }
        there.retain(|ordinal| *ordinal > self.read_to.ordinal());
        assert_eq!(self.read_along(&log).await, there);
        assert_eq!(self.read_to.ordinal(), log.last_ordinal());
    }

    /// Reads on to the end, page by page.
    async fn read_along(&mut self, log: &MessageLog) -> Vec<u64> {
        let mut seen = Vec::new();
        loop {
            let page = log.messages_without_contents(self.read_to, u64::MAX, 2);
            let (page, reached) = page.await.unwrap();
            self.read_to = reached;
            seen.extend(page.iter().map(|logged| logged.position.ordinal));
            if page.len() < 2 {
                return seen;
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, max_shrink_iters: 200, ..Config::default() })]

    #[test]
    fn what_is_known_stays_true_whatever_comes(steps in collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            for step in steps {
                world.take(step).await;
                world.check().await;
            }
            // As an auditor finds it.
            world.restart(|world| {
                let _ = fs::remove_file(world.dir.path().join("index.redb"));
            });
            world.check().await;
            world.audit();
        });
    }
}
