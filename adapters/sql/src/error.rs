//! What can go wrong: with a description, with a database at the start, with one request.

use std::fmt;

use crate::{config::Problems, value::Mismatch};

/// Why an adapter could not be opened, probed or seeded.
#[derive(Debug)]
pub enum Error {
    /// The description has problems.
    Config(Problems),
    /// A file named in the description could not be read.
    File {
        /// Which key names it.
        key: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refused.
    Sqlite {
        /// What was being done.
        doing: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// PostgreSQL refused.
    Postgres {
        /// What was being done.
        doing: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The certificates of the database's authority are of no use.
    Tls {
        /// Why.
        reason: String,
    },
    /// A statement does not fit the description.
    Statement {
        /// The service, code and version.
        service: String,
        /// What does not fit.
        message: String,
    },
    /// Nothing came back from the database in time.
    Timeout,
    /// The process is ending.
    Stopped,
}

/// Why a request got no result.
///
/// `Display` is what the caller is told: it never holds a value, a statement or a text of the
/// database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body is larger than allowed.
    TooLarge,
    /// The media type is none that is served.
    MediaType,
    /// There is no such endpoint.
    NoEndpoint,
    /// The endpoint has no such method.
    Method {
        /// The methods it has.
        allow: String,
    },
    /// The target or a path segment is not well-formed.
    Target,
    /// Another subsystem's service is asked for.
    OtherProvider,
    /// The service code and version are not served here.
    UnknownService,
    /// The SOAP message is not valid; the code is the protocol's.
    Soap {
        /// The code, without prefix.
        code: &'static str,
    },
    /// The body element is not the one of the service.
    Wrapper {
        /// The one expected.
        expected: String,
    },
    /// The body is no JSON object with simple members.
    Json,
    /// Something given is no parameter of the service.
    UnknownParameter {
        /// The parameters there are.
        known: String,
    },
    /// A parameter is given twice.
    RepeatedParameter {
        /// Which.
        name: String,
    },
    /// A required parameter is missing.
    MissingParameter {
        /// Which.
        name: String,
    },
    /// A value is not of its kind.
    Invalid {
        /// Which parameter.
        name: String,
        /// The code of the fault.
        code: &'static str,
        /// What is wrong.
        mismatch: Mismatch,
    },
    /// An idempotent command came without message id or consumer.
    NoMessageId,
    /// There is no such row.
    NotFound,
    /// The change contradicts what is there.
    Conflict,
    /// Too many calls at once.
    Busy,
    /// The database took too long.
    Timeout,
    /// The result has more rows or bytes than allowed.
    ResultTooLarge,
    /// The database failed; the log knows more.
    Database,
    /// The database gave what the description does not promise; the log knows more.
    Result,
}

impl Refusal {
    /// The code in a SOAP fault and a JSON problem.
    pub fn code(&self) -> String {
        match self {
            Self::TooLarge => "Client.TooLarge".to_owned(),
            Self::MediaType => "Client.InvalidContentType".to_owned(),
            Self::NoEndpoint => "Client.NoEndpoint".to_owned(),
            Self::Method { .. } => "Client.MethodNotAllowed".to_owned(),
            Self::Target => "Client.InvalidTarget".to_owned(),
            Self::OtherProvider | Self::UnknownService => "Client.UnknownService".to_owned(),
            Self::Soap { code } => format!("Client.{code}"),
            Self::Wrapper { .. } => "Client.InvalidBody".to_owned(),
            Self::Json => "Client.InvalidJson".to_owned(),
            Self::UnknownParameter { .. } => "Client.UnknownParameter".to_owned(),
            Self::RepeatedParameter { .. } => "Client.RepeatedParameter".to_owned(),
            Self::MissingParameter { .. } => "Client.MissingParameter".to_owned(),
            Self::Invalid { code, .. } => (*code).to_owned(),
            Self::NoMessageId => "Client.MissingMessageId".to_owned(),
            Self::NotFound => "Client.NotFound".to_owned(),
            Self::Conflict => "Client.Conflict".to_owned(),
            Self::Busy => "Server.Busy".to_owned(),
            Self::Timeout => "Server.Timeout".to_owned(),
            Self::ResultTooLarge => "Server.ResultTooLarge".to_owned(),
            Self::Database => "Server.Database".to_owned(),
            Self::Result => "Server.UnexpectedResult".to_owned(),
        }
    }

    /// The status of a REST answer.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::Target
            | Self::OtherProvider
            | Self::Soap { .. }
            | Self::Wrapper { .. }
            | Self::Json
            | Self::UnknownParameter { .. }
            | Self::RepeatedParameter { .. }
            | Self::MissingParameter { .. }
            | Self::Invalid { .. }
            | Self::NoMessageId => http::StatusCode::BAD_REQUEST,
            Self::NoEndpoint | Self::UnknownService | Self::NotFound => http::StatusCode::NOT_FOUND,
            Self::Method { .. } => http::StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => http::StatusCode::CONFLICT,
            Self::TooLarge => http::StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout | Self::ResultTooLarge | Self::Database | Self::Result => {
                http::StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("The request body is too large"),
            Self::MediaType => f.write_str("The media type of the request is not served"),
            Self::NoEndpoint => f.write_str("There is no such endpoint"),
            Self::Method { allow } => write!(f, "The endpoint serves {allow} only"),
            Self::Target => f.write_str("The request target is not well-formed"),
            Self::OtherProvider => f.write_str("The service belongs to another subsystem"),
            Self::UnknownService => f.write_str("There is no such service or version"),
            Self::Soap { code } => write!(f, "The SOAP message is not valid: {code}"),
            Self::Wrapper { expected } => write!(f, "The body must hold {expected}"),
            Self::Json => {
                f.write_str("The body must be a JSON object of strings, numbers and booleans")
            }
            Self::UnknownParameter { known } => {
                write!(
                    f,
                    "Something given is no parameter; the parameters are: {known}"
                )
            }
            Self::RepeatedParameter { name } => write!(f, "Parameter {name} is given twice"),
            Self::MissingParameter { name } => write!(f, "Parameter {name} is missing"),
            Self::Invalid { name, mismatch, .. } => write!(f, "Parameter {name}: {mismatch}"),
            Self::NoMessageId => f.write_str("A message id and a consumer are needed here"),
            Self::NotFound => f.write_str("Nothing is recorded under this key"),
            Self::Conflict => f.write_str("The change contradicts what is recorded"),
            Self::Busy => f.write_str("The register is busy; try again"),
            Self::Timeout => f.write_str("The register took too long"),
            Self::ResultTooLarge => f.write_str("The result is larger than the register gives out"),
            Self::Database => f.write_str("The register's database failed"),
            Self::Result => f.write_str("The register's data does not fit its description"),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Invalid { mismatch, .. } => Some(mismatch),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => problems.fmt(f),
            Self::File { key, .. } => write!(f, "the file named by {key} could not be read"),
            Self::Sqlite { doing, .. } => write!(f, "SQLite failed while {doing}"),
            Self::Postgres { doing, .. } => write!(f, "PostgreSQL failed while {doing}"),
            Self::Tls { reason } => write!(f, "no TLS to the database: {reason}"),
            Self::Statement { service, message } => write!(f, "service {service}: {message}"),
            Self::Timeout => f.write_str("the database did not answer in time"),
            Self::Stopped => f.write_str("the process is ending"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Sqlite { source, .. } => Some(source),
            Self::Postgres { source, .. } => Some(source),
            Self::Config(_)
            | Self::Tls { .. }
            | Self::Statement { .. }
            | Self::Timeout
            | Self::Stopped => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}
