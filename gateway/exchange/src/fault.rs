//! The one table that gives each error its wire code.

use std::fmt::Write as _;

use gateway_net::Class;
use gateway_proto::fault::{Code, Fault};
use uuid::Uuid;

use crate::error::{Blame, Error};
use crate::trust::{PeerError, SignatureError};

/// Which half of the path made the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Prefix `server.clientproxy`, or `client` for errors in a SOAP request.
    Consumer,
    /// Prefix `server.serverproxy`.
    Provider,
}

/// The fault the other side gets. A fault made by a peer or a service is handed on untouched.
#[must_use]
pub fn of(error: &Error, half: Half) -> Fault {
    if let Error::Fault(fault) = error {
        return fault.as_ref().clone();
    }
    let inner = Code::new(code(error, half));
    let code = match (half, error) {
        (Half::Consumer, Error::Request(_)) => inner.with_prefix("client"),
        (Half::Consumer, _) => inner.with_prefix("server.clientproxy"),
        (Half::Provider, _) => inner.with_prefix("server.serverproxy"),
    };
    Fault::new(
        code,
        error.to_string(),
        Uuid::from_u128(u128::from_be_bytes(certs_keys::random_bytes())),
    )
}

/// Writes the error with its causes to the node's log, once, under the fault's id.
pub fn report(error: &Error, fault: &Fault, half: Half) {
    // The detail of a relayed fault is text of others.
    let id = match fault.original {
        None => fault.detail.as_deref().unwrap_or("-"),
        Some(_) => "-",
    };
    let code = shown(&fault.code);
    let mut causes = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let _infallible = write!(causes, ": {cause}");
        next = cause.source();
    }
    match error.blame() {
        Blame::Node => tracing::error!(fault = id, code, ?half, "{error}{causes}"),
        Blame::Client | Blame::Provider | Blame::Peer => {
            tracing::info!(fault = id, code, ?half, blame = ?error.blame(), "{error}{causes}");
        }
    }
}

/// A code for logs and headers. Those of peers and services come from outside and may be anything.
#[must_use]
pub fn shown(code: &Code) -> &str {
    let text = code.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    match !text.is_empty() && text.len() <= CODE_SHOWN_MAX && text.bytes().all(plain) {
        true => text,
        false => "unprintable",
    }
}

/// The code without the half's prefix. No wildcard: a new error does not compile until it has its code.
fn code(error: &Error, half: Half) -> String {
    match error {
        Error::NoConfiguration | Error::ConfigurationOutdated { .. } => {
            "global_conf_outdated".into()
        }
        Error::NoAuthenticationKey | Error::ClientTls { .. } | Error::Tls(_) => {
            "ssl_authentication_failed".into()
        }
        Error::NoSigningKey { .. } | Error::Signer(_) => "cannot_create_signature".into(),
        // Bodies are kept in the folder of the log: it is the log that is full or broken.
        Error::Log(_) | Error::Content(_) => "logging_failed".into(),
        Error::TimestampLag { has_authority, .. } => match has_authority {
            true => "logging_failed.timestamping_failed".into(),
            false => "logging_failed.mlog.no_timestamping_provider_found".into(),
        },
        Error::Request(error) => code(error, half),
        Error::Received(error) => format!("service_failed.{}", code(error, half)),
        Error::Method { .. } => "invalid_http_method".into(),
        Error::SoapAction => "invalid_soap_action".into(),
        Error::NoContentType | Error::HashAlgorithm | Error::UnknownInstance { .. } => {
            "internal_error".into()
        }
        Error::ContentType { .. } | Error::AttachmentsBesidePlain => "invalid_content_type".into(),
        Error::Soap(error) => error.code().into(),
        Error::Rest(error) => error.code().into(),
        Error::Envelope(error) => error.code().into(),
        Error::FaultAsRequest { code } => code.to_lowercase(),
        Error::MissingSoap => "missing_soap".into(),
        Error::MissingRest => "missing_rest".into(),
        Error::MissingSignature => "missing_signature".into(),
        Error::Body(error) | Error::Service(error) | Error::Broken(Some(error)) => {
            network_code(error).into()
        }
        // The reference gives one code for all that happens while a REST request is read.
        Error::ClientBody(_) | Error::Broken(None) => "io_error".into(),
        Error::TooLarge { .. } | Error::EmptyAnswer => "invalid_message".into(),
        Error::UnknownClient { .. } | Error::NoAddress { .. } => "unknown_member".into(),
        Error::Peer(error) => peer_code(error, half),
        Error::Signature(error) => format!("signature_verification.{}", signature_code(error)),
        Error::Basis(error) => format!("basis.{}", error.code()),
        Error::UnknownServer { .. } | Error::WrongServer { .. } => "invalid_security_server".into(),
        Error::Maintenance { .. } => "maintenance_mode".into(),
        Error::Network(_) => "network_error".into(),
        Error::HttpStatus { .. } => "http_error".into(),
        Error::Fault(fault) => fault.code.as_str().to_owned(),
        Error::Inconsistent { .. } => "inconsistent_response".into(),
        Error::UnknownService { .. } => "unknown_service".into(),
        Error::ServiceType { .. } => "service_type".into(),
        Error::AccessDenied { .. } => "access_denied".into(),
        Error::ServiceDisabled { .. } => "service_disabled".into(),
        Error::NoServiceUrl { .. } => "service_missing_url".into(),
        Error::ServiceUrl { .. } => "service_malformed_url".into(),
    }
}

/// The tails tell the two halves apart: a consumer asks for OCSP responses itself, a provider is
/// sent them (PR-MESSTRANSP 2.1, 2.2).
fn peer_code(error: &PeerError, half: Half) -> String {
    let tail = match (error, half) {
        (PeerError::UnknownAuthority, Half::Provider) => return "internal_error".into(),
        (PeerError::UnknownAuthority, Half::Consumer) | (PeerError::Path(_), _) => {
            "cannot_create_cert_path.internal_error"
        }
        (PeerError::NoOcsp, Half::Consumer) => "internal_error",
        (
            PeerError::NoCertificate
            | PeerError::NotAuthentication
            | PeerError::NotRegistered { .. }
            | PeerError::NoOcsp,
            _,
        ) => return TLS_FAILED.into(),
        (PeerError::MissingOcsp, _) => "invalid_cert_path.cert_validation",
        (PeerError::Ocsp(certs_x509::Error::Ocsp(error)), _) => {
            return format!("{TLS_FAILED}.invalid_cert_path.{}", error.code());
        }
        (PeerError::Ocsp(_), _) => "invalid_cert_path.incorrect_validation_info",
    };
    format!("{TLS_FAILED}.{tail}")
}

fn signature_code(error: &SignatureError) -> String {
    match error {
        SignatureError::Seal(error) => error.code(),
        SignatureError::UnknownAuthority
        | SignatureError::AuthenticationOnly
        | SignatureError::UnknownProfile => "internal_error".into(),
        SignatureError::Profile(_) | SignatureError::WrongMember { .. } => {
            "incorrect_certificate".into()
        }
    }
}

fn network_code(error: &gateway_net::Error) -> &'static str {
    match error.class() {
        Class::UnknownHost => "unknown_host",
        Class::Network => "network_error",
        Class::Io => "io_error",
        Class::Tls => TLS_FAILED,
        Class::Local => "internal_error",
    }
}

const TLS_FAILED: &str = "ssl_authentication_failed";
/// A longer code is not shown.
const CODE_SHOWN_MAX: usize = 200;
