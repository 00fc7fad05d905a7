//! seal: the provider's member signs the response.

use certs_keys::Digest;
use gateway_seal::Seal;
use jiff::Timestamp;

use super::call::Answer;
use super::log::Logged;
use super::verify::Verified;
use crate::error::Error;
use crate::keys::Keys;
use crate::message;

/// A signed response. Only [`response`] makes it.
pub(crate) struct Sealed {
    answer: Answer,
    message_digest: Digest,
    seal: Seal,
    signed_at: Timestamp,
}

impl Sealed {
    pub(super) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Of the message without its attachments, as it was signed.
    pub(super) fn message_digest(&self) -> Digest {
        self.message_digest
    }

    pub(super) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(super) fn signed_at(&self) -> Timestamp {
        self.signed_at
    }
}

/// Signs message and attachments, with the keys as they are once the service has answered: it may
/// have taken its time.
pub(super) async fn response(
    answer: Answer,
    request: &Logged<Verified>,
    keys: &Keys,
    now: Timestamp,
) -> Result<Sealed, Error> {
    let member = request.received().message().service().provider().member();
    let signer = keys
        .signer(member, now)
        .ok_or_else(|| Error::NoSigningKey {
            member: member.clone(),
        })?;
    let parts = message::parts(answer.message().bytes(), answer.attachments());
    let message_digest = parts.message;
    let seal = signer.sign(parts, now).await.map_err(Error::Signer)?;
    Ok(Sealed {
        answer,
        message_digest,
        seal,
        signed_at: now,
    })
}
