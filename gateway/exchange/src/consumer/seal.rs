//! seal: the client's member signs the request.

use gateway_net::Candidate;
use gateway_seal::{Parts, Seal};
use jiff::Timestamp;

use super::receive::{Complete, Original};
use crate::error::Error;
use crate::keys::Keys;
use crate::message::{self, Attachment, Request};

/// A signed request. Only [`request`] makes it.
pub(crate) struct Sealed {
    pub(super) message: Request,
    pub(super) attachments: Vec<Attachment>,
    pub(super) original: Original,
    pub(super) candidates: Vec<Candidate>,
    pub(super) parts: Parts,
    pub(super) seal: Seal,
}

/// Signs message and attachments with the key of the client's member.
pub(super) async fn request(
    complete: Complete,
    keys: &Keys,
    now: Timestamp,
) -> Result<Sealed, Error> {
    let Complete { routed, attachments } = complete;
    let received = routed.authorized.received;
    let member = received.message.client().member();
    let signer = keys
        .signer(member, now)
        .ok_or_else(|| Error::NoSigningKey { member: member.clone() })?;
    let parts = message::parts(received.message.bytes(), &attachments);
    let seal = signer.sign(parts.clone(), now).await.map_err(Error::Signer)?;
    Ok(Sealed {
        message: received.message,
        attachments,
        original: received.original,
        candidates: routed.candidates,
        parts,
        seal,
    })
}
