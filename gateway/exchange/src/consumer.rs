//! The consumer's half: from an information system's request to its answer.
//!
//! When the information system hangs up, the exchange is dropped where it stands: what was logged
//! stays logged, and nobody works for those who do not wait. A request that was sent may then have
//! been carried out; the provider's log tells.

mod authorize;
mod log;
mod receive;
mod respond;
mod route;
mod seal;
mod send;
mod verify;

use std::fmt;
use std::sync::Arc;

use gateway_messagelog::Side;
use gateway_net::{Body, Handler, Peer};

use crate::error::Error;
use crate::fault::{self, Half};
use crate::message::Subject;
use crate::node::Node;
use crate::note;
use crate::transport::Transport;

/// Serves the information systems of this node's clients.
pub struct Consumer<T> {
    node: Arc<Node>,
    transport: T,
}

impl<T: Transport> Consumer<T> {
    /// The consumer half of this node.
    pub fn new(node: Arc<Node>, transport: T) -> Self {
        Self { node, transport }
    }

    /// Carries one request to its provider and brings the verified response back.
    async fn exchange(
        &self,
        request: http::Request<Body>,
        peer: &Peer,
        subject: &mut Option<Subject>,
    ) -> Result<http::Response<Body>, Error> {
        let node = &self.node;
        receive::method(&request)?;
        let now = node.clock.now();
        let conf = node.conf()?; // one snapshot for the whole exchange
        let valid = conf.valid(node.settings.registry_grace_seconds_max, now)?;
        node.keys
            .load()
            .authentication(now)
            .ok_or(Error::NoAuthenticationKey)?;

        let received = receive::head(request, &conf, &node.settings.limits).await?;
        *subject = Some(received.subject());
        let local = node.local.load_full();
        let authorized = authorize::client(received, peer, &local, &conf.snapshot, &node.settings)?;
        let routed = route::provider(authorized, &conf.snapshot, &node.settings)?;
        let complete = receive::rest(routed, &node.log).await?;

        let (now, keys) = (node.clock.now(), node.keys.load_full());
        let authentication = keys.authentication(now).ok_or(Error::NoAuthenticationKey)?;
        let sealed = seal::request(complete, &keys, now).await?;
        let logged = log::request(sealed, &node.log, valid).await?; // no record, no sending

        let reply = send::request(&logged, authentication, &self.transport, node, &conf).await?;
        let verified = verify::response(reply, &logged, node, &conf).await?; // it answers what we asked
        let answer = log::response(verified, &logged, &node.log, valid).await?;

        Ok(respond::to_client(answer))
    }
}

impl<T: Transport> Handler for Consumer<T> {
    async fn handle(&self, request: http::Request<Body>, peer: &Peer) -> http::Response<Body> {
        let accept = respond::Accept::of(&request);
        let mut subject = None;
        match self.exchange(request, peer, &mut subject).await {
            Ok(response) => response,
            Err(error) => {
                let fault = fault::of(&error, Half::Consumer);
                fault::report(&error, &fault, Half::Consumer);
                let subject = subject.as_ref();
                note::refusal(&self.node, Side::Consumer, subject, None, &error, &fault);
                respond::fault(&fault, &accept)
            }
        }
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}
