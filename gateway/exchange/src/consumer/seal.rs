//! seal: the client's member signs the request.

use gateway_messagelog::Basis;
use gateway_net::Candidate;
use gateway_seal::{Parts, Seal};
use jiff::Timestamp;

use super::basis::Founded;
use super::receive::Original;
use crate::basis::Terms;
use crate::error::Error;
use crate::keys::Keys;
use crate::message::{self, Attachment, Request};

/// A signed request. Only [`request`] makes it.
pub(crate) struct Sealed {
    message: Request,
    attachments: Vec<Attachment>,
    original: Original,
    candidates: Vec<Candidate>,
    parts: Parts,
    seal: Seal,
    signed_at: Timestamp,
    basis: Option<Box<Basis>>,
    terms: Option<Terms>,
}

impl Sealed {
    pub(super) fn message(&self) -> &Request {
        &self.message
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    pub(super) fn original(&self) -> &Original {
        &self.original
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Digests of what was signed; the response must answer to them.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(super) fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// On what it rests, for the record; once.
    pub(super) fn take_basis(&mut self) -> Option<Box<Basis>> {
        self.basis.take()
    }

    /// What the information system is told of that.
    pub(super) fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }
}

/// Signs message and attachments with the key of the client's member, with the keys as they are
/// once all bytes are here: a body may have been long on its way.
pub(super) async fn request(
    founded: Founded,
    keys: &Keys,
    now: Timestamp,
) -> Result<Sealed, Error> {
    let (complete, basis, terms) = founded.into_parts();
    let (message, original, attachments, candidates) = complete.into_parts();
    let member = message.client().member();
    let signer = keys
        .signer(member, now)
        .ok_or_else(|| Error::NoSigningKey {
            member: member.clone(),
        })?;
    let parts = message::parts(message.bytes(), &attachments);
    let seal = signer
        .sign(parts.clone(), now)
        .await
        .map_err(Error::Signer)?;
    Ok(Sealed {
        message,
        attachments,
        original,
        candidates,
        parts,
        seal,
        signed_at: now,
        basis,
        terms,
    })
}
