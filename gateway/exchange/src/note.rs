//! Refusals in the message log: what was asked and why not, without content.

use gateway_messagelog::{Refusal, Side};
use gateway_proto::fault::Fault;
use gateway_proto::id::ServerId;

use crate::message::Subject;
use crate::node::Node;

/// Notes a refusal once it is known who asked for what. It is queued, never waited for, so that
/// refusing stays cheaper than asking.
pub(crate) fn refusal(
    node: &Node,
    side: Side,
    subject: Option<&Subject>,
    peer: Option<&ServerId>,
    fault: &Fault,
) {
    let Some(subject) = subject else { return };
    node.log.note_refusal(Refusal {
        time: node.clock.now(),
        side,
        protocol: subject.protocol,
        client: Some(subject.client.clone()),
        service: Some(subject.service.clone()),
        message_id: Some(subject.message_id.clone()),
        peer: peer.cloned(),
        code: fault.code.as_str().to_owned(),
        reason: fault.string.clone().unwrap_or_default(),
        fault_id: fault.detail.clone().unwrap_or_default(),
    });
}
