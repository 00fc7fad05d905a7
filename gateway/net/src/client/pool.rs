//! Connections kept for the next request, by where they lead.

use std::{
    collections::HashMap,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};

use super::connection::Connected;
use crate::{Body, Error};

/// Idle connections by their target.
#[derive(Debug)]
pub(crate) struct Pool<K> {
    idle_timeout: Duration,
    idle_per_key_max: usize,
    state: Mutex<PoolState<K>>,
}

#[derive(Debug)]
struct PoolState<K> {
    /// The longest idle first.
    idle: HashMap<K, Vec<Idle>>,
    /// Raised when kept and lent connections are no longer wanted.
    generation: u64,
    /// Whether a task closes those idle for too long.
    sweeping: bool,
}

#[derive(Debug)]
struct Idle {
    connection: Connected,
    since: Instant,
}

/// The right to bring a connection back to its pool.
#[derive(Debug)]
pub(crate) struct Lease<K> {
    pool: Weak<Pool<K>>,
    key: K,
    generation: u64,
}

impl<K: Clone + Eq + Hash + Send + Unpin + 'static> Pool<K> {
    pub(crate) fn new(idle_timeout: Duration, idle_per_key_max: usize) -> Arc<Self> {
        let state = PoolState {
            idle: HashMap::new(),
            generation: 0,
            sweeping: false,
        };
        Arc::new(Self {
            idle_timeout,
            idle_per_key_max,
            state: Mutex::new(state),
        })
    }

    /// The connection to this target that was used last, if one is open.
    pub(crate) fn take(&self, key: &K) -> Option<Connected> {
        let mut state = self.lock();
        let kept = state.idle.get_mut(key)?;
        let found = loop {
            match kept.pop() {
                Some(idle) if idle.is_usable(self.idle_timeout) => break Some(idle.connection),
                Some(_stale) => {}
                None => break None,
            }
        };
        if kept.is_empty() {
            state.idle.remove(key);
        }
        found
    }

    /// Lets a connection to this target come back later.
    pub(crate) fn lease(self: &Arc<Self>, key: K) -> Lease<K> {
        let generation = self.lock().generation;
        Lease {
            pool: Arc::downgrade(self),
            key,
            generation,
        }
    }

    /// Closes the idle connections to this target.
    pub(crate) fn forget(&self, key: &K) {
        self.lock().idle.remove(key);
    }

    /// Closes all idle connections; those lent now are not taken back.
    pub(crate) fn forget_all(&self) {
        let mut state = self.lock();
        state.idle.clear();
        state.generation = state.generation.wrapping_add(1);
    }

    fn put(self: &Arc<Self>, lease: &Lease<K>, connection: Connected) {
        if self.idle_per_key_max == 0 || self.idle_timeout.is_zero() {
            return;
        }
        let mut state = self.lock();
        if state.generation != lease.generation {
            return;
        }
        let kept = state.idle.entry(lease.key.clone()).or_default();
        if kept.len() >= self.idle_per_key_max {
            kept.remove(0);
        }
        kept.push(Idle {
            connection,
            since: Instant::now(),
        });
        if !std::mem::replace(&mut state.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.idle_timeout));
        }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn is_usable(&self, idle_timeout: Duration) -> bool {
        self.connection.is_ready() && self.since.elapsed() < idle_timeout
    }
}

impl<K: Clone + Eq + Hash + Send + Unpin + 'static> Lease<K> {
    /// Brings the connection back, at once or when its last exchange is over on both sides.
    fn bring_back(self, mut connection: Connected) {
        let Some(pool) = self.pool.upgrade() else {
            return;
        };
        // Outside a runtime nobody could use it again.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if connection.is_ready() {
            return pool.put(&self, connection);
        }
        runtime.spawn(async move {
            let ready = tokio::time::timeout(SETTLE_TIME, connection.ready());
            if let Ok(true) = ready.await {
                pool.put(&self, connection);
            }
        });
    }
}

/// Closes what is idle for too long, until nothing is.
async fn sweep<K: Clone + Eq + Hash + Send + Unpin + 'static>(
    pool: Weak<Pool<K>>,
    idle_timeout: Duration,
) {
    loop {
        tokio::time::sleep(idle_timeout).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.lock();
        state.idle.retain(|_key, kept| {
            kept.retain(|idle| idle.is_usable(idle_timeout));
            !kept.is_empty()
        });
        if state.idle.is_empty() {
            state.sweeping = false;
            return;
        }
    }
}

/// The response as its receiver gets it: when its body ends well, the connection goes back.
pub(crate) fn response<K: Clone + Eq + Hash + Send + Unpin + 'static>(
    response: Response<Incoming>,
    connection: Connected,
    lease: Lease<K>,
    stall: Option<Duration>,
) -> Response<Body> {
    response.map(|incoming| {
        let mut body = ResponseBody {
            incoming,
            held: Some((connection, lease)),
            stall,
            sleep: None,
        };
        if http_body::Body::is_end_stream(&body.incoming) {
            body.release();
        }
        body.boxed_unsync()
    })
}

/// The body of a response, bounded in how long it may not move.
#[derive(Debug)]
struct ResponseBody<K> {
    incoming: Incoming,
    held: Option<(Connected, Lease<K>)>,
    stall: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<K: Clone + Eq + Hash + Send + Unpin + 'static> ResponseBody<K> {
    fn release(&mut self) {
        if let Some((connection, lease)) = self.held.take() {
            lease.bring_back(connection);
        }
    }

    /// The next frame, or how long was waited for it in vain.
    fn poll_in_time(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = http_body::Body::poll_frame(Pin::new(&mut self.incoming), cx) {
            self.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|source| Error::Body { source })));
        }
        let Some(stall) = self.stall else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::BodyTimeout { allowed: stall })))
    }
}

impl<K: Clone + Eq + Hash + Send + Unpin + 'static> http_body::Body for ResponseBody<K> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let body = self.get_mut();
        let frame = ready!(body.poll_in_time(cx));
        match &frame {
            Some(Ok(_)) if body.incoming.is_end_stream() => body.release(),
            Some(Ok(_)) => {}
            // A broken exchange leaves nothing to keep.
            Some(Err(_)) => body.held = None,
            None => body.release(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A response may end before its request does; after this time the connection is not kept.
const SETTLE_TIME: Duration = Duration::from_secs(1);
