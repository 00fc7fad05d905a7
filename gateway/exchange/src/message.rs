//! A message in transit: SOAP or REST, with its attachments, and the digests that bind them.

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_messagelog::{Content, Protocol};
use gateway_proto::id::{ClientId, ServerId, ServiceId};
use gateway_proto::mime::Headers;
use gateway_proto::{rest, soap};
use gateway_seal::Parts;

/// What is asked.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one an exchange, moved a few times"
)]
pub enum Request {
    /// A SOAP envelope.
    Soap(soap::Message),
    /// A REST request block.
    Rest(rest::Request),
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Response {
    /// A SOAP envelope.
    Soap(soap::Message),
    /// A REST response block.
    Rest(rest::Response),
}

/// A SOAP attachment or a REST body.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// MIME headers of the part; empty for a REST body.
    pub headers: Headers,
    /// Its bytes as transmitted.
    pub content: Content,
}

/// Who asks whom for what, once a message was read. Used by refusals.
#[derive(Clone, Debug)]
pub struct Subject {
    /// SOAP or REST.
    pub protocol: Protocol,
    /// The asking client.
    pub client: ClientId,
    /// The service asked.
    pub service: ServiceId,
    /// The query id.
    pub message_id: String,
}

impl Request {
    /// SOAP or REST.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Soap(_) => Protocol::Soap,
            Self::Rest(_) => Protocol::Rest,
        }
    }

    /// The bytes that are hashed, signed, sent and logged.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Soap(message) => message.bytes(),
            Self::Rest(message) => message.block(),
        }
    }

    /// What is kept of them where bodies are not.
    #[must_use]
    pub fn reduced(&self) -> Bytes {
        match self {
            Self::Soap(message) => message.reduced(false),
            Self::Rest(message) => message.reduced(),
        }
    }

    /// The asking client.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        match self {
            Self::Soap(message) => &message.header().client,
            Self::Rest(message) => message.client(),
        }
    }

    /// The service asked.
    #[must_use]
    pub fn service(&self) -> &ServiceId {
        match self {
            Self::Soap(message) => &message.header().service,
            Self::Rest(message) => message.service(),
        }
    }

    /// The query id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Soap(message) => &message.header().id,
            Self::Rest(message) => message.id(),
        }
    }

    /// The id of this one exchange; REST only.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Soap(_) => None,
            Self::Rest(message) => Some(message.request_id()),
        }
    }

    /// The server the client wants, if it names one.
    #[must_use]
    pub fn security_server(&self) -> Option<&ServerId> {
        match self {
            Self::Soap(message) => message.header().security_server.as_ref(),
            Self::Rest(message) => message.security_server(),
        }
    }

    /// The end user, if sent.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Soap(message) => message.header().user_id.as_deref(),
            Self::Rest(message) => message.user_id(),
        }
    }

    /// The case number, if sent.
    #[must_use]
    pub fn issue(&self) -> Option<&str> {
        match self {
            Self::Soap(message) => message.header().issue.as_deref(),
            Self::Rest(message) => message.issue(),
        }
    }

    /// The content type under which the signed bytes are kept.
    #[must_use]
    pub fn content_type(&self) -> &str {
        match self {
            Self::Soap(message) => message.content_type(),
            Self::Rest(_) => "application/x-road-rest-request",
        }
    }

    /// Who asks whom for what.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            protocol: self.protocol(),
            client: self.client().clone(),
            service: self.service().clone(),
            message_id: self.id().to_owned(),
        }
    }

    /// The digest a response must carry of this request (PR-MESS 2.2, PR-REST 4.3): over the SOAP bytes
    /// alone, or over the REST block and its body.
    #[must_use]
    pub fn hash(&self, parts: &Parts) -> Digest {
        match self {
            Self::Soap(_) => parts.message,
            Self::Rest(_) => rest::request_hash(&parts.message, parts.attachments.first()),
        }
    }
}

impl Response {
    /// The bytes that are hashed, signed, sent and logged.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Soap(message) => message.bytes(),
            Self::Rest(message) => message.block(),
        }
    }

    /// What is kept of them where bodies are not.
    #[must_use]
    pub fn reduced(&self) -> Bytes {
        match self {
            Self::Soap(message) => message.reduced(true),
            Self::Rest(message) => message.reduced(),
        }
    }

    /// The content type under which the signed bytes are kept.
    #[must_use]
    pub fn content_type(&self) -> &str {
        match self {
            Self::Soap(message) => message.content_type(),
            Self::Rest(_) => "application/x-road-rest-response",
        }
    }
}

/// The digests of a message and its attachments, in the order they are signed.
#[must_use]
pub fn parts(message: &[u8], attachments: &[Attachment]) -> Parts {
    Parts {
        message: Digest::of(DigestAlgorithm::Sha512, message),
        attachments: attachments
            .iter()
            .map(|attachment| *attachment.content.digest())
            .collect(),
    }
}
