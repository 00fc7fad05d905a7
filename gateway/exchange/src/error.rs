//! What can go wrong on the path, by subject.

use std::fmt;

use gateway_proto::fault::Fault;
use gateway_proto::id::{ClientId, MemberId, ServerId, ServiceId};
use gateway_proto::{envelope, rest, soap};
use jiff::Timestamp;

use crate::basis::BasisError;
use crate::local::ServiceKind;
use crate::{signer, trust};

/// Why an exchange ended without an answer. `Display` is what the other side may know; `source()`
/// holds the rest, for the log.
#[derive(Debug)]
pub enum Error {
    // ── this node ──
    /// No global configuration was verified since the start.
    NoConfiguration,
    /// The global configuration has expired.
    ConfigurationOutdated {
        /// When it did.
        expired_at: Timestamp,
    },
    /// No usable authentication certificate.
    NoAuthenticationKey,
    /// No usable signing key for the member.
    NoSigningKey {
        /// Whose key is missing.
        member: MemberId,
    },
    /// The signature could not be made.
    Signer(signer::Error),
    /// The record could not be made durable.
    Log(gateway_messagelog::Error),
    /// What is in the log waits too long for its time stamp.
    TimestampLag {
        /// When the oldest waiting message was logged.
        oldest: Timestamp,
        /// How long it may wait.
        seconds_max: u64,
        /// The global configuration names an authority to ask.
        has_authority: bool,
    },
    /// A body could not be kept.
    Content(gateway_messagelog::Error),

    // ── what was received ──
    /// An error in what the information system sent; SOAP only, prefix `client`.
    Request(Box<Self>),
    /// An error in what the other node or the service sent, prefix `service_failed`.
    Received(Box<Self>),
    /// Not POST.
    Method {
        /// The method found.
        method: String,
    },
    /// SOAPAction is not a quoted URI.
    SoapAction,
    /// No Content-Type from an information system.
    NoContentType,
    /// A content type that cannot stand there, or none from a peer.
    ContentType {
        /// What was found, as [`Error::content_type`] shortens it.
        found: String,
    },
    /// Attachments came with a message whose own content type is not a multipart.
    AttachmentsBesidePlain,
    /// Not a valid SOAP message.
    Soap(soap::Error),
    /// Not a valid REST message.
    Rest(rest::Error),
    /// Not a valid node-to-node message.
    Envelope(envelope::Error),
    /// The information system sent a SOAP fault as a request.
    FaultAsRequest {
        /// Its code.
        code: String,
    },
    /// The message has no SOAP part.
    MissingSoap,
    /// The service answered with a multipart that has no part.
    EmptyAnswer,
    /// The message has no REST part.
    MissingRest,
    /// The message has no signature.
    MissingSignature,
    /// The message stopped short, or came too slowly.
    Body(gateway_net::Error),
    /// The body of a client's REST request stopped short, or came too slowly.
    ClientBody(gateway_net::Error),
    /// More bytes than allowed.
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// The hash algorithm header is missing or names another than SHA-512.
    HashAlgorithm,

    // ── who asks ──
    /// The client is not registered here.
    UnknownClient {
        /// The client.
        client: ClientId,
    },
    /// The information system did not authenticate as its client demands.
    ClientTls {
        /// The client.
        client: ClientId,
        /// What is wrong.
        reason: ClientTls,
    },
    /// The peer's TLS certificate is not believed.
    Peer(trust::PeerError),
    /// The signature is not believed.
    Signature(trust::SignatureError),

    // ── on what ground ──
    /// It rests on no ground.
    Basis(BasisError),

    // ── where to ──
    /// The provider's instance is not in the configuration.
    UnknownInstance {
        /// The instance.
        instance: String,
    },
    /// No server serves this provider.
    NoAddress {
        /// The provider.
        provider: ClientId,
    },
    /// The server the client named does not exist.
    UnknownServer {
        /// The server.
        server: ServerId,
    },
    /// The server the client named does not serve the provider, or is not this one.
    WrongServer {
        /// The server.
        server: ServerId,
    },
    /// The server, or each of them, is in maintenance.
    Maintenance {
        /// The server.
        server: ServerId,
        /// Its administrator's words.
        message: String,
    },

    // ── the way ──
    /// Nobody could be connected.
    Network(gateway_net::Error),
    /// TLS could not be set up.
    Tls(gateway_net::Error),
    /// The connection broke, or stayed silent, after sending began: whether it was done is unknown.
    Broken(Option<gateway_net::Error>),
    /// Neither 200 nor 500.
    HttpStatus {
        /// The status.
        status: u16,
    },

    // ── the answer ──
    /// A fault made by the peer or the service, relayed as it is.
    Fault(Box<Fault>),
    /// The answer does not belong to the question.
    Inconsistent {
        /// What differs.
        field: &'static str,
    },

    // ── the service ──
    /// No such service.
    UnknownService {
        /// The service.
        service: ServiceId,
    },
    /// A REST service called by SOAP, or the reverse.
    ServiceType {
        /// What it is.
        kind: ServiceKind,
    },
    /// No access right.
    AccessDenied {
        /// The service.
        service: ServiceId,
    },
    /// Switched off.
    ServiceDisabled {
        /// The service.
        service: ServiceId,
        /// The administrator's words.
        notice: String,
    },
    /// The service has no URL.
    NoServiceUrl {
        /// The service.
        service: ServiceId,
    },
    /// The URL of the service cannot be used.
    ServiceUrl {
        /// The service.
        service: ServiceId,
    },
    /// The service could not be asked, or its answer broke off.
    Service(gateway_net::Error),
}

/// How an information system failed to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTls {
    /// TLS is demanded, the connection is plain.
    Plain,
    /// A certificate is demanded, none came.
    NoCertificate,
    /// The client has no certificates registered.
    NoneRegistered,
    /// The certificate is not one of the client's.
    NoMatch,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The information system that asks.
    Client,
    /// The service, or the provider's configuration.
    Provider,
    /// The other node.
    Peer,
    /// This node.
    Node,
}

impl Error {
    /// Whose fault it is, for the log and for metrics.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Basis(error) => error.blame(),
            Self::NoConfiguration
            | Self::ConfigurationOutdated { .. }
            | Self::NoAuthenticationKey
            | Self::NoSigningKey { .. }
            | Self::Signer(_)
            | Self::Log(_)
            | Self::TimestampLag { .. }
            | Self::Content(_) => Blame::Node,
            Self::Request(_)
            | Self::Method { .. }
            | Self::SoapAction
            | Self::NoContentType
            | Self::ContentType { .. }
            | Self::Soap(_)
            | Self::Rest(_)
            | Self::FaultAsRequest { .. }
            | Self::MissingSoap
            | Self::Body(_)
            | Self::ClientBody(_)
            | Self::TooLarge { .. }
            | Self::UnknownClient { .. }
            | Self::ClientTls { .. }
            | Self::UnknownInstance { .. }
            | Self::NoAddress { .. }
            | Self::UnknownServer { .. }
            | Self::WrongServer { .. }
            | Self::UnknownService { .. }
            | Self::ServiceType { .. }
            | Self::AccessDenied { .. } => Blame::Client,
            Self::Received(_)
            | Self::Envelope(_)
            | Self::AttachmentsBesidePlain
            | Self::MissingRest
            | Self::MissingSignature
            | Self::HashAlgorithm
            | Self::Peer(_)
            | Self::Signature(_)
            | Self::Network(_)
            | Self::Tls(_)
            | Self::Broken(_)
            | Self::HttpStatus { .. }
            | Self::Inconsistent { .. } => Blame::Peer,
            Self::Maintenance { .. }
            | Self::Fault(_)
            | Self::ServiceDisabled { .. }
            | Self::NoServiceUrl { .. }
            | Self::ServiceUrl { .. }
            | Self::EmptyAnswer
            | Self::Service(_) => Blame::Provider,
        }
    }

    /// Marks an error in what an information system sent. What this node failed at stays its own,
    /// and so does a missing Content-Type, as deployed servers have it.
    #[must_use]
    pub fn in_request(self) -> Self {
        match self {
            Self::Soap(soap::Error::MissingContentType) => Self::NoContentType,
            own if own.blame() == Blame::Node => own,
            error => Self::Request(Box::new(error)),
        }
    }

    /// Marks an error in what the other node or a service sent. What this node failed at stays its
    /// own.
    #[must_use]
    pub fn in_received(self) -> Self {
        match self {
            own if matches!(own, Self::Content(_) | Self::Log(_)) => own,
            error => Self::Received(Box::new(error)),
        }
    }

    /// A content type that cannot stand there. Only its base is kept: parameters are free text.
    #[must_use]
    pub fn content_type(found: Option<&str>) -> Self {
        let base = found
            .unwrap_or("none")
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte);
        let found = match base.len() <= CONTENT_TYPE_SHOWN_MAX && base.bytes().all(token) {
            true => base.to_owned(),
            false => "not a media type".to_owned(),
        };
        Self::ContentType { found }
    }

    /// A body that was not kept: too large, or this node's failure.
    #[must_use]
    pub fn kept(error: gateway_messagelog::Error) -> Self {
        match error {
            gateway_messagelog::Error::ContentTooLarge { bytes_max } => {
                Self::TooLarge { bytes_max }
            }
            error => Self::Content(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfiguration => {
                f.write_str("This node has no verified global configuration yet; try again shortly")
            }
            Self::ConfigurationOutdated { expired_at } => {
                write!(f, "Global configuration is expired since {expired_at}")
            }
            Self::NoAuthenticationKey => {
                f.write_str("Security server has no valid authentication certificate")
            }
            Self::NoSigningKey { member } => {
                write!(f, "Member '{member}' has no usable signing certificate on this server")
            }
            Self::Signer(_) => f.write_str("The message could not be signed"),
            Self::Log(_) => f.write_str("The message could not be logged and was not passed on"),
            // The beginning is the text of deployed servers, which operators search for.
            Self::TimestampLag { oldest, seconds_max, has_authority } => {
                f.write_str("Cannot time-stamp messages: ")?;
                match has_authority {
                    true => f.write_str("no time-stamping service has answered this security server")?,
                    false => f.write_str("no timestamping services configured")?,
                }
                write!(
                    f,
                    "; a message logged at {oldest} still waits for its time stamp, and the policy of \
                     this server allows {seconds_max} s. The operator of this server must see to it; the \
                     request was not carried out and can be sent again then"
                )
            }
            Self::Content(_) => f.write_str("The body of the message could not be kept"),
            Self::Request(error) | Self::Received(error) => write!(f, "{error}"),
            Self::Method { method } => write!(f, "Must use POST request method instead of {method}"),
            Self::SoapAction => f.write_str("SOAPAction must be empty or a quoted URI"),
            Self::NoContentType => f.write_str("The request has no Content-Type"),
            Self::ContentType { found } => write!(f, "Invalid content type: {found}"),
            Self::AttachmentsBesidePlain => {
                f.write_str("The message has attachments, but its own content type is no multipart")
            }
            Self::Soap(error) => write!(f, "{error}"),
            Self::Rest(error) => write!(f, "{error}"),
            Self::Envelope(error) => write!(f, "{error}"),
            Self::FaultAsRequest { .. } => f.write_str("A SOAP fault cannot be a request"),
            Self::MissingSoap => f.write_str("The message has no SOAP part"),
            Self::EmptyAnswer => f.write_str("The service answered with an empty multipart"),
            Self::MissingRest => f.write_str("The message has no REST part"),
            Self::MissingSignature => f.write_str("The message has no signature"),
            Self::Body(error) | Self::ClientBody(error) => {
                write!(f, "The message could not be read to its end: {error}")
            }
            Self::TooLarge { bytes_max } => {
                write!(f, "The message is larger than the {bytes_max} bytes allowed")
            }
            Self::HashAlgorithm => f.write_str("x-hash-algorithm must be SHA-512"),
            Self::UnknownClient { client } => write!(f, "Client '{client}' not found"),
            Self::ClientTls { client, reason } => write!(f, "Client ({client}) {reason}"),
            Self::Peer(error) => write!(f, "{error}"),
            Self::Signature(error) => write!(f, "{error}"),
            Self::Basis(error) => write!(f, "{error}"),
            Self::UnknownInstance { instance } => {
                write!(f, "Instance '{instance}' is not in the global configuration")
            }
            Self::NoAddress { provider } => {
                write!(f, "Could not find addresses for service provider '{provider}'")
            }
            Self::UnknownServer { server } => write!(f, "Could not find security server '{server}'"),
            Self::WrongServer { server } => write!(f, "Invalid security server '{server}'"),
            Self::Maintenance { server, message } => {
                write!(f, "Security server '{server}' is in maintenance mode")?;
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Self::Network(_) => {
                f.write_str("Could not connect to any security server of the provider")
            }
            Self::Tls(_) => f.write_str("TLS with the provider's security server failed"),
            Self::Broken(_) => f.write_str(
                "The connection to the provider's security server broke; whether the request was carried out is unknown",
            ),
            Self::HttpStatus { status } => write!(f, "Got HTTP status {status}"),
            // Its own text goes to whom it is for, never into our logs: it may name persons.
            Self::Fault(_) => f.write_str("A fault of the provider's side was handed on"),
            Self::Inconsistent { field } => {
                write!(f, "The response does not match the request: {field}")
            }
            Self::UnknownService { service } => write!(f, "Unknown service: {service}"),
            Self::ServiceType { kind: ServiceKind::Rest } => {
                f.write_str("Service is a REST service and cannot be called using SOAP interface")
            }
            Self::ServiceType { kind: ServiceKind::Soap } => {
                f.write_str("Service is a SOAP service and cannot be called using REST interface")
            }
            Self::AccessDenied { service } => write!(f, "Request is not allowed: {service}"),
            Self::ServiceDisabled { service, notice } => {
                write!(f, "Service {service} is disabled: {notice}")
            }
            Self::NoServiceUrl { service } => write!(f, "Service {service} has no URL"),
            Self::ServiceUrl { service } => write!(f, "The URL of service {service} is malformed"),
            Self::Service(_) => f.write_str("The service could not be reached or did not answer"),
        }
    }
}

impl fmt::Display for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "must connect over HTTPS but made a plaintext connection",
            Self::NoCertificate => "must authenticate but did not supply a TLS certificate",
            Self::NoneRegistered => "has no information system certificates",
            Self::NoMatch => "TLS certificate does not match any information system certificate",
        })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Signer(error) => Some(error),
            Self::Log(error) | Self::Content(error) => Some(error),
            Self::Request(error) | Self::Received(error) => error.source(),
            Self::Soap(error) => error.source(),
            Self::Rest(error) => error.source(),
            Self::Envelope(error) => error.source(),
            Self::Peer(error) => error.source(),
            Self::Signature(error) => error.source(),
            Self::Basis(error) => error.source(),
            Self::Body(error)
            | Self::ClientBody(error)
            | Self::Network(error)
            | Self::Tls(error)
            | Self::Broken(Some(error))
            | Self::Service(error) => Some(error),
            Self::NoConfiguration
            | Self::ConfigurationOutdated { .. }
            | Self::NoAuthenticationKey
            | Self::NoSigningKey { .. }
            | Self::TimestampLag { .. }
            | Self::Method { .. }
            | Self::SoapAction
            | Self::NoContentType
            | Self::ContentType { .. }
            | Self::AttachmentsBesidePlain
            | Self::FaultAsRequest { .. }
            | Self::MissingSoap
            | Self::EmptyAnswer
            | Self::MissingRest
            | Self::MissingSignature
            | Self::TooLarge { .. }
            | Self::HashAlgorithm
            | Self::UnknownClient { .. }
            | Self::ClientTls { .. }
            | Self::UnknownInstance { .. }
            | Self::NoAddress { .. }
            | Self::UnknownServer { .. }
            | Self::WrongServer { .. }
            | Self::Maintenance { .. }
            | Self::Broken(None)
            | Self::HttpStatus { .. }
            | Self::Fault(_)
            | Self::Inconsistent { .. }
            | Self::UnknownService { .. }
            | Self::ServiceType { .. }
            | Self::AccessDenied { .. }
            | Self::ServiceDisabled { .. }
            | Self::NoServiceUrl { .. }
            | Self::ServiceUrl { .. } => None,
        }
    }
}

/// A longer media type is not shown.
const CONTENT_TYPE_SHOWN_MAX: usize = 100;
