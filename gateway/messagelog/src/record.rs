//! What is logged: a message with all that a later check needs, a refusal, or a time stamp.

mod basis;
mod wire;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, ServerId, ServiceId};
use gateway_store::segment::Position;
use jiff::Timestamp;

use crate::Content;
pub use basis::{Basis, Consent, Disclosure, Ground, PersonMark};
pub(crate) use wire::{
    Keys, Kind, PROTECTION_NONE, PROTECTION_SEALED, Signed, VERSION, decode, decode_plain,
    encode_message, encode_refusal, encode_stamp, keys, malformed, signed, stamp,
};

/// Which half of an exchange the node was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// It asked, for a client of its own.
    Consumer,
    /// It answered, for a service of its own.
    Provider,
}

/// Which message of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Signed by the client's member.
    Request,
    /// Signed by the service's owner.
    Response,
}

/// The protocol of the information systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// SOAP 4.
    Soap,
    /// REST r1.
    Rest,
}

/// One logged message with all that a later check needs.
#[derive(Clone)]
pub struct Record {
    /// The moment at which it was judged and logged.
    pub time: Timestamp,
    /// Which half this node was.
    pub side: Side,
    /// Request or response.
    pub direction: Direction,
    /// SOAP or REST.
    pub protocol: Protocol,
    /// Who asked.
    pub client: ClientId,
    /// What was asked.
    pub service: ServiceId,
    /// The query id, of the request also in responses.
    pub message_id: String,
    /// For REST the `x-road-request-id`.
    pub request_id: Option<String>,
    /// The user at the client, as sent.
    pub user_id: Option<String>,
    /// The case, as sent.
    pub issue: Option<String>,
    /// The server at the other end, when known.
    pub peer: Option<ServerId>,
    /// SOAP bytes or REST block, exactly as signed; or, where bodies are not kept, its reduced form.
    pub message: Bytes,
    /// Where `message` is reduced, the digest of what was signed. Attachments are then withheld.
    pub message_digest: Option<Digest>,
    /// Its content type.
    pub content_type: String,
    /// REST body or SOAP attachments, with their MIME headers.
    pub attachments: Vec<(Vec<(String, String)>, Content)>,
    /// The signature document, exactly as it travelled.
    pub signature: Bytes,
    /// The hash chain result of a batch signature.
    pub hash_chain_result: Option<Bytes>,
    /// The hash chain of a batch signature.
    pub hash_chain: Option<Bytes>,
    /// Degraded steps under which it was made, e.g. `globalconf-grace`.
    pub degraded: Vec<String>,
    /// On what the exchange rests; requests only, where rules are in force.
    pub basis: Option<Box<Basis>>,
}

/// A refused message: what was asked and why not. No content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub time: Timestamp,
    /// Which half this node was.
    pub side: Side,
    /// SOAP or REST.
    pub protocol: Protocol,
    /// Who asked, as far as it was understood.
    pub client: Option<ClientId>,
    /// What was asked, as far as it was understood.
    pub service: Option<ServiceId>,
    /// The query id, as far as it was understood.
    pub message_id: Option<String>,
    /// The server at the other end, when known.
    pub peer: Option<ServerId>,
    /// The fault code that was given.
    pub code: String,
    /// Why, for the log.
    pub reason: String,
    /// The id by which the fault names this entry.
    pub fault_id: String,
}

/// A time stamp over the messages that follow the ones stamped before, in order and without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When it was logged, by the clock of the node.
    pub time: Timestamp,
    /// The address of the authority that gave it.
    pub authority: String,
    /// The time-stamp token, DER.
    pub token: Bytes,
    /// The algorithm of the digests below, and of the hash chain over them.
    pub algorithm: DigestAlgorithm,
    /// It covers the decoded `SignatureValue` of its one message; otherwise the hash chain result
    /// over the digests of all.
    pub single: bool,
    /// The messages, in order.
    pub covers: Vec<Covered>,
}

/// One message under a time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Its number in the log.
    pub ordinal: u64,
    /// The digest of the octets of its signature document.
    pub digest: Digest,
}

/// What one place of the log holds.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most entries are messages, and few are held at once"
)]
pub enum Entry {
    /// A message.
    Message(Record),
    /// A refusal.
    Refusal(Refusal),
    /// A time stamp over messages before it.
    Stamp(Stamp),
}

/// An entry and its place.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// What it is.
    pub entry: Entry,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not what was sent, nor by whose hand: it may be personal.
        f.debug_struct("Record")
            .field("time", &self.time)
            .field("side", &self.side)
            .field("direction", &self.direction)
            .field("protocol", &self.protocol)
            .field("client", &self.client)
            .field("service", &self.service)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// When it was logged.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Message(record) => record.time,
            Self::Refusal(refusal) => refusal.time,
            Self::Stamp(stamp) => stamp.time,
        }
    }

    /// The query id, when known.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match self {
            Self::Message(record) => Some(&record.message_id),
            Self::Refusal(refusal) => refusal.message_id.as_deref(),
            Self::Stamp(_) => None,
        }
    }
}
