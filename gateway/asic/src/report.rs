//! What a signed document proves: plain facts, for people and programs.

use std::fmt;

use certs_keys::Digest;
use certs_x509::{Certificate, ocsp};
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;

pub use crate::names::Direction;

/// What a signed document proves. Everything in it was judged as of the time of its time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the message says of itself.
    pub message: Message,
    /// Who signed it.
    pub signer: Signer,
    /// What was known of the signer's certificate then.
    pub status: Status,
    /// When the signature existed at the latest, and who says so.
    pub timestamp: TimeStamp,
    /// What the signature covers.
    pub covered: Vec<Covered>,
    /// What lies in the container and is not covered by anything.
    pub uncovered: Vec<Uncovered>,
    /// What somebody who relies on the document should know.
    pub warnings: Vec<Warning>,
}

/// What the signed message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SOAP or REST.
    pub protocol: Protocol,
    /// Request or response.
    pub direction: Direction,
    /// Who asked; responses of REST services may leave it out.
    pub client: Option<ClientId>,
    /// What was asked.
    pub service: Option<ServiceId>,
    /// The query id.
    pub id: String,
    /// The id of the exchange; REST only.
    pub request_id: Option<String>,
}

/// The protocol of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SOAP.
    Soap,
    /// REST.
    Rest,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Whose signature the message had to bear, and bears: the client of a request, the owner of the
    /// service of a response. The certificate names its member.
    pub id: ClientId,
    /// The certificate.
    pub certificate: CertificateFacts,
    /// The time the signer states. Nobody confirms it.
    pub claimed_time: Option<Timestamp>,
    /// How the signature covers the message.
    pub form: Form,
}

/// How a signature covers a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The message, and its attachments, by their own digests.
    Direct,
    /// The result of a hash chain, which leads to the parts.
    Chain,
}

/// What certificates say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject, RFC 2253.
    pub subject: String,
    /// The issuer, RFC 2253.
    pub issuer: String,
    /// The serial number, decimal.
    pub serial: String,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// SHA-256 of its DER.
    pub sha256: Digest,
}

/// What was known of the signer's certificate: it was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// When the OCSP response was made.
    pub produced_at: Timestamp,
    /// As of when it is right.
    pub this_update: Timestamp,
    /// When a newer one was due.
    pub next_update: Option<Timestamp>,
    /// Who made it, where that is certain.
    pub responder: Option<CertificateFacts>,
}

/// A time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    /// The time it states.
    pub time: Timestamp,
    /// The approved authority that made it.
    pub authority: CertificateFacts,
    /// What it is over.
    pub over: Stamped,
    /// What it is over, as digest.
    pub imprint: Digest,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// The policy it was made under, dotted.
    pub policy: String,
}

/// What a time stamp is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamped {
    /// The signature value.
    Signature,
    /// The result of a hash chain of signatures, of which this one is a link.
    Chain,
}

/// A part that the signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Its name, as signed: `/message.xml`, `/attachment1` …
    pub name: String,
    /// Its digest, as signed; `None` when an absent part's cannot be told.
    pub digest: Option<Digest>,
    /// Whether it was compared.
    pub part: Part,
}

/// Whether a signed part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// It is in the container and is what was signed.
    Verified {
        /// How long it is.
        bytes: u64,
    },
    /// It was signed and is not in the container. Who has it can compare its digest.
    NotKept,
}

/// A file that nothing covers. It proves nothing: anybody may have put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Its name in the container.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// Why it is not covered.
    pub reason: Unsigned,
}

/// Why a file is not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsigned {
    /// It is none of the files of a signed document.
    Foreign,
    /// A hash chain that the signature does not refer to.
    Chain,
}

/// What somebody who relies on the document should know; none of it makes the document invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The signature also holds a time stamp, which was not looked at: another one stands beside it.
    SecondTimeStamp,
    /// A digest that collisions are known of is what the signature rests on.
    WeakDigest {
        /// What it is the digest of.
        name: String,
    },
    /// The signer states a time after the time stamp.
    SignedAfterStamp {
        /// The time stated.
        claimed: Timestamp,
    },
    /// The OCSP response is younger than the time stamp: the signature was completed afterwards, or
    /// a clock was wrong.
    StatusAfterStamp {
        /// When the response was made.
        produced_at: Timestamp,
    },
    /// A response without the hash that binds it to its request.
    NoRequestHash,
    /// The hash chain names the parts of the message in another way than signers do. Somebody may
    /// have taken a name away, or made one up.
    Misnamed {
        /// What is odd.
        reason: &'static str,
    },
    /// A further OCSP response in the signature says that a certificate of the signer had been revoked.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
    /// Behind the message the signature covers one digest to which its hash chain gives no name: of
    /// another message signed with it, or of its only attachment, whose name was taken away.
    BesideMessage,
    /// A manifest names a file that is not there.
    ManifestNamesAbsent {
        /// The manifest.
        manifest: &'static str,
        /// The file.
        name: String,
    },
    /// A manifest that cannot be read.
    UnreadableManifest {
        /// The manifest.
        manifest: &'static str,
    },
}

impl Report {
    /// The parts that were signed and are not in the container.
    pub fn not_kept(&self) -> impl Iterator<Item = &Covered> {
        self.covered
            .iter()
            .filter(|covered| covered.part == Part::NotKept)
    }
}

impl CertificateFacts {
    /// What a certificate says.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().rfc2253(),
            issuer: certificate.issuer().rfc2253(),
            serial: certificate.serial_decimal(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            sha256: *certificate.sha256(),
        }
    }
}

impl Status {
    pub(crate) fn of(response: &ocsp::Response, responder: Option<&Certificate>) -> Self {
        Self {
            produced_at: response.produced_at(),
            this_update: response.this_update(),
            next_update: response.next_update(),
            responder: responder.map(CertificateFacts::of),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Soap => "SOAP",
            Self::Rest => "REST",
        })
    }
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "no part of a signed document",
            Self::Chain => "a hash chain that the signature does not refer to",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondTimeStamp => {
                f.write_str("the signature holds a further time stamp, which was not looked at")
            }
            Self::WeakDigest { name } => {
                write!(
                    f,
                    "the signature rests on a digest of {name} that is weak today"
                )
            }
            Self::SignedAfterStamp { claimed } => {
                write!(
                    f,
                    "the signer states {claimed}, which is after the time stamp"
                )
            }
            Self::StatusAfterStamp { produced_at } => {
                write!(
                    f,
                    "the OCSP response of {produced_at} is younger than the time stamp"
                )
            }
            Self::NoRequestHash => {
                f.write_str("the response does not say by a hash which request it answers")
            }
            Self::Misnamed { reason } => {
                write!(
                    f,
                    "names in the hash chain of the signature are not as signers give them, so an \
                     attachment may have been taken out or made up: {reason}"
                )
            }
            Self::Revoked { since } => {
                write!(
                    f,
                    "a further OCSP response in the signature says that the certificate was revoked \
                     since {since}"
                )
            }
            Self::BesideMessage => f.write_str(
                "the signature covers one more digest without a name: of another message signed at \
                 the same time, or of the only attachment, if that was taken out",
            ),
            Self::ManifestNamesAbsent { manifest, name } => {
                write!(f, "{manifest} names {name:?}, which is not there")
            }
            Self::UnreadableManifest { manifest } => write!(f, "{manifest} cannot be read"),
        }
    }
}
