//! basis: the signed request rests on a ground, and what is limited is not used up. This answer
//! counts, whatever the consumer's node thought.

use gateway_journal::{Exceeded, Reservation};
use gateway_messagelog::Basis;
use gateway_policy::basis::Quota;
use gateway_policy::rules::Rules;
use jiff::Timestamp;

use super::verify::Verified;
use crate::basis::{self, Asked, BasisError, Right, Used};
use crate::conf::{Conf, Valid};
use crate::error::Error;
use crate::message::{Attachment, Request};
use crate::node::Node;

/// A verified request with its ground, and with its share of what is limited. Only [`request`] makes
/// it.
pub(crate) struct Founded {
    verified: Verified,
    record: Option<Box<Basis>>,
    /// Given back when the request does not come to be logged.
    reservation: Option<Reservation>,
}

impl Founded {
    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    pub(super) fn into_parts(self) -> (Verified, Option<Reservation>) {
        (self.verified, self.reservation)
    }

    pub(super) fn take_record(&mut self) -> Option<Box<Basis>> {
        self.record.take()
    }
}

/// Finds the ground of the request. The node's own services need none.
pub(super) async fn request(
    verified: Verified,
    node: &Node,
    conf: &Conf,
    valid: Valid,
) -> Result<Founded, Error> {
    let rules = match verified.permitted().service().built_in {
        Some(_) => None,
        None => basis::in_force(conf).map_err(Error::Basis)?,
    };
    let Some(rules) = rules else {
        return Ok(Founded {
            verified,
            record: None,
            reservation: None,
        });
    };
    let received = verified.received();
    let asked = Asked {
        message: received.message(),
        attachments: received.attachments(),
        envelope: received.envelope(),
        right: Right::Here(verified.permitted().purposes()),
    };
    let (record, reservation) = ground(asked, rules, node, conf, valid).await?;
    Ok(Founded {
        verified,
        record: Some(record),
        reservation,
    })
}

/// What this step does, with nothing before and behind it: for those who measure it. What is taken of
/// limits is given back when the reservation is dropped; without rules there is neither record nor
/// reservation.
///
/// # Errors
/// The request has no ground, or what is limited is used up.
pub async fn judge(
    message: &Request,
    attachments: &[Attachment],
    purposes: &[String],
    node: &Node,
    conf: &Conf,
    valid: Valid,
) -> Result<(Option<Box<Basis>>, Option<Reservation>), Error> {
    let Some(rules) = basis::in_force(conf).map_err(Error::Basis)? else {
        return Ok((None, None));
    };
    let asked = Asked {
        message,
        attachments,
        envelope: None,
        right: Right::Here(purposes),
    };
    let (record, reservation) = ground(asked, rules, node, conf, valid).await?;
    Ok((Some(record), reservation))
}

/// The ground for the record, and the share of what is limited.
async fn ground(
    asked: Asked<'_>,
    rules: &Rules,
    node: &Node,
    conf: &Conf,
    valid: Valid,
) -> Result<(Box<Basis>, Option<Reservation>), Error> {
    let found = basis::find(asked, rules, node, conf, valid).await?;
    let reservation = reserve(found.quotas(), node, found.decided_at()).map_err(Error::Basis)?;
    let used = reservation.as_ref().map_or(&[][..], Reservation::marks);
    let record = found.into_record(&node.journal, used);
    Ok((record, reservation))
}

fn reserve(
    quotas: &[Quota],
    node: &Node,
    now: Timestamp,
) -> Result<Option<Reservation>, BasisError> {
    if quotas.is_empty() {
        return Ok(None);
    }
    match node.journal.reserve(quotas, now) {
        Ok(reservation) => Ok(Some(reservation)),
        Err(Exceeded::UsedUp { index }) => {
            let used = quotas.get(index).map_or(Used::Consent, Used::of);
            Err(BasisError::UsedUp(used))
        }
        Err(Exceeded::Unknown(error)) => Err(BasisError::Journal(error)),
    }
}
