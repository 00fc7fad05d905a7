//! Whether the hash chain of a signature names the parts of its message as signers do.
//!
//! What is signed is the result, not the chain: whoever holds a container can give a digest in it
//! another name, or take its name away, and the chain leads to its result as before. So a part could
//! be taken out without a trace, or a message be said to have a part that it never had. But signers
//! name parts in one way only (PR-MESSTRANSP, batch signatures): one step has the message and its
//! attachments in their order, or, of a message without any, the message and what stands beside it
//! in the tree. Of a chain of another form this is reported: either somebody has changed it since, or
//! the signer has made it so. It is no reason to refuse, for then a signer could make messages that
//! are accepted when they are sent and refused when they are evidence.
//!
//! One change cannot be seen: the step of a message and its only attachment has the form of that of
//! two messages signed together. A nameless digest behind the message may have been either.

use gateway_seal::{MESSAGE_URI, attachment_uri};

use super::stated::Stated;
use crate::report::Warning;

/// What is odd about the names in a chain that leads to its result, or cannot be told from them.
pub(super) fn check(stated: &Stated) -> Option<Warning> {
    let [step] = stated.steps() else {
        return misnamed("an attachment is named away from its message");
    };
    let is_message = |name: &Option<String>| name.as_deref() == Some(MESSAGE_URI);
    match step.as_slice() {
        [message, None] if is_message(message) => Some(Warning::BesideMessage),
        [None, message] if is_message(message) => None,
        [message, attachments @ ..] if is_message(message) => check_order(attachments),
        _ => misnamed("the message is not in front of its attachments"),
    }
}

fn check_order(attachments: &[Option<String>]) -> Option<Warning> {
    if attachments.iter().any(Option::is_none) {
        return misnamed("something among the attachments has no name");
    }
    let mut numbered = attachments.iter().flatten().enumerate();
    match numbered.all(|(index, name)| *name == attachment_uri(index)) {
        true => None,
        false => misnamed("the attachments are not in their order"),
    }
}

const fn misnamed(reason: &'static str) -> Option<Warning> {
    Some(Warning::Misnamed { reason })
}

#[cfg(test)]
mod tests;
