//! Records for the message log: everything a later check needs.

use gateway_messagelog::{Direction, Record, Side};
use gateway_proto::id::ServerId;
use gateway_seal::Seal;
use jiff::Timestamp;

use crate::conf::Valid;
use crate::message::{Attachment, Request, Response};

/// Which side keeps it, with whom, under what, when.
pub(crate) struct Circumstances<'c> {
    pub(crate) side: Side,
    pub(crate) peer: Option<&'c ServerId>,
    pub(crate) valid: Valid,
    pub(crate) now: Timestamp,
}

/// The record of a request.
pub(crate) fn of_request(
    request: &Request,
    attachments: &[Attachment],
    seal: &Seal,
    circumstances: &Circumstances<'_>,
) -> Record {
    let mut record = empty(request, seal, attachments, circumstances);
    record.message = request.bytes().clone();
    request.content_type().clone_into(&mut record.content_type);
    record
}

/// The record of the response to a request.
pub(crate) fn of_response(
    response: &Response,
    request: &Request,
    attachments: &[Attachment],
    seal: &Seal,
    circumstances: &Circumstances<'_>,
) -> Record {
    let mut record = empty(request, seal, attachments, circumstances);
    record.direction = Direction::Response;
    record.message = response.bytes().clone();
    response.content_type().clone_into(&mut record.content_type);
    record
}

fn empty(
    request: &Request,
    seal: &Seal,
    attachments: &[Attachment],
    circumstances: &Circumstances<'_>,
) -> Record {
    let (hash_chain_result, hash_chain) = seal.chain.clone().unzip();
    Record {
        time: circumstances.now,
        side: circumstances.side,
        direction: Direction::Request,
        protocol: request.protocol(),
        client: request.client().clone(),
        service: request.service().clone(),
        message_id: request.id().to_owned(),
        request_id: request.request_id().map(str::to_owned),
        user_id: request.user_id().map(str::to_owned),
        issue: request.issue().map(str::to_owned),
        peer: circumstances.peer.cloned(),
        message: bytes::Bytes::new(),
        content_type: String::new(),
        attachments: attachments
            .iter()
            .map(|attachment| (attachment.headers.0.clone(), attachment.content.clone()))
            .collect(),
        signature: seal.signature.clone(),
        hash_chain_result,
        hash_chain,
        degraded: circumstances.valid.degraded(),
    }
}
