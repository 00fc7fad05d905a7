//! Refusals in the message log: what was asked and why not, without content.

use gateway_messagelog::{Refusal, Side};
use gateway_proto::fault::Fault;
use gateway_proto::id::ServerId;
use uuid::Uuid;

use crate::error::Error;
use crate::message::Subject;
use crate::node::Node;

/// Notes a refusal once it is known who asked for what. It is queued, never waited for, so that
/// refusing stays cheaper than asking.
pub(crate) fn refusal(
    node: &Node,
    side: Side,
    subject: Option<&Subject>,
    peer: Option<&ServerId>,
    error: &Error,
    fault: &Fault,
) {
    let Some(subject) = subject else { return };
    // A relayed fault was written elsewhere: its texts may name persons, its code and the id
    // under which a peer's log tells more do not.
    let detail = fault.detail.as_deref().unwrap_or_default();
    let fault_id = Uuid::parse_str(detail)
        .map(|id| id.to_string())
        .unwrap_or_default();
    node.log.note_refusal(Refusal {
        time: node.clock.now(),
        side,
        protocol: subject.protocol,
        client: Some(subject.client.clone()),
        service: Some(subject.service.clone()),
        message_id: Some(subject.message_id.clone()),
        peer: peer.cloned(),
        code: crate::fault::shown(&fault.code).to_owned(),
        reason: error.to_string(),
        fault_id,
    });
}
