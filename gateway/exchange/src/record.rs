//! Records for the message log: everything a later check needs; or, where bodies are not kept, all of
//! it that says nothing of what was asked and answered.

use bytes::Bytes;
use certs_keys::Digest;
use gateway_messagelog::{Basis, Direction, Record, Side};
use gateway_proto::id::ServerId;
use gateway_seal::Seal;
use jiff::Timestamp;

use crate::body_logging::BodyLogging;
use crate::conf::Valid;
use crate::message::{Attachment, Request, Response};
use crate::timely::Timely;

/// Which side keeps it, with whom, under what, when.
pub(crate) struct Circumstances<'c> {
    pub(crate) side: Side,
    pub(crate) peer: Option<&'c ServerId>,
    pub(crate) valid: Valid,
    pub(crate) timely: Timely,
    pub(crate) bodies: &'c BodyLogging,
    pub(crate) now: Timestamp,
}

/// The record of a request; `digest` is that of its bytes, as it was signed. On what it rests is kept
/// also where bodies are not.
pub(crate) fn of_request(
    request: &Request,
    digest: Digest,
    attachments: &[Attachment],
    seal: &Seal,
    basis: Option<Box<Basis>>,
    circumstances: &Circumstances<'_>,
) -> Record {
    let mut record = empty(request, seal, attachments, circumstances);
    record.basis = basis;
    match circumstances.keeps_bodies(request) {
        true => record.message = request.bytes().clone(),
        false => withhold(&mut record, request.reduced(), digest),
    }
    record.content_type = match request {
        Request::Soap(_) if record.message_digest.is_some() => REDUCED_SOAP.to_owned(),
        _ => request.content_type().to_owned(),
    };
    record
}

/// The record of the response to a request; `digest` is that of the response's bytes.
pub(crate) fn of_response(
    response: &Response,
    digest: Digest,
    request: &Request,
    attachments: &[Attachment],
    seal: &Seal,
    circumstances: &Circumstances<'_>,
) -> Record {
    let mut record = empty(request, seal, attachments, circumstances);
    record.direction = Direction::Response;
    match circumstances.keeps_bodies(request) {
        true => record.message = response.bytes().clone(),
        false => withhold(&mut record, response.reduced(), digest),
    }
    record.content_type = match response {
        Response::Soap(_) if record.message_digest.is_some() => REDUCED_SOAP.to_owned(),
        _ => response.content_type().to_owned(),
    };
    record
}

impl Circumstances<'_> {
    fn keeps_bodies(&self, request: &Request) -> bool {
        self.bodies.keeps(self.side, request.service())
    }
}

/// Leaves of message and attachments what proves them: their digests.
fn withhold(record: &mut Record, reduced: Bytes, digest: Digest) {
    record.message = reduced;
    record.message_digest = Some(digest);
    for (headers, content) in &mut record.attachments {
        headers.clear();
        *content = content.withheld();
    }
}

fn empty(
    request: &Request,
    seal: &Seal,
    attachments: &[Attachment],
    circumstances: &Circumstances<'_>,
) -> Record {
    let mut degraded = circumstances.valid.degraded();
    degraded.extend(circumstances.timely.degraded().map(str::to_owned));
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
        message: Bytes::new(),
        message_digest: None,
        content_type: String::new(),
        attachments: attachments
            .iter()
            .map(|attachment| (attachment.headers.0.clone(), attachment.content.clone()))
            .collect(),
        signature: seal.signature.clone(),
        hash_chain_result,
        hash_chain,
        degraded,
        basis: None,
    }
}

/// A reduced envelope is written by us.
const REDUCED_SOAP: &str = "text/xml; charset=UTF-8";
