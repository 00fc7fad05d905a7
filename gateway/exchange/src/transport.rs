//! The joint towards other nodes: how a sealed message reaches a provider's node.

use std::future::Future;

use gateway_net::{Body, Candidate, PeerError, PeerEvidence};

use crate::error::Error;

/// An answer, and who gave it.
pub type Reply = (http::Response<Body>, PeerEvidence);

/// Carries a message to one of the provider's nodes.
pub trait Transport: Send + Sync + 'static {
    /// Tries the candidates until one is reached whose evidence `verify` accepts, then sends once.
    /// Nothing is sent before `verify` has accepted, on a kept connection too.
    fn send(
        &self,
        candidates: &[Candidate],
        request: http::Request<Body>,
        verify: &(dyn Fn(&PeerEvidence) -> Result<(), Error> + Send + Sync),
    ) -> impl Future<Output = Result<Reply, PeerError<Error>>> + Send;
}

impl Transport for gateway_net::PeerClient {
    async fn send(
        &self,
        candidates: &[Candidate],
        request: http::Request<Body>,
        verify: &(dyn Fn(&PeerEvidence) -> Result<(), Error> + Send + Sync),
    ) -> Result<Reply, PeerError<Error>> {
        Self::send(self, candidates, request, verify).await
    }
}
