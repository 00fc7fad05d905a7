//! The consumer's half: from an information system's request to its answer.
//!
//! When the information system hangs up, the exchange is dropped where it stands: what was logged
//! stays logged, and nobody works for those who do not wait. A request that was sent may then have
//! been carried out; the provider's log tells.

mod authorize;
mod basis;
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
use gateway_proto::id::ClientId;

use crate::conf::Conf;
use crate::error::Error;
use crate::fault::{self, Half};
use crate::message::Subject;
use crate::node::Node;
use crate::note;
use crate::timely;
use crate::transport::Transport;

/// Serves the information systems of this node's clients.
pub struct Consumer<T> {
    node: Arc<Node>,
    transport: T,
}

/// Whether an information system that is connected like this speaks for this client: what holds for
/// its messages holds for all else it may ask of the node.
///
/// # Errors
/// The client is not registered here, or the connection is not as it demands.
pub fn authorize(client: &ClientId, peer: &Peer, node: &Node, conf: &Conf) -> Result<(), Error> {
    authorize::connected(
        client,
        peer,
        &node.local.load(),
        &conf.snapshot,
        &node.settings,
    )
}

/// The fault that a SOAP message would get for this, reported to the node's log.
#[must_use]
pub fn soap_fault(error: &Error) -> http::Response<Body> {
    let fault = fault::of(error, Half::Consumer);
    fault::report(error, &fault, Half::Consumer);
    respond::fault(&fault, &respond::Accept::Soap)
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
        let timely = timely::exchange(node, &conf, now)?; // what is logged does not wait too long
        let complete = receive::rest(routed, &node.log).await?;
        let founded = basis::request(complete, node, &conf, valid).await?; // a rule allows it

        let (now, keys) = (node.clock.now(), node.keys.load_full());
        let authentication = keys.authentication(now).ok_or(Error::NoAuthenticationKey)?;
        let sealed = seal::request(founded, &keys, now).await?;
        let logged = log::request(sealed, node, valid, timely).await?; // no record, no sending

        let reply = send::request(&logged, authentication, &self.transport, node, &conf).await?;
        let verified = verify::response(reply, &logged, node, &conf).await?; // it answers what we asked
        let answer = log::response(verified, &logged, node, valid, timely).await?;

        Ok(respond::to_client(answer, &logged))
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
