//! `karvan audit verify`: whether documents, archives, bundles and logs hold.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use gateway_asic::linking::{Info, LINKING_INFO};
use gateway_asic::zip::{Archive, Limits, Names, Source};
use gateway_evidence::archive::openpgp::{self, Opened, Passphrase, PublicKey, SecretKey};
use gateway_messagelog::Protection;
use serde_json::{Value, json};

use super::configuration::Configuration;
use super::documents::{self, Chains, Document, Given, printable};
use super::progress::Progress;
use super::{Error, Tally, bundle, chain, file_error, keys, log, print};

/// What is checked, and by what.
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// Data folders of nodes; containers, archives, downloads, bundles; folders of such files, in
    /// which archives have to go on from one another.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The configuration that documents are judged by: a configuration directory, or the file that
    /// nodes hand out at /verificationconf.
    #[arg(long, value_name = "DIR")]
    conf: Option<PathBuf>,
    /// The first archive goes on from the one with this last digest.
    #[arg(long, value_name = "HEX", conflicts_with = "first")]
    previous: Option<String>,
    /// The first archive begins its chain.
    #[arg(long)]
    first: bool,
    /// The key of a sealed log, `name=file`; may be repeated.
    #[arg(long, value_name = "NAME=FILE")]
    key: Vec<String>,
    /// The verifier key that logs have to be signed by, `name+hash+key`. Without it, the key that
    /// lies beside the log is believed.
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// The secret OpenPGP key of a recipient of encrypted archives.
    #[arg(long, value_name = "FILE")]
    pgp_key: Option<PathBuf>,
    /// The file with its passphrase.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_pin_file: Option<PathBuf>,
    /// Public OpenPGP keys of which one has to have signed; without, the recipient's own. May be
    /// repeated.
    #[arg(long, value_name = "FILE", requires = "pgp_key")]
    pgp_signer: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `true`: everything holds.
pub(super) fn run(verify: &Verify) -> Result<bool, Error> {
    let mut run = Run {
        by: By::of(verify)?,
        json: verify.json,
        chains: Chains::new(verify.given()?),
        counts: Counts::default(),
        tally: None,
        failures: Vec::new(),
        items: Vec::new(),
        is_alone: false,
    };
    let targets = run.targets(&verify.paths)?;
    run.is_alone = targets.len() == 1;
    let mut progress = run.progress("files");
    for (done, target) in (0..).zip(&targets) {
        run.check(target)?;
        if let Some(progress) = &mut progress {
            progress.tell(done, u64::try_from(targets.len()).unwrap_or(u64::MAX));
        }
    }
    drop(progress);
    run.end()
}

impl Verify {
    fn given(&self) -> Result<Option<Given>, Error> {
        Ok(match (&self.previous, self.first) {
            (Some(digest), _) => {
                if digest.is_empty() || hex::decode(digest).is_err() {
                    return Err(Error::Use(format!(
                        "--previous {digest} is no digest in hexadecimal"
                    )));
                }
                Some(Given::After(digest.to_ascii_lowercase()))
            }
            (None, true) => Some(Given::First),
            (None, false) => None,
        })
    }
}

/// What is given to judge by.
struct By {
    conf: Option<Arc<Configuration>>,
    protection: Option<Protection>,
    log_key: Option<String>,
    pgp: Option<Pgp>,
}

/// Who may read encrypted archives, and who has to have signed them.
struct Pgp {
    key: SecretKey,
    signers: Vec<PublicKey>,
}

/// What is to be checked.
struct Target {
    path: PathBuf,
    kind: Kind,
    /// Met in a folder, where archives have to go on from one another.
    is_in_folder: bool,
}

/// What a path is, told by its content.
enum Kind {
    Log,
    Container,
    Archive,
    Bundle,
    Encrypted,
    /// Nothing that could be evidence, and why.
    Broken(String),
    /// Nothing of ours.
    Other,
}

/// How much there was.
#[derive(Default)]
struct Counts {
    documents: Count,
    archives: Count,
    bundles: Count,
    /// Files that could not be read as what they are named.
    broken: u64,
    skipped: u64,
}

#[derive(Clone, Copy, Default)]
struct Count {
    holds: u64,
    fails: u64,
}

struct Run {
    by: By,
    json: bool,
    chains: Chains,
    counts: Counts,
    /// Of all logs; `None`: there was none.
    tally: Option<Tally>,
    failures: Vec<String>,
    items: Vec<Value>,
    is_alone: bool,
}

impl By {
    fn of(verify: &Verify) -> Result<Self, Error> {
        let conf = verify.conf.as_deref().map(Configuration::open);
        Ok(Self {
            conf: conf.transpose()?.map(Arc::new),
            protection: keys::protection(&verify.key)?,
            log_key: verify.log_key.clone(),
            pgp: verify
                .pgp_key
                .as_deref()
                .map(|key| Pgp::of(key, verify))
                .transpose()?,
        })
    }

    fn conf(&self) -> Result<Arc<Configuration>, Error> {
        self.conf.clone().ok_or_else(|| {
            Error::Use(
                "signed documents are judged by a configuration: give it with --conf, e.g. what a \
                 node hands out at /verificationconf"
                    .to_owned(),
            )
        })
    }
}

impl Pgp {
    fn of(key: &Path, verify: &Verify) -> Result<Self, Error> {
        let passphrase = match &verify.pgp_pin_file {
            None => None,
            Some(path) => {
                let mut text =
                    std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
                Some(Passphrase::new(text))
            }
        };
        let unusable = |path: &Path, error: &openpgp::Error| {
            Error::Use(format!("{}: {}", path.display(), chain(error)))
        };
        let read = |path: &Path| std::fs::read(path).map_err(|source| file_error(path, source));
        let key =
            SecretKey::read(&read(key)?, passphrase).map_err(|error| unusable(key, &error))?;
        let mut signers = Vec::with_capacity(verify.pgp_signer.len());
        for path in &verify.pgp_signer {
            let signer = PublicKey::read(&read(path)?);
            signers.push(signer.map_err(|error| unusable(path, &error))?);
        }
        if signers.is_empty() {
            signers.push(key.public());
        }
        Ok(Self { key, signers })
    }
}

impl Target {
    /// An archive with the same name but for the digest at its end.
    fn is_made_with(&self, other: &Self) -> bool {
        let stem = |target: &Self| {
            let name = name_of(&target.path);
            let (stem, _) = name.rsplit_once('-')?;
            let is_one = target.is_in_folder && documents::is_archive_name(&name);
            is_one.then(|| stem.to_owned())
        };
        stem(self).is_some_and(|own| stem(other) == Some(own))
    }
}

impl Run {
    /// Everything there is to check; folders are listed in the order of names. Wrong use is found
    /// before anything is checked.
    fn targets(&mut self, paths: &[PathBuf]) -> Result<Vec<Target>, Error> {
        let mut targets = Vec::new();
        for path in paths {
            if !path.exists() {
                return Err(Error::Use(format!(
                    "{}: there is no such path",
                    path.display()
                )));
            }
            if !path.is_dir() {
                let kind = match kind_of(path, true)? {
                    Kind::Other => Kind::Broken(NO_EVIDENCE.to_owned()),
                    kind => kind,
                };
                targets.push(Target {
                    path: path.clone(),
                    kind,
                    is_in_folder: false,
                });
            } else if is_log(path) {
                targets.push(Target {
                    path: path.clone(),
                    kind: Kind::Log,
                    is_in_folder: false,
                });
            } else {
                self.list(path, &mut targets)?;
            }
        }
        if targets.is_empty() {
            return Err(Error::Use(
                "there is nothing here that could be checked: neither logs nor containers, archives \
                 or bundles"
                    .to_owned(),
            ));
        }
        self.check_use(&targets)?;
        self.order(targets)
    }

    /// What is needed was given.
    fn check_use(&self, targets: &[Target]) -> Result<(), Error> {
        for target in targets {
            match target.kind {
                Kind::Container | Kind::Archive => drop(self.by.conf()?),
                Kind::Encrypted if self.by.pgp.is_none() => {
                    return Err(Error::Use(format!(
                        "{} is encrypted: give the recipient's key with --pgp-key",
                        target.path.display()
                    )));
                }
                Kind::Encrypted | Kind::Log | Kind::Bundle | Kind::Broken(_) | Kind::Other => {}
            }
        }
        Ok(())
    }

    /// Names of archives tell their order, but not of several made in one second: those are brought
    /// into the order of their chain.
    fn order(&self, targets: Vec<Target>) -> Result<Vec<Target>, Error> {
        let mut ordered = Vec::with_capacity(targets.len());
        let mut rest = targets.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut together = vec![first];
            while let (Some(next), Some(last)) = (rest.peek(), together.last())
                && next.is_made_with(last)
            {
                together.extend(rest.next());
            }
            match together.len() {
                1 => ordered.append(&mut together),
                _ => ordered.extend(self.in_chain(together)?),
            }
        }
        Ok(ordered)
    }

    fn in_chain(&self, targets: Vec<Target>) -> Result<Vec<Target>, Error> {
        let mut left = Vec::with_capacity(targets.len());
        for target in targets {
            left.push((self.links(&target)?, target));
        }
        let mut ordered = Vec::with_capacity(left.len());
        let mut last: Option<String> = None;
        while !left.is_empty() {
            let position = |fits: &dyn Fn(Option<&str>) -> bool| {
                left.iter().position(|(info, _): &(Option<Info>, Target)| {
                    let previous = info.as_ref().and_then(|info| info.previous.as_ref());
                    fits(previous.map(|previous| previous.digest.as_str()))
                })
            };
            let ends_here = |digest: &str| {
                let mut infos = left.iter().filter_map(|(info, _)| info.as_ref());
                infos.any(|info| info.last_digest() == digest)
            };
            // The one that goes on, one that begins, one whose predecessor is elsewhere.
            let next = position(&|previous| previous.is_some() && previous == last.as_deref())
                .or_else(|| position(&|previous| previous.is_none()))
                .or_else(|| position(&|previous| previous.is_some_and(|one| !ends_here(one))))
                .unwrap_or(0);
            let (info, target) = left.remove(next);
            last = info.map(|info| info.last_digest().to_owned());
            ordered.push(target);
        }
        Ok(ordered)
    }

    /// The linking information of an archive, if it has one that can be read.
    fn links(&self, target: &Target) -> Result<Option<Info>, Error> {
        let source = match &target.kind {
            Kind::Encrypted => match self.decrypted(&target.path)? {
                Ok((source, _)) => source,
                Err(_) => return Ok(None),
            },
            _ => opened(&target.path)?,
        };
        Ok(Archive::open(source, &Limits::ARCHIVE)
            .ok()
            .and_then(|archive| archive.read(archive.entry(LINKING_INFO)?).ok())
            .and_then(|text| Info::parse(&text).ok()))
    }

    fn list(&mut self, folder: &Path, targets: &mut Vec<Target>) -> Result<(), Error> {
        let failed = |source| file_error(folder, source);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort_unstable();
        for path in paths {
            let kind = match path.is_file() {
                true => kind_of(&path, false)?,
                false => Kind::Other,
            };
            if let Kind::Other = kind {
                self.counts.skipped = self.counts.skipped.saturating_add(1);
                continue;
            }
            targets.push(Target {
                path,
                kind,
                is_in_folder: true,
            });
        }
        Ok(())
    }

    fn check(&mut self, target: &Target) -> Result<(), Error> {
        match &target.kind {
            Kind::Log => self.log(&target.path),
            Kind::Encrypted => self.encrypted(target),
            kind => {
                let source = opened(&target.path)?;
                self.file(target, kind, source)
            }
        }
    }

    fn log(&mut self, data: &Path) -> Result<(), Error> {
        let log_key = self.by.log_key.as_deref();
        let verdict = log::verify(data, self.by.protection.clone(), log_key)?;
        let place = data.display();
        match self.is_alone {
            true => self.tell(&verdict.text())?,
            false => self.tell(&format!("{place}\n{}", verdict.text()))?,
        }
        self.tally.get_or_insert_default().add(&verdict.tally);
        self.failures.extend(verdict.failures.iter().cloned());
        self.item(data, verdict.json());
        Ok(())
    }

    /// Decrypts, and looks what it is.
    fn encrypted(&mut self, target: &Target) -> Result<(), Error> {
        let (source, opened) = match self.decrypted(&target.path)? {
            Ok(decrypted) => decrypted,
            Err(reason) => {
                let reason = format!("it does not decrypt: {reason}");
                return self.broken(&target.path, &reason);
            }
        };
        let kind = match kind_of_zip(&source) {
            Kind::Other => Kind::Broken(NO_EVIDENCE.to_owned()),
            kind => kind,
        };
        self.tell(&format!(
            "{} was encrypted, and signed at {} by the OpenPGP key {}\n",
            target.path.display(),
            opened.signed_at,
            opened.signed_by
        ))?;
        self.file(target, &kind, source)
    }

    /// Into a file without name. The inner error: why not.
    fn decrypted(&self, path: &Path) -> Result<Result<(Source, Opened), String>, Error> {
        let Some(pgp) = &self.by.pgp else {
            return Ok(Err("there is no key".to_owned()));
        };
        let file = File::open(path).map_err(|source| file_error(path, source))?;
        let mut plain = documents::temporary()?;
        match openpgp::decrypt(BufReader::new(file), &mut plain, &pgp.key, &pgp.signers) {
            Ok(opened) => Ok(Ok((documents::rewound(plain)?, opened))),
            Err(error) => Ok(Err(chain(&error))),
        }
    }

    fn file(&mut self, target: &Target, kind: &Kind, source: Source) -> Result<(), Error> {
        match kind {
            Kind::Container => self.container(&target.path, source),
            Kind::Archive => self.archive(target, source),
            Kind::Bundle => self.bundle(&target.path, source),
            Kind::Broken(reason) => self.broken(&target.path, reason),
            Kind::Log | Kind::Encrypted | Kind::Other => Ok(()),
        }
    }

    fn container(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let document = documents::judge(&name_of(path), source, &self.by.conf()?.snapshot);
        self.document(&path.display().to_string(), &document)?;
        self.item(path, document.json());
        Ok(())
    }

    fn archive(&mut self, target: &Target, source: Source) -> Result<(), Error> {
        let place = target.path.display().to_string();
        let conf = self.by.conf()?;
        let mut chains = std::mem::take(&mut self.chains);
        let mut documents = Vec::new();
        // Told as they are judged: there may be very many.
        let chained = documents::judge_archive(
            source,
            &name_of(&target.path),
            target.is_in_folder,
            &mut chains,
            &conf.snapshot,
            &mut self.progress("documents"),
            &mut |document| {
                self.document(&format!("{place}: {}", document.name), &document)?;
                if self.json {
                    documents.push(document.json());
                }
                Ok(())
            },
        );
        self.chains = chains;
        let chained = chained?;
        self.counts.archives.add(chained.holds());
        if let Err(reason) = &chained.chain {
            self.failures.push(format!("{place}: {reason}"));
        }
        self.tell(&chained.text(&place))?;
        self.item(&target.path, chained.json(documents));
        Ok(())
    }

    fn bundle(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let place = path.display().to_string();
        let verdict = bundle::verify(source, self.by.conf.as_deref(), self.by.log_key.as_deref())?;
        for document in &verdict.documents {
            self.count(&format!("{place}: {}", document.name), document);
        }
        self.counts.bundles.add(verdict.holds());
        let failures = verdict.failures.iter();
        self.failures
            .extend(failures.map(|reason| format!("{place}: {reason}")));
        self.tell(&verdict.text(&place))?;
        self.item(path, verdict.json());
        Ok(())
    }

    fn broken(&mut self, path: &Path, reason: &str) -> Result<(), Error> {
        let place = path.display().to_string();
        self.counts.broken = self.counts.broken.saturating_add(1);
        self.failures.push(format!("{place}: {reason}"));
        self.tell(&format!("FAILS  {place}\n  {}\n", printable(reason)))?;
        self.item(
            path,
            json!({ "kind": "unreadable", "ok": false, "reason": reason }),
        );
        Ok(())
    }

    fn document(&mut self, place: &str, document: &Document) -> Result<(), Error> {
        self.count(place, document);
        self.tell(&document.text(place))
    }

    fn count(&mut self, place: &str, document: &Document) {
        self.counts.documents.add(document.holds());
        if let Some(failure) = document.failure() {
            self.failures.push(format!("{place}: {failure}"));
        }
    }

    fn item(&mut self, path: &Path, mut document: Value) {
        if let Some(fields) = document.as_object_mut() {
            fields.insert("path".to_owned(), path.display().to_string().into());
        }
        if self.json {
            self.items.push(document);
        }
    }

    /// How far it is, where it is not seen by what is told.
    fn progress(&self, what: &'static str) -> Option<Progress> {
        (self.json || !std::io::stdout().is_terminal()).then(|| Progress::new(what))
    }

    /// For people, at once; a program gets one document at the end.
    fn tell(&self, text: &str) -> Result<(), Error> {
        match self.json {
            true => Ok(()),
            false => print(text),
        }
    }

    fn end(self) -> Result<bool, Error> {
        let holds = self.failures.is_empty();
        let Counts {
            documents,
            archives,
            bundles,
            broken,
            skipped,
        } = self.counts;
        if self.json {
            let document = json!({
                "ok": holds,
                "configuration": self.by.conf.as_deref().map(Configuration::json),
                "documents": documents.json(),
                "archives": archives.json(),
                "bundles": bundles.json(),
                "unreadable": broken,
                "skipped": skipped,
                "tally": self.tally,
                "failures": self.failures,
                "items": self.items,
            });
            print(&format!("{document}\n"))?;
            return Ok(holds);
        }
        // Of logs alone everything has been said.
        let Count { holds: good, fails } = documents;
        if self.tally.is_some() && good.saturating_add(fails).saturating_add(broken) == 0 {
            return Ok(holds);
        }
        let mut text = self
            .by
            .conf
            .as_deref()
            .map(Configuration::text)
            .unwrap_or_default();
        text.push_str(&documents.text("document"));
        for (count, name) in [(archives, "archive"), (bundles, "bundle")] {
            if count.all() > 0 {
                text.push_str("; ");
                text.push_str(&count.text(name));
            }
        }
        if broken > 0 {
            text.push_str(&format!("; {} unreadable", files(broken)));
        }
        if skipped > 0 {
            text.push_str(&format!("; {skipped} of another kind skipped"));
        }
        text.push('\n');
        print(&text)?;
        Ok(holds)
    }
}

impl Count {
    fn add(&mut self, holds: bool) {
        let count = match holds {
            true => &mut self.holds,
            false => &mut self.fails,
        };
        *count = count.saturating_add(1);
    }

    fn all(self) -> u64 {
        self.holds.saturating_add(self.fails)
    }

    fn text(self, name: &str) -> String {
        let plural = if self.all() == 1 { "" } else { "s" };
        format!(
            "{} {name}{plural}: {} hold, {} fail",
            self.all(),
            self.holds,
            self.fails
        )
    }

    fn json(self) -> Value {
        json!({ "hold": self.holds, "fail": self.fails })
    }
}

/// The data folder of a node, or its log.
fn is_log(path: &Path) -> bool {
    path.join("log/segments").is_dir() || path.join("segments").is_dir()
}

fn opened(path: &Path) -> Result<Source, Error> {
    let file = File::open(path).and_then(Source::file);
    file.map_err(|source| file_error(path, source))
}

/// What a file is. One that was named must be something.
fn kind_of(path: &Path, is_named: bool) -> Result<Kind, Error> {
    let failed = |source| file_error(path, source);
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(BEGINNING_BYTES)
        .read_to_end(&mut beginning)
        .map_err(failed)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_container = extension.is_some_and(|one| one.eq_ignore_ascii_case("asice"));
    let is_zip = extension.is_some_and(|one| one.eq_ignore_ascii_case("zip"));
    let is_gpg = extension.is_some_and(|one| matches!(one, "gpg" | "pgp" | "asc"));
    if beginning.starts_with(ARMORED) || (is_gpg || is_named) && is_encrypted(&beginning) {
        return Ok(Kind::Encrypted);
    }
    if !beginning.starts_with(ZIP) {
        return Ok(match is_container || is_zip || is_gpg {
            true => Kind::Broken("it is no ZIP file, and not encrypted".to_owned()),
            false => Kind::Other,
        });
    }
    Ok(match kind_of_zip(&opened(path)?) {
        Kind::Other | Kind::Broken(_) if is_container => Kind::Container,
        kind => kind,
    })
}

/// Told by the names in it. Of one that is no regular ZIP file it is not known what it is.
fn kind_of_zip(source: &Source) -> Kind {
    let flat = Limits {
        names: Names::Container,
        ..Limits::ARCHIVE
    };
    let refused = match Archive::open(source.clone(), &flat) {
        Ok(archive) => return kind_of_names(&archive),
        Err(error) => chain(&error),
    };
    match Archive::open(source.clone(), &bundle::LIMITS) {
        Ok(archive) => match kind_of_names(&archive) {
            Kind::Container | Kind::Archive => Kind::Broken(refused),
            kind => kind,
        },
        Err(_) => Kind::Broken(refused),
    }
}

fn kind_of_names(archive: &Archive) -> Kind {
    let names = || archive.entries().iter().map(gateway_asic::zip::Entry::name);
    if bundle::looks_like_one(names()) {
        return Kind::Bundle;
    }
    if names().any(|name| name.starts_with("META-INF/") || name == "message.xml") {
        return Kind::Container;
    }
    let of_archive =
        |name: &str| name == LINKING_INFO || name.ends_with(".asice") && !name.contains('/');
    match names().any(of_archive) {
        true => Kind::Archive,
        false => Kind::Other,
    }
}

/// An OpenPGP message begins with a session key for somebody (RFC 9580, 4.2 and 5.1).
fn is_encrypted(beginning: &[u8]) -> bool {
    matches!(beginning.first(), Some(0x84..=0x87 | 0xc1))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn files(count: u64) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

const ZIP: &[u8] = b"PK";
const ARMORED: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const BEGINNING_BYTES: u64 = 64;
const NO_EVIDENCE: &str =
    "it is neither a container, an archive, a bundle nor the data folder of a node";
