//! The keys in use, with the OCSP responses that prove them. Replaced as a whole by a background task.

use std::collections::HashMap;
use std::sync::Arc;

use certs_x509::{Certificate, ocsp};
use gateway_proto::id::MemberId;
use jiff::Timestamp;

use crate::signer::Signer;

/// What this node can sign with and show.
#[derive(Debug, Default)]
pub struct Keys {
    /// Signers by member.
    pub signers: HashMap<MemberId, SigningKey>,
    /// The authentication certificate in use.
    pub authentication: Option<Authentication>,
    /// OCSP responses to hand out, by SHA-1 of the certificate in lower-case hexadecimal.
    pub ocsp_by_sha1: HashMap<String, ocsp::Response>,
}

/// A member's signing key.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Signs; shared with the exchanges under way.
    pub signer: Arc<Signer>,
    /// Until when certificate and OCSP response hold.
    pub usable_until: Timestamp,
}

/// The node's authentication certificate, with what a provider asks to see.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Leaf first, intermediates after it, no top CA.
    pub chain: Vec<Certificate>,
    /// One for each certificate of the chain, in order.
    pub ocsp_responses: Vec<ocsp::Response>,
    /// Until when they hold.
    pub usable_until: Timestamp,
}

impl Keys {
    /// The member's signer, if it may sign now.
    #[must_use]
    pub fn signer(&self, member: &MemberId, now: Timestamp) -> Option<&Arc<Signer>> {
        self.signers
            .get(member)
            .filter(|key| now < key.usable_until)
            .map(|key| &key.signer)
    }

    /// The authentication certificate, if it may be shown now.
    #[must_use]
    pub fn authentication(&self, now: Timestamp) -> Option<&Authentication> {
        self.authentication
            .as_ref()
            .filter(|key| now < key.usable_until)
    }
}
