//! log: the request before the service is asked, the response before it leaves.

use std::ops::Deref;

use gateway_messagelog::Side;

use super::basis::Founded;
use super::seal::Sealed;
use super::verify::Verified;
use crate::conf::Valid;
use crate::error::Error;
use crate::node::Node;
use crate::record::{self, Circumstances};
use crate::timely::Timely;

/// What it holds is in the log, durable. Only this file makes it.
pub(crate) struct Logged<T>(T);

impl<T> Deref for Logged<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Logs the verified request, as of the moment it was judged: an auditor will judge it as of then.
/// From here on what it took of limited rights is used.
pub(super) async fn request(
    mut founded: Founded,
    node: &Node,
    valid: Valid,
    timely: Timely,
) -> Result<Logged<Verified>, Error> {
    let basis = founded.take_record();
    let verified = founded.verified();
    let received = verified.received();
    let (peer, now) = (received.peer(), verified.verified_at());
    let circumstances = Circumstances {
        side: Side::Provider,
        peer,
        valid,
        timely,
        bodies: &node.settings.body_logging,
        now,
    };
    let record = record::of_request(
        received.message(),
        verified.parts().message,
        received.attachments(),
        received.seal(),
        basis,
        &circumstances,
    );
    node.log.append(record).await.map_err(Error::Log)?;
    let (verified, reservation) = founded.into_parts();
    if let Some(reservation) = reservation {
        reservation.keep();
    }
    Ok(Logged(verified))
}

/// Logs the signed response, as of the moment it was signed.
pub(super) async fn response(
    sealed: Sealed,
    request: &Logged<Verified>,
    node: &Node,
    valid: Valid,
    timely: Timely,
) -> Result<Logged<Sealed>, Error> {
    let received = request.received();
    let (peer, now) = (received.peer(), sealed.signed_at());
    let circumstances = Circumstances {
        side: Side::Provider,
        peer,
        valid,
        timely,
        bodies: &node.settings.body_logging,
        now,
    };
    let record = record::of_response(
        sealed.answer().message(),
        sealed.message_digest(),
        received.message(),
        sealed.answer().attachments(),
        sealed.seal(),
        &circumstances,
    );
    node.log.append(record).await.map_err(Error::Log)?;
    Ok(Logged(sealed))
}
