//! What is logged: a message with all that a later check needs, or a refusal.

mod wire;

#[cfg(test)]
pub(crate) mod tests;

use bytes::Bytes;
use gateway_proto::id::{ClientId, ServerId, ServiceId};
use gateway_store::segment::Position;
use jiff::Timestamp;

use crate::Content;
pub(crate) use wire::{Keys, decode, encode_message, encode_refusal, keys};

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
#[derive(Clone, Debug)]
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
    /// SOAP bytes or REST block, exactly as signed.
    pub message: Bytes,
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

/// What one place of the log holds.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A message.
    Message(Record),
    /// A refusal.
    Refusal(Refusal),
}

/// An entry and its place.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// What it is.
    pub entry: Entry,
}

impl Entry {
    /// When it was logged.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Message(record) => record.time,
            Self::Refusal(refusal) => refusal.time,
        }
    }

    /// The query id, when known.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        match self {
            Self::Message(record) => Some(&record.message_id),
            Self::Refusal(refusal) => refusal.message_id.as_deref(),
        }
    }
}
