//! The header fields of a message.

use std::fmt;

use crate::basis::{self, Basis};
use crate::id::{ClientId, ServerId, ServiceId};

/// The header fields the protocol knows (PR-MESS 2.2), and our own block; others are not looked at.
///
/// Texts are as in the document: not trimmed, references resolved. An empty element gives
/// `Some("")`, an absent one `None`.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Who asks.
    pub client: ClientId,
    /// What is asked.
    pub service: ServiceId,
    /// The query id.
    pub id: String,
    /// `4.` and something.
    pub protocol_version: String,
    /// The person at the client who asks.
    pub user_id: Option<String>,
    /// The case or document the question belongs to.
    pub issue: Option<String>,
    /// On whose behalf the client asks (PR-3RD).
    pub represented_party: Option<RepresentedParty>,
    /// The node the request must go through (PR-TARGETSS).
    pub security_server: Option<ServerId>,
    /// In responses: the hash of the request, Base64 as written.
    pub request_hash: Option<String>,
    /// What it says of its legal basis. A block that cannot be read leaves the message what it is.
    pub basis: Result<Basis, basis::Error>,
}

/// The party on whose behalf a client asks.
#[derive(Clone, PartialEq, Eq)]
pub struct RepresentedParty {
    /// Its class, when given.
    pub class: Option<String>,
    /// Its code; not checked for being there.
    pub code: Option<String>,
}

/// Users, cases and represented parties may be persons, so they are not shown.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("client", &self.client)
            .field("service", &self.service)
            .field("id", &self.id)
            .field("protocol_version", &self.protocol_version)
            .field("security_server", &self.security_server)
            .field("request_hash", &self.request_hash)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RepresentedParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepresentedParty").finish_non_exhaustive()
    }
}

/// Whether a response repeats the six values that consumers compare (PR-MESS 2.2). Order and all
/// other fields do not count.
///
/// # Errors
/// The name of the first field that differs.
pub fn check_echo(request: &Header, response: &Header) -> Result<(), &'static str> {
    let same = [
        ("client", request.client == response.client),
        ("service", request.service == response.service),
        ("userId", request.user_id == response.user_id),
        (
            "representedParty",
            request.represented_party == response.represented_party,
        ),
        ("issue", request.issue == response.issue),
        ("id", request.id == response.id),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(field),
        None => Ok(()),
    }
}
