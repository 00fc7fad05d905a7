//! log: the record is durable before the message goes on.

use std::ops::Deref;

use gateway_messagelog::Side;

use super::seal::Sealed;
use super::verify::Verified;
use crate::conf::Valid;
use crate::error::Error;
use crate::node::Node;
use crate::record::{self, Circumstances};
use crate::timely::Timely;

/// What it holds is in the log, durable. Only this file makes it.
pub(crate) struct Logged<T>(T);

impl<T> Logged<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Logged<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Logs the signed request, as of the moment it was signed.
pub(super) async fn request(
    mut sealed: Sealed,
    node: &Node,
    valid: Valid,
    timely: Timely,
) -> Result<Logged<Sealed>, Error> {
    let (now, basis) = (sealed.signed_at(), sealed.take_basis());
    let circumstances = Circumstances {
        side: Side::Consumer,
        peer: None,
        valid,
        timely,
        bodies: &node.settings.body_logging,
        now,
    };
    let record = record::of_request(
        sealed.message(),
        sealed.parts().message,
        sealed.attachments(),
        sealed.seal(),
        basis,
        &circumstances,
    );
    node.log.append(record).await.map_err(Error::Log)?;
    Ok(Logged(sealed))
}

/// Logs the verified response, as of the moment it was judged: an auditor will judge it as of then.
pub(super) async fn response(
    verified: Verified,
    request: &Logged<Sealed>,
    node: &Node,
    valid: Valid,
    timely: Timely,
) -> Result<Logged<Verified>, Error> {
    let (peer, now) = (verified.peer(), verified.verified_at());
    let circumstances = Circumstances {
        side: Side::Consumer,
        peer,
        valid,
        timely,
        bodies: &node.settings.body_logging,
        now,
    };
    let record = record::of_response(
        verified.message(),
        verified.message_digest(),
        request.message(),
        verified.attachments(),
        verified.seal(),
        &circumstances,
    );
    node.log.append(record).await.map_err(Error::Log)?;
    Ok(Logged(verified))
}
