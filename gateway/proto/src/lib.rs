//! The wire: identifiers, SOAP 4.x, REST r1, MIME, the node-to-node envelope, faults. Pure values, no I/O.

use std::fmt;

pub mod id {
    //! Identifiers (messages.md §2). Exact, case-sensitive comparison. `Display` is `TYPE:part/part/…`.
    //! Blank components are refused by every constructor.
    use super::*;
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Error { Todo }
    #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct MemberId { instance: Box<str>, member_class: Box<str>, member_code: Box<str> }
    impl MemberId {
        pub fn new(instance: &str, member_class: &str, member_code: &str) -> Result<Self, Error> { todo!() }
        pub fn instance(&self) -> &str { &self.instance }
        pub fn member_class(&self) -> &str { &self.member_class }
        pub fn member_code(&self) -> &str { &self.member_code }
    }
    /// A member or one of its subsystems.
    #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct ClientId { member: MemberId, subsystem: Option<Box<str>> }
    impl ClientId {
        pub fn new(member: MemberId, subsystem: Option<&str>) -> Result<Self, Error> { todo!() }
        pub fn member(&self) -> &MemberId { &self.member }
        pub fn subsystem(&self) -> Option<&str> { todo!() }
        pub fn instance(&self) -> &str { todo!() }
        /// `inst/class/code[/subsystem]` with the strict percent rule of messages.md §2.2. Also the form used in our TOML.
        pub fn from_rest(text: &str) -> Result<Self, Error> { todo!() }
        pub fn to_rest(&self) -> String { todo!() }
    }
    #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct ServiceId { provider: ClientId, code: Box<str>, version: Option<Box<str>> }
    impl ServiceId {
        /// `Some("")` is a version of its own (messages.md §3.2).
        pub fn new(provider: ClientId, code: &str, version: Option<&str>) -> Result<Self, Error> { todo!() }
        pub fn provider(&self) -> &ClientId { &self.provider }
        pub fn code(&self) -> &str { &self.code }
        pub fn version(&self) -> Option<&str> { todo!() }
    }
    #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct ServerId { owner: MemberId, code: Box<str> }
    impl ServerId {
        pub fn new(owner: MemberId, code: &str) -> Result<Self, Error> { todo!() }
        pub fn owner(&self) -> &MemberId { &self.owner }
        pub fn code(&self) -> &str { &self.code }
        pub fn from_rest(text: &str) -> Result<Self, Error> { todo!() }
        pub fn to_rest(&self) -> String { todo!() }
    }
    #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub struct GlobalGroupId { instance: Box<str>, code: Box<str> }
    impl GlobalGroupId { pub fn new(instance: &str, code: &str) -> Result<Self, Error> { todo!() } pub fn instance(&self) -> &str { todo!() } pub fn code(&self) -> &str { todo!() } }
    // serde: ClientId, ServerId, MemberId serialise as their REST form.
}

pub mod fault {
    //! Codes (errors.md), both spellings, SOAP fault XML, REST error bodies.
    use super::*;
    /// A dotted fault code as on the wire, e.g. `server.serverproxy.access_denied`.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Code(String);
    impl Code {
        pub fn new(code: impl Into<String>) -> Self { todo!() }
        pub fn as_str(&self) -> &str { todo!() }
        /// `X.K` unless K already starts with X (errors.md §2).
        pub fn with_prefix(self, prefix: &str) -> Self { todo!() }
        /// Canonical 7.8 spelling of a code in either spelling (for comparing; never to rewrite).
        pub fn canonical(&self) -> String { todo!() }
        /// Case-insensitive `server.` test (errors.md §1).
        pub fn is_server(&self) -> bool { todo!() }
    }
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Fault { pub code: Code, pub string: Option<String>, pub actor: Option<String>, pub detail: Option<String>,
        /// The XML as received, relayed unchanged; `None` for our own.
        pub original: Option<bytes::Bytes> }
    impl Fault {
        /// Our own: empty actor, detail = this id.
        pub fn new(code: Code, string: impl Into<String>, detail: uuid::Uuid) -> Self { todo!() }
        /// errors.md §3 shape; returns `original` when there is one.
        pub fn to_xml(&self) -> bytes::Bytes { todo!() }
        /// errors.md §4: (content type, body) by Accept values.
        pub fn to_rest_error(&self, accept: &[&str]) -> (&'static str, Vec<u8>) { todo!() }
        /// 500 for `server.`, else 400.
        pub fn rest_status(&self) -> u16 { todo!() }
    }
}

pub mod soap {
    //! SOAP 4.x messages (messages.md §3). Bytes are kept as received.
    use super::*;
    use super::id::*;
    use bytes::Bytes;
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct RepresentedParty { pub class: Option<String>, pub code: Option<String> }
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Header {
        pub client: ClientId, pub service: ServiceId, pub id: String, pub protocol_version: String,
        pub user_id: Option<String>, pub issue: Option<String>, pub represented_party: Option<RepresentedParty>,
        pub security_server: Option<ServerId>, pub request_hash: Option<String>,
    }
    /// A valid message: header typed, bytes exactly as received.
    #[derive(Clone, Debug)]
    pub struct Message { /* bytes, header, content_type, positions for the requestHash insertion */ _p: () }
    impl Message {
        pub fn bytes(&self) -> &Bytes { todo!() }
        pub fn header(&self) -> &Header { todo!() }
        /// The Content-Type value of the entity or MIME part it came in.
        pub fn content_type(&self) -> &str { todo!() }
        /// Any requestHash removed, the new one inserted after `id`, all other bytes kept (messages.md §3.7).
        pub fn with_request_hash(&self, digest: &certs_keys::Digest) -> Message { todo!() }
    }
    #[derive(Clone, Debug)]
    pub enum Parsed { Message(Message), Fault(super::fault::Fault) }
    /// The validation algorithm of messages.md §3.3, in its order. `Error::code()` gives the code without prefix.
    pub fn parse(bytes: Bytes, content_type: &str, limits: &super::Limits) -> Result<Parsed, Error> { todo!() }
    #[derive(Debug)]
    pub enum Error { Todo }
    impl Error { pub fn code(&self) -> &'static str { todo!() } }
    /// The six values C compares (messages.md §3.2); names the field that differs.
    pub fn check_echo(request: &Header, response: &Header) -> Result<(), &'static str> { todo!() }
    /// Header syntax rule of messages.md §3.6.
    pub fn validate_soap_action(value: &[u8]) -> bool { todo!() }
}

pub mod rest {
    //! REST r1 messages (messages.md §4, transport.md §8).
    use super::*;
    use super::id::*;
    use bytes::Bytes;
    use certs_keys::Digest;
    /// A request as hashed, signed, sent and logged; `block()` is transport.md §8.1.
    #[derive(Clone, Debug)]
    pub struct Request { _p: () }
    impl Request {
        /// From the information system. Headers in order; skip list applied; `x-road-request-id` and, if absent, `x-road-id` appended.
        pub fn from_client(method: &str, raw_path: &str, raw_query: Option<&str>, headers: &[(&str, &[u8])], request_id: uuid::Uuid, generated_id: uuid::Uuid, instance: &str) -> Result<Self, Error> { todo!() }
        /// From the block a peer sent (transport.md §8.1 parser).
        pub fn from_block(block: Bytes) -> Result<Self, Error> { todo!() }
        pub fn block(&self) -> &Bytes { todo!() }
        pub fn method(&self) -> &str { todo!() }
        pub fn client(&self) -> &ClientId { todo!() }
        pub fn service(&self) -> &ServiceId { todo!() }
        /// As received, still percent-encoded; "" when nothing follows the service code.
        pub fn service_path(&self) -> &str { todo!() }
        pub fn query(&self) -> Option<&str> { todo!() }
        pub fn id(&self) -> &str { todo!() }
        pub fn request_id(&self) -> &str { todo!() }
        pub fn security_server(&self) -> Option<&ServerId> { todo!() }
        pub fn user_id(&self) -> Option<&str> { todo!() }
        pub fn issue(&self) -> Option<&str> { todo!() }
        pub fn headers(&self) -> &[(String, String)] { todo!() }
    }
    /// A response; `block()` is transport.md §8.2.
    #[derive(Clone, Debug)]
    pub struct Response { _p: () }
    impl Response {
        /// At P: the service's headers filtered, the five x-road headers appended.
        pub fn new(status: u16, reason: &str, headers: &[(&str, &[u8])], request: &Request, request_hash: &Digest) -> Result<Self, Error> { todo!() }
        pub fn from_block(block: Bytes) -> Result<Self, Error> { todo!() }
        pub fn block(&self) -> &Bytes { todo!() }
        pub fn status(&self) -> u16 { todo!() }
        pub fn headers(&self) -> &[(String, String)] { todo!() }
        pub fn request_hash(&self) -> &[u8] { todo!() }
        /// transport.md §11 equality with the request: client, id, service, request id, hash; names what differs.
        pub fn check_consistency(&self, request: &Request, request_hash: &Digest) -> Result<(), &'static str> { todo!() }
    }
    /// SHA-512 of the block digest, or of block digest ‖ body digest (transport.md §11).
    pub fn request_hash(block_digest: &Digest, body_digest: Option<&Digest>) -> Digest { todo!() }
    #[derive(Debug)]
    pub enum Error { Todo }
    impl Error { pub fn code(&self) -> &'static str { todo!() } }
}

pub mod mime {
    //! Media types, part headers, a streaming multipart decoder (push bytes, take events, body data zero-copy), framing.
    use super::*;
    use bytes::Bytes;
    /// Part headers in order; look-up case-insensitive.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Headers(pub Vec<(String, String)>);
    #[derive(Debug)]
    pub enum Event { PartStart(Headers), Data(Bytes), PartEnd, End }
    #[derive(Debug)]
    pub struct Decoder(());
    impl Decoder {
        pub fn new(boundary: &str, limits: &super::Limits) -> Result<Self, Error> { todo!() }
        pub fn push(&mut self, chunk: Bytes) { todo!() }
        /// No more input: the final boundary may be missing.
        pub fn finish(&mut self) { todo!() }
        /// `None`: needs more input.
        pub fn next_event(&mut self) -> Result<Option<Event>, Error> { todo!() }
    }
    #[derive(Debug)]
    pub enum Error { Todo }
    /// A parsed Content-Type.
    #[derive(Clone, Debug)]
    pub struct MediaType { pub base: String, pub parameters: Vec<(String, String)> }
    impl MediaType { pub fn parse(value: &str) -> Option<Self> { todo!() } pub fn parameter(&self, name: &str) -> Option<&str> { todo!() } }
}

pub mod envelope {
    //! The node-to-node message (transport.md §4–§7): part order, receiver state machine, writer.
    use super::*;
    use bytes::Bytes;
    /// What a receiver sees, in wire order. Small parts come whole (bounded by [`Limits`]); bodies and attachments stream.
    #[derive(Debug)]
    pub enum Part {
        Ocsp(Bytes),
        Soap { content_type: String, bytes: Bytes },
        RestRequest(Bytes), RestResponse(Bytes),
        /// A REST body or one SOAP attachment begins; its headers (empty for REST).
        ContentStart(super::mime::Headers), ContentData(Bytes), ContentEnd,
        HashChainResult(Bytes), HashChain(Bytes), Signature(Bytes),
        Fault(super::fault::Fault),
        End,
    }
    #[derive(Debug)]
    pub struct Decoder(());
    impl Decoder {
        /// `content_type`: of the HTTP message; must be multipart/mixed with a boundary.
        pub fn new(content_type: &str, limits: &super::Limits) -> Result<Self, Error> { todo!() }
        pub fn push(&mut self, chunk: Bytes) { todo!() }
        pub fn finish(&mut self) { todo!() }
        pub fn next_part(&mut self) -> Result<Option<Part>, Error> { todo!() }
    }
    #[derive(Debug)]
    pub enum Error { Todo }
    impl Error { pub fn code(&self) -> &'static str { todo!() } }
    /// Writes the framing of transport.md §6; bodies are written by the caller between `content_start` and `content_end`.
    #[derive(Debug)]
    pub struct Encoder(());
    impl Encoder {
        /// Boundaries from this random part (30 letters).
        pub fn new(random: [u8; 32]) -> Self { todo!() }
        pub fn content_type(&self) -> String { todo!() }
        pub fn ocsp(&mut self, out: &mut Vec<u8>, der: &[u8]) { todo!() }
        pub fn soap(&mut self, out: &mut Vec<u8>, content_type: &str, bytes: &[u8]) { todo!() }
        pub fn rest_request(&mut self, out: &mut Vec<u8>, block: &[u8]) { todo!() }
        pub fn rest_response(&mut self, out: &mut Vec<u8>, block: &[u8]) { todo!() }
        pub fn rest_body_start(&mut self, out: &mut Vec<u8>) { todo!() }
        /// Opens the nested multipart on the first attachment.
        pub fn attachment_start(&mut self, out: &mut Vec<u8>, headers: &super::mime::Headers) { todo!() }
        /// chain result and chain, when there are, then the signature.
        pub fn signature(&mut self, out: &mut Vec<u8>, chain: Option<(&[u8], &[u8])>, signature: &[u8]) { todo!() }
        pub fn fault(&mut self, out: &mut Vec<u8>, fault: &super::fault::Fault) { todo!() }
        pub fn end(&mut self, out: &mut Vec<u8>) { todo!() }
    }
}

/// Everything from outside is bounded (design §8).
#[derive(Clone, Debug)]
pub struct Limits {
    pub soap_bytes_max: usize, pub rest_block_bytes_max: usize, pub xml_depth_max: usize,
    pub mime_header_line_bytes_max: usize, pub mime_headers_max: usize, pub mime_parts_max: usize,
    pub ocsp_bytes_max: usize, pub ocsp_parts_max: usize, pub signature_bytes_max: usize, pub hash_chain_bytes_max: usize,
    pub attachments_max: usize, pub content_bytes_max: u64,
}
impl Default for Limits { fn default() -> Self { todo!() } }
impl fmt::Display for Limits { fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result { todo!() } }
