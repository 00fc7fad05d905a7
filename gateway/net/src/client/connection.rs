//! One HTTP/1.1 connection as a client, and one exchange on it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use certs_x509::Certificate;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use tokio::time::Instant;
use tracing::debug;

use crate::{
    Body, Error, Sent,
    error::{Chain, io_below, tls_below},
    stream::Stream,
};

/// What the other end of a connection showed when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Leaf first; empty without TLS.
    pub(crate) certificates: Arc<[Certificate]>,
    pub(crate) address: SocketAddr,
}

/// An open connection with no request on it.
#[derive(Debug)]
pub(crate) struct Connected {
    sender: SendRequest<Outgoing>,
    pub(crate) shown: Shown,
    /// The TLS alert that ended the connection, if one did.
    alert: Arc<OnceLock<AlertDescription>>,
}

/// A failed exchange, with the request if nothing of it was written.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) unsent: Option<Box<Request<Body>>>,
}

impl Connected {
    /// HTTP on an open stream, driven by a task of its own until both ends are done with it.
    pub(crate) async fn new(stream: Stream, shown: Shown) -> Result<Self, Error> {
        let (sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| Error::Exchange {
                source,
                sent: Sent::No,
            })?;
        let alert = Arc::new(OnceLock::new());
        let heard = Arc::clone(&alert);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Those who wait for a response learn it too.
                debug!(error = %Chain(&error), "client connection ended");
                if let Some(alert) = alert_of(&error) {
                    heard.get_or_init(|| alert);
                }
            }
        });
        Ok(Self {
            sender,
            shown,
            alert,
        })
    }

    /// Whether a request can be written at once, as far as is known.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until the last exchange is over on both sides; false when the connection is.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and waits for the head of the response. `stall` bounds the time in which
    /// neither the request moves nor the response comes.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Body>,
        stall: Option<Duration>,
    ) -> Result<Response<Incoming>, Failed> {
        let progress = Progress::new();
        let request = request.map(|inner| Outgoing {
            inner,
            progress: progress.clone(),
        });
        let mut sending = std::pin::pin!(self.sender.try_send_request(request));
        let answered = loop {
            let Some(stall) = stall else {
                break sending.as_mut().await;
            };
            let moved = progress.moved();
            let wait = moved.checked_add(stall).unwrap_or_else(|| far_from(moved));
            tokio::select! {
                biased;
                answered = &mut sending => break answered,
                () = tokio::time::sleep_until(wait), if progress.moved() == moved => {
                    if progress.moved() == moved {
                        return Err(Failed { error: Error::ResponseTimeout, unsent: None });
                    }
                }
            }
        };
        let mut refused = match answered {
            Ok(response) => return Ok(response),
            Err(refused) => refused,
        };
        let unsent = refused
            .take_message()
            .map(|request| Box::new(request.map(|body| body.inner)));
        let sent = if unsent.is_some() {
            Sent::No
        } else {
            Sent::Unknown
        };
        let error = match progress.failure() {
            Some(own) => own,
            None => self.failure(refused.into_error(), sent),
        };
        Err(Failed { error, unsent })
    }

    /// In TLS 1.3 a peer refuses our certificate after our half of the handshake is done: what
    /// then was not written failed in TLS, not in HTTP.
    fn failure(&self, source: hyper::Error, sent: Sent) -> Error {
        match (sent, self.alert.get()) {
            (Sent::No, Some(alert)) => Error::Tls {
                source: io::Error::new(
                    io::ErrorKind::InvalidData,
                    rustls::Error::AlertReceived(*alert),
                ),
            },
            (Sent::No | Sent::Unknown, _) => Error::Exchange { source, sent },
        }
    }
}

/// The TLS alert at the bottom of an HTTP error.
fn alert_of(error: &hyper::Error) -> Option<AlertDescription> {
    match io_below(error).and_then(tls_below)? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// When the body of a request last moved, and why it failed if it did.
#[derive(Clone, Debug)]
struct Progress {
    state: Arc<Mutex<ProgressState>>,
}

#[derive(Debug)]
struct ProgressState {
    moved: Instant,
    failure: Option<Error>,
}

impl Progress {
    fn new() -> Self {
        let state = ProgressState {
            moved: Instant::now(),
            failure: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn moved(&self) -> Instant {
        self.lock().moved
    }

    fn failure(&self) -> Option<Error> {
        self.lock().failure.take()
    }

    fn lock(&self) -> MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request, watched while it is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    inner: Body,
    progress: Progress,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        let mut state = self.progress.lock();
        state.moved = Instant::now();
        let frame = match frame {
            // The reason goes to whoever waits for the response; HTTP only needs to stop.
            Some(Err(error)) => {
                state.failure = Some(error);
                Some(Err(Error::BodyAborted))
            }
            other => other,
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// So far ahead that nobody waits for it.
fn far_from(now: Instant) -> Instant {
    now.checked_add(Duration::from_secs(365 * 24 * 3_600))
        .unwrap_or(now)
}

/// Header fields of a response.
const HEADERS_MAX: usize = 200;
/// Bytes of a response's head.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes read or written at once.
const BUFFER_BYTES_MAX: usize = 128 * 1024;
