//! A record as bytes: CBOR with numbered fields.
//!
//! ```text
//! entry   := [ version, protection, body ]
//! body    := [ kind, fields ]                  protection 0: none
//! fields  := map of number → value             unknown numbers are passed over
//! ```
//!
//! Numbers are never used again for something else. Another protection will put an encrypted byte
//! string in the place of the body.

use std::fmt;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use jiff::Timestamp;
use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::{Direction, Entry, Protocol, Record, Refusal, Side};
use crate::bodies::Bodies;
use crate::content::Place;
use crate::{Content, Error};

/// What the index needs of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) time: Timestamp,
    pub(crate) message_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) client: Option<ClientId>,
    pub(crate) service: Option<ServiceId>,
}

/// The bytes of a message. Contents in files are named, others are in it.
pub(crate) fn encode_message(record: &Record) -> Bytes {
    let attachments = record
        .attachments
        .iter()
        .map(|(headers, content)| AttachmentFields {
            headers: headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            algorithm: content.digest().algorithm().name(),
            digest: content.digest().as_bytes(),
            length: content.len(),
            inline: content.bytes().map(|bytes| (&**bytes).into()),
            file: match content.place() {
                Place::Memory(_) => None,
                Place::File(file) => Some(file.name()),
            },
        })
        .collect();
    let fields = MessageFields {
        time: TimeFields::of(record.time),
        side: record.side.code(),
        direction: record.direction.code(),
        protocol: record.protocol.code(),
        client: PartyFields::of(&record.client),
        service: ServiceFields::of(&record.service),
        message_id: &record.message_id,
        request_id: record.request_id.as_deref(),
        user_id: record.user_id.as_deref(),
        issue: record.issue.as_deref(),
        peer: record.peer.as_ref().map(ServerFields::of),
        content_type: &record.content_type,
        message: &record.message,
        attachments,
        signature: &record.signature,
        hash_chain_result: record.hash_chain_result.as_deref().map(Into::into),
        hash_chain: record.hash_chain.as_deref().map(Into::into),
        degraded: record.degraded.iter().map(String::as_str).collect(),
    };
    let contents = record
        .attachments
        .iter()
        .filter_map(|(_, content)| content.bytes());
    let capacity = contents
        .chain([&record.message, &record.signature])
        .chain(&record.hash_chain_result)
        .chain(&record.hash_chain)
        .fold(FIELDS_BYTES, |sum, bytes| sum.saturating_add(bytes.len()));
    encode(KIND_MESSAGE, &fields, capacity)
}

/// The bytes of a refusal.
pub(crate) fn encode_refusal(refusal: &Refusal) -> Bytes {
    let fields = RefusalFields {
        time: TimeFields::of(refusal.time),
        side: refusal.side.code(),
        protocol: refusal.protocol.code(),
        client: refusal.client.as_ref().map(PartyFields::of),
        service: refusal.service.as_ref().map(ServiceFields::of),
        message_id: refusal.message_id.as_deref(),
        peer: refusal.peer.as_ref().map(ServerFields::of),
        code: &refusal.code,
        reason: &refusal.reason,
        fault_id: &refusal.fault_id,
    };
    encode(KIND_REFUSAL, &fields, FIELDS_BYTES)
}

/// Reads an entry. The parts of a message share memory with `bytes`.
pub(crate) fn decode(bytes: &Bytes, bodies: &Bodies) -> Result<Entry, Error> {
    let mut decoder = Decoder::new(bytes);
    match kind(&mut decoder)? {
        KIND_MESSAGE => {
            let fields: MessageFields<'_> = decoder.decode().map_err(malformed)?;
            fields.record(bytes, bodies).map(Entry::Message)
        }
        KIND_REFUSAL => {
            let fields: RefusalFields<'_> = decoder.decode().map_err(malformed)?;
            fields.refusal().map(Entry::Refusal)
        }
        kind => Err(Error::malformed(format!("kind {kind}"))),
    }
}

/// Reads what the index needs, without touching contents.
pub(crate) fn keys(bytes: &[u8]) -> Result<Keys, Error> {
    let mut decoder = Decoder::new(bytes);
    match kind(&mut decoder)? {
        KIND_MESSAGE => {
            let fields: MessageFields<'_> = decoder.decode().map_err(malformed)?;
            Ok(Keys {
                time: fields.time.timestamp()?,
                message_id: Some(fields.message_id.to_owned()),
                request_id: fields.request_id.map(str::to_owned),
                client: Some(fields.client.client()?),
                service: Some(fields.service.service()?),
            })
        }
        KIND_REFUSAL => {
            let refusal = decoder
                .decode::<RefusalFields<'_>>()
                .map_err(malformed)?
                .refusal()?;
            Ok(Keys {
                time: refusal.time,
                message_id: refusal.message_id,
                request_id: None,
                client: refusal.client,
                service: refusal.service,
            })
        }
        kind => Err(Error::malformed(format!("kind {kind}"))),
    }
}

fn encode(kind: u8, fields: &impl Encode<()>, capacity: usize) -> Bytes {
    let mut out = Vec::with_capacity(capacity);
    let mut encoder = Encoder::new(&mut out);
    let written = encoder
        .array(3)
        .and_then(|encoder| encoder.u8(VERSION))
        .and_then(|encoder| encoder.u8(PROTECTION_NONE))
        .and_then(|encoder| encoder.array(2))
        .and_then(|encoder| encoder.u8(kind))
        .and_then(|encoder| encoder.encode(fields))
        .map(|_| ());
    #[expect(clippy::expect_used, reason = "writing to a vector does not fail")]
    written.expect("a vector takes every byte");
    out.into()
}

/// Reads the frame of an entry up to its fields.
fn kind(decoder: &mut Decoder<'_>) -> Result<u8, Error> {
    if decoder.array().map_err(malformed)? != Some(3) {
        return Err(Error::malformed("no entry"));
    }
    let version = decoder.u8().map_err(malformed)?;
    let protection = decoder.u8().map_err(malformed)?;
    if version != VERSION || protection != PROTECTION_NONE {
        return Err(Error::NotUnderstood {
            version,
            protection,
        });
    }
    if decoder.array().map_err(malformed)? != Some(2) {
        return Err(Error::malformed("no body"));
    }
    decoder.u8().map_err(malformed)
}

fn malformed(error: impl fmt::Display) -> Error {
    Error::malformed(error.to_string())
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct MessageFields<'b> {
    #[b(0)]
    time: TimeFields,
    #[n(1)]
    side: u8,
    #[n(2)]
    direction: u8,
    #[n(3)]
    protocol: u8,
    #[b(4)]
    client: PartyFields<'b>,
    #[b(5)]
    service: ServiceFields<'b>,
    #[b(6)]
    message_id: &'b str,
    #[b(7)]
    request_id: Option<&'b str>,
    #[b(8)]
    user_id: Option<&'b str>,
    #[b(9)]
    issue: Option<&'b str>,
    #[b(10)]
    peer: Option<ServerFields<'b>>,
    #[b(11)]
    content_type: &'b str,
    #[cbor(b(12), with = "minicbor::bytes")]
    message: &'b [u8],
    #[b(13)]
    attachments: Vec<AttachmentFields<'b>>,
    #[cbor(b(14), with = "minicbor::bytes")]
    signature: &'b [u8],
    #[b(15)]
    hash_chain_result: Option<&'b ByteSlice>,
    #[b(16)]
    hash_chain: Option<&'b ByteSlice>,
    #[b(17)]
    degraded: Vec<&'b str>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct AttachmentFields<'b> {
    #[b(0)]
    headers: Vec<(&'b str, &'b str)>,
    #[b(1)]
    algorithm: &'b str,
    #[cbor(b(2), with = "minicbor::bytes")]
    digest: &'b [u8],
    #[n(3)]
    length: u64,
    #[b(4)]
    inline: Option<&'b ByteSlice>,
    #[b(5)]
    file: Option<&'b str>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RefusalFields<'b> {
    #[b(0)]
    time: TimeFields,
    #[n(1)]
    side: u8,
    #[n(2)]
    protocol: u8,
    #[b(3)]
    client: Option<PartyFields<'b>>,
    #[b(4)]
    service: Option<ServiceFields<'b>>,
    #[b(5)]
    message_id: Option<&'b str>,
    #[b(6)]
    peer: Option<ServerFields<'b>>,
    #[b(7)]
    code: &'b str,
    #[b(8)]
    reason: &'b str,
    #[b(9)]
    fault_id: &'b str,
}

#[derive(Encode, Decode)]
struct TimeFields {
    #[n(0)]
    seconds: i64,
    #[n(1)]
    nanoseconds: i32,
}

#[derive(Encode, Decode)]
struct PartyFields<'b> {
    #[b(0)]
    instance: &'b str,
    #[b(1)]
    member_class: &'b str,
    #[b(2)]
    member_code: &'b str,
    #[b(3)]
    subsystem: Option<&'b str>,
}

#[derive(Encode, Decode)]
struct ServiceFields<'b> {
    #[b(0)]
    provider: PartyFields<'b>,
    #[b(1)]
    code: &'b str,
    #[b(2)]
    version: Option<&'b str>,
}

#[derive(Encode, Decode)]
struct ServerFields<'b> {
    #[b(0)]
    owner: PartyFields<'b>,
    #[b(1)]
    code: &'b str,
}

impl MessageFields<'_> {
    fn record(self, whole: &Bytes, bodies: &Bodies) -> Result<Record, Error> {
        let attachments: Result<Vec<_>, Error> = self
            .attachments
            .into_iter()
            .map(|attachment| {
                let headers = attachment.headers.iter();
                let headers =
                    headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                Ok((headers.collect(), attachment.content(whole, bodies)?))
            })
            .collect();
        Ok(Record {
            time: self.time.timestamp()?,
            side: Side::from_code(self.side)?,
            direction: Direction::from_code(self.direction)?,
            protocol: Protocol::from_code(self.protocol)?,
            client: self.client.client()?,
            service: self.service.service()?,
            message_id: self.message_id.to_owned(),
            request_id: self.request_id.map(str::to_owned),
            user_id: self.user_id.map(str::to_owned),
            issue: self.issue.map(str::to_owned),
            peer: self.peer.map(|peer| peer.server()).transpose()?,
            message: whole.slice_ref(self.message),
            content_type: self.content_type.to_owned(),
            attachments: attachments?,
            signature: whole.slice_ref(self.signature),
            hash_chain_result: self.hash_chain_result.map(|bytes| whole.slice_ref(bytes)),
            hash_chain: self.hash_chain.map(|bytes| whole.slice_ref(bytes)),
            degraded: self.degraded.into_iter().map(str::to_owned).collect(),
        })
    }
}

impl AttachmentFields<'_> {
    /// The content with the digest that was recorded; whether it still fits is the auditor's
    /// question.
    fn content(&self, whole: &Bytes, bodies: &Bodies) -> Result<Content, Error> {
        let digest = DigestAlgorithm::from_name(self.algorithm)
            .and_then(|algorithm| Digest::from_bytes(algorithm, self.digest))
            .ok_or_else(|| Error::malformed("the digest of a content"))?;
        match (self.inline, self.file) {
            (Some(bytes), None) => Ok(Content::in_memory(whole.slice_ref(bytes), digest)),
            (None, Some(name)) => Ok(Content::in_file(
                bodies.open_named(name)?,
                self.length,
                digest,
            )),
            _ => Err(Error::malformed("the place of a content")),
        }
    }
}

impl RefusalFields<'_> {
    fn refusal(self) -> Result<Refusal, Error> {
        Ok(Refusal {
            time: self.time.timestamp()?,
            side: Side::from_code(self.side)?,
            protocol: Protocol::from_code(self.protocol)?,
            client: self.client.map(|client| client.client()).transpose()?,
            service: self.service.map(|service| service.service()).transpose()?,
            message_id: self.message_id.map(str::to_owned),
            peer: self.peer.map(|peer| peer.server()).transpose()?,
            code: self.code.to_owned(),
            reason: self.reason.to_owned(),
            fault_id: self.fault_id.to_owned(),
        })
    }
}

impl TimeFields {
    fn of(time: Timestamp) -> Self {
        Self {
            seconds: time.as_second(),
            nanoseconds: time.subsec_nanosecond(),
        }
    }

    fn timestamp(&self) -> Result<Timestamp, Error> {
        Timestamp::new(self.seconds, self.nanoseconds).map_err(malformed)
    }
}

impl<'b> PartyFields<'b> {
    fn of(client: &'b ClientId) -> Self {
        let member = client.member();
        Self {
            subsystem: client.subsystem(),
            ..Self::of_member(member)
        }
    }

    fn of_member(member: &'b MemberId) -> Self {
        Self {
            instance: member.instance(),
            member_class: member.member_class(),
            member_code: member.member_code(),
            subsystem: None,
        }
    }

    fn client(&self) -> Result<ClientId, Error> {
        ClientId::new(self.member()?, self.subsystem).map_err(malformed)
    }

    fn member(&self) -> Result<MemberId, Error> {
        MemberId::new(self.instance, self.member_class, self.member_code).map_err(malformed)
    }
}

impl<'b> ServiceFields<'b> {
    fn of(service: &'b ServiceId) -> Self {
        Self {
            provider: PartyFields::of(service.provider()),
            code: service.code(),
            version: service.version(),
        }
    }

    fn service(&self) -> Result<ServiceId, Error> {
        ServiceId::new(self.provider.client()?, self.code, self.version).map_err(malformed)
    }
}

impl<'b> ServerFields<'b> {
    fn of(server: &'b ServerId) -> Self {
        Self {
            owner: PartyFields::of_member(server.owner()),
            code: server.code(),
        }
    }

    fn server(&self) -> Result<ServerId, Error> {
        ServerId::new(self.owner.member()?, self.code).map_err(malformed)
    }
}

impl Side {
    fn code(self) -> u8 {
        match self {
            Self::Consumer => 0,
            Self::Provider => 1,
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Consumer),
            1 => Ok(Self::Provider),
            _ => Err(Error::malformed("the side")),
        }
    }
}

impl Direction {
    fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Response => 1,
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Request),
            1 => Ok(Self::Response),
            _ => Err(Error::malformed("the direction")),
        }
    }
}

impl Protocol {
    fn code(self) -> u8 {
        match self {
            Self::Soap => 0,
            Self::Rest => 1,
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Soap),
            1 => Ok(Self::Rest),
            _ => Err(Error::malformed("the protocol")),
        }
    }
}

const VERSION: u8 = 1;
const PROTECTION_NONE: u8 = 0;
const KIND_MESSAGE: u8 = 0;
const KIND_REFUSAL: u8 = 1;
/// About what the short fields take.
const FIELDS_BYTES: usize = 1024;
