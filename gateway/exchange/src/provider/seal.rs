//! seal: the provider's member signs the response.

use gateway_seal::Seal;
use jiff::Timestamp;

use super::call::Answer;
use super::log::Logged;
use super::verify::Verified;
use crate::error::Error;
use crate::message;

/// A signed response. Only [`response`] makes it.
pub(crate) struct Sealed {
    pub(super) answer: Answer,
    pub(super) seal: Seal,
}

/// Signs message and attachments with the key found when the request arrived.
pub(super) async fn response(
    answer: Answer,
    request: &Logged<Verified>,
    now: Timestamp,
) -> Result<Sealed, Error> {
    let parts = message::parts(answer.message.bytes(), &answer.attachments);
    let signer = &request.permitted.received.signer;
    let seal = signer.sign(parts, now).await.map_err(Error::Signer)?;
    Ok(Sealed { answer, seal })
}
