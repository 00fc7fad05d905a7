//! One accepted connection, from its handshake to its end.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error};

use super::{
    Handler, Peer,
    admission::Ticket,
    guard::{Guard, State},
};
use crate::{Body, Error, Limits, ServerTls, body, error::Chain, stream::Stream, tls};

/// What is needed to serve one connection.
pub(super) struct Connection<H> {
    pub(super) tcp: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<ServerTls>,
    pub(super) limits: Arc<Limits>,
    pub(super) handler: Arc<H>,
    pub(super) stop: watch::Receiver<bool>,
    /// Given back when the connection is over.
    pub(super) ticket: Ticket,
}

impl<H: Handler> Connection<H> {
    /// Serves requests until the peer, a limit or the listener ends the connection.
    pub(super) async fn serve(self) {
        let Self {
            tcp,
            address,
            tls,
            limits,
            handler,
            mut stop,
            ticket,
        } = self;
        // Best effort: without it answers are only slower.
        let _unset = tcp.set_nodelay(true);
        let handshake = shake_hands(tcp, address, tls, limits.handshake_timeout);
        let shaken = tokio::select! {
            biased;
            shaken = handshake => shaken,
            () = stopping(&mut stop) => return,
        };
        let Some((stream, peer)) = shaken else { return };
        Box::pin(answer(stream, Arc::new(peer), &limits, handler, stop)).await;
        drop(ticket);
    }
}

/// Until the listener stops.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    // An error means that the listener itself is gone.
    let _stopped = stop.wait_for(|stop| *stop).await;
}

/// TLS, if this listener has it, and who is there.
async fn shake_hands(
    tcp: TcpStream,
    address: SocketAddr,
    tls: Option<ServerTls>,
    timeout: Duration,
) -> Option<(Stream, Peer)> {
    let Some(tls) = tls else {
        let peer = Peer {
            address,
            tls: false,
            certificates: Arc::default(),
        };
        return Some((Stream::Plain(tcp), peer));
    };
    let accepting = TlsAcceptor::from(tls.config()).accept(tcp).into_fallible();
    let mut stream = match tokio::time::timeout(timeout, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, tcp))) => {
            debug!(%address, %error, "TLS handshake failed");
            linger(tcp).await;
            return None;
        }
        Err(_late) => {
            debug!(%address, "TLS handshake not finished in time");
            return None;
        }
    };
    // The TLS library asks for the certificate only in full handshakes: a resumed session shows
    // the chain of the first one, and the registration of its leaf may have ended since.
    let certificates = tls::presented(stream.get_ref().1.peer_certificates());
    match certificates {
        Ok(certificates) if tls::accepts(&tls, &certificates) => {
            let stream = Stream::Tls(Box::new(stream.into()));
            Some((
                stream,
                Peer {
                    address,
                    tls: true,
                    certificates,
                },
            ))
        }
        Ok(_) | Err(_) => {
            debug!(%address, "certificate of a resumed session no longer accepted");
            // It is closed either way.
            let _closed = tokio::time::timeout(timeout, stream.shutdown()).await;
            None
        }
    }
}

/// HTTP on the connection.
async fn answer<H: Handler>(
    stream: Stream,
    peer: Arc<Peer>,
    limits: &Limits,
    handler: Arc<H>,
    mut stop: watch::Receiver<bool>,
) {
    let state = Arc::new(State::default());
    let guard = Guard::new(stream, limits, Arc::clone(&state));
    let service = service_fn(|request: Request<Incoming>| {
        let busy = Busy::new(&state);
        let handler = Arc::clone(&handler);
        let peer = Arc::clone(&peer);
        Box::pin(async move {
            let response = one(request, handler.as_ref(), &peer).await;
            Ok::<_, Infallible>(response.map(|inner| Answer { inner, busy }))
        })
    });
    let mut http = http1::Builder::new();
    http.max_headers(limits.headers_max)
        .max_header_size(limits.header_bytes_max)
        .max_buf_size(limits.header_bytes_max.max(BUFFER_BYTES))
        .half_close(true);
    let mut connection = http.serve_connection(TokioIo::new(guard), service);
    let ended = tokio::select! {
        biased;
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = stopping(&mut stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    match ended {
        Ok(()) => close(connection.into_parts().io.into_inner()).await,
        Err(error) => {
            debug!(address = %peer.address, error = %Chain(&error), "connection broken");
            // After its refusal a malformed request's sender should be able to read it.
            if error.is_parse() && !state.is_aborted() {
                close(connection.into_parts().io.into_inner()).await;
            }
        }
    }
}

/// Answers one request, whatever the handler does.
async fn one<H: Handler>(request: Request<Incoming>, handler: &H, peer: &Peer) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return refusal(StatusCode::METHOD_NOT_ALLOWED);
    }
    let request = request.map(|incoming| incoming.map_err(body_error).boxed_unsync());
    match AssertUnwindSafe(async { handler.handle(request, peer).await })
        .catch_unwind()
        .await
    {
        Ok(response) => response,
        Err(_panic) => {
            // What it said went to the panic hook; it may hold content, so not here.
            error!("a handler panicked; its connection is closed");
            refusal(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A bare status, after which the connection is closed.
fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn body_error(source: hyper::Error) -> Error {
    Error::Body { source }
}

/// Ends a connection in order: what was written arrives even if the peer is still sending.
async fn close(mut guard: Guard) {
    let unread = guard.is_mid_message();
    if guard.shutdown().await.is_ok() && unread {
        discard(guard.stream_mut()).await;
    }
}

/// Ends a connection whose handshake failed, so that the alert arrives.
async fn linger(mut tcp: TcpStream) {
    if tcp.shutdown().await.is_ok() {
        discard(&mut tcp).await;
    }
}

/// Reads and forgets for a moment: closing a socket with unread bytes resets the connection, and
/// a reset overtakes what was just written.
async fn discard(stream: &mut (impl AsyncReadExt + Unpin)) {
    let reading = async {
        let mut buffer = vec![0; 16 * 1024];
        let mut left = DISCARD_BYTES_MAX;
        while left > 0 {
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            left = left.saturating_sub(read);
        }
        Ok::<_, io::Error>(())
    };
    // Best effort.
    let _discarded = tokio::time::timeout(DISCARD_TIME, reading).await;
}

/// Marks the connection as busy while it lives.
#[derive(Debug)]
struct Busy {
    state: Arc<State>,
}

impl Busy {
    fn new(state: &Arc<State>) -> Self {
        state.set_busy(true);
        Self {
            state: Arc::clone(state),
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.state.set_busy(false);
    }
}

/// The body of an answer; the connection is busy until it is written.
#[derive(Debug)]
struct Answer {
    inner: Body,
    busy: Busy,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Err(error)) = &frame {
            debug!(
                error = %Chain(error),
                "an answer was given up"
            );
            self.busy.state.set_aborted();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// At least as much is read at once.
const BUFFER_BYTES: usize = 64 * 1024;
const DISCARD_BYTES_MAX: usize = 4 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);
