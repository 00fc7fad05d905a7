//! What the disk does to a node: it is full, it forgets, it changes what stood on it. Nothing
//! acknowledged is lost, damage is named, and the rest is served.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use gateway_messagelog::audit::Reader;
use gateway_messagelog::{Direction, Entry};
use gateway_store::segment::{Log, Options, Position};
use serde_json::Value;

use crate::country::{Country, Running, Service, karvan, text};
use crate::transparency::put_back;
use crate::wire::{self, Answer};

const DIN: Service = Service::Node("din");
const REGISTER: &str = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000000131&subsystemCode=iamas";
/// The first two segments of a log.
const FIRST: &str = "segments/0000000001.seg";
const SECOND: &str = "segments/0000000002.seg";
/// What stands before the bytes of a record in a segment.
const HEADER_BYTES: u64 = 68;

/// What `karvan audit verify` finds wrong with a log.
#[track_caller]
pub(crate) fn audited(data: &Path) -> Vec<String> {
    let output = karvan()
        .args(["audit", "verify", "--json"])
        .arg(data)
        .output()
        .unwrap();
    let found: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let failures = found["failures"].as_array().unwrap().iter();
    let failures: Vec<_> = failures
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    let is_good = failures.is_empty();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!is_good)),
        "{}",
        text(&output)
    );
    failures
}

/// A country in which one node was stopped, with its log kept beside: exchanges in a closed segment,
/// and in the last one.
struct Place {
    running: Running,
    log: PathBuf,
    kept: PathBuf,
    ids: Vec<String>,
}

#[test]
fn what_a_disk_did_to_a_log_is_named_and_the_rest_is_served() {
    let Some(mut place) = Place::prepare() else {
        return;
    };
    place.a_changed_byte_in_a_closed_segment();
    place.a_changed_byte_in_the_last_segment();
    place.a_torn_last_write_is_cut_off();
    place.garbage_behind_the_end_is_cut_off();
    place.a_durable_record_that_was_cut_is_no_torn_write();
    place.bodies_that_are_missing_or_changed();
    place.index_and_tree_are_made_anew();
    place.running.stop();
}

impl Place {
    fn prepare() -> Option<Self> {
        let country = Country::found()?;
        // Also short bodies are files of their own.
        country.configure("din", "log", &[("content_memory_bytes_max", 64.into())]);
        let running = country.start_with(&["din", "iria"], &["iamas"]);
        let log = running.country.data("din").join("log");
        let kept = running.country.folder().join("kept");
        let mut place = Self {
            running,
            log,
            kept,
            ids: Vec::new(),
        };
        place.exchange("first", 4);
        place.stop();
        // As the node does each day.
        let segments = Log::open(&place.log.join("segments"), Options::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(segments.rotate()).unwrap();
        drop(segments);
        place.start();
        place.exchange("second", 3);
        place.stop();
        std::fs::create_dir(&place.kept).unwrap();
        put_back(&place.log, &place.kept);
        std::fs::copy(place.journal(), place.kept_journal()).unwrap();
        Some(place)
    }

    /// Exchanges by REST, and one by SOAP; all of them are stamped.
    #[track_caller]
    fn exchange(&mut self, name: &str, times: usize) {
        for number in 0..times {
            let id = format!("{name}-{number}");
            let answer = match number {
                0 => wire::soap_person(&self.running.country, &id, "0TEST02"),
                _ => self
                    .running
                    .country
                    .addresses()
                    .person("0TEST01", &id)
                    .unwrap(),
            };
            assert!(
                answer.status == 200 && answer.fault().is_none(),
                "{}",
                answer.text()
            );
            self.ids.push(id);
        }
        self.serves(&[]);
    }

    fn start(&mut self) {
        self.running.restart(DIN);
    }

    fn stop(&mut self) -> String {
        self.running.take(DIN).stop()
    }

    fn din(&self) -> SocketAddr {
        self.running.country.clients("din")
    }

    fn data(&self) -> PathBuf {
        self.running.country.data("din")
    }

    fn journal(&self) -> PathBuf {
        self.data().join("journal/journal.redb")
    }

    fn kept_journal(&self) -> PathBuf {
        self.kept.with_extension("journal")
    }

    /// The log as it was before any fault.
    fn restore(&mut self) {
        put_back(&self.kept, &self.log);
        // The journal has taken in what the log no longer has.
        std::fs::copy(self.kept_journal(), self.journal()).unwrap();
        let is_kept = |id: &String| !id.starts_with("then-");
        self.ids.retain(is_kept);
    }

    fn asic(&self, id: &str) -> std::io::Result<Answer> {
        let path = format!("/asic?{REGISTER}&queryId={id}&force");
        wire::try_get(self.din(), &path, &[])
    }

    /// All exchanges but these are handed out, request and response.
    #[track_caller]
    fn serves(&self, but: &[&str]) {
        for id in &self.ids {
            let answer = self.asic(id);
            if but.contains(&id.as_str()) {
                let refused = answer.as_ref().map_or(true, |answer| answer.status == 500);
                assert!(refused, "{id}: {answer:?}");
            } else {
                let answer = answer.unwrap();
                assert_eq!(answer.status, 200, "{id}: {}", answer.text());
            }
        }
    }

    /// It runs, serves all but these, and takes new ones.
    #[track_caller]
    fn goes_on(&mut self, but: &[&str]) {
        self.serves(but);
        let id = "then-0".to_owned();
        let answer = wire::soap_person(&self.running.country, &id, "0TEST02");
        assert_eq!(
            (answer.status, answer.fault()),
            (200, None),
            "{}",
            answer.text()
        );
        self.ids.push(id);
        self.serves(but);
    }

    /// Where an entry lies.
    #[track_caller]
    fn position(&self, id: &str, direction: Direction) -> Position {
        let entries = Reader::open(&self.log).unwrap().entries().unwrap();
        let mut entries = entries.map(Result::unwrap);
        let found = entries.find(|logged| match &logged.entry {
            Entry::Message(record) => record.message_id == id && record.direction == direction,
            Entry::Refusal(_) | Entry::Stamp(_) => false,
        });
        found.expect("it is logged").position
    }

    /// Where the last entry begins.
    fn last(&self) -> Position {
        let entries = Reader::open(&self.log).unwrap().entries().unwrap();
        entries
            .map(|logged| logged.unwrap().position)
            .last()
            .unwrap()
    }

    /// Changes one byte of a record.
    #[track_caller]
    fn change(&self, position: Position) {
        let path = self
            .log
            .join(format!("segments/{:010}.seg", position.segment));
        flip(&path, position.offset + HEADER_BYTES + 300);
    }

    fn a_changed_byte_in_a_closed_segment(&mut self) {
        self.restore();
        let at = self.position("first-2", Direction::Request);
        assert_eq!(at.segment, 1);
        self.change(at);
        self.start();
        self.goes_on(&["first-2"]);
        let said = self.stop();
        let what = format!(
            "changed record (segment 1, offset {}, record {})",
            at.offset, at.ordinal
        );
        assert!(said.contains(&what), "{what}: {said}");
        self.one_record_is_named(at);
    }

    fn a_changed_byte_in_the_last_segment(&mut self) {
        self.restore();
        let at = self.position("second-1", Direction::Response);
        assert_eq!(at.segment, 2);
        self.change(at);
        let before = std::fs::read(self.log.join(SECOND)).unwrap();
        let damage = format!(
            "the log is damaged: changed record (segment 2, offset {}, record {})",
            at.offset, at.ordinal
        );
        // The operator is told what it is and what he can do.
        let said = self.running.country.spawn(DIN).fails();
        assert!(said.contains(&damage), "{said}");
        assert!(said.contains("on_damage = \"continue\" in [log]"), "{said}");
        assert_eq!(std::fs::read(self.log.join(SECOND)).unwrap(), before);

        let country = &self.running.country;
        country.configure("din", "log", &[("on_damage", "continue".into())]);
        self.running.restart(DIN);
        let ready = wire::get(self.running.country.health("din"), "/readyz", &[]).text();
        assert!(
            ready.contains(&format!("degraded: the message {}", &damage[4..])),
            "{ready}"
        );
        self.goes_on(&["second-1"]);
        self.stop();
        let country = &self.running.country;
        country.configure("din", "log", &[("on_damage", "refuse".into())]);
        assert_eq!(std::fs::read(self.log.join(SECOND)).unwrap(), before);
        self.one_record_is_named(at);
    }

    fn a_torn_last_write_is_cut_off(&mut self) {
        // What the next exchange would leave, half written.
        self.restore();
        let before = std::fs::read(self.log.join(SECOND)).unwrap();
        self.start();
        let answer = wire::soap_person(&self.running.country, "torn", "0TEST02");
        assert_eq!(answer.fault(), None);
        self.stop();
        let last = self.last();
        let longer = std::fs::read(self.log.join(SECOND)).unwrap();
        assert!(last.segment == 2 && longer.starts_with(&before));
        let end = (last.offset + HEADER_BYTES + 100) as usize;
        assert!(end < longer.len() && last.offset >= before.len() as u64);

        self.restore();
        std::fs::write(self.log.join(SECOND), &longer[..end]).unwrap();
        self.is_cut_at(last.offset, 100 + HEADER_BYTES);
        let kept = self.log.join(format!("{SECOND}.torn-{}", last.offset));
        assert_eq!(
            std::fs::read(kept).unwrap(),
            &longer[last.offset as usize..end]
        );
    }

    fn garbage_behind_the_end_is_cut_off(&mut self) {
        for garbage in [vec![0xa5; 1000], vec![0; 4096]] {
            self.restore();
            let mut bytes = std::fs::read(self.log.join(SECOND)).unwrap();
            let end = bytes.len() as u64;
            bytes.extend_from_slice(&garbage);
            std::fs::write(self.log.join(SECOND), bytes).unwrap();
            self.is_cut_at(end, garbage.len() as u64);
        }
    }

    /// The node starts, says what it cut, and has everything that was durable.
    #[track_caller]
    fn is_cut_at(&mut self, offset: u64, bytes: u64) {
        self.start();
        let said = self.running.process(DIN).log();
        let what = format!("a torn end was cut off segment=2 offset={offset} bytes={bytes}");
        assert!(said.contains(&what), "{what}: {said}");
        self.goes_on(&[]);
        self.stop();
        assert_eq!(audited(&self.data()), Vec::<String>::new());
    }

    fn a_durable_record_that_was_cut_is_no_torn_write(&mut self) {
        self.restore();
        let last = self.last();
        let segment = std::fs::File::options()
            .write(true)
            .open(self.log.join(SECOND));
        segment
            .unwrap()
            .set_len(last.offset + HEADER_BYTES + 100)
            .unwrap();
        let said = self.running.country.spawn(DIN).fails();
        let what = format!(
            "(segment 2, offset {}, record {})",
            last.offset, last.ordinal
        );
        assert!(
            said.contains("the log is damaged: ") && said.contains(&what),
            "{said}"
        );
    }

    fn bodies_that_are_missing_or_changed(&mut self) {
        self.restore();
        self.start();
        let body = |place: &mut Self, id: &str| {
            let before = files(&place.log.join("bodies"));
            let answer = place
                .running
                .country
                .addresses()
                .person("0TEST01", id)
                .unwrap();
            assert_eq!(answer.status, 200);
            place.ids.push(id.to_owned());
            place.serves(&[]);
            let after = files(&place.log.join("bodies"));
            let mut new = after.difference(&before);
            let found = new.next().expect("a body was kept").clone();
            assert_eq!(new.next(), None);
            found
        };
        let missing = body(self, "then-1");
        let changed = body(self, "then-2");
        self.stop();
        std::fs::remove_file(&missing).unwrap();
        flip(&changed, 20);
        self.start();
        self.goes_on(&["then-1", "then-2"]);
        self.stop();
        let failures = audited(&self.data());
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert!(
            failures.iter().all(|line| line.contains("record ")),
            "{failures:?}"
        );
        let file = missing.file_name().unwrap().to_str().unwrap();
        assert!(failures[0].contains(file), "{failures:?}");
        assert!(failures[1].contains("(then-2)"), "{failures:?}");
    }

    fn index_and_tree_are_made_anew(&mut self) {
        self.restore();
        let signed = |log: &Path| {
            let note = std::fs::read_to_string(log.join("tree/checkpoint")).unwrap();
            note.split_once("\n\n").unwrap().0.to_owned()
        };
        let before = signed(&self.log);
        std::fs::remove_file(self.log.join("index.redb")).unwrap();
        std::fs::remove_dir_all(self.log.join("tree")).unwrap();
        self.start();
        assert_eq!(signed(&self.log), before, "the same size and root");
        self.goes_on(&[]);
        self.stop();
        assert_eq!(audited(&self.data()), Vec::<String>::new());
        // A segment that is gone is not made anew.
        std::fs::remove_file(self.log.join(FIRST)).unwrap();
        let said = self.running.country.spawn(DIN).fails();
        assert!(
            said.contains("karvan: the message log cannot be opened: "),
            "{said}"
        );
        self.restore();
        self.start();
        self.goes_on(&[]);
    }

    /// The audit names one record, and has nothing against the others.
    #[track_caller]
    fn one_record_is_named(&self, at: Position) {
        let failures = audited(&self.data());
        let [line] = failures.as_slice() else {
            panic!("{failures:?}");
        };
        let what = format!(
            "changed record (segment {}, offset {}, record {})",
            at.segment, at.offset, at.ordinal
        );
        assert!(line.contains(&what), "{line}");
    }
}

/// Changes one byte of a file.
#[track_caller]
fn flip(path: &Path, offset: u64) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
