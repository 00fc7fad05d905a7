//! Archive files and downloads, judged: each container, and the chain of digests over all of them.

use std::collections::BTreeMap;
use std::io;

use gateway_asic::archive::{self, Archive};
use gateway_asic::linking::{Info, Previous};
use gateway_asic::zip::{Limits, Source};
use gateway_globalconf::Snapshot;
use serde_json::{Value, json};

use super::Error;
use super::documents::{Document, line, nested};
use super::progress::Progress;
use super::unpacked::Room;
use crate::causes::with_causes;

/// An archive file or a download, and what came out for the file itself.
#[derive(Debug)]
pub(super) struct Chained {
    /// How many containers there are.
    pub(super) documents: u64,
    /// How many of them do not hold.
    pub(super) failed: u64,
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

/// Judges an archive file or a download: the chain first, then every container, which is told as it
/// is judged.
pub(super) fn judge(
    source: Source,
    file_name: &str,
    is_in_folder: bool,
    chains: &mut Chains,
    room: Room,
    conf: &Snapshot,
    progress: &mut Option<Progress>,
    tell: &mut dyn FnMut(Document) -> Result<(), Error>,
) -> Result<Chained, Error> {
    let archive = match Archive::open(source, &Limits::ARCHIVE) {
        Ok(archive) => archive,
        Err(error) => return Ok(Chained::refused(with_causes(&error))),
    };
    let (chain, last_digest) = match chains.judge(&archive, file_name, is_in_folder) {
        Ok((remark, last_digest)) => (Ok(remark), last_digest),
        Err(reason) => (Err(reason), None),
    };
    let mut chained = Chained {
        documents: 0,
        failed: 0,
        foreign: Vec::new(),
        chain,
        last_digest,
    };
    for entry in archive.foreign() {
        // One that is not as it says could hide others behind it.
        let read = archive
            .content(entry)
            .map_err(|error| with_causes(&error))
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
            Ok(content) => nested(entry.name(), content, entry.bytes(), room, conf)?,
            Err(error) => Document::unreadable(entry.name(), &with_causes(&error)),
        };
        chained.failed = chained.failed.saturating_add(u64::from(!document.holds()));
        tell(document)?;
        chained.documents = chained.documents.saturating_add(1);
        if let Some(progress) = progress {
            progress.tell(chained.documents, all);
        }
    }
    Ok(chained)
}

impl Chained {
    fn refused(reason: String) -> Self {
        Self {
            documents: 0,
            failed: 0,
            foreign: Vec::new(),
            chain: Err(reason),
            last_digest: None,
        }
    }

    /// The chain, and every document.
    pub(super) fn holds(&self) -> bool {
        self.chain.is_ok() && self.failed == 0
    }

    pub(super) fn text(&self, place: &str) -> String {
        let verdict = if self.holds() { "holds" } else { "FAILS" };
        let mut text = format!("{verdict}  {place}\n");
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", of which {failed} fail"),
        };
        line(&mut text, "archive", &(documents(self.documents) + &failed));
        match &self.chain {
            Ok(remark) => line(&mut text, "chain", remark),
            Err(reason) => line(&mut text, "chain", &format!("FAILS: {reason}")),
        }
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
        json!({
            "kind": "archive",
            "ok": self.holds(),
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
            .map_err(|error| with_causes(&error))?;
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
        let is_strict = is_in_folder && is_archive_name(file_name);
        match &info.previous {
            Some(previous) if previous.digest.eq_ignore_ascii_case(&last.digest) => {
                match same_file(&previous.file_name, &last.file_name) {
                    true => Ok(format!("{from}, as it should")),
                    false => Ok(format!(
                        "{from}, as it should; here it is {}",
                        last.file_name
                    )),
                }
            }
            Some(previous) if same_file(&previous.file_name, &last.file_name) => Err(format!(
                "the chain {from} as it was when it ended with {}, but the one that lies here ends \
                 with {}",
                previous.digest, last.digest
            )),
            Some(_) | None if is_strict => Err(format!(
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

fn documents(count: u64) -> String {
    match count {
        1 => "1 document".to_owned(),
        count => format!("{count} documents"),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

const ARCHIVE: &str = "mlog";
const ENCRYPTED: &str = ".gpg";

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
