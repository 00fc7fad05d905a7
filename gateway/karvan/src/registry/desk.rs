//! The consent desk over HTTP, for the node in front of it: `/consents/…`, `/cases/…`, `/notices…`.
//!
//! The node has verified who asks and says so in the headers that it passes on; so only nodes get here
//! (loopback, or mutual TLS with their certificates). On loopback a page in a browser of this machine
//! could get here too, under a name of its own that leads to this address; so no name but `localhost`
//! is answered to. The rules that hold are those this registry has published, the very ones that nodes
//! obey.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway_consent::request::BODY_BYTES_MAX;
use gateway_consent::{Answer, Caller, Desk, Refusal, Settings};
use gateway_exchange::Clock as _;
use gateway_net::{Body, Handler, Peer};
use gateway_policy::basis::Directory;
use gateway_policy::rules::{ConsentService, Rules};
use gateway_proto::id::{ClientId, GlobalGroupId};
use gateway_registry::{Registry, State};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use http::uri::Authority;
use http::{HeaderMap, Request, Response, StatusCode};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Semaphore;

use super::feed::Feed;
use crate::causes::with_causes;
use crate::clock::SystemClock;
use crate::service::Stop;

/// The desk's door.
#[derive(Debug)]
pub(super) struct Face {
    office: Arc<Office>,
    feed: Arc<Feed>,
    reached: Reached,
    /// Requests that may have a body in memory, and wait for the disk, at once.
    room: Semaphore,
}

/// How callers get to the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// By mutual TLS: they are known.
    OverTls,
    /// In plain HTTP on this machine.
    OnLoopback,
}

/// The desk with what it judges by.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) desk: Arc<Desk>,
    pub(super) registry: Arc<Registry>,
    pub(super) supervisors: Vec<ClientId>,
    /// The rules in force, read; by their digest.
    rules: Mutex<Option<(String, Arc<Rules>)>>,
}

/// A request that did not come to the desk.
#[derive(Debug)]
enum Turned {
    /// By the desk itself.
    Away(Refusal),
    /// Before it: status, code, sentence.
    Back(StatusCode, &'static str, String),
}

/// Global groups as the registry has them.
struct Groups<'s>(&'s State);

impl Office {
    pub(super) fn new(
        desk: Arc<Desk>,
        registry: Arc<Registry>,
        supervisors: Vec<ClientId>,
    ) -> Self {
        Self {
            desk,
            registry,
            supervisors,
            rules: Mutex::default(),
        }
    }

    /// Carries out one request; waits for the disk.
    fn handle(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, Turned> {
        let state = self.registry.state();
        let rules = self.rules(&state)?;
        let request =
            gateway_consent::Request::from_http(method, path, query, body).map_err(Turned::Away)?;
        let settings = Settings {
            supervisors: &self.supervisors,
            directory: &Groups(&state),
        };
        self.desk
            .handle(caller, request, &rules, &settings, SystemClock.now())
            .map_err(Turned::Away)
    }

    /// The rules in force, read once for each publication.
    fn rules(&self, state: &State) -> Result<Arc<Rules>, Turned> {
        let published = state.published.as_ref().ok_or_else(|| {
            Turned::Back(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_rules",
                "The registry has published no rules yet, so there is nothing to consent to. Its \
                 operator must publish them."
                    .to_owned(),
            )
        })?;
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((digest, rules)) = &*known
            && digest == published.digest()
        {
            return Ok(Arc::clone(rules));
        }
        let rules = Rules::read(published.octets(), &state.instance).map_err(|error| {
            tracing::error!("the rules in force cannot be read: {}", with_causes(&error));
            Turned::failed()
        })?;
        let rules = Arc::new(rules);
        *known = Some((published.digest().to_owned(), Arc::clone(&rules)));
        Ok(rules)
    }
}

impl Face {
    pub(super) fn new(office: Arc<Office>, feed: Arc<Feed>, reached: Reached) -> Self {
        Self {
            office,
            feed,
            reached,
            room: Semaphore::new(AT_ONCE_MAX),
        }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Answer, Turned> {
        let (parts, body) = request.into_parts();
        if self.reached == Reached::OnLoopback {
            check_host(&parts.headers)?;
        }
        let caller = caller(&parts.headers)?;
        // Before the body, so that few of them are in memory; a node sends what it has whole.
        let _room = self.room.acquire().await.map_err(|_| Turned::failed())?;
        let body = body_of(body).await?;
        let office = Arc::clone(&self.office);
        let answer = tokio::task::spawn_blocking(move || {
            let (path, query) = (parts.uri.path(), parts.uri.query());
            office.handle(&caller, parts.method.as_str(), path, query, &body)
        });
        let answer = answer.await.map_err(|_| Turned::failed())?;
        // Also when it failed: it may have failed after it was written.
        self.feed.look();
        answer
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        match self.answer(request).await {
            Ok(answer) => respond(answer.status(), answer.body()),
            Err(turned) => turned.respond(),
        }
    }
}

impl Turned {
    fn failed() -> Self {
        Self::Back(
            StatusCode::INTERNAL_SERVER_ERROR,
            "desk_failed",
            "The desk failed. It is not the caller's fault; try again.".to_owned(),
        )
    }

    fn respond(self) -> Response<Body> {
        match self {
            Self::Away(refusal) => {
                if let Refusal::Failed(error) = &refusal {
                    tracing::error!("the consent desk failed: {}", with_causes(error));
                }
                let mut response = respond(refusal.status(), refusal.body());
                if let Refusal::MethodNotAllowed { allowed } = refusal {
                    let headers = response.headers_mut();
                    headers.insert(ALLOW, HeaderValue::from_static(allowed));
                }
                response
            }
            Self::Back(status, code, message) => {
                let body = json!({ "code": code, "message": message }).to_string();
                respond(status.as_u16(), body.into_bytes())
            }
        }
    }
}

impl Directory for Groups<'_> {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        let Self(state) = self;
        let found = state.groups.get(group.code());
        group.instance() == state.instance
            && found.is_some_and(|group| group.members.contains(client))
    }
}

/// Why nodes would not believe this desk, by the rules in force: perhaps a key was lost and made anew.
pub(super) fn disbelieved(state: &State, own: &ConsentService) -> Option<String> {
    let part = state.published.as_ref()?.part();
    let missing = match &part.consent {
        None => "no consent desk",
        Some(believed) if believed.feed_key != own.feed_key => "another key of the feed",
        Some(believed)
            if !own
                .feed_certificates
                .iter()
                .all(|one| believed.feed_certificates.contains(one)) =>
        {
            "another certificate of the feed"
        }
        Some(believed) if !own.keys.iter().all(|key| believed.keys.contains(key)) => {
            "other keys of consents"
        }
        Some(_) => return None,
    };
    Some(format!(
        "the rules in force name {missing}, so nodes believe nothing that this desk says and what \
         rests on consents and open cases stays closed: bring the keys back from a backup, or have \
         these believed with `karvan registry setting consent-service`"
    ))
}

/// Ends what is over, forgets what is old, and marks anew what is under older hash keys; until it is
/// to stop.
pub(super) async fn housekeeping(
    desk: Arc<Desk>,
    feed: Arc<Feed>,
    retention_days: u32,
    mut stop: Stop,
) {
    loop {
        let work = Arc::clone(&desk);
        let done = tokio::task::spawn_blocking(move || tidy(&work, retention_days)).await;
        let more = match done {
            Ok(Ok(more)) => more,
            Ok(Err(error)) => {
                tracing::error!("the consent desk's housekeeping: {}", with_causes(&error));
                false
            }
            Err(error) => {
                tracing::error!("the consent desk's housekeeping: {error}");
                false
            }
        };
        feed.look();
        let pause = if more { STEP_PAUSE } else { PAUSE };
        if !stop.sleep(pause).await {
            return;
        }
    }
}

/// One bounded step; `true`: there is more to do.
fn tidy(desk: &Desk, retention_days: u32) -> Result<bool, gateway_consent::Error> {
    let now = SystemClock.now();
    let expired = desk.expire(now)?;
    let kept = SignedDuration::from_hours(i64::from(retention_days).saturating_mul(24));
    let erased = match now.checked_sub(kept) {
        Ok(before) => desk.erase(before)?,
        // So long that nothing is as old.
        Err(_) => gateway_consent::retention::Erased::default(),
    };
    let marked = desk.remark(MARKED_AT_ONCE_MAX)?;
    Ok(expired.more || erased.more || marked > 0)
}

/// Who asks, as the node in front says. What a caller could have sent twice is refused.
fn caller(headers: &HeaderMap) -> Result<Caller, Turned> {
    let back = |status, code, message: &str| Turned::Back(status, code, message.to_owned());
    let client = one(headers, CLIENT)?.ok_or_else(|| {
        back(
            StatusCode::UNAUTHORIZED,
            "caller_missing",
            "The request names no calling client. The desk answers its node only: call the service \
             through your own node.",
        )
    })?;
    let client = ClientId::from_rest(&client).map_err(|_| {
        back(
            StatusCode::BAD_REQUEST,
            "caller_malformed",
            "The calling client is no identifier. The node in front of the desk must pass on \
             X-Road-Client as it came.",
        )
    })?;
    let message_id = one(headers, MESSAGE_ID)?.ok_or_else(|| {
        back(
            StatusCode::BAD_REQUEST,
            "message_id_missing",
            "The request has no message id. The node in front of the desk must pass on X-Road-Id.",
        )
    })?;
    Ok(Caller {
        client,
        user: one(headers, USER)?,
        message_id: Some(message_id),
    })
}

/// Plain HTTP is answered under an address or `localhost`: what a browser was led here by is a name.
fn check_host(headers: &HeaderMap) -> Result<(), Turned> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let is_here = |name: &str| {
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
    };
    match authority.is_some_and(|authority| is_here(authority.host())) {
        true => Ok(()),
        false => Err(Turned::Back(
            StatusCode::MISDIRECTED_REQUEST,
            "host_not_local",
            "The desk is reached in plain HTTP under an address only, as 127.0.0.1. Whoever set up \
             the node in front must write the address of the service so, or give the desk TLS."
                .to_owned(),
        )),
    }
}

/// The value of a header, if it stands there; not empty, not twice.
fn one(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Turned> {
    let wrong = |what| {
        let message = format!("{name} {what}. The node in front of the desk must pass on one.");
        Turned::Back(StatusCode::BAD_REQUEST, "header_malformed", message)
    };
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(wrong("stands twice")),
        (Some(value), None) => match std::str::from_utf8(value.as_bytes()) {
            Ok(text) if !text.trim().is_empty() => Ok(Some(text.to_owned())),
            Ok(_) => Ok(None),
            Err(_) => Err(wrong("is no text")),
        },
    }
}

async fn body_of(body: Body) -> Result<Bytes, Turned> {
    gateway_net::collect(body, BODY_BYTES_MAX)
        .await
        .map_err(|error| match error {
            gateway_net::Error::BodyTooLarge { bytes_max } => {
                Turned::Away(Refusal::BodyTooLong { bytes_max })
            }
            _ => Turned::Back(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "The request broke off before its end.".to_owned(),
            ),
        })
}

fn respond(status: u16, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(body));
    let status = StatusCode::from_u16(status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const CLIENT: &str = "x-road-client";
const MESSAGE_ID: &str = "x-road-id";
const USER: &str = "x-road-userid";
/// Writers of the store wait for each other anyway.
const AT_ONCE_MAX: usize = 64;
const MARKED_AT_ONCE_MAX: usize = 1_000;
/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Between two steps of one round.
const STEP_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
