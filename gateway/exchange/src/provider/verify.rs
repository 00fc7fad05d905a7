//! verify: the client's member signed every byte of the message.

use gateway_seal::Parts;
use jiff::Timestamp;

use super::permit::Permitted;
use super::receive::Received;
use crate::conf::Conf;
use crate::error::Error;
use crate::message;
use crate::trust;

/// A permitted message whose signature holds. Only [`request`] makes it.
pub(crate) struct Verified {
    permitted: Permitted,
    parts: Parts,
    verified_at: Timestamp,
}

impl Verified {
    pub(super) fn permitted(&self) -> &Permitted {
        &self.permitted
    }

    pub(super) fn received(&self) -> &Received {
        self.permitted.received()
    }

    /// Digests of what was received; the response answers to them.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(super) fn verified_at(&self) -> Timestamp {
        self.verified_at
    }
}

/// Recomputes what was signed from the bytes received and holds the signature against it.
pub(super) fn request(
    permitted: Permitted,
    conf: &Conf,
    now: Timestamp,
) -> Result<Verified, Error> {
    let received = permitted.received();
    let parts = message::parts(received.message().bytes(), received.attachments());
    let signer = received.message().client().member();
    let _believable =
        trust::signature(conf, received.seal(), &parts, signer, now).map_err(Error::Signature)?;
    Ok(Verified {
        permitted,
        parts,
        verified_at: now,
    })
}
