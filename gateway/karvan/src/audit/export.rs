//! `karvan audit export`: all evidence of one exchange in one file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use gateway_asic::zip::{self, Names, Options, Source, Writer};
use gateway_evidence::containers;
use gateway_messagelog::audit::{ConfHistory, Filter, Outcome, Reader, Unreadable};
use gateway_messagelog::{Entry, Logged, Protection, Record};
use jiff::Timestamp;
use serde_json::json;
use tempfile::NamedTempFile;

use super::basis::{self, InForce, KnownRules};
use super::bundle::{self, Bundled};
use super::configuration::{Configuration, Files, Origin, for_others};
use super::documents::{self, printable};
use super::tree::{self, Keys};
use super::{Error, LogArguments, file_error, keys, log_folder, print, show};
use crate::causes::with_causes;

/// What is exported, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    log: LogArguments,
    /// Message id, or x-road-request-id.
    id: String,
    /// The file to be written. It holds the messages themselves, so it is readable by you alone.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// `true`: everything logged under the id is in the file, with its container and its proof.
pub(super) fn run(arguments: &Export) -> Result<bool, Error> {
    let protection = keys::protection(&arguments.log.key)?;
    let out = &arguments.out;
    let bundled = export(&arguments.log.data, protection, &arguments.id, out)?;
    let is_whole = bundled.missing.is_empty();
    if arguments.json {
        let document = json!({
            "ok": is_whole,
            "file": (!bundled.records.is_empty()).then(|| out.display().to_string()),
            "records": bundled.records,
            "containers": bundled.containers,
            "missing": bundled.missing,
        });
        print(&format!("{document}\n"))?;
        return Ok(is_whole);
    }
    if !bundled.records.is_empty() {
        print(&format!(
            "wrote {}: {} records, {} signed documents. Whoever gets it, with the registry's anchor from \
             elsewhere:\n  karvan audit verify {} --anchor ANCHOR.xml\n",
            out.display(),
            bundled.records.len(),
            bundled.containers.len(),
            out.display()
        ))?;
    }
    for missing in &bundled.missing {
        print(&format!("FAIL {}\n", printable(missing)))?;
    }
    Ok(is_whole)
}

/// Writes the bundle of everything logged under an id. The same state of the log gives the same octets.
pub(crate) fn export(
    data: &Path,
    protection: Option<Protection>,
    id: &str,
    out: &Path,
) -> Result<Bundled, Error> {
    let folder = log_folder(data);
    let reader = Reader::open_with(&folder, protection).map_err(Error::Log)?;
    let mut gathering = Gathering {
        history: reader.history().map_err(Error::Log)?,
        reader: &reader,
        records: Vec::new(),
        candidates: BTreeMap::new(),
        missing: Vec::new(),
    };
    gathering.records(id)?;
    if gathering.records.is_empty() {
        gathering.missing.push(NOTHING.to_owned());
    } else {
        let keys = gathering.proofs(data, &folder, id)?;
        let configurations = gathering.configurations()?;
        write(out, &mut gathering.records, &configurations, &keys)?;
    }
    let records = &gathering.records;
    let containers = records.iter().filter_map(|one| one.container.as_ref());
    Ok(Bundled {
        path: out.to_owned(),
        records: records.iter().map(|one| one.ordinal).collect(),
        containers: containers.map(|one| one.name.clone()).collect(),
        missing: gathering.missing,
    })
}

/// What goes into the bundle.
struct Gathering<'r> {
    reader: &'r Reader,
    history: ConfHistory,
    records: Vec<One>,
    /// Configurations that the containers might be judged by, by the digest of their content.
    candidates: BTreeMap<String, Candidate>,
    missing: Vec<String>,
}

/// One record.
struct One {
    ordinal: u64,
    time: Timestamp,
    /// What it is, for people.
    what: String,
    stored: Bytes,
    /// Behind its seal, where it has one.
    plain: Option<Bytes>,
    proof: Option<Vec<u8>>,
    container: Option<Contained>,
    /// The message, where it is one.
    message: Option<Record>,
    /// The configurations in force, the likeliest first.
    in_force: Vec<String>,
}

/// The container of a record.
struct Contained {
    name: String,
    file: File,
}

/// A configuration of the day.
struct Candidate {
    files: Files,
    configuration: Configuration,
}

impl Gathering<'_> {
    fn records(&mut self, id: &str) -> Result<(), Error> {
        for entry in self.reader.search(&Filter::id(id)).map_err(Error::Log)? {
            match entry {
                Ok(logged) => self.record(&logged)?,
                Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
                Err(Unreadable::Erased { .. }) => {}
                Err(unreadable) => self.missing.push(format!(
                    "{}: it may belong to this exchange",
                    with_causes(&unreadable)
                )),
            }
        }
        Ok(())
    }

    fn record(&mut self, logged: &Logged) -> Result<(), Error> {
        let ordinal = logged.position.ordinal;
        let stored = self.reader.stored(logged.position).map_err(Error::Log)?;
        let plain = self.reader.plain(&stored).map_err(Error::Log)?;
        let mut one = One {
            ordinal,
            time: logged.entry.time(),
            what: String::new(),
            plain: (plain != stored).then_some(plain),
            stored,
            proof: None,
            container: None,
            message: None,
            in_force: Vec::new(),
        };
        match &logged.entry {
            Entry::Message(record) => {
                one.message = Some(record.clone());
                one.what = show::message(record);
                self.in_force(record.time, &mut one.in_force);
                match self.container(logged, record, &mut one.in_force)? {
                    Ok(container) => one.container = Some(container),
                    Err(reason) => self.missing.push(format!("record {ordinal}: {reason}")),
                }
            }
            Entry::Refusal(refusal) => {
                one.what = format!("refusal by the {}", show::side(refusal.side));
                self.in_force(refusal.time, &mut one.in_force);
            }
            Entry::Stamp(_) => return Ok(()),
        }
        self.records.push(one);
        Ok(())
    }

    /// Adds the configurations in force at a time. The one before is among them where it had just been
    /// replaced.
    fn in_force(&mut self, time: Timestamp, hashes: &mut Vec<String>) {
        let found = match self.history.at(time) {
            Ok(found) => found,
            Err(error) => return self.missing.push(with_causes(&error)),
        };
        for in_use in found {
            let hash = in_use.hash;
            if hashes.contains(&hash) {
                continue;
            }
            if !self.candidates.contains_key(&hash) {
                match self.candidate(&hash) {
                    Ok(candidate) => {
                        self.candidates.insert(hash.clone(), candidate);
                    }
                    Err(reason) => {
                        self.missing
                            .push(format!("the configuration of {time}: {reason}"));
                        continue;
                    }
                }
            }
            hashes.push(hash);
        }
    }

    fn candidate(&self, hash: &str) -> Result<Candidate, String> {
        let files = self
            .history
            .files(hash)
            .map_err(|error| with_causes(&error))?;
        let files = for_others(&files)?;
        let origin = Origin::Bundle(bundle::configuration(1));
        let configuration = Configuration::of(&files, origin, None)?;
        Ok(Candidate {
            files,
            configuration,
        })
    }

    /// The container of a message, in a file. The inner error: why there is none.
    fn container(
        &mut self,
        logged: &Logged,
        record: &Record,
        in_force: &mut Vec<String>,
    ) -> Result<Result<Contained, String>, Error> {
        let ordinal = logged.position.ordinal;
        let stamp = self.reader.stamp_of(logged.position).map_err(Error::Log)?;
        let Some(stamp) = stamp else {
            return Ok(Err(
                "it waits for its time stamp, so there is no signed document of it".to_owned(),
            ));
        };
        self.in_force(stamp.time, in_force);
        let document = match containers::bind(ordinal, record, &stamp) {
            Ok(document) => document,
            Err(error) => return Ok(Err(with_causes(&error))),
        };
        let mut file = documents::temporary()?;
        if let Err(error) = document.write(&mut file) {
            return Ok(Err(with_causes(&error)));
        }
        Ok(Ok(Contained {
            name: document.name().to_owned(),
            file,
        }))
    }

    /// Fills in the proofs, and says by which keys they are verified.
    fn proofs(&mut self, data: &Path, folder: &Path, id: &str) -> Result<String, Error> {
        if !tree::has_tree(folder) {
            self.missing.push(
                "the log has no signed tree: nothing proves that records are in it".to_owned(),
            );
            return Ok(String::new());
        }
        let keys = Keys::of(folder, None).map_err(Error::Use)?;
        let mut proofs = BTreeMap::new();
        let proved = match tree::prove(data, self.reader, id, None) {
            Ok(proved) => proved,
            // A log that does not give its own tree is evidence of something, too.
            Err(Error::Tree(error)) => {
                self.missing
                    .push(format!("the tree of the log: {}", with_causes(&error)));
                return Ok(keys.text);
            }
            Err(error) => return Err(error),
        };
        for proved in proved {
            match proved {
                Ok(proved) => {
                    proofs.insert(proved.ordinal, proved.proof.encode());
                }
                Err(reason) => self.missing.push(reason),
            }
        }
        for one in &mut self.records {
            one.proof = proofs.remove(&one.ordinal);
        }
        Ok(keys.text)
    }

    /// As few configurations as possible, so that each container holds by one of them, and so does the
    /// basis of its message.
    fn configurations(&mut self) -> Result<Vec<Files>, Error> {
        // By each configuration in force, which containers hold; and why one does by none.
        let mut held: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut rules = KnownRules::default();
        for one in &self.records {
            let Some(contained) = &one.container else {
                continue;
            };
            let source = reopened(&contained.file)?;
            let mut refused = None;
            let mut holds = false;
            for hash in &one.in_force {
                let Some(candidate) = self.candidates.get(hash) else {
                    continue;
                };
                let snapshot = &candidate.configuration.snapshot;
                let document = documents::judge(&contained.name, source.clone(), snapshot);
                let basis = one.message.as_ref().and_then(|message| {
                    let published = rules.of(hash, snapshot);
                    let in_force = InForce {
                        snapshot,
                        published,
                    };
                    basis::judge(message, basis::body_of(message), &[in_force])
                });
                let basis = match basis {
                    Some(Outcome::Fails(reason)) => Some(format!("its legal basis: {reason}")),
                    Some(Outcome::Holds | Outcome::NotChecked(_)) | None => None,
                };
                if document.holds() && basis.is_none() {
                    held.entry(hash.clone()).or_default().push(one.ordinal);
                    holds = true;
                }
                refused = refused.or_else(|| document.failure()).or(basis);
            }
            match holds {
                true => waiting.push(one.ordinal),
                false => self.missing.push(format!(
                    "record {}: its signed document does not hold: {}",
                    one.ordinal,
                    refused.unwrap_or_else(|| "no configuration of that day was kept".to_owned())
                )),
            }
        }
        let mut chosen = covering(&held, waiting);
        if chosen.is_empty() {
            chosen.extend(
                self.records
                    .iter()
                    .find_map(|one| one.in_force.first())
                    .cloned(),
            );
        }
        let found = chosen
            .iter()
            .filter_map(|hash| self.candidates.remove(hash));
        Ok(found.map(|candidate| candidate.files).collect())
    }
}

/// The fewest configurations by which all these containers hold, or nearly: the one by which most of
/// those left do, again and again.
fn covering(held: &BTreeMap<String, Vec<u64>>, mut waiting: Vec<u64>) -> Vec<String> {
    let mut chosen = Vec::new();
    while !waiting.is_empty() {
        let left = |ordinals: &Vec<u64>| {
            let left = ordinals.iter().filter(|ordinal| waiting.contains(ordinal));
            left.count()
        };
        let best = held.iter().max_by_key(|(_, ordinals)| left(ordinals));
        let Some((hash, ordinals)) = best.filter(|(_, ordinals)| left(ordinals) > 0) else {
            break;
        };
        chosen.push(hash.clone());
        waiting.retain(|ordinal| !ordinals.contains(ordinal));
    }
    chosen
}

/// The file of a container, to be read by position: writing elsewhere does not disturb it.
fn reopened(file: &File) -> Result<Source, Error> {
    let file = file.try_clone().map_err(Error::Temporary)?;
    Source::file(file).map_err(Error::Temporary)
}

/// Writes the file: it is there as a whole, or not at all.
fn write(
    out: &Path,
    records: &mut [One],
    configurations: &[Files],
    keys: &str,
) -> Result<(), Error> {
    let failed = |source: std::io::Error| file_error(out, source);
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    pack(&mut file, records, configurations, keys)
        .map_err(|error| failed(std::io::Error::other(with_causes(&error))))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(out)
        .map_err(|error| failed(error.error))
        .map(drop)
}

fn pack(
    file: &mut NamedTempFile,
    records: &mut [One],
    configurations: &[Files],
    keys: &str,
) -> Result<(), zip::Error> {
    let options = Options {
        level: 6,
        names: Names::Folders,
        comment: Bytes::new(),
    };
    let times = records.iter().map(|one| one.time);
    let time = times.max().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut zip = Writer::new(file, options);
    zip.file(bundle::README, time, readme(records).as_bytes())?;
    for one in records.iter_mut() {
        if let Some(contained) = &mut one.container {
            let name = bundle::CONTAINERS.to_owned() + &contained.name;
            contained.file.rewind()?;
            zip.stream(&name, one.time, &mut contained.file)?;
        }
    }
    for (number, files) in (1..).zip(configurations) {
        let folder = bundle::configuration(number);
        for (path, bytes) in files {
            zip.file(&format!("{folder}/{path}"), time, bytes)?;
        }
    }
    if !keys.is_empty() {
        zip.file(bundle::KEYS, time, keys.as_bytes())?;
    }
    for one in records.iter() {
        zip.file(&bundle::record(one.ordinal), one.time, &one.stored)?;
        if let Some(plain) = &one.plain {
            zip.file(&bundle::plain(one.ordinal), one.time, plain)?;
        }
        if let Some(proof) = &one.proof {
            zip.file(&bundle::proof(one.ordinal), one.time, proof)?;
        }
    }
    let (file, _) = zip.finish()?;
    file.flush()?;
    Ok(())
}

/// For a stranger.
fn readme(records: &[One]) -> String {
    let mut list = String::new();
    for one in records {
        list.push_str(&format!(
            "    record {}: {}, logged at {:.3}\n",
            one.ordinal, one.what, one.time
        ));
        match &one.container {
            Some(contained) => list.push_str(&format!(
                "        {}{}\n",
                bundle::CONTAINERS,
                contained.name
            )),
            None => list.push_str("        (no signed document)\n"),
        }
    }
    include_str!("bundle/README.txt").replace("{records}", &list)
}

const NOTHING: &str = "nothing is logged under this id";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(held: &[(&str, &[u64])], waiting: &[u64], expected: &[&str]) {
        let held = held.iter();
        let held = held.map(|(hash, ordinals)| ((*hash).to_owned(), ordinals.to_vec()));
        assert_eq!(covering(&held.collect(), waiting.to_vec()), expected);
    }

    #[test]
    fn takes_as_few_configurations_as_possible() {
        check(&[("a", &[1, 2]), ("b", &[2])], &[1, 2], &["a"]);
        check(&[("a", &[1]), ("b", &[1, 2])], &[1, 2], &["b"]);
        check(&[("a", &[1]), ("b", &[2, 3])], &[1, 2, 3], &["b", "a"]);
        check(&[("a", &[1])], &[], &[]);
        check(&[("a", &[1])], &[1, 2], &["a"]);
    }
}
