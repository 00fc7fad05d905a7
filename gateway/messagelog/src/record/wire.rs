//! A record as bytes: CBOR with numbered fields.
//!
//! ```text
//! entry   := [ version, 0, body ]              plain; sealed entries: see `protection`
//! body    := [ kind, fields ]
//! fields  := map of number → value             unknown numbers are passed over
//! ```
//!
//! Numbers are never used again for something else.
//!
//! * `fields`: the numbered fields of each kind of entry
//! * `basis`: those of a legal basis

mod basis;
mod fields;

use std::fmt;

use bytes::Bytes;
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;
use minicbor::{Decoder, Encode, Encoder};

use self::basis::BasisFields;
use self::fields::{
    AttachmentFields, CoveredFields, DigestFields, MessageFields, PartyFields, RefusalFields,
    ServerFields, ServiceFields, StampFields, TimeFields,
};
use super::{Entry, Record, Refusal, Stamp};
use crate::bodies::Bodies;
use crate::content::Place;
use crate::protection::plain;
use crate::{Error, Protection};

/// What the index and retention need of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) kind: Kind,
    pub(crate) time: Timestamp,
    pub(crate) message_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) client: Option<ClientId>,
    pub(crate) service: Option<ServiceId>,
    /// The files of its contents.
    pub(crate) bodies: Vec<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Refusal,
    /// With the first and last message it covers.
    Stamp {
        first: u64,
        last: u64,
    },
}

/// What a time stamp needs of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) time: Timestamp,
    pub(crate) signature: Bytes,
}

/// The bytes of a message. Contents in files are named, others are in it.
pub(crate) fn encode_message(record: &Record) -> Bytes {
    let salt = salt();
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
                Place::Memory(_) | Place::Withheld => None,
                Place::File(file) => Some(file.name()),
            },
            form: match content.place() {
                Place::File(file) if file.is_sealed() => Some(FORM_SEALED),
                Place::Memory(_) | Place::File(_) => None,
                Place::Withheld => Some(FORM_WITHHELD),
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
        message_digest: record.message_digest.as_ref().map(DigestFields::of),
        attachments,
        signature: &record.signature,
        hash_chain_result: record.hash_chain_result.as_deref().map(Into::into),
        hash_chain: record.hash_chain.as_deref().map(Into::into),
        degraded: record.degraded.iter().map(String::as_str).collect(),
        basis: record.basis.as_deref().map(BasisFields::of),
        salt: Some(salt.as_slice().into()),
    };
    let contents = record
        .attachments
        .iter()
        .filter_map(|(_, content)| content.bytes());
    let short = record
        .attachments
        .len()
        .saturating_mul(ATTACHMENT_BYTES)
        .saturating_add(record.basis.as_deref().map_or(0, basis::bytes))
        .saturating_add(FIELDS_BYTES);
    let capacity = contents
        .chain([&record.message, &record.signature])
        .chain(&record.hash_chain_result)
        .chain(&record.hash_chain)
        .fold(short, |sum, bytes| sum.saturating_add(bytes.len()));
    encode(KIND_MESSAGE, &fields, capacity)
}

/// The bytes of a refusal.
pub(crate) fn encode_refusal(refusal: &Refusal) -> Bytes {
    let salt = salt();
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
        salt: Some(salt.as_slice().into()),
    };
    encode(KIND_REFUSAL, &fields, FIELDS_BYTES)
}

/// The bytes of a time stamp.
pub(crate) fn encode_stamp(stamp: &Stamp) -> Bytes {
    let salt = salt();
    let fields = StampFields {
        time: TimeFields::of(stamp.time),
        authority: &stamp.authority,
        token: &stamp.token,
        algorithm: stamp.algorithm.name(),
        single: stamp.single,
        covers: stamp
            .covers
            .iter()
            .map(|covered| CoveredFields {
                ordinal: covered.ordinal,
                digest: covered.digest.as_bytes(),
            })
            .collect(),
        salt: Some(salt.as_slice().into()),
    };
    let capacity = stamp
        .covers
        .len()
        .saturating_mul(COVERED_BYTES)
        .saturating_add(stamp.token.len())
        .saturating_add(FIELDS_BYTES);
    encode(KIND_STAMP, &fields, capacity)
}

/// Reads an entry. The parts of a message share memory with the plain bytes.
pub(crate) fn decode(stored: &Bytes, bodies: &Bodies) -> Result<Entry, Error> {
    let bytes = plain(stored, bodies.protection())?;
    decode_plain(&bytes, Some(bodies))
}

/// Reads a plain entry; without the folder of the contents, those in files are withheld.
pub(crate) fn decode_plain(bytes: &Bytes, bodies: Option<&Bodies>) -> Result<Entry, Error> {
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
        KIND_STAMP => {
            let fields: StampFields<'_> = decoder.decode().map_err(malformed)?;
            fields.stamp(bytes).map(Entry::Stamp)
        }
        kind => Err(Error::malformed(format!("kind {kind}"))),
    }
}

/// Reads what the index needs, without touching contents.
pub(crate) fn keys(stored: &Bytes, protection: Option<&Protection>) -> Result<Keys, Error> {
    let bytes = &plain(stored, protection)?;
    let mut decoder = Decoder::new(bytes);
    match kind(&mut decoder)? {
        KIND_MESSAGE => {
            let fields: MessageFields<'_> = decoder.decode().map_err(malformed)?;
            let files = fields.attachments.iter();
            let bodies = files.filter_map(|attachment| attachment.file.map(str::to_owned));
            Ok(Keys {
                kind: Kind::Message,
                time: fields.time.timestamp()?,
                message_id: Some(fields.message_id.to_owned()),
                request_id: fields.request_id.map(str::to_owned),
                client: Some(fields.client.client()?),
                service: Some(fields.service.service()?),
                bodies: bodies.collect(),
            })
        }
        KIND_REFUSAL => {
            let refusal = decoder
                .decode::<RefusalFields<'_>>()
                .map_err(malformed)?
                .refusal()?;
            Ok(Keys {
                kind: Kind::Refusal,
                time: refusal.time,
                message_id: refusal.message_id,
                request_id: None,
                client: refusal.client,
                service: refusal.service,
                bodies: Vec::new(),
            })
        }
        KIND_STAMP => {
            let fields: StampFields<'_> = decoder.decode().map_err(malformed)?;
            let covers = (fields.covers.first(), fields.covers.last());
            let (Some(first), Some(last)) = covers else {
                return Err(Error::malformed("a time stamp over nothing"));
            };
            Ok(Keys {
                kind: Kind::Stamp {
                    first: first.ordinal,
                    last: last.ordinal,
                },
                time: fields.time.timestamp()?,
                message_id: None,
                request_id: None,
                client: None,
                service: None,
                bodies: Vec::new(),
            })
        }
        kind => Err(Error::malformed(format!("kind {kind}"))),
    }
}

/// Reads a time stamp; `None` when it is none.
pub(crate) fn stamp(
    stored: &Bytes,
    protection: Option<&Protection>,
) -> Result<Option<Stamp>, Error> {
    let bytes = &plain(stored, protection)?;
    let mut decoder = Decoder::new(bytes);
    match kind(&mut decoder)? {
        KIND_STAMP => {
            let fields: StampFields<'_> = decoder.decode().map_err(malformed)?;
            fields.stamp(bytes).map(Some)
        }
        KIND_MESSAGE | KIND_REFUSAL => Ok(None),
        kind => Err(Error::malformed(format!("kind {kind}"))),
    }
}

/// Reads what a time stamp is over; `None` when it is no message.
pub(crate) fn signed(
    stored: &Bytes,
    protection: Option<&Protection>,
) -> Result<Option<Signed>, Error> {
    let bytes = &plain(stored, protection)?;
    let mut decoder = Decoder::new(bytes);
    match kind(&mut decoder)? {
        KIND_MESSAGE => {
            let fields: MessageFields<'_> = decoder.decode().map_err(malformed)?;
            Ok(Some(Signed {
                time: fields.time.timestamp()?,
                signature: bytes.slice_ref(fields.signature),
            }))
        }
        KIND_REFUSAL | KIND_STAMP => Ok(None),
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

/// Random octets in every entry: who sees its digest in a proof cannot guess the rest.
fn salt() -> [u8; SALT_BYTES] {
    certs_keys::random_bytes()
}

pub(crate) fn malformed(error: impl fmt::Display) -> Error {
    Error::malformed(error.to_string())
}

pub(crate) const VERSION: u8 = 1;
pub(crate) const PROTECTION_NONE: u8 = 0;
pub(crate) const PROTECTION_SEALED: u8 = 1;
/// The file of a content is sealed.
const FORM_SEALED: u8 = 1;
/// Only digest and length of a content are kept.
const FORM_WITHHELD: u8 = 2;
const KIND_MESSAGE: u8 = 0;
const KIND_REFUSAL: u8 = 1;
const KIND_STAMP: u8 = 2;
const SALT_BYTES: usize = 16;
/// About what one message takes in a time stamp.
const COVERED_BYTES: usize = 80;
/// About what stands around one content: its headers and its digest.
const ATTACHMENT_BYTES: usize = 320;
/// About what the short fields take.
const FIELDS_BYTES: usize = 1024;
