//! The journal towards portals: `findUsage`, `usagePeriod` and `heartbeat`, SOAP services of each
//! client that has services.
//!
//! Names and shape are those of the Data Tracker of Estonia, so that a portal asks all registers in
//! one way: namespace `http://dumonitor.x-road.eu/producer`, children of the body element without
//! namespace, the latest use first, pages by `offset` and `limit`. The person stands in the body:
//!
//! ```xml
//! <d:findUsage xmlns:d="http://dumonitor.x-road.eu/producer">
//!   <userCode kind="fin">…</userCode>                <!-- kind: fin by default; else userId is the person -->
//!   <periodStart>2026-01-01T00:00:00Z</periodStart>  <!-- not before; may be left out -->
//!   <periodEnd>2027-01-01T00:00:00Z</periodEnd>      <!-- before; may be left out -->
//!   <offset>0</offset> <limit>1000</limit>           <!-- these by default; 1000 at most -->
//!   <after>…</after>                                 <!-- or behind the `next` of a page -->
//! </d:findUsage>
//!
//! <d:findUsageResponse xmlns:d="…" xmlns:k="urn:karvan:journal:1">
//!   <totalUsages>1</totalUsages>         <!-- of the query; not with `after`, nor above 100 000 -->
//!   <usage>
//!     <logtime>…</logtime> <action>GetPerson.v1</action> <receiver>AZ/GOV/1/system</receiver>
//!     <receiverCode>1</receiverCode> <receiverName>…</receiverName> <receiverSystem>…</receiverSystem>
//!     <k:exchange>
//!       <k:id>query id</k:id> <k:purpose/> <k:case/> <k:ground>law</k:ground> <k:rule id="…" version="1"/>
//!       <k:act/> <k:article/> <k:consent/> <k:emergency/> <k:outcome>answered</k:outcome>
//!     </k:exchange>
//!   </usage>
//!   <k:next>…</k:next>                   <!-- there is more -->
//! </d:findUsageResponse>
//! ```
//!
//! Of the consumer's end user nothing is told: he may be known by a number that is personal itself.
//! Who asked is a portal that the operator trusts; that it asks for the person it asks about is its
//! word, signed and in both logs.
//!
//! * `request`: what is asked
//! * `response`: what is answered

mod request;
mod response;

use std::sync::Arc;

use bytes::Bytes;
use gateway_exchange::Node;
use gateway_exchange::adapter::{Adapter, Target};
use gateway_exchange::conf::RulesState;
use gateway_exchange::local::BuiltIn;
use gateway_journal::{Page, Query};
use gateway_net::{Body, Client};
use gateway_policy::person::Alphabet;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

use self::request::{Asked, FindUsage};
use self::response::Answer;
use super::Progress;
use crate::causes::with_causes;

/// What services of this node are asked through: its own answer here, others over HTTP.
#[derive(Debug)]
pub(in crate::node) struct Services {
    node: Arc<Node>,
    progress: Arc<Progress>,
    client: Client,
}

/// Why a portal has no answer. It never says who was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request is too long.
    TooLong,
    /// It is no SOAP message without attachments, or its body is not as it should be.
    Malformed(&'static str),
    /// The key of the person is not of its kind.
    Person,
    /// The journal cannot be read.
    Failed,
}

impl Services {
    pub(in crate::node) fn new(node: Arc<Node>, progress: Arc<Progress>, client: Client) -> Self {
        Self {
            node,
            progress,
            client,
        }
    }

    async fn answer(&self, service: BuiltIn, request: Request<Body>) -> Response<Body> {
        match self.answered(service, request).await {
            Ok((text, content_type)) => reply(StatusCode::OK, text, content_type),
            Err(refusal) => {
                let plain = HeaderValue::from_static("text/xml; charset=utf-8");
                let fault = response::fault(refusal);
                reply(StatusCode::INTERNAL_SERVER_ERROR, fault, plain)
            }
        }
    }

    async fn answered(
        &self,
        service: BuiltIn,
        request: Request<Body>,
    ) -> Result<(Bytes, HeaderValue), Refusal> {
        let (head, body) = request.into_parts();
        let content_type = head.headers.get(CONTENT_TYPE).cloned();
        let content_type = content_type.ok_or(Refusal::Malformed("it has no content type"))?;
        let bytes = gateway_net::collect(body, request::BYTES_MAX)
            .await
            .map_err(|_| Refusal::TooLong)?;
        let asked = Asked::parse(bytes, &content_type)?;
        let answer = match service {
            BuiltIn::FindUsage => self.find_usage(&asked).await?,
            BuiltIn::UsagePeriod => self.usage_period(&asked).await?,
            BuiltIn::Heartbeat => self.heartbeat(&asked)?,
        };
        Ok((asked.with_body(&answer), content_type))
    }

    async fn find_usage(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let conf = self.node.conf.load_full();
        let rules = conf.as_ref().map(|conf| &conf.rules);
        let find = match rules {
            Some(RulesState::InForce(rules)) => asked.find_usage(rules.alphabet())?,
            Some(RulesState::Absent | RulesState::Refused(_)) | None => {
                asked.find_usage(&Alphabet::default())?
            }
        };
        let is_first = find.after.is_none();
        let page = self.page(asked, find).await?;
        let name_of = |member: &_| {
            let name = conf.as_ref()?.snapshot.member_name(member)?;
            Some(name.to_owned())
        };
        Ok(response::find_usage(&page, is_first, name_of))
    }

    async fn page(&self, asked: &Asked, find: FindUsage) -> Result<Page, Refusal> {
        let journal = self.node.journal.clone();
        let provider = asked.header().service.provider().clone();
        let now = self.node.clock.now();
        blocking(move || {
            let query = Query {
                person: &find.person,
                provider: &provider,
                from: find.from,
                until: find.until,
                after: find.after,
                skip: find.offset,
                max: find.limit,
            };
            journal.find(&query, now)
        })
        .await
    }

    async fn usage_period(&self, asked: &Asked) -> Result<Answer, Refusal> {
        asked.check_empty(BuiltIn::UsagePeriod)?;
        let journal = self.node.journal.clone();
        let provider = asked.header().service.provider().clone();
        let period = blocking(move || journal.period(&provider)).await?;
        // What has not been kept yet is kept from now on.
        Ok(response::usage_period(
            period.unwrap_or(self.node.clock.now()),
        ))
    }

    fn heartbeat(&self, asked: &Asked) -> Result<Answer, Refusal> {
        asked.check_empty(BuiltIn::Heartbeat)?;
        Ok(response::heartbeat(self.progress.failure().is_none()))
    }
}

impl Adapter for Services {
    async fn call(
        &self,
        request: Request<Body>,
        target: &Target,
    ) -> Result<Response<Body>, gateway_net::Error> {
        match target.built_in {
            Some(service) => Ok(self.answer(service, request).await),
            None => self.client.call(request, target).await,
        }
    }
}

async fn blocking<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, gateway_journal::Error> + Send + 'static,
) -> Result<T, Refusal> {
    let looked = tokio::task::spawn_blocking(look).await;
    looked.map_err(|_| Refusal::Failed)?.map_err(|error| {
        tracing::error!("the journal: {}", with_causes(&error));
        Refusal::Failed
    })
}

fn reply(status: StatusCode, text: Bytes, content_type: HeaderValue) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The namespace of the body elements.
const NAMESPACE: &str = "http://dumonitor.x-road.eu/producer";
/// The namespace of what is ours in them.
const OURS: &str = "urn:karvan:journal:1";

#[cfg(test)]
mod tests;
