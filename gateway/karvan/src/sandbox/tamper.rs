//! Somebody on the way who changes a message after it was signed.

use bytes::{Bytes, BytesMut};
use gateway_exchange::{Error, Transport, transport::Reply};
use gateway_net::{Body, Candidate, PeerError, PeerEvidence};

/// A way to other nodes on which one person is asked about instead of another.
#[derive(Debug)]
pub(super) struct Tampering<T> {
    pub(super) way: T,
    /// What stands in the signed message.
    pub(super) signed: &'static [u8],
    /// What goes on instead; of the same length.
    pub(super) sent: &'static [u8],
}

impl<T: Transport> Transport for Tampering<T> {
    async fn send(
        &self,
        candidates: &[Candidate],
        request: http::Request<Body>,
        verify: &(dyn Fn(&PeerEvidence) -> Result<(), Error> + Send + Sync),
    ) -> Result<Reply, PeerError<Error>> {
        let (head, body) = request.into_parts();
        let whole = gateway_net::collect(body, BODY_BYTES_MAX)
            .await
            .map_err(PeerError::Broken)?;
        let changed = gateway_net::full(replaced(&whole, self.signed, self.sent));
        self.way
            .send(candidates, http::Request::from_parts(head, changed), verify)
            .await
    }
}

fn replaced(whole: &Bytes, from: &[u8], to: &[u8]) -> Bytes {
    let mut changed = BytesMut::from(whole.as_ref());
    let found = whole.windows(from.len()).position(|window| window == from);
    let target = found.and_then(|at| changed.get_mut(at..at.saturating_add(from.len())));
    if let Some(target) = target
        && target.len() == to.len()
    {
        target.copy_from_slice(to);
    }
    changed.freeze()
}

const BODY_BYTES_MAX: usize = 1024 * 1024;
