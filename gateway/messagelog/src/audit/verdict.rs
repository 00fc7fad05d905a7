//! What was checked, and what came out.

use certs_keys::Digest;
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use gateway_store::segment::Position;
use jiff::Timestamp;

use crate::{Basis, Direction, Protocol, Record, Side};

/// The judgement on one logged message: who, what, when, and every check with its outcome.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Where the record lies.
    pub position: Position,
    /// When it was judged and logged; the checks are made as of then.
    pub time: Timestamp,
    /// Which half the node was.
    pub side: Side,
    /// Request or response.
    pub direction: Direction,
    /// SOAP or REST.
    pub protocol: Protocol,
    /// Who asked.
    pub client: ClientId,
    /// What was asked.
    pub service: ServiceId,
    /// The query id.
    pub message_id: String,
    /// For REST the id of the exchange.
    pub request_id: Option<String>,
    /// The user at the client, as sent.
    pub user_id: Option<String>,
    /// The case, as sent.
    pub issue: Option<String>,
    /// The server at the other end, when known.
    pub peer: Option<ServerId>,
    /// Degraded steps under which the message was let through.
    pub degraded: Vec<String>,
    /// On what the exchange rests, as the node noted; requests only, where rules were in force.
    /// What the message itself must say of it is compared under [`Subject::Message`].
    pub basis: Option<Box<Basis>>,
    /// What the signature covers.
    pub parts: Vec<Part>,
    /// Whose certificate signed it; `None` when the signature cannot be read.
    pub signer: Option<Signer>,
    /// The time stamp that covers it; `None`: it waits for one, or nobody looked.
    pub time_stamp: Option<TimeStamp>,
    /// The content hash of the configuration by which it was judged.
    pub configuration: Option<String>,
    /// All checks, in order.
    pub checks: Vec<Check>,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in a container: `/message.xml`, `/attachment1` …
    pub name: String,
    /// How long it is, where that is known.
    pub bytes: Option<u64>,
    /// Computed from the bytes as they are now; where they were not kept, as it was noted then.
    pub digest: Digest,
    /// Its bytes were kept.
    pub is_kept: bool,
}

/// Whose certificate signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The subject of the certificate, RFC 2253.
    pub subject: String,
    /// Its issuer, RFC 2253.
    pub issuer: String,
    /// Its serial number, decimal.
    pub serial: String,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// The member it names, once its issuer's profile could be asked.
    pub member: Option<MemberId>,
    /// When the OCSP response in the signature was made.
    pub ocsp_produced_at: Option<Timestamp>,
    /// The time the signer states; nobody confirms it.
    pub signing_time: Option<Timestamp>,
}

/// The time stamp over a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    /// Its number in the log.
    pub entry: u64,
    /// The time it states; `None` when it cannot be read.
    pub time: Option<Timestamp>,
    /// The address of the authority, as noted by the node.
    pub authority: String,
    /// The subject of the certificate that signed it, RFC 2253, once that was checked.
    pub signer: Option<String>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub subject: Subject,
    /// What came out.
    pub outcome: Outcome,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The record stands in the log where it was written, in an unbroken chain.
    Place,
    /// Every content has the digest under which it was logged.
    Contents,
    /// The message says of client, service, ids and legal basis what the record says.
    Message,
    /// The signature value holds and covers every part.
    Signature,
    /// The certificate belongs to the member that had to sign.
    Signer,
    /// The certificate could be believed then: approved issuer, valid path, OCSP good and fresh.
    Trust,
    /// The response answers the request in this log.
    Exchange,
    /// An approved authority time-stamped the signature, not before it was logged.
    TimeStamp,
    /// The rules of that day allow it as noted. Rules are not known here: an auditor adds it.
    Basis,
}

impl Subject {
    /// A short name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Contents => "contents",
            Self::Message => "message",
            Self::Signature => "signature",
            Self::Signer => "signer",
            Self::Trust => "trust",
            Self::Exchange => "exchange",
            Self::TimeStamp => "time-stamp",
            Self::Basis => "basis",
        }
    }
}

/// What came out of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Holds,
    /// It is not, and why.
    Fails(String),
    /// It could not be checked, and why.
    NotChecked(String),
}

impl Verdict {
    pub(super) fn of(position: Position, record: &Record) -> Self {
        Self {
            position,
            time: record.time,
            side: record.side,
            direction: record.direction,
            protocol: record.protocol,
            client: record.client.clone(),
            service: record.service.clone(),
            message_id: record.message_id.clone(),
            request_id: record.request_id.clone(),
            user_id: record.user_id.clone(),
            issue: record.issue.clone(),
            peer: record.peer.clone(),
            degraded: record.degraded.clone(),
            basis: record.basis.clone(),
            parts: Vec::new(),
            signer: None,
            time_stamp: None,
            configuration: None,
            checks: Vec::new(),
        }
    }

    /// Every check on the message itself was made and holds, and nothing else failed. That a
    /// response's request is not in this log is no failure: it may have been archived. Nor is that
    /// bodies were not kept: the signature holds over their digests. Nor is that it waits for its
    /// time stamp.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks
            .iter()
            .all(|check| match (&check.outcome, check.subject) {
                (Outcome::Holds, _) | (Outcome::NotChecked(_), Subject::Exchange) => true,
                (Outcome::NotChecked(_), Subject::Contents | Subject::Message | Subject::Basis) => {
                    !self.bodies_kept()
                }
                (Outcome::NotChecked(_), Subject::TimeStamp) => self.time_stamp.is_none(),
                (Outcome::NotChecked(_) | Outcome::Fails(_), _) => false,
            })
    }

    /// All that the signature covers was kept.
    #[must_use]
    pub fn bodies_kept(&self) -> bool {
        self.parts.iter().all(|part| part.is_kept)
    }

    /// The checks that do not hold or could not be made.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.outcome != Outcome::Holds)
    }

    /// The member that had to sign: the client's for a request, the service's owner for a response.
    #[must_use]
    pub fn expected_signer(&self) -> &MemberId {
        expected_signer(self.direction, &self.client, &self.service)
    }

    pub(super) fn add(&mut self, subject: Subject, outcome: Result<(), String>) {
        let outcome = match outcome {
            Ok(()) => Outcome::Holds,
            Err(reason) => Outcome::Fails(reason),
        };
        self.checks.push(Check { subject, outcome });
    }

    pub(super) fn add_unchecked(&mut self, subject: Subject, reason: &str) {
        self.checks.push(Check {
            subject,
            outcome: Outcome::NotChecked(reason.to_owned()),
        });
    }
}

pub(super) fn expected_signer<'r>(
    direction: Direction,
    client: &'r ClientId,
    service: &'r ServiceId,
) -> &'r MemberId {
    match direction {
        Direction::Request => client.member(),
        Direction::Response => service.provider().member(),
    }
}
