//! The message log: what was exchanged, durable before it goes on (design §4, issue item 5).

use bytes::Bytes;
use certs_keys::Digest;
use gateway_proto::id::{ClientId, ServerId, ServiceId};
use jiff::Timestamp;
use std::path::Path;

#[derive(Debug)]
pub enum Error { Todo }

/// Body or attachment bytes, hashed (SHA-512) while received: in memory up to a bound, above it in a file of the log directory. Cheap to clone.
/// An unlogged file goes away when the last handle is dropped; a logged one stays.
#[derive(Clone, Debug)]
pub struct Content { _p: () }
impl Content {
    pub fn from_bytes(bytes: Bytes) -> Self { todo!() }
    pub fn digest(&self) -> &Digest { todo!() }
    pub fn len(&self) -> u64 { todo!() }
    pub fn is_empty(&self) -> bool { self.len() == 0 }
    /// Whole, when it is in memory.
    pub fn bytes(&self) -> Option<&Bytes> { todo!() }
    /// Chunks of at most 64 KiB, read off the executor.
    pub fn reader(&self) -> ContentReader { todo!() }
}
#[derive(Debug)]
pub struct ContentReader { _p: () }
impl ContentReader { pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> { todo!() } }

/// Receives a body of unknown length, constant memory.
#[derive(Debug)]
pub struct Spool { _p: () }
impl Spool {
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), Error> { todo!() }
    pub async fn finish(self) -> Result<Content, Error> { todo!() }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Side { Consumer, Provider }
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Direction { Request, Response }
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Protocol { Soap, Rest }

/// One logged message with all that a later check needs. `#[n(..)]`-stable CBOR on disk.
#[derive(Clone, Debug)]
pub struct Record {
    pub time: Timestamp, pub side: Side, pub direction: Direction, pub protocol: Protocol,
    pub client: ClientId, pub service: ServiceId,
    /// The query id, and for REST the x-road-request-id.
    pub message_id: String, pub request_id: Option<String>,
    pub user_id: Option<String>, pub issue: Option<String>,
    /// The server at the other end, when known.
    pub peer: Option<ServerId>,
    /// SOAP bytes or REST block, exactly as signed; its content type.
    pub message: Bytes, pub content_type: String,
    /// REST body or SOAP attachments, with their MIME headers.
    pub attachments: Vec<(Vec<(String, String)>, Content)>,
    pub signature: Bytes, pub hash_chain_result: Option<Bytes>, pub hash_chain: Option<Bytes>,
    /// Degraded steps under which it was made (design §7), e.g. `globalconf-grace`.
    pub degraded: Vec<String>,
}
/// A refused message: what was asked and why not. No content.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub time: Timestamp, pub side: Side, pub protocol: Protocol, pub client: Option<ClientId>, pub service: Option<ServiceId>,
    pub message_id: Option<String>, pub peer: Option<ServerId>, pub code: String, pub reason: String, pub fault_id: String,
}
#[derive(Clone, Debug)] pub enum Entry { Message(Record), Refusal(Refusal) }

#[derive(Clone, Debug)]
pub struct Options { pub segment: gateway_store::segment::Options, pub content_memory_bytes_max: usize, pub content_bytes_max: u64 }

/// The log of one node; cheap to clone.
#[derive(Clone, Debug)]
pub struct MessageLog(());
impl MessageLog {
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> { todo!() }
    pub fn spool(&self) -> Spool { todo!() }
    /// Durable (record and spooled contents) when ready.
    pub async fn append(&self, record: Record) -> Result<(), Error> { todo!() }
    /// Queued, not waited for; dropped and counted when the queue is full (a refusal must not become a lever).
    pub fn note_refusal(&self, refusal: Refusal) { todo!() }
}
/// Reading and checking a node's data directory offline: `karvan audit show|verify`.
pub mod audit { /* Reader::open(dir) → entries; find by message id; verify(entry, &globalconf history) → Verdict */ }
