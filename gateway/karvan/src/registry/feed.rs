//! The feed of the consent desk: `GET /karvan/v1/feed?after=41&wait=25`.
//!
//! It is answered over TLS to servers that are registered, and to nobody else: entries are under
//! digests that are no secrets, so who knows the number of a case could tell by them whether it is
//! open, and whether a person is of it.
//!
//! Nodes ask for what is behind the last entry they hold and wait for news; who waits is woken by the
//! first entry. The head of a page says when it was signed, so it is made when it is sent. Nodes that
//! wait at the same entry are woken together and share one page, signed at most half a second before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_consent::{Desk, Refusal};
use gateway_exchange::Clock as _;
use gateway_net::{Body, CertificateCheck, Handler, Peer};
use gateway_registry::Registry;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::causes::with_causes;
use crate::clock::{self, SystemClock};
use crate::service::Stop;

/// The feed as nodes meet it.
#[derive(Debug)]
pub(super) struct Face {
    feed: Arc<Feed>,
    registry: Arc<Registry>,
}

/// The feed, for all who are let in.
#[derive(Debug)]
pub(super) struct Feed {
    desk: Arc<Desk>,
    /// The number of the last entry.
    grown: watch::Sender<u64>,
    /// How many may wait at once.
    room: Semaphore,
    /// Pages made just now. Held while one is made, so that it is made once.
    made: Mutex<VecDeque<Made>>,
    stop: Stop,
}

/// A page, for all who hold the same.
#[derive(Debug)]
struct Made {
    after: u64,
    /// The number of the last entry before it was made.
    number: u64,
    at: Instant,
    bytes: Bytes,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    after: u64,
    wait: Duration,
}

impl Face {
    pub(super) fn new(feed: Arc<Feed>, registry: Arc<Registry>) -> Self {
        Self { feed, registry }
    }

    /// Of a connection that stays open too: its certificate may have been removed since.
    fn is_registered(&self, peer: &Peer) -> bool {
        let state = self.registry.state();
        let leaf = peer.certificates.first();
        leaf.is_some_and(|leaf| state.server_of(leaf).is_some())
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request<Body>, peer: &Peer) -> Response<Body> {
        // A body, if there is one, is not looked at.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        drop(request);
        if !self.is_registered(peer) {
            return unregistered();
        }
        if uri.path() != PATH {
            return sentence(StatusCode::NOT_FOUND, "The feed is elsewhere.");
        }
        let query = uri.query().unwrap_or_default();
        let response = self.feed.respond(&method, query).await;
        // It may have waited long.
        match self.is_registered(peer) {
            true => response,
            false => unregistered(),
        }
    }
}

/// The handshake lets in whoever is registered as a server here.
pub(super) fn registered(registry: &Arc<Registry>) -> CertificateCheck {
    let registry = Arc::clone(registry);
    Arc::new(move |leaf| registry.state().server_of(leaf).is_some())
}

impl Feed {
    pub(super) fn new(desk: Arc<Desk>, waiting_max: usize, stop: Stop) -> Self {
        let number = desk.feed_number();
        Self {
            desk,
            grown: watch::Sender::new(number),
            room: Semaphore::new(waiting_max),
            made: Mutex::default(),
            stop,
        }
    }

    /// Wakes those who wait, if there is news. To be called after whatever may have added an entry.
    pub(super) fn look(&self) {
        let number = self.desk.feed_number();
        self.grown.send_if_modified(|known| {
            let news = number > *known;
            *known = number.max(*known);
            news
        });
    }

    /// Answers one request.
    async fn respond(&self, method: &Method, query: &str) -> Response<Body> {
        if *method != Method::GET {
            let mut response = sentence(StatusCode::METHOD_NOT_ALLOWED, "The feed takes GET only.");
            let headers = response.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        let asked = match Asked::read(query) {
            Ok(asked) => asked,
            Err(why) => return sentence(StatusCode::BAD_REQUEST, &why),
        };
        if !self.wait(asked).await {
            let text = "Too many nodes wait for news already. Ask again, or without waiting.";
            let mut response = sentence(StatusCode::SERVICE_UNAVAILABLE, text);
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
        match self.page(asked.after).await {
            Ok(page) => respond(StatusCode::OK, page),
            Err(response) => *response,
        }
    }

    /// Waits for news, or as long as asked; `false`: there is no room to wait.
    async fn wait(&self, asked: Asked) -> bool {
        // From here on nothing is missed.
        let mut grown = self.grown.subscribe();
        if asked.wait.is_zero() || *grown.borrow_and_update() != asked.after {
            return true;
        }
        let Ok(_room) = self.room.try_acquire() else {
            return false;
        };
        tokio::select! {
            _news = grown.wait_for(|number| *number != asked.after) => {}
            () = tokio::time::sleep(asked.wait) => {}
            () = self.stop.clone().wait() => {}
        }
        true
    }

    /// The page behind an entry, with a head as of now; or what is answered instead.
    async fn page(&self, after: u64) -> Result<Bytes, Box<Response<Body>>> {
        let mut made = self.made.lock().await;
        let number = self.desk.feed_number();
        made.retain(|page| page.number == number && page.at.elapsed() < SHARED_FOR);
        if let Some(page) = made.iter().find(|page| page.after == after) {
            return Ok(page.bytes.clone());
        }
        let (desk, at) = (Arc::clone(&self.desk), clock::instant());
        let now = SystemClock.now();
        let page = tokio::task::spawn_blocking(move || desk.page(after, now)).await;
        let bytes = match page {
            Ok(Ok(page)) => Bytes::from(page),
            Ok(Err(refusal)) => return Err(Box::new(refused(&refusal))),
            Err(_) => {
                let text = "The feed could not be read; the registry's own log tells why.";
                return Err(Box::new(sentence(StatusCode::INTERNAL_SERVER_ERROR, text)));
            }
        };
        if bytes.len() <= SHARED_BYTES_MAX {
            if made.len() >= SHARED_MAX {
                made.pop_front();
            }
            made.push_back(Made {
                after,
                number,
                at,
                bytes: bytes.clone(),
            });
        }
        Ok(bytes)
    }
}

impl Asked {
    /// Reads the query; what is not understood is refused.
    fn read(query: &str) -> Result<Self, String> {
        let (mut after, mut wait) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let field = match name {
                "after" => &mut after,
                "wait" => &mut wait,
                _ => return Err("The feed takes after and wait, and nothing else.".to_owned()),
            };
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse::<u64>().ok().filter(|_| digits);
            match (number, field.is_some()) {
                (Some(number), false) => *field = Some(number),
                (None, _) => return Err(format!("{name} must be a number.")),
                (Some(_), true) => return Err(format!("{name} stands twice.")),
            }
        }
        let wait = Duration::from_secs(wait.unwrap_or_default());
        match wait <= WAIT_MAX {
            true => Ok(Self {
                after: after.unwrap_or_default(),
                wait,
            }),
            false => Err(format!("wait is at most {} seconds.", WAIT_MAX.as_secs())),
        }
    }
}

fn unregistered() -> Response<Body> {
    let text = "The certificate of this connection is not that of a registered server.";
    let mut response = sentence(StatusCode::FORBIDDEN, text);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn refused(refusal: &Refusal) -> Response<Body> {
    if let Refusal::Failed(error) = refusal {
        tracing::error!("the feed cannot be read: {}", with_causes(error));
    }
    let status = StatusCode::from_u16(refusal.status());
    sentence(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        &refusal.to_string(),
    )
}

fn sentence(status: StatusCode, words: &str) -> Response<Body> {
    respond(status, Bytes::from(format!("{words}\n")))
}

fn respond(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(gateway_net::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where it is.
pub(crate) const PATH: &str = "/karvan/v1/feed";
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How old the head of a page may be when it is sent.
const SHARED_FOR: Duration = Duration::from_millis(500);
const SHARED_MAX: usize = 16;
/// Longer pages are for who catches up alone.
const SHARED_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: Result<(u64, u64), &str>) {
        let read = Asked::read(query).map(|asked| (asked.after, asked.wait.as_secs()));
        assert_eq!(read, expected.map_err(str::to_owned), "{query}");
    }

    #[test]
    fn reads_what_is_asked_and_refuses_the_rest() {
        check("", Ok((0, 0)));
        check("after=41&wait=25", Ok((41, 25)));
        check("wait=30", Ok((0, 30)));
        check("wait=31", Err("wait is at most 30 seconds."));
        check("after=1&after=2", Err("after stands twice."));
        for number in ["", "-1", "+1", "x", "18446744073709551616"] {
            check(&format!("after={number}"), Err("after must be a number."));
        }
        check(
            "since=1",
            Err("The feed takes after and wait, and nothing else."),
        );
    }
}
