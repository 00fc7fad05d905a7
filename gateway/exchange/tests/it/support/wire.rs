//! The transport in memory: hands requests to the provider's half, unless told to meddle.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use gateway_exchange::{Error, Provider, Transport, transport::Reply};
use gateway_net::{Body, Candidate, Handler, Peer, PeerError, PeerEvidence};
use http::{Request, Response};

use super::service::TestService;

type OnRequest = Box<dyn FnMut(&mut http::request::Parts, &mut Vec<u8>) + Send>;
type OnReply = Box<dyn FnMut(&mut http::response::Parts, &mut Vec<u8>) + Send>;
type OnSend = Box<dyn FnMut() -> Option<Broken> + Send>;

/// How a send goes wrong.
pub(crate) enum Broken {
    /// Before anything was sent.
    Unsent(PeerError<Error>),
    /// The request arrives, its reply does not.
    ReplyLost(PeerError<Error>),
    /// The request arrives twice.
    Repeated,
}

/// One request that was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) head: http::request::Parts,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn content_type(&self) -> &str {
        self.head.headers["content-type"].to_str().unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) provider: OnceLock<Provider<TestService>>,
    /// What the provider's node shows.
    pub(crate) shown: Mutex<PeerEvidence>,
    /// Who the consumer's node is to the provider's.
    pub(crate) peer: Mutex<Peer>,
    pub(crate) on_request: Mutex<Option<OnRequest>>,
    pub(crate) on_reply: Mutex<Option<OnReply>>,
    pub(crate) on_send: Mutex<Option<OnSend>>,
    pub(crate) sent: Mutex<Vec<Sent>>,
}

impl Wire {
    /// Brings a message to the provider's half, in small chunks.
    pub(crate) async fn deliver(&self, head: http::request::Parts, body: &[u8]) -> Response<Body> {
        let chunks: Vec<Bytes> = body.chunks(7001).map(Bytes::copy_from_slice).collect();
        let chunks =
            futures_util::stream::iter(chunks.into_iter().map(Ok::<_, gateway_net::Error>));
        let request = Request::from_parts(head, gateway_net::from_stream(chunks));
        let peer = self.inner.peer.lock().unwrap().clone();
        self.inner
            .provider
            .get()
            .unwrap()
            .handle(request, &peer)
            .await
    }
}

impl Transport for Wire {
    async fn send(
        &self,
        candidates: &[Candidate],
        request: Request<Body>,
        verify: &(dyn Fn(&PeerEvidence) -> Result<(), Error> + Send + Sync),
    ) -> Result<Reply, PeerError<Error>> {
        let shown = self.inner.shown.lock().unwrap().clone();
        verify(&shown).map_err(PeerError::Refused)?;
        let broken = self
            .inner
            .on_send
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|broken| broken());
        if let Some(Broken::Unsent(error)) = broken {
            return Err(error);
        }
        let (mut head, body) = request.into_parts();
        let body = gateway_net::collect(body, 64 << 20)
            .await
            .map_err(PeerError::Broken)?;
        self.inner.sent.lock().unwrap().push(Sent {
            candidates: candidates.to_vec(),
            head: head.clone(),
            body: body.clone(),
        });
        let mut body = body.to_vec();
        if let Some(meddle) = self.inner.on_request.lock().unwrap().as_mut() {
            meddle(&mut head, &mut body);
        }
        if matches!(broken, Some(Broken::Repeated)) {
            let _first = self.deliver(head.clone(), &body).await;
        }
        let response = self.deliver(head, &body).await;
        if let Some(Broken::ReplyLost(error)) = broken {
            return Err(error);
        }
        if self.inner.on_reply.lock().unwrap().is_none() {
            return Ok((response, shown));
        }
        let (mut head, body) = response.into_parts();
        let body = gateway_net::collect(body, 64 << 20)
            .await
            .map_err(PeerError::Broken)?;
        let mut body = body.to_vec();
        if let Some(meddle) = self.inner.on_reply.lock().unwrap().as_mut() {
            meddle(&mut head, &mut body);
        }
        Ok((Response::from_parts(head, gateway_net::full(body)), shown))
    }
}
