//! `karvan audit verify`: whether documents, archives, bundles and logs hold.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use gateway_asic::zip::Source;
use gateway_messagelog::Protection;
use serde_json::{Value, json};

use super::anchor::Anchors;
use super::archives::{self, Chains, Given};
use super::configuration::Configuration;
use super::documents::{self, Document, printable};
use super::items::Items;
use super::pgp::{Pgp, PgpArguments};
use super::progress::Progress;
use super::targets::{Kind, NO_EVIDENCE, Target, Targets, kind_of_zip, name_of, opened};
use super::unpacked::{self, Room};
use super::{Error, Tally, bundle, keys, log, print};

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
    /// The registry's configuration anchor: whatever configuration is judged by has to be one that the
    /// registry signed. May be repeated, where the registry's keys changed.
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
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
    #[command(flatten)]
    pgp: PgpArguments,
    /// How much is unpacked at one time of archives and encrypted files, e.g. `500M` or `1T`;
    /// what is larger is a failure. Without it, 16G.
    #[arg(long, value_name = "SIZE", value_parser = unpacked::parse_size)]
    unpack_max: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
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
        items: Items::default(),
        skipped: Vec::new(),
        is_alone: false,
    };
    if let Some(failure) = run.by.conf.as_deref().and_then(Configuration::failure) {
        run.failures.push(failure);
    }
    let mut targets = Targets::of(&verify.paths)?;
    run.check_use(&targets)?;
    targets.order(run.by.pgp.as_ref(), run.by.room)?;
    run.skipped = std::mem::take(&mut targets.skipped);
    run.is_alone = targets.list.len() == 1;
    let mut progress = run.progress("files");
    for (done, target) in (0..).zip(&targets.list) {
        run.check(target)?;
        if let Some(progress) = &mut progress {
            progress.tell(done, u64::try_from(targets.list.len()).unwrap_or(u64::MAX));
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
    anchors: Option<Anchors>,
    protection: Option<Protection>,
    log_key: Option<String>,
    pgp: Option<Pgp>,
    room: Room,
}

/// How much there was.
#[derive(Default)]
struct Counts {
    documents: Count,
    archives: Count,
    bundles: Count,
    /// Files that could not be read as what they are named.
    broken: u64,
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
    items: Items,
    skipped: Vec<PathBuf>,
    is_alone: bool,
}

impl By {
    fn of(verify: &Verify) -> Result<Self, Error> {
        let anchors = Anchors::open(&verify.anchor)?;
        let conf = verify.conf.as_deref();
        let conf = conf.map(|path| Configuration::open(path, anchors.as_ref()));
        Ok(Self {
            conf: conf.transpose()?.map(Arc::new),
            anchors,
            protection: keys::protection(&verify.key)?,
            log_key: verify.log_key.clone(),
            pgp: Pgp::of(&verify.pgp)?,
            room: Room::given(verify.unpack_max),
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

impl Run {
    /// There is something, and what is needed for it was given.
    fn check_use(&self, targets: &Targets) -> Result<(), Error> {
        if targets.list.is_empty() {
            return Err(Error::Use(
                "there is nothing here that could be checked: neither logs nor containers, archives \
                 or bundles"
                    .to_owned(),
            ));
        }
        for target in &targets.list {
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

    fn check(&mut self, target: &Target) -> Result<(), Error> {
        match &target.kind {
            Kind::Log => self.log(&target.path),
            Kind::Encrypted => self.encrypted(target),
            Kind::Broken(reason) => self.broken(&target.path, reason),
            kind => {
                let source = opened(&target.path)?;
                self.file(target, kind, source, self.by.room)
            }
        }
    }

    fn log(&mut self, data: &Path) -> Result<(), Error> {
        let (anchors, log_key) = (self.by.anchors.as_ref(), self.by.log_key.as_deref());
        let verdict = log::verify(data, self.by.protection.clone(), anchors, log_key)?;
        let place = data.display();
        match self.is_alone {
            true => self.tell(&verdict.text())?,
            false => self.tell(&format!("{place}\n{}", verdict.text()))?,
        }
        self.tally.get_or_insert_default().add(&verdict.tally);
        let failures = verdict.failures.iter();
        self.failures
            .extend(failures.map(|reason| format!("{place}: {reason}")));
        self.item(data, verdict.json())
    }

    /// Decrypts, and looks what it is.
    fn encrypted(&mut self, target: &Target) -> Result<(), Error> {
        let Some(pgp) = &self.by.pgp else {
            return self.broken(&target.path, "there is no key to decrypt it with");
        };
        let (source, opened) = match pgp.decrypted(&target.path, self.by.room)? {
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
        let room = self.by.room.beside(source.bytes());
        self.file(target, &kind, source, room)
    }

    fn file(
        &mut self,
        target: &Target,
        kind: &Kind,
        source: Source,
        room: Room,
    ) -> Result<(), Error> {
        match kind {
            Kind::Container => self.container(&target.path, source),
            Kind::Archive => self.archive(target, source, room),
            Kind::Bundle => self.bundle(&target.path, source),
            Kind::Broken(reason) => self.broken(&target.path, reason),
            Kind::Log | Kind::Encrypted | Kind::Other => Ok(()),
        }
    }

    fn container(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let document = documents::judge(&name_of(path), source, &self.by.conf()?.snapshot);
        self.document(&path.display().to_string(), &document)?;
        self.item(path, document.json())
    }

    fn archive(&mut self, target: &Target, source: Source, room: Room) -> Result<(), Error> {
        let place = target.path.display().to_string();
        let conf = self.by.conf()?;
        let mut chains = std::mem::take(&mut self.chains);
        let mut documents = Vec::new();
        // Told as they are judged: there may be very many.
        let chained = archives::judge(
            source,
            &name_of(&target.path),
            target.is_in_folder,
            &mut chains,
            room,
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
        self.item(&target.path, chained.json(documents))
    }

    fn bundle(&mut self, path: &Path, source: Source) -> Result<(), Error> {
        let place = path.display().to_string();
        let verdict = bundle::verify(
            source,
            self.by.conf.as_deref(),
            self.by.anchors.as_ref(),
            self.by.log_key.as_deref(),
        )?;
        for document in &verdict.documents {
            self.count(&format!("{place}: {}", document.name), document);
        }
        self.counts.bundles.add(verdict.holds());
        let failures = verdict.failures.iter();
        self.failures
            .extend(failures.map(|reason| format!("{place}: {reason}")));
        self.tell(&verdict.text(&place))?;
        self.item(path, verdict.json())
    }

    fn broken(&mut self, path: &Path, reason: &str) -> Result<(), Error> {
        let place = path.display().to_string();
        self.counts.broken = self.counts.broken.saturating_add(1);
        self.failures.push(format!("{place}: {reason}"));
        self.tell(&format!("FAILS  {place}\n  {}\n", printable(reason)))?;
        self.item(
            path,
            json!({ "kind": "unreadable", "ok": false, "reason": reason }),
        )
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

    fn item(&mut self, path: &Path, mut document: Value) -> Result<(), Error> {
        if let Some(fields) = document.as_object_mut() {
            fields.insert("path".to_owned(), path.display().to_string().into());
        }
        match self.json {
            true => self.items.push(&document),
            false => Ok(()),
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
        } = self.counts;
        let skipped = self.skipped.iter().map(|path| path.display().to_string());
        let skipped: Vec<String> = skipped.collect();
        if self.json {
            let document = json!({
                "ok": holds,
                "configuration": self.by.conf.as_deref().map(Configuration::json),
                "documents": documents.json(),
                "archives": archives.json(),
                "bundles": bundles.json(),
                "unreadable": broken,
                "skipped": skipped.len(),
                "skipped_paths": skipped,
                "tally": self.tally,
                "failures": self.failures,
            });
            let mut out = std::io::stdout().lock();
            self.items.write_in(&document, "items", &mut out)?;
            return Ok(holds);
        }
        // Of logs alone everything has been said, unless what they were to be judged by is refused.
        let is_conf_refused = self.by.conf.as_deref().and_then(Configuration::failure);
        let Count { holds: good, fails } = documents;
        let is_alone = good.saturating_add(fails).saturating_add(broken) == 0;
        if self.tally.is_some() && is_alone && skipped.is_empty() && is_conf_refused.is_none() {
            return Ok(holds);
        }
        let mut text = self
            .by
            .conf
            .as_deref()
            .map(Configuration::text)
            .unwrap_or_default();
        for path in &skipped {
            text.push_str(&printable(&format!("not looked at: {path}")));
            text.push('\n');
        }
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
        if !skipped.is_empty() {
            text.push_str(&format!("; {} of another kind skipped", skipped.len()));
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

fn files(count: u64) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}
