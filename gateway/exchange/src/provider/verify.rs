//! verify: the client's member signed every byte of the message.

use gateway_seal::Parts;
use jiff::Timestamp;

use super::permit::Permitted;
use crate::conf::Conf;
use crate::error::Error;
use crate::message;
use crate::trust::{self, Believable};

/// A permitted message whose signature holds. Only [`request`] makes it.
pub(crate) struct Verified {
    pub(super) permitted: Permitted,
    /// Digests of what was received; the response answers to them.
    pub(super) parts: Parts,
    _believable: Believable,
}

/// Recomputes what was signed from the bytes received and holds the signature against it.
pub(super) fn request(
    permitted: Permitted,
    conf: &Conf,
    now: Timestamp,
) -> Result<Verified, Error> {
    let received = &permitted.received;
    let parts = message::parts(received.message.bytes(), &received.attachments);
    let signer = received.message.client().member();
    let believable =
        trust::signature(conf, &received.seal, &parts, signer, now).map_err(Error::Signature)?;
    Ok(Verified { permitted, parts, _believable: believable })
}
