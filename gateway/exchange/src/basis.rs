//! basis: on what ground an exchange rests. Both nodes ask in the same way, and the provider's answer
//! counts; the consumer's node refuses early what could only be refused.
//!
//! The rules that came with the configuration say whether a service is about persons and where its
//! requests name them; the message says for what it asks and what allows it;
//! [`gateway_policy::basis::decide`] judges. Nobody is called on the way, and no lock is held while
//! anything is waited for.

mod consents;
mod envelope;
mod error;
mod found;
mod persons;
mod stated;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use gateway_globalconf::Snapshot;
use gateway_policy::basis::{Ask, Decision, Directory, Ground, Refusal};
use gateway_policy::person::PersonKey;
use gateway_policy::rules::{Registration, Rules, Service};
use gateway_policy::{ServicePath, basis, consent, feed, rules};
use gateway_proto::basis::Basis;
use gateway_proto::id::{ClientId, GlobalGroupId};
use jiff::Timestamp;

pub use consents::Consents;
pub(crate) use envelope::Envelope;
pub use error::{BasisError, Used};
pub(crate) use found::{Found, Terms};

use crate::conf::{Conf, RulesState, Valid};
use crate::error::Error;
use crate::message::{Attachment, Request};
use crate::node::Node;

/// A request whose ground is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) message: &'a Request,
    /// A REST body, where persons may be named.
    pub(crate) attachments: &'a [Attachment],
    /// How a SOAP envelope came; `None` for REST.
    pub(crate) envelope: Option<Envelope<'a>>,
    /// What the access right names, or that the right is the provider's to know.
    pub(crate) right: Right<'a>,
}

/// What this node knows of the provider's access right.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// It is given on the other node: what is open for want of it alone is left to that node.
    Elsewhere,
    /// It names these purposes; none at all leaves them to the rules.
    Here(&'a [String]),
}

/// The rules that hold; `None` where the registry publishes none.
pub(crate) fn in_force(conf: &Conf) -> Result<Option<&Rules>, BasisError> {
    match &conf.rules {
        RulesState::Absent => Ok(None),
        RulesState::InForce(rules) => Ok(Some(rules)),
        RulesState::Refused(fault) => Err(BasisError::Rules(*fault)),
    }
}

/// Finds the ground of a request under these rules.
pub(crate) async fn find(
    asked: Asked<'_>,
    rules: &Rules,
    node: &Node,
    conf: &Conf,
    valid: Valid,
) -> Result<Found, Error> {
    let stated = stated::of(asked.message).map_err(Error::Basis)?;
    let path = path(asked.message).map_err(Error::Basis)?;
    let service = match rules.registration(asked.message.service()) {
        Registration::Registered(service, _) => Some(service),
        Registration::Deregistered(..) | Registration::Unregistered => None,
    };
    let (mut persons, mut consent) = (Vec::new(), None);
    // A service that is not about persons is not searched for any, unless a ground is brought forward
    // that is about one.
    let is_brought = stated.consent.is_some() || stated.emergency.is_some();
    if let Some(service) = service.filter(|service| service.personal || is_brought) {
        let (message, attachments) = (asked.message, asked.attachments);
        if let Some(envelope) = asked.envelope {
            envelope.check(attachments).map_err(Error::Basis)?;
        }
        persons = persons::of(message, attachments, &service.subjects, rules.alphabet()).await?;
        consent = verified(&stated, rules, node).map_err(Error::Basis)?;
    }
    let ask = Ask {
        client: asked.message.client(),
        service: asked.message.service(),
        rest: path.as_ref().map(|(method, path)| (*method, path)),
        purpose: stated.purpose.as_deref(),
        right_purposes: match asked.right {
            Right::Elsewhere | Right::Here([]) => None,
            Right::Here(purposes) => Some(purposes),
        },
        case: said(asked.message.issue()),
        user: said(asked.message.user_id()),
        persons: &persons,
        consent: consent.as_deref(),
        emergency: stated.emergency.as_deref(),
    };
    let now = node.clock.now();
    let decision = match (decide(&ask, rules, node, &conf.snapshot, now), asked.right) {
        (Ok(decision), _) if valid.is_expired() && rests_on_consent(&decision) => {
            return Err(Error::Basis(BasisError::Expired));
        }
        (Ok(decision), _) => Some(decision),
        (Err(Refusal::PurposeMissing), Right::Elsewhere) => {
            left_open(service, &persons).map_err(Error::Basis)?;
            None
        }
        (Err(refusal), _) => return Err(Error::Basis(BasisError::Refused(refusal))),
    };
    Ok(Found::new(decision, persons, &stated, rules, now))
}

/// The consent that came along, if one did.
fn verified(
    stated: &Basis,
    rules: &Rules,
    node: &Node,
) -> Result<Option<Arc<consent::Verified>>, BasisError> {
    let text = stated.consent.as_deref();
    text.map(|text| node.consents.verify(text, rules))
        .transpose()
        .map_err(BasisError::Consent)
}

/// What a person allowed is not stretched into the grace of an expired configuration, as a law may be.
fn rests_on_consent(decision: &Decision) -> bool {
    match decision.ground() {
        Ground::NotPersonal => false,
        Ground::Rule { basis, .. } => *basis == rules::Basis::Consent,
    }
}

/// The right, which the other node knows, may name the one purpose there can be. It names no person.
fn left_open(service: Option<&Service>, persons: &[PersonKey]) -> Result<(), BasisError> {
    match persons.is_empty() && service.is_some_and(|service| service.personal) {
        true => Err(BasisError::Refused(Refusal::PersonMissing)),
        false => Ok(()),
    }
}

/// Decides by the feed as it is now. No `async`: the feed is locked meanwhile.
fn decide(
    ask: &Ask<'_>,
    rules: &Rules,
    node: &Node,
    conf: &Snapshot,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let directory = Listed(conf);
    match node.feed.read() {
        Ok(feed) => basis::decide(ask, rules, &directory, &feed, now),
        // Whoever wrote it broke off: nothing that rests on it may go on.
        Err(_) => basis::decide(ask, rules, &directory, &feed::State::new(), now),
    }
}

/// Method and comparable path of a REST request.
fn path(message: &Request) -> Result<Option<(&str, ServicePath)>, BasisError> {
    match message {
        Request::Soap(_) => Ok(None),
        Request::Rest(rest) => {
            let path = ServicePath::normalize(rest.service_path()).map_err(BasisError::Path)?;
            Ok(Some((rest.method(), path)))
        }
    }
}

/// An element that says nothing is none.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The groups of the configuration.
struct Listed<'c>(&'c Snapshot);

impl Directory for Listed<'_> {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        self.0.is_in_global_group(client, group)
    }
}

/// Header of an answer to an information system: the rule on which it rests, as `id/version`.
pub const RULE_HEADER: &str = "karvan-rule";
/// Header of an answer to an information system: how long it may be kept, in seconds.
pub const DATA_LIFE_HEADER: &str = "karvan-data-life";
