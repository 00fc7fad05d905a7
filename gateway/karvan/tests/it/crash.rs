//! The crash run: nodes killed at random points under load, again and again.
//!
//! `KARVAN_CRASH_KILLS` says how often (`just crash`: 60), `KARVAN_CRASH_SEED` repeats the dice of a
//! run. Every exchange a client saw acknowledged must be in both logs, whole and verifiable, and every
//! checkpoint that was seen of a node must be one of the log it has at the end. From the second kill
//! on nobody stamps. The report is printed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::country::{Country, Process, Service, eventually, karvan, text};
use crate::load::check_log;
use crate::wire;

/// What came out.
#[derive(Debug, Default)]
struct Report {
    seed: u64,
    kills: usize,
    acknowledged: usize,
    /// Exchanges that were not acknowledged, by fault code.
    unanswered: BTreeMap<String, usize>,
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
        for kill in 0..kills {
            if kill == 1 {
                running.take(Service::Certs).kill();
            }
            let before = count();
            let wanted = before + dice.below(EXCHANGES_BETWEEN_MAX);
            eventually("exchanges under load", || count() >= wanted);
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
    });

    let country = running.stop();
    let acknowledged = acknowledged.into_inner().unwrap();
    report.acknowledged = acknowledged.len();
    report.unanswered = unanswered.into_inner().unwrap();
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
    let signed = signed.into_inner().unwrap();
    report.checkpoints = signed.0.len();
    report.forks = signed.forks(&country);
    println!(
        "crash run: seed {}, kills {}, acknowledged {}, not acknowledged {:?}, found in both logs {}, \
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
const WATCHED_EVERY: Duration = Duration::from_millis(100);
