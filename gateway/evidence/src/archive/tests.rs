//! Tests of archiving over a real log; files are judged by the reader of archives.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

mod carry;
mod crash;
mod encrypted;
mod files;
mod left_out;
mod medium;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use gateway_asic::archive::{Report, Start, verify};
use gateway_asic::zip::Limits;
use gateway_messagelog::Content;

use super::{Archiver, Error, Made, Options};
use crate::stamper::{self, Stamper};
use crate::testing::World;

/// A log, and a folder for its archives.
struct Place {
    world: World,
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            world: World::new(1),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    fn options(&self) -> Options {
        Options::new(self.folder())
    }

    fn archiver(&self, options: Options) -> Archiver {
        Archiver::new(self.world.log.clone(), options)
    }

    async fn run(&self, options: &Options) -> Result<Made, Error> {
        self.archiver(options.clone())
            .once(self.world.clock.now())
            .await
    }

    /// All that is logged, stamped.
    async fn stamp(&self) {
        let clock = self.world.clock.clone();
        let stamper = Stamper::new(
            self.world.log.clone(),
            self.world.authorities.clone(),
            Arc::new(move || clock.now()),
            stamper::Options::default(),
        );
        stamper.once(Some(&self.world.snapshot(1))).await;
        assert_eq!(self.world.log.stamping().unstamped, 0);
    }

    /// So many messages, stamped.
    async fn stamped(&self, count: usize) {
        self.world.messages(count).await;
        self.stamp().await;
    }

    async fn long_body(&self, length: usize) -> Content {
        let mut spool = self.world.log.spool();
        // Not to be compressed to nothing.
        let mut state = 1_u32;
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        spool.write(Bytes::from(bytes)).await.unwrap();
        spool.finish().await.unwrap()
    }

    /// Logs a message with a body of this length, and says where it lies.
    async fn with_body(&self, id: &str, length: usize) -> PathBuf {
        let bodies = self.world.dir.path().join("bodies");
        let before = files(&bodies);
        let body = self.long_body(length).await;
        self.world.record(id, vec![body]).await;
        let new = files(&bodies)
            .into_iter()
            .find(|name| !before.contains(name));
        bodies.join(new.unwrap())
    }

    /// The names of the archive files.
    fn files(&self) -> Vec<String> {
        files(&self.folder())
    }

    /// Judges a file; every container in it holds.
    #[track_caller]
    fn verified(&self, name: &str, start: Start<'_>) -> Report {
        let bytes = std::fs::read(self.folder().join(name)).unwrap();
        self.verified_bytes(bytes, start)
    }

    #[track_caller]
    fn verified_bytes(&self, bytes: Vec<u8>, start: Start<'_>) -> Report {
        let report = verify(
            Bytes::from(bytes),
            start,
            &Limits::ARCHIVE,
            &Limits::CONTAINER,
            &self.world.snapshot(1),
        )
        .unwrap();
        let verdicts: Vec<_> = report
            .containers
            .iter()
            .map(|(name, verdict)| (name, verdict.as_ref().err().map(ToString::to_string)))
            .collect();
        assert!(report.holds(), "{verdicts:?}");
        report
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "state.json")
        .collect();
    names.sort();
    names
}

fn names(report: &Report) -> Vec<&str> {
    let containers = report.containers.iter();
    containers.map(|(name, _)| name.as_str()).collect()
}

fn last_digest(report: &Report) -> String {
    let linked = report.linked.as_ref().unwrap();
    linked.info.last_digest().to_owned()
}

fn previous(report: &Report) -> Option<&str> {
    let linked = report.linked.as_ref().unwrap();
    let previous = linked.info.previous.as_ref();
    previous.map(|previous| previous.file_name.as_str())
}
