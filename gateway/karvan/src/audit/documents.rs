//! Containers, and archives of them, judged and told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek as _};

use gateway_asic::archive::{self, Archive};
use gateway_asic::linking::{Info, Previous};
use gateway_asic::report::{CertificateFacts, Covered, Part, Report, TimeStamp};
use gateway_asic::zip::{Content, Limits, Source};
use gateway_asic::{container, verify};
use gateway_globalconf::Snapshot;
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Error, chain as causes};

/// A signed document, and what came out for it.
#[derive(Debug)]
pub(super) struct Document {
    /// The name of its file.
    pub(super) name: String,
    pub(super) verdict: Result<Box<Report>, Refused>,
}

/// Why a document does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The code that other verifiers use for it.
    pub(super) code: String,
    /// What is wrong, whose fault it is, what to do.
    pub(super) explanation: String,
}

/// An archive file or a download, and what came out for the file itself.
#[derive(Debug)]
pub(super) struct Chained {
    /// How many containers there are.
    pub(super) documents: u64,
    /// Files that are no containers; nothing covers them.
    pub(super) foreign: Vec<String>,
    /// What can be said of the chain of digests, or what is wrong with it.
    pub(super) chain: Result<String, String>,
    /// The last digest of the chain, from which the next file has to go on.
    pub(super) last_digest: Option<String>,
}

/// Where the chains of archive files have come to: one for each group.
#[derive(Debug, Default)]
pub(super) struct Chains {
    given: Option<Given>,
    last: BTreeMap<String, Previous>,
}

/// Where a chain has to go on from, as the auditor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// The first file of every group begins its chain.
    First,
    /// The last digest of the file before the first one.
    After(String),
}

/// Judges one container.
pub(super) fn judge(name: &str, source: impl Into<Source>, conf: &Snapshot) -> Document {
    let verdict = container::open(source, &Limits::CONTAINER)
        .and_then(|container| verify::verify(&container, conf));
    Document {
        name: name.to_owned(),
        verdict: verdict.map(Box::new).map_err(|error| Refused::of(&error)),
    }
}

/// Judges an archive file or a download: the chain first, then every container, which is told as it
/// is judged.
pub(super) fn judge_archive(
    source: Source,
    file_name: &str,
    is_in_folder: bool,
    chains: &mut Chains,
    conf: &Snapshot,
    progress: &mut Option<Progress>,
    tell: &mut dyn FnMut(Document) -> Result<(), Error>,
) -> Result<Chained, Error> {
    let archive = match Archive::open(source, &Limits::ARCHIVE) {
        Ok(archive) => archive,
        Err(error) => return Ok(Chained::refused(causes(&error))),
    };
    let (chain, last_digest) = match chains.judge(&archive, file_name, is_in_folder) {
        Ok((remark, last_digest)) => (Ok(remark), last_digest),
        Err(reason) => (Err(reason), None),
    };
    let mut chained = Chained {
        documents: 0,
        foreign: Vec::new(),
        chain,
        last_digest,
    };
    for entry in archive.foreign() {
        // One that is not as it says could hide others behind it.
        let read = archive
            .content(entry)
            .map_err(|error| causes(&error))
            .and_then(|mut content| {
                io::copy(&mut content, &mut io::sink()).map_err(|error| error.to_string())
            });
        if let Err(reason) = read {
            chained.chain = Err(reason);
        }
        chained.foreign.push(entry.name().to_owned());
    }
    let all = count(archive.containers().len());
    for entry in archive.containers() {
        let document = match archive.content(entry) {
            Ok(content) => nested(entry.name(), content, entry.bytes(), conf)?,
            Err(error) => Document::unreadable(entry.name(), &causes(&error)),
        };
        tell(document)?;
        chained.documents = chained.documents.saturating_add(1);
        if let Some(progress) = progress {
            progress.tell(chained.documents, all);
        }
    }
    Ok(chained)
}

/// Judges a container that lies in another file.
pub(super) fn nested(
    name: &str,
    content: Content,
    bytes: u64,
    conf: &Snapshot,
) -> Result<Document, Error> {
    Ok(match taken_out(content, bytes)? {
        Ok(source) => judge(name, source, conf),
        Err(reason) => Document::unreadable(name, &reason),
    })
}

/// A file that lies in another one, to be read by position: small ones in memory, long ones in a file
/// without name. The inner error: it is not as it says.
pub(super) fn taken_out(mut content: Content, bytes: u64) -> Result<Result<Source, String>, Error> {
    if bytes <= MEMORY_BYTES_MAX {
        let mut octets = Vec::new();
        return Ok(match content.read_to_end(&mut octets) {
            Ok(_) => Ok(octets.into()),
            Err(error) => Err(error.to_string()),
        });
    }
    let mut file = temporary()?;
    if let Err(error) = io::copy(&mut content, &mut file) {
        return Ok(Err(error.to_string()));
    }
    rewound(file).map(Ok)
}

/// A file without name, gone with its last handle.
pub(super) fn temporary() -> Result<File, Error> {
    tempfile::tempfile().map_err(Error::Temporary)
}

/// What was written to it, to be read.
pub(super) fn rewound(mut file: File) -> Result<Source, Error> {
    file.rewind()
        .and_then(|()| Source::file(file))
        .map_err(Error::Temporary)
}

impl Refused {
    fn of(error: &verify::Error) -> Self {
        Self {
            code: error.code(),
            explanation: error.explanation(),
        }
    }
}

impl Document {
    /// One whose octets cannot be had.
    pub(super) fn unreadable(name: &str, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict: Err(Refused {
                code: "io_error".to_owned(),
                explanation: reason.to_owned(),
            }),
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.verdict.is_ok()
    }

    /// What people read: the verdict, then what it is about.
    pub(super) fn text(&self, place: &str) -> String {
        match &self.verdict {
            Ok(report) => {
                let mut text = format!("holds  {place}\n");
                report_text(&mut text, report);
                text
            }
            Err(Refused { code, explanation }) => {
                format!("FAILS  {place}\n  {code}: {}\n", printable(explanation))
            }
        }
    }

    /// One line for a list of what failed; `None`: nothing did.
    pub(super) fn failure(&self) -> Option<String> {
        let refused = self.verdict.as_ref().err()?;
        Some(format!("{}: {}", refused.code, refused.explanation))
    }

    pub(super) fn json(&self) -> Value {
        match &self.verdict {
            Ok(report) => {
                let mut document = report_json(report);
                if let Some(fields) = document.as_object_mut() {
                    fields.insert("kind".to_owned(), "container".into());
                    fields.insert("ok".to_owned(), true.into());
                    fields.insert("name".to_owned(), self.name.clone().into());
                }
                document
            }
            Err(Refused { code, explanation }) => json!({
                "kind": "container", "ok": false, "name": self.name,
                "code": code, "reason": explanation,
            }),
        }
    }
}

impl Chained {
    fn refused(reason: String) -> Self {
        Self {
            documents: 0,
            foreign: Vec::new(),
            chain: Err(reason),
            last_digest: None,
        }
    }

    pub(super) fn holds(&self) -> bool {
        self.chain.is_ok()
    }

    pub(super) fn text(&self, place: &str) -> String {
        let (verdict, said) = match &self.chain {
            Ok(remark) => ("holds", remark),
            Err(reason) => ("FAILS", reason),
        };
        let mut text = format!("{verdict}  {place}\n");
        line(
            &mut text,
            "archive",
            &format!("{} documents", self.documents),
        );
        line(&mut text, "chain", said);
        if let Some(digest) = &self.last_digest {
            line(&mut text, "last digest", digest);
        }
        for name in &self.foreign {
            line(
                &mut text,
                "not covered",
                &format!("{name}: no signed document"),
            );
        }
        text
    }

    pub(super) fn json(&self, documents: Vec<Value>) -> Value {
        let holds = |document: &Value| document["ok"] == true;
        json!({
            "kind": "archive",
            "ok": self.holds() && documents.iter().all(holds),
            "chain_ok": self.chain.is_ok(),
            "chain": self.chain.as_ref().ok(),
            "reason": self.chain.as_ref().err(),
            "last_digest": self.last_digest,
            "not_covered": self.foreign,
            "documents": documents,
        })
    }
}

impl Chains {
    pub(super) fn new(given: Option<Given>) -> Self {
        Self {
            given,
            last: BTreeMap::new(),
        }
    }

    /// Verifies the chain of a file, and that it goes on where the file before it ended. What can be
    /// said of it, and its last digest.
    fn judge(
        &mut self,
        archive: &Archive,
        file_name: &str,
        is_in_folder: bool,
    ) -> Result<(String, Option<String>), String> {
        let must_have = is_archive_name(file_name) || (self.given.is_some() && !is_in_folder);
        if !archive.has_links() && !must_have {
            return Ok(("it is a download, which has none".to_owned(), None));
        }
        let linked = archive
            .links(archive::Start::Unknown)
            .map_err(|error| causes(&error))?;
        let info = linked.info;
        let remark = self.go_on(file_name, &info, is_in_folder);
        let ended = Previous {
            digest: info.last_digest().to_owned(),
            file_name: file_name.to_owned(),
        };
        self.last.insert(group(file_name).to_owned(), ended);
        remark.map(|remark| (remark, Some(info.last_digest().to_owned())))
    }

    fn go_on(
        &mut self,
        file_name: &str,
        info: &Info,
        is_in_folder: bool,
    ) -> Result<String, String> {
        let from = match &info.previous {
            None => "begins here".to_owned(),
            Some(previous) => format!("goes on from {}", previous.file_name),
        };
        let Some(last) = self.last.get(group(file_name)) else {
            return self.begin(info, from);
        };
        match &info.previous {
            Some(previous) if same_file(&previous.file_name, &last.file_name) => {
                match previous.digest.eq_ignore_ascii_case(&last.digest) {
                    true => Ok(format!("{from}, as it should")),
                    false => Err(format!(
                        "the chain {from} as it was when it ended with {}, but the one that lies here \
                         ends with {}",
                        previous.digest, last.digest
                    )),
                }
            }
            Some(_) | None if is_in_folder => Err(format!(
                "the chain {from}, but the file before it here is {}: one between was removed, or one \
                 was exchanged",
                last.file_name
            )),
            Some(_) | None => Ok(format!("{from}; that was not checked")),
        }
    }

    /// The first file of a group.
    fn begin(&mut self, info: &Info, from: String) -> Result<String, String> {
        let found = info.previous.as_ref().map(|previous| &previous.digest);
        match (&self.given, found) {
            (None, Some(_)) => Ok(format!("{from}; that was not checked")),
            (None, None) => Ok(from),
            (Some(Given::First), None) => Ok(format!("{from}, as it should")),
            (Some(Given::First), Some(_)) => Err(format!(
                "the chain {from}, but it was said to be the first file"
            )),
            (Some(Given::After(digest)), Some(found)) if digest.eq_ignore_ascii_case(found) => {
                // It is one file's: the next group's first goes on from elsewhere.
                self.given = None;
                Ok(format!("{from}, with the digest that was given"))
            }
            (Some(Given::After(digest)), Some(found)) => Err(format!(
                "the chain {from} with {found}, but the digest that was given is {digest}"
            )),
            (Some(Given::After(digest)), None) => Err(format!(
                "the chain {from}, but it was said to go on from {digest}"
            )),
        }
    }
}

/// `mlog-‹group›-‹first›-‹last›-‹digest›.zip`: what stands before the times.
fn group(file_name: &str) -> &str {
    file_name.rsplitn(4, '-').nth(3).unwrap_or_default()
}

/// As files of archives are named; downloads are named after a query.
pub(super) fn is_archive_name(file_name: &str) -> bool {
    let mut parts = file_name.rsplitn(4, '-').skip(1).take(2);
    let is_time = |part: &str| part.len() == 14 && part.bytes().all(|byte| byte.is_ascii_digit());
    group(file_name).starts_with(ARCHIVE) && parts.all(is_time)
}

/// A file that was decrypted is the same file.
fn same_file(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String { name.strip_suffix(ENCRYPTED).unwrap_or(name).to_owned() };
    plain(a) == plain(b)
}

fn report_text(text: &mut String, report: &Report) {
    let Report {
        message,
        signer,
        status,
        timestamp,
        covered,
        uncovered,
        warnings,
    } = report;
    let mut line = |name: &str, value: &str| line(text, name, value);
    line(
        "message",
        &format!("{} {}", message.protocol, message.direction),
    );
    if let Some(client) = &message.client {
        line("client", &client.to_string());
    }
    if let Some(service) = &message.service {
        line("service", &service.to_string());
    }
    line("message id", &message.id);
    if let Some(id) = &message.request_id {
        line("request id", id);
    }
    line("signed by", &signer.id.to_string());
    let certificate = &signer.certificate;
    line(
        "certificate",
        &format!("{} (serial {})", certificate.subject, certificate.serial),
    );
    line("issued by", &certificate.issuer);
    line(
        "valid",
        &format!("{} to {}", certificate.not_before, certificate.not_after),
    );
    let responder = status.responder.as_ref();
    let responder = responder.map_or("the issuer or one it named", |facts| &facts.subject);
    line(
        "status then",
        &format!("good by OCSP of {}, from {responder}", status.produced_at),
    );
    let TimeStamp {
        time, authority, ..
    } = timestamp;
    line("stamped at", &time.to_string());
    line("stamped by", &authority.subject);
    for part in covered {
        line("covers", &covered_text(part));
    }
    for file in uncovered {
        line(
            "not covered",
            &format!("{}, {} bytes: {}", file.name, file.bytes, file.reason),
        );
    }
    for warning in warnings {
        line("warning", &warning.to_string());
    }
}

fn covered_text(covered: &Covered) -> String {
    let name = &covered.name;
    match (covered.part, &covered.digest) {
        (Part::Verified { bytes }, _) => format!("{name}, {bytes} bytes, verified"),
        (Part::NotKept, None) => format!("{name}, signed but not kept"),
        (Part::NotKept, Some(digest)) => format!(
            "{name}, signed but not kept; its {} is {}",
            digest.algorithm(),
            hex::encode(digest.as_bytes())
        ),
    }
}

fn report_json(report: &Report) -> Value {
    let covered = report.covered.iter().map(|covered| {
        let bytes = match covered.part {
            Part::Verified { bytes } => Some(bytes),
            Part::NotKept => None,
        };
        json!({
            "name": covered.name,
            "verified": bytes.is_some(),
            "bytes": bytes,
            "algorithm": covered.digest.map(|digest| digest.algorithm().name()),
            "digest": covered.digest.map(|digest| hex::encode(digest.as_bytes())),
        })
    });
    let uncovered = report.uncovered.iter().map(
        |file| json!({ "name": file.name, "bytes": file.bytes, "reason": file.reason.to_string() }),
    );
    let warnings = report.warnings.iter().map(ToString::to_string);
    json!({
        "protocol": report.message.protocol.to_string(),
        "direction": report.message.direction.to_string(),
        "client": report.message.client.as_ref().map(ToString::to_string),
        "service": report.message.service.as_ref().map(ToString::to_string),
        "message_id": report.message.id,
        "request_id": report.message.request_id,
        "signer": {
            "id": report.signer.id.to_string(),
            "claimed_time": report.signer.claimed_time.map(|time| time.to_string()),
            "certificate": certificate_json(&report.signer.certificate),
        },
        "status": {
            "produced_at": report.status.produced_at.to_string(),
            "responder": report.status.responder.as_ref().map(certificate_json),
        },
        "time_stamp": {
            "time": report.timestamp.time.to_string(),
            "serial": report.timestamp.serial,
            "authority": certificate_json(&report.timestamp.authority),
        },
        "covered": covered.collect::<Vec<_>>(),
        "not_covered": uncovered.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

fn certificate_json(facts: &CertificateFacts) -> Value {
    json!({
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "not_before": facts.not_before.to_string(),
        "not_after": facts.not_after.to_string(),
        "sha256": hex::encode(facts.sha256.as_bytes()),
    })
}

fn line(text: &mut String, name: &str, value: &str) {
    let _infallible = writeln!(text, "  {name:<14}{}", printable(value));
}

/// What others wrote must not steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(shown).collect()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

const ARCHIVE: &str = "mlog";
const ENCRYPTED: &str = ".gpg";
const MEMORY_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "mlog-20261122100000-20261122110000-0123456789abcdef.zip";
    const B: &str = "mlog-AZ_GOV_1-x-20261122100000-20261122110000-0123456789abcdef.zip.gpg";

    #[test]
    fn tells_archives_and_their_groups_by_their_names() {
        assert!(is_archive_name(A) && is_archive_name(B));
        assert_eq!((group(A), group(B)), ("mlog", "mlog-AZ_GOV_1-x"));
        for other in [
            "mlog-1.zip",
            "mlog-a-b-c.zip",
            "x-20261122100000-20261122110000-0.zip",
        ] {
            assert!(!is_archive_name(other), "{other}");
        }
        assert!(same_file(A, &format!("{A}.gpg")) && !same_file(A, B));
    }

    #[test]
    fn what_others_wrote_does_not_steer_a_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\n\u{85}c"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c"
        );
        let mut text = String::new();
        line(&mut text, "message id", "x\r\ny");
        assert_eq!(text, "  message id    x\u{fffd}\u{fffd}y\n");
    }

    #[track_caller]
    fn check(
        before: Option<&str>,
        given: Option<Given>,
        in_folder: bool,
        expected: Result<(), &str>,
    ) {
        let previous = |digest: &str| Previous {
            digest: digest.to_owned(),
            file_name: A.to_owned(),
        };
        let mut chains = Chains::new(given);
        if let Some(digest) = before {
            chains.last.insert(group(A).to_owned(), previous(digest));
        }
        let info = Info {
            previous: Some(previous("aa")),
            algorithm: certs_keys::DigestAlgorithm::Sha256,
            links: Vec::new(),
        };
        match (chains.go_on(A, &info, in_folder), expected) {
            (Ok(_), Ok(())) => {}
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_chain_goes_on_where_the_file_before_ended() {
        check(Some("aa"), None, true, Ok(()));
        check(Some("AA"), Some(Given::First), true, Ok(()));
        check(Some("bb"), None, true, Err("ends with bb"));
        check(Some("bb"), None, false, Err("ends with bb"));
        check(None, None, true, Ok(()));
        check(None, Some(Given::First), true, Err("the first file"));
        check(None, Some(Given::After("AA".to_owned())), false, Ok(()));
        check(
            None,
            Some(Given::After("bb".to_owned())),
            false,
            Err("given is bb"),
        );
    }
}
