//! How long a revoked consent is still taken: from the desk's answer to the first refusal.
//!
//! A real registry and two nodes in processes of their own. Once through the consumer's node, whose
//! own word comes first; once by a client that asks through the provider's node, so that the refusal
//! is that node's.

use std::time::Duration;

use gateway_net::{Client, ServerTrust};
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Method, Request};
use serde::Serialize;

use super::Options;
use super::country::{Bank, Desk, Given, RULED};
use super::exchanges::{header, purpose};
use super::invented::{CREDIT, fin};
use crate::bench::measure::Tail;
use crate::bench::{Error, Town, client};
use crate::clock;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) consumer: Tail,
    pub(super) provider: Tail,
    /// How long an exchange that is answered takes: the refusal is seen that much late at most.
    pub(super) exchange: Tail,
}

/// One who asks with a consent.
struct Asking<'t> {
    town: &'t Town,
    http: Client,
    bank: Bank,
}

pub(super) async fn run(options: &Options) -> Result<Figures, Error> {
    let town = Town::start_as(&RULED, options.case.key, None).await?;
    let figures = measured(&town, options.revocations).await;
    town.stop().await;
    figures
}

async fn measured(town: &Town, count: u32) -> Result<Figures, Error> {
    let desk = Desk::new(town)?;
    let mut exchange = Vec::new();
    let (mut consumer, mut provider) = (Vec::new(), Vec::new());
    for number in 0..u64::from(count) {
        for (bank, latencies) in [(Bank::Asks, &mut consumer), (Bank::Own, &mut provider)] {
            let asking = Asking {
                town,
                http: client(2)?,
                bank,
            };
            let given = desk.given(bank, &fin(number)).await?;
            asking.until_answered(&given).await?;
            let began = clock::instant();
            let answered = asking.refused(&given).await?;
            exchange.push(began.elapsed());
            if answered.is_some() {
                return Err(Error::Load("a consent does not hold".to_owned()));
            }
            desk.revoke(&given).await?;
            let told = clock::instant();
            latencies.push(asking.until_refused(&given, told).await?);
        }
    }
    Ok(Figures {
        consumer: Tail::of(consumer),
        provider: Tail::of(provider),
        exchange: Tail::of(exchange),
    })
}

impl Asking<'_> {
    async fn until_answered(&self, given: &Given) -> Result<(), Error> {
        let mut last = None;
        for _ in 0..TRIES {
            last = self.refused(given).await?;
            if last.is_none() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        let last = last.unwrap_or_default();
        Err(Error::Load(format!("a new consent is not taken: {last}")))
    }

    /// Asks again and again; how long after the desk's answer the refusal came.
    async fn until_refused(
        &self,
        given: &Given,
        told: std::time::Instant,
    ) -> Result<Duration, Error> {
        while told.elapsed() < PATIENCE {
            match self.refused(given).await? {
                Some(code) if code.ends_with(".basis.consent_revoked") => return Ok(told.elapsed()),
                Some(code) => {
                    return Err(Error::Load(format!("refused for another reason: {code}")));
                }
                None => {}
            }
        }
        Err(Error::Load("a revoked consent is still taken".to_owned()))
    }

    /// One exchange; `None`: it was answered.
    async fn refused(&self, given: &Given) -> Result<Option<String>, Error> {
        let index = self.town.place.node_index(self.bank.node());
        let node = self.town.place.clients_http(index);
        let mut request = Request::new(gateway_net::full("x"));
        *request.method_mut() = Method::POST;
        let uri = format!(
            "http://{node}/r1/AZ/GOV/0000000131/answers/echo?fin={}",
            given.fin
        );
        *request.uri_mut() = uri
            .parse()
            .map_err(|_| Error::Load(format!("not a URL: {uri}")))?;
        let node = HeaderValue::from_str(&node.to_string());
        let node = node.map_err(|error| Error::Load(error.to_string()))?;
        let headers: [(HeaderName, HeaderValue); 4] = [
            (HOST, node),
            header("x-road-client", self.bank.client())?,
            purpose(CREDIT)?,
            header("karvan-consent", &given.artefact)?,
        ];
        request.headers_mut().extend(headers);
        let answer = self.http.request(request, &ServerTrust::Any, None).await;
        let (head, body) = answer.map_err(Error::Net)?.into_parts();
        gateway_net::collect(body, 1024 * 1024)
            .await
            .map_err(Error::Net)?;
        match head.status.is_success() {
            true => Ok(None),
            false => {
                let code = head.headers.get("x-road-error");
                let code = code.and_then(|code| code.to_str().ok());
                Ok(Some(code.unwrap_or(head.status.as_str()).to_owned()))
            }
        }
    }
}

const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);
/// Twice what is allowed.
const PATIENCE: Duration = Duration::from_secs(10);
