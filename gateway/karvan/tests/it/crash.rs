//! The crash run: nodes killed at random points under load, again and again.
//!
//! `KARVAN_CRASH_KILLS` says how often (`just crash`: 60). Every exchange a client saw acknowledged
//! must be in both logs, whole and verifiable, and every checkpoint a node ever signed must be one
//! of the log it has at the end. The report is printed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::country::{Country, Process, Service, eventually, karvan, text};
use crate::load::check_log;

/// What came out.
#[derive(Debug, Default)]
struct Report {
    seed: u64,
    kills: usize,
    acknowledged: usize,
    unanswered: usize,
    found: usize,
    checkpoints: usize,
    forks: usize,
}

#[test]
fn nothing_acknowledged_is_lost_and_no_tree_forks_however_often_nodes_are_killed() {
    let Some(country) = Country::found() else {
        return;
    };
    let kills = std::env::var("KARVAN_CRASH_KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let mut dice = Dice::new();
    let mut report = Report {
        seed: dice.state,
        kills,
        ..Report::default()
    };
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    // Stamps are asked for once and again; here nobody answers from the first kill on.
    let acknowledged = Mutex::new(Vec::new());
    let unanswered = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let count = || acknowledged.lock().unwrap().len();
    let mut signed = Signed::default();

    std::thread::scope(|scope| {
        // A panic in here must not leave the callers calling.
        let _ended = Ended(&done);
        let place = running.country.addresses();
        for caller in 0..CALLERS {
            let (acknowledged, unanswered, done) = (&acknowledged, &unanswered, &done);
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
                        _ => {
                            unanswered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        for kill in 0..kills {
            if kill == 1 {
                running.take(Service::Certs).kill();
            }
            let before = count();
            let wanted = before + dice.below(EXCHANGES_BETWEEN_MAX);
            eventually("exchanges under load", || count() >= wanted);
            signed.remember(&running.country);
            let nodes: &[&'static str] = match dice.below(5) {
                0 | 1 => &["din"],
                2 | 3 => &["iria"],
                _ => &["din", "iria"],
            };
            let dying: Vec<Process> = nodes
                .iter()
                .map(|node| running.take(Service::Node(node)))
                .collect();
            dying.into_iter().for_each(Process::kill);
            signed.remember(&running.country);
            for node in nodes {
                running.restart(Service::Node(node));
            }
        }
        let before = count();
        eventually("exchanges after the last restart", || {
            count() >= before + 20
        });
    });

    let country = running.stop();
    let acknowledged = acknowledged.into_inner().unwrap();
    report.acknowledged = acknowledged.len();
    report.unanswered = unanswered.into_inner();
    let consumer = check_log(&country.data("iria"));
    let provider = check_log(&country.data("din"));
    let has = |side: &str, id: &String| {
        let messages = if side == "consumer" {
            &consumer
        } else {
            &provider
        };
        ["request", "response"].iter().all(|direction| {
            messages.contains(&(side.to_owned(), (*direction).to_owned(), id.clone()))
        })
    };
    let lost: Vec<&String> = acknowledged
        .iter()
        .filter(|id| !has("consumer", id) || !has("provider", id))
        .collect();
    report.found = acknowledged.len() - lost.len();
    report.checkpoints = signed.count();
    report.forks = signed.forks(&country);
    println!(
        "crash run: seed {}, kills {}, acknowledged {}, without answer {}, found in both logs {}, \
         difference {}, checkpoints {}, forks {}",
        report.seed,
        report.kills,
        report.acknowledged,
        report.unanswered,
        report.found,
        report.acknowledged - report.found,
        report.checkpoints,
        report.forks,
    );
    assert!(lost.is_empty(), "{report:?}: {lost:?}");
    assert!(
        report.acknowledged > 0 && report.checkpoints > 0,
        "{report:?}"
    );
    assert_eq!(report.forks, 0, "{report:?}");
}

/// Checkpoints as nodes had signed them.
#[derive(Debug, Default)]
struct Signed(BTreeMap<&'static str, Vec<PathBuf>>);

impl Signed {
    fn remember(&mut self, country: &Country) {
        for node in ["din", "iria"] {
            let held = self.0.entry(node).or_default();
            // It is replaced as a whole: what is read is one that was signed.
            let Ok(checkpoint) = std::fs::read(country.data(node).join("log/tree/checkpoint"))
            else {
                continue;
            };
            let copy = country
                .folder()
                .join(format!("{node}-{}.checkpoint", held.len()));
            std::fs::write(&copy, checkpoint).unwrap();
            held.push(copy);
        }
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many of them are not of the log as it is now.
    fn forks(&self, country: &Country) -> usize {
        let pairs = self.0.iter();
        pairs
            .flat_map(|(node, held)| held.iter().map(|held| (country.data(node), held)))
            .filter(|(data, held)| !extends(data, held))
            .count()
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
}

struct Ended<'d>(&'d AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const KILLS: usize = 6;
const CALLERS: usize = 4;
const EXCHANGES_BETWEEN_MAX: usize = 80;
