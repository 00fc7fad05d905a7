//! The numbered fields of each kind of entry.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use jiff::Timestamp;
use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::basis::BasisFields;
use super::{FORM_SEALED, FORM_WITHHELD, malformed};
use crate::bodies::Bodies;
use crate::{Content, Covered, Direction, Error, Protocol, Record, Refusal, Side, Stamp};

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct MessageFields<'b> {
    #[b(0)]
    pub(super) time: TimeFields,
    #[n(1)]
    pub(super) side: u8,
    #[n(2)]
    pub(super) direction: u8,
    #[n(3)]
    pub(super) protocol: u8,
    #[b(4)]
    pub(super) client: PartyFields<'b>,
    #[b(5)]
    pub(super) service: ServiceFields<'b>,
    #[b(6)]
    pub(super) message_id: &'b str,
    #[b(7)]
    pub(super) request_id: Option<&'b str>,
    #[b(8)]
    pub(super) user_id: Option<&'b str>,
    #[b(9)]
    pub(super) issue: Option<&'b str>,
    #[b(10)]
    pub(super) peer: Option<ServerFields<'b>>,
    #[b(11)]
    pub(super) content_type: &'b str,
    #[cbor(b(12), with = "minicbor::bytes")]
    pub(super) message: &'b [u8],
    #[b(13)]
    pub(super) attachments: Vec<AttachmentFields<'b>>,
    #[cbor(b(14), with = "minicbor::bytes")]
    pub(super) signature: &'b [u8],
    #[b(15)]
    pub(super) hash_chain_result: Option<&'b ByteSlice>,
    #[b(16)]
    pub(super) hash_chain: Option<&'b ByteSlice>,
    #[b(17)]
    pub(super) degraded: Vec<&'b str>,
    /// Of the message as signed, where it is kept in its reduced form.
    #[b(20)]
    pub(super) message_digest: Option<DigestFields<'b>>,
    /// Missing where no rules were in force, and in what older versions wrote.
    #[b(21)]
    pub(super) basis: Option<BasisFields<'b>>,
    #[b(18)]
    pub(super) salt: Option<&'b ByteSlice>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct AttachmentFields<'b> {
    #[b(0)]
    pub(super) headers: Vec<(&'b str, &'b str)>,
    #[b(1)]
    pub(super) algorithm: &'b str,
    #[cbor(b(2), with = "minicbor::bytes")]
    pub(super) digest: &'b [u8],
    #[n(3)]
    pub(super) length: u64,
    #[b(4)]
    pub(super) inline: Option<&'b ByteSlice>,
    #[b(5)]
    pub(super) file: Option<&'b str>,
    /// How the bytes are kept; missing: plain.
    #[n(6)]
    pub(super) form: Option<u8>,
}

#[derive(Encode, Decode)]
pub(super) struct DigestFields<'b> {
    #[b(0)]
    pub(super) algorithm: &'b str,
    #[cbor(b(1), with = "minicbor::bytes")]
    pub(super) value: &'b [u8],
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct RefusalFields<'b> {
    #[b(0)]
    pub(super) time: TimeFields,
    #[n(1)]
    pub(super) side: u8,
    #[n(2)]
    pub(super) protocol: u8,
    #[b(3)]
    pub(super) client: Option<PartyFields<'b>>,
    #[b(4)]
    pub(super) service: Option<ServiceFields<'b>>,
    #[b(5)]
    pub(super) message_id: Option<&'b str>,
    #[b(6)]
    pub(super) peer: Option<ServerFields<'b>>,
    #[b(7)]
    pub(super) code: &'b str,
    #[b(8)]
    pub(super) reason: &'b str,
    #[b(9)]
    pub(super) fault_id: &'b str,
    #[b(10)]
    pub(super) salt: Option<&'b ByteSlice>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct StampFields<'b> {
    #[b(0)]
    pub(super) time: TimeFields,
    #[b(1)]
    pub(super) authority: &'b str,
    #[cbor(b(2), with = "minicbor::bytes")]
    pub(super) token: &'b [u8],
    #[b(3)]
    pub(super) algorithm: &'b str,
    #[n(4)]
    pub(super) single: bool,
    #[b(5)]
    pub(super) covers: Vec<CoveredFields<'b>>,
    #[b(6)]
    pub(super) salt: Option<&'b ByteSlice>,
}

#[derive(Encode, Decode)]
pub(super) struct CoveredFields<'b> {
    #[n(0)]
    pub(super) ordinal: u64,
    #[cbor(b(1), with = "minicbor::bytes")]
    pub(super) digest: &'b [u8],
}

#[derive(Encode, Decode)]
pub(super) struct TimeFields {
    #[n(0)]
    pub(super) seconds: i64,
    #[n(1)]
    pub(super) nanoseconds: i32,
}

#[derive(Encode, Decode)]
pub(super) struct PartyFields<'b> {
    #[b(0)]
    pub(super) instance: &'b str,
    #[b(1)]
    pub(super) member_class: &'b str,
    #[b(2)]
    pub(super) member_code: &'b str,
    #[b(3)]
    pub(super) subsystem: Option<&'b str>,
}

#[derive(Encode, Decode)]
pub(super) struct ServiceFields<'b> {
    #[b(0)]
    pub(super) provider: PartyFields<'b>,
    #[b(1)]
    pub(super) code: &'b str,
    #[b(2)]
    pub(super) version: Option<&'b str>,
}

#[derive(Encode, Decode)]
pub(super) struct ServerFields<'b> {
    #[b(0)]
    pub(super) owner: PartyFields<'b>,
    #[b(1)]
    pub(super) code: &'b str,
}

impl MessageFields<'_> {
    pub(super) fn record(self, whole: &Bytes, bodies: Option<&Bodies>) -> Result<Record, Error> {
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
            message_digest: self
                .message_digest
                .map(|digest| digest.digest())
                .transpose()?,
            content_type: self.content_type.to_owned(),
            attachments: attachments?,
            signature: whole.slice_ref(self.signature),
            hash_chain_result: self.hash_chain_result.map(|bytes| whole.slice_ref(bytes)),
            hash_chain: self.hash_chain.map(|bytes| whole.slice_ref(bytes)),
            degraded: self.degraded.into_iter().map(str::to_owned).collect(),
            basis: match self.basis {
                Some(fields) => Some(Box::new(fields.basis()?)),
                None => None,
            },
        })
    }
}

impl AttachmentFields<'_> {
    /// The content with the digest that was recorded; whether it still fits is the auditor's
    /// question.
    pub(super) fn content(&self, whole: &Bytes, bodies: Option<&Bodies>) -> Result<Content, Error> {
        let digest = DigestFields {
            algorithm: self.algorithm,
            value: self.digest,
        };
        let digest = digest.digest()?;
        match (self.inline, self.file, self.form) {
            (Some(bytes), None, None) => Ok(Content::in_memory(whole.slice_ref(bytes), digest)),
            (None, Some(name), None | Some(FORM_SEALED)) => match bodies {
                Some(bodies) => {
                    let file = bodies.open_named(name, self.form.is_some())?;
                    Ok(Content::in_file(file, self.length, digest))
                }
                None => Ok(Content::not_kept(self.length, digest)),
            },
            (None, None, Some(FORM_WITHHELD)) => Ok(Content::not_kept(self.length, digest)),
            _ => Err(Error::malformed("the place of a content")),
        }
    }
}

impl<'b> DigestFields<'b> {
    pub(super) fn of(digest: &'b Digest) -> Self {
        Self {
            algorithm: digest.algorithm().name(),
            value: digest.as_bytes(),
        }
    }

    pub(super) fn digest(&self) -> Result<Digest, Error> {
        DigestAlgorithm::from_name(self.algorithm)
            .and_then(|algorithm| Digest::from_bytes(algorithm, self.value))
            .ok_or_else(|| Error::malformed("a digest"))
    }
}

impl RefusalFields<'_> {
    pub(super) fn refusal(self) -> Result<Refusal, Error> {
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

impl StampFields<'_> {
    pub(super) fn stamp(self, whole: &Bytes) -> Result<Stamp, Error> {
        let algorithm = DigestAlgorithm::from_name(self.algorithm)
            .ok_or_else(|| Error::malformed("the digest algorithm of a time stamp"))?;
        let covers: Result<Vec<_>, Error> = self
            .covers
            .into_iter()
            .map(|covered| {
                Ok(Covered {
                    ordinal: covered.ordinal,
                    digest: Digest::from_bytes(algorithm, covered.digest)
                        .ok_or_else(|| Error::malformed("a digest under a time stamp"))?,
                })
            })
            .collect();
        let covers = covers?;
        if covers.is_empty() {
            return Err(Error::malformed("a time stamp over nothing"));
        }
        Ok(Stamp {
            time: self.time.timestamp()?,
            authority: self.authority.to_owned(),
            token: whole.slice_ref(self.token),
            algorithm,
            single: self.single,
            covers,
        })
    }
}

impl TimeFields {
    pub(super) fn of(time: Timestamp) -> Self {
        Self {
            seconds: time.as_second(),
            nanoseconds: time.subsec_nanosecond(),
        }
    }

    pub(super) fn timestamp(&self) -> Result<Timestamp, Error> {
        Timestamp::new(self.seconds, self.nanoseconds).map_err(malformed)
    }
}

impl<'b> PartyFields<'b> {
    pub(super) fn of(client: &'b ClientId) -> Self {
        let member = client.member();
        Self {
            subsystem: client.subsystem(),
            ..Self::of_member(member)
        }
    }

    pub(super) fn of_member(member: &'b MemberId) -> Self {
        Self {
            instance: member.instance(),
            member_class: member.member_class(),
            member_code: member.member_code(),
            subsystem: None,
        }
    }

    pub(super) fn client(&self) -> Result<ClientId, Error> {
        ClientId::new(self.member()?, self.subsystem).map_err(malformed)
    }

    pub(super) fn member(&self) -> Result<MemberId, Error> {
        MemberId::new(self.instance, self.member_class, self.member_code).map_err(malformed)
    }
}

impl<'b> ServiceFields<'b> {
    pub(super) fn of(service: &'b ServiceId) -> Self {
        Self {
            provider: PartyFields::of(service.provider()),
            code: service.code(),
            version: service.version(),
        }
    }

    pub(super) fn service(&self) -> Result<ServiceId, Error> {
        ServiceId::new(self.provider.client()?, self.code, self.version).map_err(malformed)
    }
}

impl<'b> ServerFields<'b> {
    pub(super) fn of(server: &'b ServerId) -> Self {
        Self {
            owner: PartyFields::of_member(server.owner()),
            code: server.code(),
        }
    }

    pub(super) fn server(&self) -> Result<ServerId, Error> {
        ServerId::new(self.owner.member()?, self.code).map_err(malformed)
    }
}

impl Side {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Consumer => 0,
            Self::Provider => 1,
        }
    }

    pub(super) fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Consumer),
            1 => Ok(Self::Provider),
            _ => Err(Error::malformed("the side")),
        }
    }
}

impl Direction {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Response => 1,
        }
    }

    pub(super) fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Request),
            1 => Ok(Self::Response),
            _ => Err(Error::malformed("the direction")),
        }
    }
}

impl Protocol {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Soap => 0,
            Self::Rest => 1,
        }
    }

    pub(super) fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0 => Ok(Self::Soap),
            1 => Ok(Self::Rest),
            _ => Err(Error::malformed("the protocol")),
        }
    }
}
