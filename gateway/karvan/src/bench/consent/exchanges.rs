//! What rules cost an exchange: the same load in turns on two nodes of a country without rules, and on
//! two under rules, resting on a law and on consents. Under rules each request is about one of many
//! persons, its use of the rule is counted, and it goes into the journal.

use std::time::Duration;

use gateway_net::ServerTrust;
use http::header::{HeaderName, HeaderValue};
use serde::Serialize;

use super::Options;
use super::country::{Bank, Desk, PLAIN, RULED};
use super::invented::{AID, CREDIT, fin};
use crate::bench::load::Load;
use crate::bench::measure::{mean, percent_less};
use crate::bench::parts;
use crate::bench::{Error, Town, client};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) case: String,
    pub(super) clients: usize,
    pub(super) persons: u64,
    /// Persons who gave the consumer a consent.
    pub(super) consents: u64,
    /// What the parts of an exchange would allow.
    pub(super) bound_per_s: f64,
    pub(super) rounds: Vec<Round>,
    pub(super) off_per_s: f64,
    pub(super) law_per_s: f64,
    pub(super) consent_per_s: f64,
    /// How many fewer exchanges under rules.
    pub(super) law_cost_percent: f64,
    pub(super) consent_cost_percent: f64,
}

/// Exchanges a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    pub(super) off_per_s: f64,
    pub(super) law_per_s: f64,
    pub(super) consent_per_s: f64,
}

pub(super) async fn run(options: &Options) -> Result<Figures, Error> {
    let bound_per_s = parts::bound(options.case).await?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let off_per_s = without_rules(options).await?;
        let (law_per_s, consent_per_s) = under_rules(options).await?;
        rounds.push(Round {
            off_per_s,
            law_per_s,
            consent_per_s,
        });
    }
    let of = |which: fn(&Round) -> f64| mean(&rounds.iter().map(which).collect::<Vec<f64>>());
    let off_per_s = of(|round| round.off_per_s);
    let law_per_s = of(|round| round.law_per_s);
    let consent_per_s = of(|round| round.consent_per_s);
    Ok(Figures {
        case: options.case.to_string(),
        clients: options.clients,
        persons: PERSONS,
        consents: CONSENTS,
        bound_per_s,
        rounds,
        off_per_s,
        law_per_s,
        consent_per_s,
        law_cost_percent: percent_less(off_per_s, law_per_s),
        consent_cost_percent: percent_less(off_per_s, consent_per_s),
    })
}

async fn without_rules(options: &Options) -> Result<f64, Error> {
    let town = Town::start_as(&PLAIN, options.case.key, None).await?;
    let per_s = loaded(options, &base(&town, options).to(&by_law()?)).await;
    town.stop().await;
    per_s
}

async fn under_rules(options: &Options) -> Result<(f64, f64), Error> {
    let town = Town::start_as(&RULED, options.case.key, None).await?;
    let rates = async {
        let by_consent = base(&town, options).to(&by_consent(&town).await?);
        answered(&by_consent).await?;
        let law_per_s = loaded(options, &base(&town, options).to(&by_law()?)).await?;
        Ok((law_per_s, loaded(options, &by_consent).await?))
    };
    let rates = rates.await;
    town.stop().await;
    rates
}

async fn loaded(options: &Options, load: &Load) -> Result<f64, Error> {
    load.run(4, WARM_UP).await?;
    let outcome = load.run(options.clients.max(1), options.seconds).await?;
    Ok(outcome.exchanges_per_s)
}

fn base(town: &Town, options: &Options) -> Load {
    let node = town.place.node_index(Bank::Asks.node());
    options.case.load(town.place.clients_http(node))
}

fn by_law() -> Result<Vec<Target>, Error> {
    let target = |number| Ok((format!("fin={}", fin(number)), vec![purpose(AID)?]));
    (0..PERSONS).map(target).collect()
}

async fn by_consent(town: &Town) -> Result<Vec<Target>, Error> {
    let desk = Desk::new(town)?;
    let mut targets = Vec::new();
    for number in 0..CONSENTS {
        let given = desk.given(Bank::Asks, &fin(number)).await?;
        let headers = vec![purpose(CREDIT)?, header("karvan-consent", &given.artefact)?];
        targets.push((format!("fin={}", given.fin), headers));
    }
    Ok(targets)
}

/// Waits until both nodes have heard of the feed: before that no consent counts.
async fn answered(load: &Load) -> Result<(), Error> {
    let http = client(1)?;
    for _ in 0..TRIES {
        let answer = http.request(load.request(), &ServerTrust::Any, None).await;
        let status = answer.map_err(Error::Net)?.status();
        if status.is_success() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Load("consents are not taken".to_owned()))
}

pub(super) fn purpose(code: &str) -> Result<(HeaderName, HeaderValue), Error> {
    header("karvan-purpose", code)
}

pub(super) fn header(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let value = HeaderValue::from_str(value).map_err(|error| Error::Load(error.to_string()))?;
    Ok((HeaderName::from_static(name), value))
}

/// A query and headers.
type Target = (String, Vec<(HeaderName, HeaderValue)>);

const WARM_UP: Duration = Duration::from_millis(500);
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);
const PERSONS: u64 = 1000;
const CONSENTS: u64 = 200;
