//! The records of a bundle: that each is in the log, and is the message of its container.

use std::collections::BTreeSet;
use std::io::Read as _;

use bytes::Bytes;
use certs_keys::{Digest, Hasher};
use gateway_asic::container::{self, Container};
use gateway_asic::zip::{Entry as File, Limits, Source};
use gateway_asic::{names, stamping};
use gateway_evidence::containers;
use gateway_messagelog::audit::{self, Outcome, check_plain, commitment};
use gateway_messagelog::{Content, Direction, Entry, Error as LogError, Record};
use gateway_policy::locate::JSON_BYTES_MAX;
use gateway_tlog::proof::Proof;

use super::contents::Contents;
use super::{CONTAINERS, Recorded, Rests, Verdict, plain, proof, record};
use crate::audit::anchor::Anchors;
use crate::audit::basis::{self, Body, InForce, KnownRules};
use crate::audit::configuration::{self, Configuration};
use crate::audit::documents::{self, Document};
use crate::audit::tree::{GIVEN, InLog, Keys, add_keys};
use crate::audit::{Error, show};
use crate::causes::with_causes;

/// Checks every file of a bundle, and that there is no other. A configuration and a key that are given
/// take the place of those in it.
pub(in crate::audit) fn verify(
    source: Source,
    given: Option<&Configuration>,
    anchors: Option<&Anchors>,
    log_key: Option<&str>,
) -> Result<Verdict, Error> {
    let mut verdict = Verdict::default();
    let mut contents = match Contents::open(source) {
        Ok(contents) => contents,
        Err(error) => {
            verdict.failures.push(with_causes(&error));
            return Ok(verdict);
        }
    };
    contents.head(&mut verdict);
    // Those in it are not asked where one is given.
    let judging = anchors.filter(|_| given.is_none());
    let own = contents.configurations(judging, &mut verdict);
    let keys = contents.keys(log_key, &mut verdict);
    verdict.log_key_is = match log_key {
        Some(_) => GIVEN,
        None => "from the bundle: compare it with the one that the node itself publishes",
    };
    let mut judging = Judging {
        is_given: given.is_some(),
        rules: KnownRules::default(),
        configurations: match given {
            Some(given) => vec![given],
            None => own.iter().collect(),
        },
        keys,
        contents,
        verdict,
    };
    judging.records()?;
    let Judging {
        contents,
        mut verdict,
        ..
    } = judging;
    // Those alone that something was verified by: log/keys may name anybody.
    for one in &verdict.records {
        add_keys(&mut verdict.log_keys, one.in_log.log_keys.iter());
        add_keys(&mut verdict.witness_keys, one.in_log.witnesses.iter());
    }
    contents.nothing_else(&mut verdict);
    if given.is_none() {
        verdict.remarks.extend(configuration::older(&own));
        verdict.configurations = own;
    }
    Ok(verdict)
}

/// The records of a bundle, being judged.
struct Judging<'c> {
    /// A document holds that holds by one of them.
    configurations: Vec<&'c Configuration>,
    /// They are the auditor's, and need not be of that day.
    is_given: bool,
    rules: KnownRules,
    keys: Keys,
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
        let mut rests = None;
        let container = match &entry {
            Ok(Entry::Message(record)) => {
                let container = self.container(ordinal, record)?;
                let body = container.as_ref().ok().and_then(|(_, body)| body.clone());
                rests = self.basis(ordinal, record, body);
                container.map(|(name, _)| Some(name))
            }
            Ok(Entry::Refusal(_) | Entry::Stamp(_)) | Err(_) => Ok(None),
        };
        Ok(entry.and_then(|entry| {
            let (what, direction) = match &entry {
                Entry::Message(record) => (show::message(record), Some(record.direction)),
                Entry::Refusal(_) => ("refusal".to_owned(), None),
                Entry::Stamp(_) => return Err("it is a time stamp, not of an exchange".to_owned()),
            };
            self.verdict.records.push(Recorded {
                ordinal,
                what,
                in_log: proved?,
                container: container?,
                basis: rests,
            });
            Ok(direction)
        }))
    }

    /// That the stored bytes are in the log.
    fn proved(&mut self, ordinal: u64, stored: &[u8]) -> Result<InLog, String> {
        let name = proof(ordinal);
        let found = self.contents.bytes(&name)?;
        let found = found
            .ok_or_else(|| format!("{name} is not there: nothing proves that it is in the log"))?;
        let proof =
            Proof::decode(&found).map_err(|error| format!("{name}: {}", with_causes(&error)))?;
        if proof.index().checked_add(1) != Some(ordinal) {
            return Err(format!(
                "{name} is about entry {} of the log",
                proof.index().saturating_add(1)
            ));
        }
        if proof.extra_unchecked().is_some() {
            return Err(format!("{name} carries data that nothing vouches for"));
        }
        let (log, witnesses) = (self.keys.known()?, &self.keys.witnesses);
        InLog::verified(&proof, &commitment(stored), log, witnesses)
            .map_err(|error| format!("{name} does not prove it: {}", with_causes(&error)))
    }

    /// The container of the message of a record: judged, and that it is the same message.
    fn container(
        &mut self,
        ordinal: u64,
        record: &Record,
    ) -> Result<Result<(String, Option<Body>), String>, Error> {
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
            Err(error) => return Ok(Err(format!("{name}: {}", with_causes(&error)))),
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
            .map_err(|error| with_causes(&error))
            .and_then(|container| same_message(record, &container).map(|()| body(&container)))
            .map_err(|reason| format!("{name} is not its message: {reason}"))
            .map(|body| (name, body)))
    }

    /// What was noted of the basis, judged. A body that lay in a file of its own beside the log is in
    /// the container.
    fn basis(&mut self, ordinal: u64, record: &Record, body: Option<Body>) -> Option<Rests> {
        let in_force: Vec<InForce<'_>> = self
            .configurations
            .iter()
            .map(|configuration| InForce {
                snapshot: &configuration.snapshot,
                published: self
                    .rules
                    .of(&configuration.origin().name(), &configuration.snapshot),
            })
            .collect();
        let body = body.unwrap_or_else(|| basis::body_of(record));
        let has_rules = record.basis.as_deref().is_some_and(|noted| {
            let mut published = in_force.iter().map(|one| &one.published);
            published.any(|one| one.has_version(noted.rules_version))
        });
        let outcome = match self.is_given && !has_rules {
            true => Outcome::NotChecked(
                "the rules of that day are not in the configuration that was given".to_owned(),
            ),
            false => basis::judge(record, body, &in_force).or_else(|| {
                let mut all = self.configurations.iter().zip(&in_force);
                all.find_map(|(configuration, one)| {
                    configuration.vouched()?;
                    basis::demanded(record, one)
                })
            })?,
        };
        match (&outcome, record.basis.is_some()) {
            (Outcome::Holds, _) | (Outcome::NotChecked(_), false) => {}
            (Outcome::Fails(reason), _) => self
                .verdict
                .fail(&format!("record {ordinal}: its legal basis: {reason}")),
            (Outcome::NotChecked(reason), true) => self.verdict.remarks.push(format!(
                "record {ordinal}: its legal basis was not checked: {reason}"
            )),
        }
        record.basis.as_deref().map(|noted| Rests {
            lines: basis::lines(record, noted),
            document: basis::json(noted),
            outcome,
        })
    }
}

/// The entry of stored bytes; those behind the seal are given where there is one.
fn entry(stored: &Bytes, opened: Option<Bytes>) -> Result<Entry, String> {
    let is_sealed = match audit::plain(stored, None) {
        Ok(_) => false,
        Err(LogError::KeyMissing { .. }) => true,
        Err(error) => return Err(with_causes(&error)),
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
    audit::decode_alone(&plain).map_err(|error| with_causes(&error))
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

/// The first attachment, as far as it is looked into.
fn body(container: &Container) -> Option<Body> {
    let file = container.attachments().first()?;
    if usize::try_from(file.bytes()).map_or(true, |bytes| bytes > JSON_BYTES_MAX) {
        return Some(Body::TooLong);
    }
    let mut bytes = Vec::new();
    let read = container
        .content(file)
        .map_err(|error| with_causes(&error))
        .and_then(|mut content| {
            let read = content.read_to_end(&mut bytes);
            read.map_err(|error| error.to_string())
        });
    Some(match read {
        Ok(_) => Body::Here(bytes.into()),
        Err(reason) => Body::Unreadable(reason),
    })
}

/// The digest of an attachment, by the algorithm of the one it is compared with.
fn digest(container: &Container, file: &File, like: &Digest) -> Result<Digest, String> {
    let mut content = container
        .content(file)
        .map_err(|error| with_causes(&error))?;
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

const CHUNK_BYTES: usize = 64 << 10;
