//! `karvan sandbox`: a whole country on one machine, the real protocol between its nodes.

mod endpoints;
mod evidence;
mod plan;
mod portal;
mod report;
mod story;
mod system;
mod tamper;

use std::fmt;
use std::path::{Path, PathBuf};

use certs_keys::KeyKind;
use clap::Args;
use serde::Serialize;

use self::endpoints::Endpoints;
use self::evidence::Evidence;
use self::portal::Portal;
use self::report::Narrator;
use self::story::{Step, Story};
use crate::audit::{self, Tally};
use crate::country::place::{self, Place};
use crate::country::{self, found};
use crate::{clock, service};

/// What the user asked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// End after the story; exit code 0 only if all of it held.
    #[arg(long)]
    once: bool,
    /// Print one JSON document instead of text. Implies --once.
    #[arg(long)]
    json: bool,
    /// Keep everything in this folder; a country already there is taken up again.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// First of the ports to use on loopback; a free block is looked for when missing.
    #[arg(long, value_name = "N")]
    base_port: Option<u16>,
    /// Kind of all keys made: p256, p384, rsa2048, rsa3072.
    #[arg(long, value_name = "KIND", default_value = "p256")]
    keys: KeyKind,
}

/// The whole outcome, for programs.
#[derive(Debug, Serialize)]
struct Outcome {
    ok: bool,
    steps: Vec<Step>,
    audit: Tally,
    evidence: Evidence,
}

/// Why there is no sandbox.
#[derive(Debug)]
pub(crate) enum Error {
    Io {
        what: &'static str,
        source: std::io::Error,
    },
    Interrupted,
    NoPorts,
    PortTaken {
        address: std::net::SocketAddr,
    },
    /// An earlier release founded the country there.
    Older {
        folder: PathBuf,
    },
    Country(country::Error),
    Net(gateway_net::Error),
    Audit(audit::Error),
}

/// Founds or takes up the country, tells the story, audits every log. `true`: all of it held.
pub(crate) async fn run(options: Options) -> Result<bool, Error> {
    let narrator = Narrator::new(options.json);
    let began = clock::instant();
    let (folder, _temporary) = folder(options.dir.as_deref())?;
    let place = Place::new(
        &plan::COUNTRY,
        &folder,
        base_port(&folder, options.base_port)?,
    );
    if let Some(address) = place.taken() {
        return Err(Error::PortTaken { address });
    }
    Endpoints::remove(&folder).map_err(|source| Error::Io {
        what: "removing endpoints.json of an earlier run",
        source,
    })?;
    let founded = found::is_founded(&place);
    if founded && found::is_without_rules(&place) {
        return Err(Error::Older { folder });
    }
    if !founded {
        found(&place, options.keys).await.map_err(Error::Country)?;
    }
    let country = country::start(&place).await.map_err(Error::Country)?;
    let how = if founded { "taken up again" } else { "founded" };
    narrator.say(&format!(
        "A country of {} members, {} nodes and {} databases, {how} and running after {:.1} s, in {}",
        plan::COUNTRY.members.len(),
        plan::COUNTRY.nodes.len(),
        plan::COUNTRY.adapters.len(),
        began.elapsed().as_secs_f64(),
        place.folder().display(),
    ));
    let mut story = Story::new(&place, &country.nodes, &narrator).map_err(Error::Net)?;
    story.begin().await;
    let mut incomplete = evidence::keep_checkpoints(&place, &country.nodes)
        .await
        .map_err(Error::Audit)?;
    let steps = story.end().await;

    incomplete.extend(evidence::complete(&country.nodes).await);

    let stays = !options.once && !options.json;
    let country = if stays {
        Some(country)
    } else {
        country.stop().await;
        None
    };
    let (tally, evidence) = judged(&place, options.json, incomplete).await?;
    let ok = steps.iter().all(|step| step.ok)
        && tally.failed == 0
        && tally.verified > 0
        && evidence.holds();
    let outcome = Outcome {
        ok,
        steps,
        audit: tally,
        evidence,
    };
    if options.json {
        let json = serde_json::to_string(&outcome).unwrap_or_default();
        Narrator::new(false).say(&json);
    } else {
        let held = outcome.steps.iter().filter(|step| step.ok).count();
        let verdict = if ok {
            "All of it held."
        } else {
            "Something did not hold."
        };
        narrator.say(&format!(
            "\n{held} of {} steps as expected. {verdict}",
            outcome.steps.len()
        ));
    }
    if let Some(country) = country {
        Endpoints::of(&place)
            .write(&folder)
            .map_err(|source| Error::Io {
                what: "writing endpoints.json",
                source,
            })?;
        let back_end = portal_back_end(&place).await?;
        narrator.say(&invitation(&place));
        let asked = service::asked_to_end().await;
        asked.map_err(|source| Error::Io {
            what: "waiting for Ctrl-C",
            source,
        })?;
        back_end.stop().await;
        country.stop().await;
    }
    Ok(ok)
}

/// The folder, and what removes it at the end if it is a temporary one.
fn folder(asked: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
    match asked {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|source| Error::Io {
                what: "making the folder",
                source,
            })?;
            let dir = dir.canonicalize().map_err(|source| Error::Io {
                what: "finding the folder",
                source,
            })?;
            Ok((dir, None))
        }
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("karvan-sandbox-")
                .tempdir()
                .map_err(|source| Error::Io {
                    what: "making a temporary folder",
                    source,
                })?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
}

/// The port asked for, that of the country in the folder, or a free one. It is kept in the folder.
fn base_port(folder: &Path, asked: Option<u16>) -> Result<u16, Error> {
    let kept = folder.join("base-port");
    let written = std::fs::read_to_string(&kept).ok();
    if let Some(port) = written.and_then(|text| text.trim().parse().ok()) {
        return Ok(port);
    }
    let port = asked
        .or_else(|| place::free_base_port(&plan::COUNTRY))
        .ok_or(Error::NoPorts)?;
    std::fs::write(&kept, port.to_string()).map_err(|source| Error::Io {
        what: "writing the base port",
        source,
    })?;
    Ok(port)
}

/// What the files of all nodes prove, away from the executor.
async fn judged(
    place: &Place,
    silent: bool,
    incomplete: Vec<String>,
) -> Result<(Tally, Evidence), Error> {
    let place = place.clone();
    let judging = tokio::task::spawn_blocking(move || {
        let narrator = Narrator::new(silent);
        let (tally, failures) = audit_all(&place, &narrator)?;
        let mut evidence = evidence::take(&place, &narrator).map_err(Error::Audit)?;
        evidence.failures(failures);
        for reason in incomplete {
            evidence.fail(&narrator, reason);
        }
        Ok((tally, evidence))
    });
    judging.await.map_err(|_| Error::Interrupted)?
}

/// Every record of every log, the tree they give, and that the registry signed the configurations they
/// are judged by.
fn audit_all(place: &Place, narrator: &Narrator) -> Result<(Tally, Vec<String>), Error> {
    narrator.say("\nThe auditor checks every record of every node");
    let (mut all, mut failures) = (Tally::default(), Vec::new());
    for plan in place.plan().nodes {
        let data = place.node_folder(plan.name).join("data");
        let anchors = evidence::anchors(place).map_err(Error::Audit)?;
        let verdict = audit::verify_log(&data, None, anchors.as_ref(), None);
        let verdict = verdict.map_err(Error::Audit)?;
        for reason in verdict.failures {
            narrator.say(&format!("  FAIL {reason}"));
            failures.push(format!("{}: {reason}", plan.name));
        }
        let tally = verdict.tally;
        narrator.say(&format!(
            "  {:<6} {:>4} records: {} verified, {} time stamps, {} refusals noted, {} failed   ({})",
            plan.name,
            tally.records,
            tally.verified,
            tally.stamps,
            tally.refusals,
            tally.failed,
            plan.title,
        ));
        all.add(&tally);
    }
    Ok((all, failures))
}

/// The portal's back end, for who wants to be a person of the country.
async fn portal_back_end(place: &Place) -> Result<service::Running, Error> {
    let portal = Portal::new(place, crate::fetch::client().map_err(Error::Net)?);
    let mut running = service::Running::new();
    let limits = gateway_net::Limits::default();
    let listening = running.listen(place.portal(), None, limits, portal::Face::new(portal));
    listening.await.map_err(Error::Net)?;
    Ok(running)
}

/// Ready-made lines to paste.
fn invitation(place: &Place) -> String {
    let portal = place.clients_http(place.node_index("iria"));
    let caller = system::Caller {
        client: "GOV/0000001181/mygov",
        node: portal,
    };
    let about = [("fin", "0TEST02")];
    let call = system::SoapCall::iamas("GetPersonByFin", "from-the-shell", &about);
    let back_end = place.portal();
    let envelope = system::envelope(caller, &call).unwrap_or_default();
    format!(
        "\nThe country stays up until Ctrl-C. Paste one of these into another shell:\n\n\
         curl -s http://{portal}/r1/AZ/GOV/0000000131/iamas/persons/0TEST01 \\\n\
         \x20 -H 'X-Road-Client: AZ/GOV/0000001181/mygov'\n\n\
         curl -s http://{portal}/ -H 'Content-Type: text/xml; charset=UTF-8' -H 'SOAPAction: \"\"' \\\n\
         \x20 --data-binary '{envelope}'\n\n\
         Who asked about this person, across all members, as the portal would show it:\n\n\
         curl -s http://{back_end}/usage -d '{{\"fin\": \"0TEST01\"}}'\n\n\
         What the registry lists: karvan registry --config {} rule list\n\
         The log of the portal's node, checked: karvan audit verify {}\n",
        place.registry_folder().join("registry.toml").display(),
        place.node_folder("iria").join("data").display(),
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Interrupted => f.write_str("the sandbox was interrupted"),
            Self::NoPorts => f.write_str(
                "no free block of ports was found on loopback; name one with --base-port",
            ),
            Self::PortTaken { address } => write!(
                f,
                "{address} cannot be used: another program holds it, or this system has no such \
                 loopback address; try another --base-port"
            ),
            Self::Older { folder } => write!(
                f,
                "the country in {} was founded by an earlier release and has no rules and no consent \
                 desk, so the story cannot hold there; remove the folder, or name another with --dir",
                folder.display()
            ),
            Self::Country(error) => write!(f, "{error}"),
            Self::Net(error) => write!(f, "{error}"),
            Self::Audit(error) => write!(f, "audit: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { .. }
            | Self::Interrupted
            | Self::NoPorts
            | Self::PortTaken { .. }
            | Self::Older { .. } => None,
            Self::Country(error) => std::error::Error::source(error),
            Self::Net(error) => std::error::Error::source(error),
            Self::Audit(error) => std::error::Error::source(error),
        }
    }
}
