//! A bundle: all evidence of one exchange in one file that anybody can check.
//!
//! ```text
//! README.txt                 what this is, for a stranger
//! containers/‹name›.asice    the signed documents
//! conf/…                     the configuration they are judged by; a further one: conf-2/…
//! log/‹number›.record        an entry of the log, as stored
//! log/‹number›.plain         the same behind its seal, where it has one
//! log/‹number›.tlog-proof    the proof that it is in the log
//! log/keys                   the verifier keys of the log and its witnesses
//! ```
//!
//! Whoever makes a bundle chooses its configuration and its keys: a bundle proves something to who
//! compares them with what he knows from elsewhere, or gives his own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use certs_keys::{Digest, Hasher};
use gateway_asic::container::{self, Container};
use gateway_asic::zip::{self, Entry as File, Limits, Names, Source};
use gateway_asic::{names, stamping};
use gateway_evidence::containers;
use gateway_messagelog::audit::{self, check_plain, commitment};
use gateway_messagelog::{Content, Direction, Entry, Error as LogError, Record};
use gateway_tlog::proof::Proof;
use gateway_tlog::tree;
use serde_json::{Value, json};

use super::configuration::{Configuration, Files, Origin, is_for_others};
use super::documents::{self, Document, printable};
use super::tree::Keys;
use super::{Error, chain, file_error, show};

/// A bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundled {
    /// The file.
    pub(crate) path: PathBuf,
    /// The numbers of the records in it; none: nothing is logged under the id, and no file was
    /// written.
    pub(crate) records: Vec<u64>,
    /// The names of the containers in it.
    pub(crate) containers: Vec<String>,
    /// What is missing in it, and why: a record without time stamp has no container.
    pub(crate) missing: Vec<String>,
}

/// What came out for a bundle.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// By what the documents were judged.
    configurations: Vec<Configuration>,
    pub(super) documents: Vec<Document>,
    records: Vec<Recorded>,
    /// What does not hold, apart from the documents.
    pub(super) failures: Vec<String>,
    /// What somebody who relies on it should know.
    remarks: Vec<String>,
}

/// A record that is proved to be in a log.
#[derive(Debug)]
struct Recorded {
    ordinal: u64,
    /// Request, response or refusal.
    what: String,
    /// The size of the tree.
    size: u64,
    /// Who signed the checkpoint.
    signed_by: String,
    witnesses: Vec<String>,
    /// The container of the same message.
    container: Option<String>,
}

/// The files of a bundle; what is taken out belongs there.
struct Contents {
    archive: zip::Archive,
    rest: BTreeSet<String>,
}

/// Checks a bundle by itself. The inner error: what in it does not hold.
pub(crate) fn bundle_holds(path: &Path) -> Result<Result<(), String>, Error> {
    let file = std::fs::File::open(path).and_then(Source::file);
    let source = file.map_err(|source| file_error(path, source))?;
    let verdict = verify(source, None, None)?;
    let documents = verdict.documents.iter();
    let failures: Vec<String> = documents
        .filter_map(|document| Some(format!("{}: {}", document.name, document.failure()?)))
        .chain(verdict.failures)
        .collect();
    Ok(match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("; ")),
    })
}

/// Checks every file of a bundle, and that there is no other. A configuration and a key that are given
/// take the place of those in it.
pub(super) fn verify(
    source: Source,
    given: Option<&Configuration>,
    log_key: Option<&str>,
) -> Result<Verdict, Error> {
    let mut verdict = Verdict::default();
    let mut contents = match Contents::open(source) {
        Ok(contents) => contents,
        Err(error) => {
            verdict.failures.push(chain(&error));
            return Ok(verdict);
        }
    };
    if !contents.archive.comment().is_empty() {
        verdict.fail("there is a comment on the file");
    }
    match contents.bytes(README) {
        Ok(Some(_)) => {}
        Ok(None) => verdict.missing(README),
        Err(reason) => verdict.failures.push(reason),
    }
    let own = contents.configurations(&mut verdict);
    let keys = contents.keys(log_key, &mut verdict);
    let mut judging = Judging {
        configurations: match given {
            Some(given) => vec![given],
            None => own.iter().collect(),
        },
        keys,
        whose_key: match log_key {
            Some(_) => "by the key given",
            None => "by the key in the bundle",
        },
        contents,
        verdict,
    };
    judging.records()?;
    let Judging {
        contents,
        mut verdict,
        ..
    } = judging;
    contents.nothing_else(&mut verdict);
    if given.is_none() {
        verdict.configurations = own;
    }
    Ok(verdict)
}

/// The records of a bundle, being judged.
struct Judging<'c> {
    /// A document holds that holds by one of them.
    configurations: Vec<&'c Configuration>,
    keys: Keys,
    whose_key: &'static str,
    contents: Contents,
    verdict: Verdict,
}

impl Judging<'_> {
    fn records(&mut self) -> Result<(), Error> {
        let mut directions = BTreeSet::new();
        let ordinals = self.contents.ordinals();
        for &ordinal in &ordinals {
            match self.record(ordinal)? {
                Ok(direction) => directions.extend(direction),
                Err(reason) => self.verdict.fail(&format!("record {ordinal}: {reason}")),
            }
        }
        if ordinals.is_empty() {
            self.verdict.fail("there is no record in it");
        }
        if directions.len() == 1 {
            for direction in directions {
                let remark = format!("there is nothing but a {}", show::direction(direction));
                self.verdict.remarks.push(remark);
            }
        }
        Ok(())
    }

    /// One record with its proof and its container. The inner error: why it does not hold.
    fn record(&mut self, ordinal: u64) -> Result<Result<Option<Direction>, String>, Error> {
        let stored = match self.contents.required(&record(ordinal)) {
            Ok(stored) => stored,
            Err(reason) => return Ok(Err(reason)),
        };
        // Taken out first, so that each is missed or judged where it belongs.
        let opened = self.contents.bytes(&plain(ordinal));
        let proved = self.proved(ordinal, &stored);
        let entry = opened.and_then(|opened| entry(&stored, opened));
        let container = match &entry {
            Ok(Entry::Message(record)) => self.container(ordinal, record)?,
            Ok(Entry::Refusal(_) | Entry::Stamp(_)) | Err(_) => Ok(None),
        };
        Ok(entry.and_then(|entry| {
            let (what, direction) = match &entry {
                Entry::Message(record) => (
                    format!(
                        "{} {} of the {}",
                        show::protocol(record.protocol),
                        show::direction(record.direction),
                        show::side(record.side)
                    ),
                    Some(record.direction),
                ),
                Entry::Refusal(_) => ("refusal".to_owned(), None),
                Entry::Stamp(_) => return Err("it is a time stamp, not of an exchange".to_owned()),
            };
            let (size, signed_by, witnesses) = proved?;
            self.verdict.records.push(Recorded {
                ordinal,
                what,
                size,
                signed_by,
                witnesses,
                container: container?,
            });
            Ok(direction)
        }))
    }

    /// That the stored bytes are in the log: the size of the tree, who signed it, who cosigned it.
    fn proved(
        &mut self,
        ordinal: u64,
        stored: &[u8],
    ) -> Result<(u64, String, Vec<String>), String> {
        let name = proof(ordinal);
        let found = self.contents.bytes(&name)?;
        let found = found
            .ok_or_else(|| format!("{name} is not there: nothing proves that it is in the log"))?;
        let proof = Proof::decode(&found).map_err(|error| format!("{name}: {}", chain(&error)))?;
        if proof.index().checked_add(1) != Some(ordinal) {
            return Err(format!(
                "{name} is about entry {} of the log",
                proof.index().saturating_add(1)
            ));
        }
        if proof.extra_unchecked().is_some() {
            return Err(format!("{name} carries data that nothing vouches for"));
        }
        let log = self.keys.log.as_ref();
        let log = log.ok_or("the key of the log is not known: give it with --log-key")?;
        let leaf = tree::leaf_hash(&commitment(stored));
        let verified = proof
            .verify(&leaf, log, &self.keys.witnesses, 0)
            .map_err(|error| format!("{name} does not prove it: {}", chain(&error)))?;
        let witnesses = verified.cosignatures().iter();
        Ok((
            verified.checkpoint().size(),
            format!("{} ({})", log.origin(), self.whose_key),
            witnesses
                .map(|cosignature| cosignature.witness().name().to_owned())
                .collect(),
        ))
    }

    /// The container of the message of a record: judged, and that it is the same message.
    fn container(
        &mut self,
        ordinal: u64,
        record: &Record,
    ) -> Result<Result<Option<String>, String>, Error> {
        let direction = containers::direction(record);
        let name =
            CONTAINERS.to_owned() + &names::container(&record.message_id, direction, ordinal);
        let Some(file) = self.contents.take(&name) else {
            return Ok(Err(format!(
                "{name} is not there: it was exported before it was time-stamped, or it was taken out"
            )));
        };
        let content = match self.contents.archive.content(&file) {
            Ok(content) => content,
            Err(error) => return Ok(Err(format!("{name}: {}", chain(&error)))),
        };
        let source = match documents::taken_out(content, file.bytes())? {
            Ok(source) => source,
            Err(reason) => return Ok(Err(format!("{name}: {reason}"))),
        };
        let mut judged = self
            .configurations
            .iter()
            .map(|configuration| documents::judge(&name, source.clone(), &configuration.snapshot));
        let first = judged.next();
        let document = match first {
            Some(document) if !document.holds() => judged.find(Document::holds).unwrap_or(document),
            Some(document) => document,
            None => Document::unreadable(&name, "there is no configuration to judge it by"),
        };
        let holds = document.holds();
        self.verdict.documents.push(document);
        if !holds {
            return Ok(Err(format!("{name} does not hold")));
        }
        Ok(container::open(source, &Limits::CONTAINER)
            .map_err(|error| chain(&error))
            .and_then(|container| same_message(record, &container))
            .map_err(|reason| format!("{name} is not its message: {reason}"))
            .map(|()| Some(name)))
    }
}

/// The entry of stored bytes; those behind the seal are given where there is one.
fn entry(stored: &Bytes, opened: Option<Bytes>) -> Result<Entry, String> {
    let is_sealed = match audit::plain(stored, None) {
        Ok(_) => false,
        Err(LogError::KeyMissing { .. }) => true,
        Err(error) => return Err(chain(&error)),
    };
    let plain = match (is_sealed, opened) {
        (false, None) => stored.clone(),
        (true, Some(opened)) if check_plain(stored, &opened) => opened,
        (true, Some(_)) => {
            return Err("its .plain is not what is sealed in it".to_owned());
        }
        (true, None) => {
            return Err("it is sealed, and its .plain is not there".to_owned());
        }
        (false, Some(_)) => {
            return Err("it is not sealed, but there is a .plain of it".to_owned());
        }
    };
    audit::decode_alone(&plain).map_err(|error| chain(&error))
}

/// A record and a container are of the same message, octet by octet.
fn same_message(record: &Record, container: &Container) -> Result<(), String> {
    let other = |what: &str| Err(format!("it has another {what} than the record"));
    if record.message != *container.message() {
        return other("message");
    }
    let seal = container.seal();
    let is_same = seal.signature == record.signature
        || stamping::embed(&record.signature, container.token())
            .is_ok_and(|stamped| stamped == seal.signature);
    if !is_same {
        return other("signature");
    }
    let chain = record
        .hash_chain_result
        .as_ref()
        .zip(record.hash_chain.as_ref());
    if seal.chain.as_ref().map(|(result, chain)| (result, chain)) != chain {
        return other("hash chain");
    }
    let attachments = container.attachments();
    // Where bodies are not kept the last ones are missing. One that the record itself holds is kept.
    let absent = record.attachments.iter().skip(attachments.len());
    let is_kept = |(_, content): &(_, Content)| !content.is_withheld();
    if attachments.len() > record.attachments.len() || absent.clone().any(is_kept) {
        return other("number of attachments");
    }
    for (found, (_, logged)) in attachments.iter().zip(&record.attachments) {
        let digest = digest(container, found, logged.digest())
            .map_err(|reason| format!("{}: {reason}", found.name()))?;
        if (found.bytes(), &digest) != (logged.len(), logged.digest()) {
            return other(found.name());
        }
    }
    Ok(())
}

/// The digest of an attachment, by the algorithm of the one it is compared with.
fn digest(container: &Container, file: &File, like: &Digest) -> Result<Digest, String> {
    let mut content = container.content(file).map_err(|error| chain(&error))?;
    let mut hasher = Hasher::new(like.algorithm());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = content
            .read(&mut chunk)
            .map_err(|error| error.to_string())?;
        match chunk.get(..count) {
            Some([]) | None => return Ok(hasher.finish()),
            Some(filled) => hasher.update(filled),
        }
    }
}

impl Contents {
    fn open(source: Source) -> Result<Self, zip::Error> {
        let archive = zip::Archive::open(source, &LIMITS)?;
        let names = archive.entries().iter();
        let rest = names.map(|entry| entry.name().to_owned()).collect();
        Ok(Self { archive, rest })
    }

    /// A file that belongs there.
    fn take(&mut self, name: &str) -> Option<File> {
        self.rest.remove(name);
        self.archive.entry(name).cloned()
    }

    fn bytes(&mut self, name: &str) -> Result<Option<Bytes>, String> {
        let file = self.take(name);
        let bytes = file.map(|file| self.archive.read(&file)).transpose();
        bytes.map_err(|error| format!("{name}: {}", chain(&error)))
    }

    fn required(&mut self, name: &str) -> Result<Bytes, String> {
        self.bytes(name)?
            .ok_or_else(|| format!("{name} is not there"))
    }

    /// The numbers of the records.
    fn ordinals(&self) -> Vec<u64> {
        let names = self.rest.iter();
        let mut ordinals: Vec<u64> = names
            .filter_map(|name| {
                let number = name.strip_prefix(LOG)?.strip_suffix(RECORD)?;
                let ordinal: u64 = number.parse().ok()?;
                (number == ordinal.to_string()).then_some(ordinal)
            })
            .collect();
        ordinals.sort_unstable();
        ordinals
    }

    /// The configurations, in the order of their folders.
    fn configurations(&mut self, verdict: &mut Verdict) -> Vec<Configuration> {
        let mut folders: BTreeMap<String, Files> = BTreeMap::new();
        let names: Vec<String> = self.rest.iter().cloned().collect();
        for name in names {
            let Some((folder, path)) = name.split_once('/') else {
                continue;
            };
            if !is_configuration(folder) || !is_for_others(path) {
                continue;
            }
            match self.bytes(&name) {
                Ok(bytes) => {
                    let files = folders.entry(folder.to_owned()).or_default();
                    files.insert(path.to_owned(), bytes.unwrap_or_default().to_vec());
                }
                Err(reason) => verdict.failures.push(reason),
            }
        }
        let mut read = Vec::new();
        for (folder, files) in folders {
            match Configuration::of(&files, Origin::Bundle(folder.clone())) {
                Ok(configuration) => read.push(configuration),
                Err(reason) => verdict.fail(&format!("{folder}/: {reason}")),
            }
        }
        if read.is_empty() {
            verdict.fail("there is no configuration in it");
        }
        read
    }

    fn keys(&mut self, log_key: Option<&str>, verdict: &mut Verdict) -> Keys {
        let text = match self.bytes(KEYS) {
            Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Ok(None) => {
                verdict.missing(KEYS);
                String::new()
            }
            Err(reason) => {
                verdict.failures.push(reason);
                String::new()
            }
        };
        Keys::read(&text, log_key).unwrap_or_else(|reason| {
            verdict.fail(&format!("{KEYS}: {reason}"));
            Keys::default()
        })
    }

    /// Nothing else is in it.
    fn nothing_else(&self, verdict: &mut Verdict) {
        for name in &self.rest {
            let of_record = name
                .strip_prefix(LOG)
                .is_some_and(|file| file.ends_with(PROOF) || file.ends_with(PLAIN));
            verdict.fail(&match of_record {
                true => format!("{name}: its record is not there"),
                false if name.starts_with(CONTAINERS) => {
                    format!("{name}: it is of no record in the bundle")
                }
                false => format!("{name} does not belong in a bundle"),
            });
            // An entry that is not as it says could hide others behind it.
            if let Some(entry) = self.archive.entry(name)
                && let Err(error) = self.archive.check(entry)
            {
                verdict.fail(&format!("{name}: {}", chain(&error)));
            }
        }
    }
}

impl Verdict {
    pub(super) fn holds(&self) -> bool {
        self.failures.is_empty() && self.documents.iter().all(Document::holds)
    }

    fn fail(&mut self, reason: &str) {
        self.failures.push(reason.to_owned());
    }

    fn missing(&mut self, name: &str) {
        self.fail(&format!("{name} is not there"));
    }

    pub(super) fn text(&self, place: &str) -> String {
        let mut text = String::new();
        for configuration in &self.configurations {
            text.push_str(&configuration.text());
        }
        for document in &self.documents {
            text.push_str(&document.text(&format!("{place}: {}", document.name)));
        }
        let verdict = if self.holds() { "holds" } else { "FAILS" };
        let mut line = |line: &str| {
            let _infallible = writeln!(text, "{}", printable(line));
        };
        line(&format!("{verdict}  {place}"));
        for recorded in &self.records {
            line(&recorded.text());
        }
        for remark in &self.remarks {
            line(&format!("  warning       {remark}"));
        }
        for failure in &self.failures {
            line(&format!("  FAIL {failure}"));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let configurations = self.configurations.iter().map(Configuration::json);
        json!({
            "kind": "bundle",
            "ok": self.holds(),
            "configurations": configurations.collect::<Vec<_>>(),
            "documents": self.documents.iter().map(Document::json).collect::<Vec<_>>(),
            "records": self.records.iter().map(Recorded::json).collect::<Vec<_>>(),
            "warnings": self.remarks,
            "failures": self.failures,
        })
    }
}

impl Recorded {
    fn text(&self) -> String {
        let witnesses = match self.witnesses.as_slice() {
            [] => "nobody".to_owned(),
            names => names.join(", "),
        };
        let mut text = format!(
            "  record {:<6} {}: in the log of {} entries signed by {}, cosigned by {witnesses}",
            self.ordinal, self.what, self.size, self.signed_by
        );
        if let Some(container) = &self.container {
            text.push_str("; the message of ");
            text.push_str(container);
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "record": self.ordinal,
            "what": self.what,
            "size": self.size,
            "signed_by": self.signed_by,
            "cosigned_by": self.witnesses,
            "container": self.container,
        })
    }
}

/// The name of a stored record in a bundle.
pub(super) fn record(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{RECORD}")
}

/// The name of what is behind the seal of a record.
pub(super) fn plain(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{PLAIN}")
}

/// The name of the proof of a record.
pub(super) fn proof(ordinal: u64) -> String {
    format!("{LOG}{ordinal}{PROOF}")
}

/// The folder of a configuration, the first being 1.
pub(super) fn configuration(number: usize) -> String {
    match number {
        1 => CONF.to_owned(),
        number => format!("{CONF}-{number}"),
    }
}

fn is_configuration(folder: &str) -> bool {
    let number = folder
        .strip_prefix(CONF)
        .and_then(|rest| rest.strip_prefix('-'));
    folder == CONF || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether files of these names are a bundle, whole or not.
pub(super) fn looks_like_one<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    names.any(|name| {
        let folder = name.split_once('/').map(|(folder, _)| folder);
        name.starts_with(LOG)
            || name.starts_with(CONTAINERS)
            || folder.is_some_and(is_configuration)
    })
}

pub(super) const README: &str = "README.txt";
pub(super) const CONTAINERS: &str = "containers/";
pub(super) const KEYS: &str = "log/keys";
const LOG: &str = "log/";
const CONF: &str = "conf";
const RECORD: &str = ".record";
const PLAIN: &str = ".plain";
const PROOF: &str = ".tlog-proof";
pub(super) const LIMITS: Limits = Limits {
    memory_bytes_max: 256 << 20,
    names: Names::Folders,
    ..Limits::ARCHIVE
};
const CHUNK_BYTES: usize = 64 << 10;
