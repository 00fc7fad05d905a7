//! The crash run: nodes killed at random points under load, again and again.
//!
//! `KARVAN_CRASH_KILLS` says how often (`just crash`: 60), `KARVAN_CRASH_SEED` repeats the dice of a
//! run. Both nodes have a file for each body, are stamped and archived each second, and the provider's
//! erases at once what is archived; from the half of the run on nobody stamps.
//! Some nodes are killed again while they start. Every exchange a client saw acknowledged must be in
//! both logs, whole and verifiable, or where it was erased in an archive file; every checkpoint that
//! was seen of a node must be one of the log it has at the end; and no content is left that no record
//! names. The report is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_asic::archive::{Start, verify};
use gateway_asic::zip::Limits;
use gateway_globalconf::Snapshot;
use gateway_messagelog::audit::{Finding, Reader};
use gateway_messagelog::{Direction, Entry, Side};
use gateway_store::Error as StoreError;
use gateway_store::segment::Scan;
use serde_json::Value;

use crate::country::{Country, Process, Running, Service, eventually, karvan, text};
use crate::evidence::{country, snapshot};
use crate::wire;

/// What came out.
#[derive(Debug, Default)]
struct Report {
    seed: u64,
    kills: usize,
    /// So many of them while the node started.
    starting: usize,
    acknowledged: usize,
    /// Exchanges that were not acknowledged, by fault code.
    unanswered: BTreeMap<String, usize>,
    found: usize,
    /// Entries of the provider's log that were erased.
    erased: usize,
    archive_files: usize,
    stamps: usize,
    checkpoints: usize,
    forks: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "crash run: seed {}, kills {} ({} while starting), acknowledged {}, not acknowledged {:?}, \
             found on both sides {}, difference {}; stamps {}, archive files {}, erased {}; checkpoints \
             {}, forks {}",
            self.seed,
            self.kills,
            self.starting,
            self.acknowledged,
            self.unanswered,
            self.found,
            self.acknowledged - self.found,
            self.stamps,
            self.archive_files,
            self.erased,
            self.checkpoints,
            self.forks,
        )
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_no_tree_forks_however_often_nodes_are_killed() {
    let Some(country) = country(1) else {
        return;
    };
    for node in NODES {
        country.configure(node, "log", &[("content_memory_bytes_max", 64.into())]);
        // With each run goes what a crash left behind.
        country.configure(node, "archive", &[("interval_seconds", 1.into())]);
    }
    country.configure("din", "archive", &[("keep_days", 0.into())]);
    let rounds = std::env::var("KARVAN_CRASH_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let mut dice = Dice::new();
    let mut report = Report {
        seed: dice.state,
        ..Report::default()
    };
    let mut running = country.start_with(&NODES, &["iamas"]);
    let acknowledged = Mutex::new(Vec::new());
    let unanswered = Mutex::new(BTreeMap::<String, usize>::new());
    let (done, down) = (AtomicBool::new(false), AtomicBool::new(false));
    let count = || acknowledged.lock().unwrap().len();
    let signed = Mutex::new(Signed::default());

    std::thread::scope(|scope| {
        // A panic in here must not leave the callers calling.
        let _ended = Ended(&done);
        let place = running.country.addresses();
        for caller in 0..CALLERS {
            let (acknowledged, unanswered) = (&acknowledged, &unanswered);
            let (done, down) = (&done, &down);
            scope.spawn(move || {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("crash-{caller}-{number}");
                    match place.person("0TEST01", &id) {
                        Ok(answer) if answer.status == 200 => {
                            acknowledged.lock().unwrap().push(id);
                        }
                        answer => {
                            let told = answer.ok().and_then(|answer| answer.fault());
                            let told = told.unwrap_or_else(|| "none".to_owned());
                            *unanswered.lock().unwrap().entry(told).or_default() += 1;
                            eventually("the nodes are there again", || {
                                done.load(Ordering::Relaxed) || !down.load(Ordering::Relaxed)
                            });
                        }
                    }
                }
            });
        }
        let watched = NODES.map(|node| (node, running.country.transparency(node)));
        let (signed, over) = (&signed, &done);
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for (node, address) in watched {
                    if let Ok(answer) = wire::try_get(address, "/checkpoint", &[])
                        && answer.status == 200
                    {
                        signed.lock().unwrap().remember(node, answer.body);
                    }
                }
                // As a new one comes each second.
                std::thread::park_timeout(WATCHED_EVERY);
            }
        });
        for round in 0..rounds {
            if round == rounds / 2 {
                eventually(
                    "the provider's log is archived, and erased behind it",
                    || !archive_files(&running.country).is_empty() && has_erased(&running.country),
                );
                running.take(Service::Certs).kill();
            }
            match dice.below(2) {
                0 => {
                    let wanted = count() + dice.below(EXCHANGES_BETWEEN_MAX);
                    eventually("exchanges under load", || count() >= wanted);
                }
                // Somewhere in what is done each second.
                _ => dice.wait(BETWEEN_MAX),
            }
            let nodes: &[&'static str] = match dice.below(5) {
                0 | 1 => &["din"],
                2 | 3 => &["iria"],
                _ => &["din", "iria"],
            };
            let dying: Vec<Process> = nodes
                .iter()
                .map(|node| running.take(Service::Node(node)))
                .collect();
            // Whoever gets no answer from now on waits for the restart.
            down.store(true, Ordering::Relaxed);
            dying.into_iter().for_each(Process::kill);
            report.kills += nodes.len();
            while dice.below(3) == 0 {
                let spawn = |node: &&'static str| running.country.spawn(Service::Node(node));
                let starting: Vec<Process> = nodes.iter().map(spawn).collect();
                dice.wait(STARTING_MAX);
                starting.into_iter().for_each(Process::kill);
                report.kills += nodes.len();
                report.starting += nodes.len();
            }
            signed.lock().unwrap().remember_files(&running.country);
            for node in nodes {
                running.restart(Service::Node(node));
            }
            down.store(false, Ordering::Relaxed);
        }
        let before = count();
        eventually("exchanges after the last restart", || {
            count() >= before + 20
        });
        // What was cut off while it erased is made good.
        for _ in 0..2 {
            let before = NODES.map(|node| last_run(&running, node));
            eventually("the archivers run", || {
                let now = NODES.map(|node| last_run(&running, node));
                now.iter().zip(&before).all(|(now, before)| now != before)
            });
        }
    });

    let conf = snapshot(running.country.clients("iria"));
    let country = running.stop();
    let acknowledged = acknowledged.into_inner().unwrap();
    report.acknowledged = acknowledged.len();
    report.unanswered = unanswered.into_inner().unwrap();
    let mut held = BTreeSet::new();
    for node in NODES {
        report.read(&country.data(node), &mut held);
    }
    report.read_archives(&country, &conf, &mut held);
    let has = |side: &'static str, id: &String| {
        let mut directions = ["request", "response"].into_iter();
        directions.all(|direction| held.contains(&(side, direction.to_owned(), id.clone())))
    };
    let lost: Vec<&String> = acknowledged
        .iter()
        .filter(|id| !has("consumer", id) || !has("provider", id))
        .collect();
    report.found = acknowledged.len() - lost.len();
    let signed = signed.into_inner().unwrap();
    report.checkpoints = signed.0.len();
    report.forks = signed.forks(&country);
    // Past whatever keeps back the output of tests that pass: it is what the run is for.
    let _told = writeln!(std::io::stdout(), "{report}");
    assert!(lost.is_empty(), "{report:?}: {lost:?}");
    assert!(
        report.acknowledged > 0 && report.checkpoints > 0 && report.stamps > 0 && report.erased > 0,
        "{report:?}"
    );
    assert_eq!(report.forks, 0, "{report:?}");
}

/// Side, direction and id of a message.
type Held = BTreeSet<(&'static str, String, String)>;

impl Report {
    /// Reads a whole log: every record holds, and every content has its record.
    fn read(&mut self, data: &Path, held: &mut Held) {
        let log = data.join("log");
        let reader = Reader::open(&log).unwrap();
        let history = reader.history().unwrap();
        for finding in reader.audit(&history).unwrap() {
            assert!(finding.holds(), "{finding:?}");
            match finding {
                Finding::Message(verdict) => {
                    let side = match verdict.side {
                        Side::Consumer => "consumer",
                        Side::Provider => "provider",
                    };
                    let direction = match verdict.direction {
                        Direction::Request => "request",
                        Direction::Response => "response",
                    };
                    held.insert((side, direction.to_owned(), verdict.message_id));
                }
                Finding::Stamp { .. } => self.stamps += 1,
                Finding::Erased { .. } => self.erased += 1,
                Finding::Refusal { .. } | Finding::Unreadable(_) => {}
            }
        }
        let named = reader.entries().unwrap().filter_map(Result::ok);
        let named = named.map(|logged| match logged.entry {
            Entry::Message(record) => {
                let contents = record.attachments.iter();
                contents
                    .filter(|(_, content)| content.bytes().is_none())
                    .count()
            }
            Entry::Refusal(_) | Entry::Stamp(_) => 0,
        });
        let named: usize = named.sum();
        assert_eq!(
            std::fs::read_dir(log.join("bodies")).unwrap().count(),
            named
        );
    }

    /// Reads what the provider has archived.
    fn read_archives(&mut self, country: &Country, conf: &Snapshot, held: &mut Held) {
        for file in archive_files(country) {
            let bytes = Bytes::from(std::fs::read(&file).unwrap());
            let (files, containers) = (&Limits::ARCHIVE, &Limits::CONTAINER);
            let judged = verify(bytes, Start::Unknown, files, containers, conf).unwrap();
            assert!(judged.holds(), "{file:?}: {:?}", judged.containers);
            for (name, _) in judged.containers {
                // Id, direction, number.
                let (rest, _) = name.rsplit_once('-').unwrap();
                let (id, direction) = rest.rsplit_once('-').unwrap();
                held.insert(("provider", direction.to_owned(), id.to_owned()));
            }
            self.archive_files += 1;
        }
    }
}

fn archive_files(country: &Country) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(country.data("din").join("archive")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
        .collect()
}

/// Whether anything was erased from the provider's log.
fn has_erased(country: &Country) -> bool {
    let segments = country.data("din").join("log/segments");
    let scan = Scan::open(&segments);
    scan.is_ok_and(|mut items| items.any(|item| matches!(item, Err(StoreError::Erased { .. }))))
}

/// When the log of a node was archived last.
fn last_run(running: &Running, node: &str) -> Option<Value> {
    let state = running.country.data(node).join("archive/state.json");
    let state: Value = serde_json::from_slice(&std::fs::read(state).ok()?).unwrap();
    Some(state["last_run"].clone())
}

/// Checkpoints as nodes had signed them, by what was signed.
#[derive(Debug, Default)]
struct Signed(BTreeMap<(&'static str, Vec<u8>), Vec<u8>>);

impl Signed {
    fn remember(&mut self, node: &'static str, note: Vec<u8>) {
        let end = note
            .windows(2)
            .position(|two| two == b"\n\n")
            .expect("it is a note");
        self.0.entry((node, note[..end].to_vec())).or_insert(note);
    }

    fn remember_files(&mut self, country: &Country) {
        for node in NODES {
            // It is replaced as a whole: what is read is one that was signed.
            let file = country.data(node).join("log/tree/checkpoint");
            self.remember(node, std::fs::read(file).unwrap());
        }
    }

    /// How many of them are not of the log as it is now.
    fn forks(&self, country: &Country) -> usize {
        let held = country.folder().join("held.checkpoint");
        let forks = self.0.iter().filter(|((node, _), note)| {
            std::fs::write(&held, note).unwrap();
            !extends(&country.data(node), &held)
        });
        forks.count()
    }
}

fn extends(data: &Path, held: &Path) -> bool {
    let output = karvan()
        .args(["audit", "consistency"])
        .args([held, data])
        .output()
        .unwrap();
    if !output.status.success() {
        println!("{}", text(&output));
    }
    output.status.success()
}

/// Numbers that differ from run to run, and can be told.
struct Dice {
    state: u64,
}

impl Dice {
    fn new() -> Self {
        let drawn = || RandomState::new().hash_one(0_u8);
        let state = std::env::var("KARVAN_CRASH_SEED")
            .map_or_else(|_| drawn(), |text| text.parse().unwrap());
        Self { state }
    }

    /// SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    /// At most so long.
    fn wait(&mut self, max: Duration) {
        let milliseconds = self.below(max.as_millis() as usize) as u64;
        std::thread::park_timeout(Duration::from_millis(milliseconds));
    }
}

struct Ended<'d>(&'d AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Those that are killed.
const NODES: [&str; 2] = ["din", "iria"];
const KILLS: usize = 6;
const CALLERS: usize = 4;
const EXCHANGES_BETWEEN_MAX: usize = 80;
const BETWEEN_MAX: Duration = Duration::from_millis(1500);
const STARTING_MAX: Duration = Duration::from_millis(400);
const WATCHED_EVERY: Duration = Duration::from_millis(100);
