//! The admin API, `/api/karvan/v1`: what the registry's people and their scripts do. JSON both ways; each
//! call names its role in one table ([`routes`]); each change is a command of the registry, in its audit
//! trail under the name of the key that made it.
//!
//! The command line makes the same calls, over HTTP while the registry runs and straight into
//! [`Admin::answer`] while it does not.
//!
//! | module | subject |
//! |---|---|
//! | `routes`, `openapi` | the table of calls; the document made of it |
//! | `caller`, `call`, `answer` | who asks; what is asked; what is answered |
//! | `members`, `trust` | members, subsystems, servers, groups; certification and time-stamping |
//! | `rules` | systems, services, purposes, categories, rules, their publication |
//! | `changes`, `keys`, `trail` | changing; API keys; the audit trail |

mod answer;
mod call;
mod caller;
mod changes;
mod keys;
mod members;
mod openapi;
mod routes;
mod rules;
mod trail;
mod trust;

use std::sync::Arc;

use bytes::Bytes;
use gateway_exchange::Clock as _;
use gateway_net::{Body, Handler, Peer};
use gateway_policy::rules::ConsentService;
use gateway_registry::{Command, Entry, Registry};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

use self::answer::{Answer, Problem};
use self::call::Call;
pub(super) use self::caller::{Caller, LocalKey, USER};
use self::caller::{LOCAL, STORE};
use self::routes::{Found, Need};
use crate::clock::SystemClock;

/// The registry as its administrators reach it.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) registry: Arc<Registry>,
    /// Rung after each change.
    pub(super) changed: Arc<Notify>,
    /// Its file has a consent desk.
    pub(super) has_desk: bool,
    /// How that desk is believed; `None` without one, or when nobody asked for it.
    pub(super) consent: Option<ConsentService>,
}

/// The admin API over HTTP.
#[derive(Debug)]
pub(super) struct Face {
    admin: Arc<Admin>,
    local: LocalKey,
    bytes_max: usize,
    /// Calls that may wait for the disk at once.
    room: Semaphore,
}

impl Admin {
    /// Carries out a command in the caller's name, and has it published.
    fn execute(&self, command: Command, caller: &Caller, now: Timestamp) -> Result<Entry, Problem> {
        if let Command::AddApiKey { name, .. } = &command
            && [LOCAL, STORE].contains(&name.as_str())
        {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "reserved",
                format!("the key {name:?}: the audit trail calls this machine so; choose another"),
            ));
        }
        let entry = self.registry.execute(command, &caller.who, now);
        let entry = entry.map_err(|error| Problem::of(&error))?;
        self.changed.notify_one();
        Ok(entry)
    }

    /// Makes one call without HTTP, and gives the status and document it would have there. It may
    /// wait for the disk. `path` is below the base.
    pub(super) fn answer(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        body: &[u8],
        caller: &Caller,
        now: Timestamp,
    ) -> (StatusCode, Value) {
        let answer = routes::find(method, path).and_then(|found| {
            permit(&found, caller)?;
            self.act(found, query, body, caller, now)
        });
        match answer {
            Ok(answer) => (answer.status, answer.document),
            Err(problem) => (problem.status, problem.document(&new_id())),
        }
    }

    fn act(
        &self,
        found: Found,
        query: &str,
        body: &[u8],
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Answer, Problem> {
        let query = call::query(query)?;
        let known = |name: &str| found.route.query.iter().any(|(known, _)| *known == name);
        if let Some((name, _)) = query.iter().find(|(name, _)| !known(name)) {
            return Err(Problem::invalid(format!(
                "this call has no query parameter {name:?}; see openapi.json"
            )));
        }
        if found.route.takes.is_empty() && !body.is_empty() {
            return Err(Problem::invalid("this call has no body; send none"));
        }
        let call = Call {
            admin: self,
            caller,
            parameters: found.parameters,
            query,
            body,
            now,
        };
        (found.route.act)(&call)
    }
}

impl Face {
    pub(super) fn new(admin: Arc<Admin>, local: LocalKey, bytes_max: usize) -> Self {
        Self {
            admin,
            local,
            bytes_max,
            room: Semaphore::new(AT_ONCE_MAX),
        }
    }

    async fn answer(&self, parts: &Parts, body: Body) -> Result<(Answer, Caller), Problem> {
        let path = parts.uri.path().strip_prefix(BASE);
        let found = routes::find(&parts.method, path.unwrap_or_default());
        let caller = match (&found, self.caller(&parts.headers)) {
            (_, Some(caller)) => caller,
            // Who is nobody learns nothing of what there is.
            (Ok(found), None) if found.route.need == Need::Nobody => Caller::nobody(),
            (_, None) => return Err(caller::unknown()),
        };
        let found = found?;
        permit(&found, &caller)?;
        let body = self.body(parts, body).await?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let (admin, asking) = (Arc::clone(&self.admin), caller.clone());
        let answer = self
            .blocking(move || admin.act(found, &query, &body, &asking, SystemClock.now()))
            .await?;
        Ok((answer?, caller))
    }

    /// Who asks; `None`: nobody we know, or no key at all.
    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let token = caller::token(headers)?;
        if self.local.is(token) {
            return Some(Caller::local(headers));
        }
        let state = self.admin.registry.state();
        state
            .authenticate(token)
            .map(|(name, role)| Caller::with_key(name, role))
    }

    async fn body(&self, parts: &Parts, body: Body) -> Result<Bytes, Problem> {
        let body = match gateway_net::collect(body, self.bytes_max).await {
            Ok(body) => body,
            Err(gateway_net::Error::BodyTooLarge { bytes_max }) => {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_long",
                    format!("the body is longer than {bytes_max} bytes (admin.request_bytes_max)"),
                ));
            }
            Err(_) => return Err(Problem::invalid("the request broke off")),
        };
        let kind = parts.headers.get(CONTENT_TYPE);
        match body.is_empty() || kind.is_none_or(is_json) {
            true => Ok(body),
            false => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "no_json",
                "send JSON, as application/json",
            )),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _room = self.room.acquire().await.map_err(|_| Problem::failed())?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Problem::failed())
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, peer: &Peer) -> Response<Body> {
        let id = new_id();
        let (parts, body) = request.into_parts();
        let (method, path) = (&parts.method, parts.uri.path());
        match self.answer(&parts, body).await {
            Ok((answer, caller)) => {
                tracing::info!(id, who = caller.who, %method, path, "admin call");
                respond(answer.status, &answer.document)
            }
            Err(problem) => {
                let (from, status, code) = (peer.address, problem.status.as_u16(), problem.code);
                tracing::info!(id, %from, %method, path, status, code, "admin call refused");
                let mut response = respond(problem.status, &problem.document(&id));
                let headers = response.headers_mut();
                if problem.status == StatusCode::UNAUTHORIZED {
                    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("X-Road-ApiKey"));
                }
                let allow = problem.allow.as_deref();
                if let Some(Ok(allow)) = allow.map(HeaderValue::from_str) {
                    headers.insert(ALLOW, allow);
                }
                response
            }
        }
    }
}

/// Finds a call in the registry's own log.
fn new_id() -> String {
    hex::encode(certs_keys::random_bytes::<8>())
}

/// Refuses a caller whose role is not enough.
fn permit(found: &Found, caller: &Caller) -> Result<(), Problem> {
    match caller.role >= found.route.need {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!(
                "this call needs the role {}, and the key has the role {}",
                found.route.need.name(),
                caller.role.name()
            ),
        )),
    }
}

fn respond(status: StatusCode, document: &Value) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(document.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Under which all calls are.
pub(super) const BASE: &str = "/api/karvan/v1";
/// Commands wait for each other anyway.
const AT_ONCE_MAX: usize = 16;
