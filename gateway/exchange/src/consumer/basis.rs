//! basis: the request rests on a ground that this node can see; what could only be refused does not
//! leave.

use gateway_messagelog::Basis;
use gateway_policy::rules::{Registration, Rules};

use super::receive::Complete;
use crate::basis::{self, Asked, BasisError, Right, Terms};
use crate::conf::{Conf, Valid};
use crate::error::Error;
use crate::local::BuiltIn;
use crate::message::Request;
use crate::node::Node;

/// A request with a ground, as far as this node can tell. Only [`request`] makes it.
pub(crate) struct Founded {
    complete: Complete,
    record: Option<Box<Basis>>,
    terms: Option<Terms>,
}

impl Founded {
    pub(super) fn into_parts(self) -> (Complete, Option<Box<Basis>>, Option<Terms>) {
        (self.complete, self.record, self.terms)
    }
}

/// Finds the ground of the request.
pub(super) async fn request(
    complete: Complete,
    node: &Node,
    conf: &Conf,
    valid: Valid,
) -> Result<Founded, Error> {
    let Some(rules) = rules(complete.message(), conf).map_err(Error::Basis)? else {
        return Ok(Founded {
            complete,
            record: None,
            terms: None,
        });
    };
    let asked = Asked {
        message: complete.message(),
        attachments: complete.attachments(),
        envelope: complete.envelope(),
        right: Right::Elsewhere,
    };
    let found = basis::find(asked, rules, node, conf, valid).await?;
    let terms = found.terms();
    let record = found.into_record(&node.journal, &[]);
    Ok(Founded {
        complete,
        record: Some(record),
        terms,
    })
}

/// The rules by which this request is judged here, if it is.
fn rules<'c>(message: &Request, conf: &'c Conf) -> Result<Option<&'c Rules>, BasisError> {
    // Only the provider's node can tell whether it is its own; what is not, it refuses.
    let maybe_built_in = matches!(message, Request::Soap(_))
        && BuiltIn::with_code(message.service().code()).is_some();
    let rules = match basis::in_force(conf) {
        Err(_) if maybe_built_in => return Ok(None),
        rules => rules?,
    };
    let Some(rules) = rules else { return Ok(None) };
    // Rules of ours do not know services of other instances.
    let provider = message.service().provider();
    if provider.instance() != conf.snapshot.instance() {
        return Ok(None);
    }
    let registration = rules.registration(message.service());
    if maybe_built_in && matches!(registration, Registration::Unregistered) {
        return Ok(None);
    }
    Ok(Some(rules))
}
