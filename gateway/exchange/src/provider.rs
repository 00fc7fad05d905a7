//! The provider's half: from a peer's signed request to the signed answer.
//!
//! When the peer hangs up, the exchange is dropped where it stands: what was logged stays logged. A
//! service that was asked may have been answered by then; the request's record tells that it was.

mod authenticate;
mod basis;
mod call;
mod log;
mod permit;
mod receive;
mod respond;
mod seal;
mod verify;

use std::fmt;
use std::sync::Arc;

use gateway_messagelog::Side;
use gateway_net::{Body, Handler, Peer};

pub use basis::judge;

use crate::adapter::Adapter;
use crate::error::Error;
use crate::fault::{self, Half};
use crate::message::Subject;
use crate::node::Node;
use crate::note;
use crate::timely;

/// Serves the nodes of consumers.
pub struct Provider<A> {
    node: Arc<Node>,
    adapter: A,
}

impl<A: Adapter> Provider<A> {
    /// The provider half of this node.
    pub fn new(node: Arc<Node>, adapter: A) -> Self {
        Self { node, adapter }
    }

    /// Checks one request, asks the service, and gives the signed answer.
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
        let local = node.local.load_full();

        let arrived = receive::head(request, &node.settings.limits).await?;
        *subject = Some(arrived.subject());
        let (now, keys) = (node.clock.now(), node.keys.load_full());
        let authenticated = authenticate::peer(arrived, peer, &conf, &local, &keys, now).await?;
        let decision = permit::decide(authenticated.message(), &local, &conf.snapshot);
        // A refused message is read to its end, but nothing of it is kept.
        let received = receive::rest(authenticated, decision.is_ok(), &node.log).await?;
        let permitted = permit::request(received, decision)?;
        let verified = verify::request(permitted, &conf, node.clock.now())?;
        let founded = basis::request(verified, node, &conf, valid).await?; // a rule allows it
        let timely = timely::exchange(node, &conf, node.clock.now())?; // nothing waits too long
        let logged = log::request(founded, node, valid, timely).await?; // no record, no call

        let answer = call::service(&logged, &self.adapter, node).await?;
        let keys = node.keys.load_full();
        let sealed = seal::response(answer, &logged, &keys, node.clock.now()).await?;
        let answer = log::response(sealed, &logged, node, valid, timely).await?;

        respond::to_peer(&answer)
    }
}

impl<A: Adapter> Handler for Provider<A> {
    async fn handle(&self, request: http::Request<Body>, peer: &Peer) -> http::Response<Body> {
        let mut subject = None;
        match self.exchange(request, peer, &mut subject).await {
            Ok(response) => response,
            Err(error) => {
                let fault = fault::of(&error, Half::Provider);
                fault::report(&error, &fault, Half::Provider);
                let server = self.node.conf.load_full().and_then(|conf| {
                    let leaf = peer.certificates.first()?;
                    conf.snapshot.server_by_auth_certificate(leaf).cloned()
                });
                let (subject, server) = (subject.as_ref(), server.as_ref());
                note::refusal(&self.node, Side::Provider, subject, server, &error, &fault);
                respond::fault(&fault)
            }
        }
    }
}

impl<A> fmt::Debug for Provider<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}
