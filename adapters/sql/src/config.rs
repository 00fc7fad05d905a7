//! The file that describes an adapter: one database, its services, where they are served.
//!
//! [`check`] reads the TOML text and gives every problem at once, each with its line and a hint.
//! Nothing here opens a file or a connection.

use std::{fmt, net::SocketAddr, time::Duration};

use crate::{
    fin::Alphabet,
    statement::{Dialect, Statement},
    value::Kind,
};

mod check;
mod raw;

pub use check::check;

/// A checked description of an adapter.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Where the binary is to serve it.
    pub listen: SocketAddr,
    /// The address that service descriptions carry; `http://LISTEN` when none.
    pub public_url: Option<String>,
    /// What the register is called.
    pub title: String,
    /// Namespace of the SOAP elements.
    pub namespace: String,
    /// The subsystem that owns the services, `INSTANCE/CLASS/MEMBER/SUBSYSTEM`; SOAP requests to
    /// another one are refused when it is set.
    pub provider: Option<gateway_proto::id::ClientId>,
    /// The database behind the services.
    pub database: Database,
    /// Bounds on what comes in and goes out.
    pub limits: Limits,
    /// The symbols of a FIN.
    pub fin_alphabet: Alphabet,
    /// The services.
    pub services: Vec<ServiceDescription>,
}

/// Where the data is, and how long one may wait for it.
#[derive(Clone)]
pub struct Database {
    /// SQLite file or PostgreSQL address.
    pub target: Target,
    /// SQL script that a new SQLite database is made with; a path beside the description.
    pub create_with: Option<String>,
    /// Connections that read at the same time.
    pub connections_max: usize,
    /// How long a statement waits for another one's lock.
    pub busy_timeout: Duration,
    /// How long one call may keep the database, waiting for a connection included.
    pub query_timeout: Duration,
    /// How long the result of an idempotent command is kept.
    pub applied_days: u32,
}

/// Which database.
#[derive(Clone)]
pub enum Target {
    /// A file; a relative path is beside the description.
    Sqlite {
        /// The path.
        path: String,
    },
    /// A server.
    Postgres {
        /// `postgres://user@host:port/database`.
        url: String,
        /// File that holds the password.
        password_file: Option<String>,
        /// How the connection is protected.
        tls: PostgresTls,
    },
}

/// How a PostgreSQL connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresTls {
    /// Not at all: the server is on this machine, or the operator said so.
    Off,
    /// TLS, the server's certificate verified against the authorities in this PEM file.
    Verified {
        /// The file; a relative path is beside the description.
        ca_file: String,
    },
}

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request body.
    pub request_bytes_max: usize,
    /// Bytes of the values of a result.
    pub response_bytes_max: usize,
    /// Rows of a result.
    pub rows_max: usize,
    /// Calls that wait for or use the database at the same time.
    pub calls_max: usize,
}

/// One service: a statement behind one SOAP operation and, when it has a route, one REST endpoint.
#[derive(Clone, Debug)]
pub struct ServiceDescription {
    /// Service code; the name of the SOAP request element.
    pub code: String,
    /// Service version.
    pub version: Option<String>,
    /// What it is called.
    pub title: String,
    /// Reads or changes.
    pub effect: Effect,
    /// A command that is applied once per message.
    pub idempotent: bool,
    /// What is run, in order and in one transaction; the last one gives the result.
    pub statements: Vec<Statement>,
    /// What the result looks like.
    pub shape: Shape,
    /// What the statements bind.
    pub parameters: Vec<Parameter>,
    /// What the result has.
    pub columns: Vec<Column>,
    /// The REST endpoint.
    pub route: Option<Route>,
}

/// What a service does to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It reads.
    Query,
    /// It inserts or updates.
    Command,
}

/// What a result looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One row; none is "not found".
    One,
    /// Any number of rows, each an element or object under this name.
    Many {
        /// The name.
        row: String,
    },
    /// How many rows the command changed; none is "not found".
    Affected,
}

/// A value that statements bind.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Name in the statement, in the SOAP body and in REST.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// Where it comes from.
    pub source: Source,
    /// What it means, for the descriptions.
    pub title: Option<String>,
}

/// Where a parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A segment of the REST path; in SOAP, the body element of its name.
    Path,
    /// A parameter of the REST query string; in SOAP, the body element of its name.
    Query,
    /// A member of the JSON body; in SOAP, the body element of its name.
    Body,
    /// The consumer, `INSTANCE/CLASS/MEMBER/SUBSYSTEM`, from the X-Road header.
    Client,
    /// The message id, from the X-Road header.
    MessageId,
    /// The end user, from the X-Road header.
    UserId,
    /// The case number, from the X-Road header.
    Issue,
}

/// A value of a result.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name in the result of the statement and in the message.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it means, for the descriptions.
    pub title: Option<String>,
}

/// A REST endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: http::Method,
    /// The path.
    pub segments: Vec<Segment>,
}

/// A segment of a path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Stands there as it is.
    Literal(String),
    /// `{name}`: the value of a parameter.
    Parameter(String),
}

/// Something wrong in a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from one.
    pub line: usize,
    /// Column, from one.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Everything wrong in a description, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file's name, as given to [`check`].
    pub file: String,
    /// At least one.
    pub list: Vec<Problem>,
}

impl Adapter {
    /// The address that service descriptions carry.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// The dialect of its database.
    pub fn dialect(&self) -> Dialect {
        self.database.target.dialect()
    }
}

impl Target {
    /// The dialect spoken there.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }
}

impl ServiceDescription {
    /// The code and, when there is one, the version: `GetPersonByFin.v1`.
    pub fn full_code(&self) -> String {
        match &self.version {
            Some(version) => format!("{}.{version}", self.code),
            None => self.code.clone(),
        }
    }

    /// The parameters that the caller gives in the message, in order.
    pub fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters
            .iter()
            .filter(|parameter| parameter.source.is_input())
    }

    /// Whether a service behind a route takes a JSON body.
    pub fn takes_body(&self) -> bool {
        self.parameters
            .iter()
            .any(|parameter| parameter.source == Source::Body)
    }
}

impl Source {
    /// Whether the caller gives it in the message, rather than the X-Road header.
    pub fn is_input(self) -> bool {
        match self {
            Self::Path | Self::Query | Self::Body => true,
            Self::Client | Self::MessageId | Self::UserId | Self::Issue => false,
        }
    }
}

impl Route {
    /// The template as written, `/persons/{fin}`.
    pub fn template(&self) -> String {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(text) => format!("/{text}"),
                Segment::Parameter(name) => format!("/{{{name}}}"),
            })
            .collect()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes_max: 1_048_576,
            response_bytes_max: 4_194_304,
            rows_max: 1000,
            calls_max: 256,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("target", &self.target)
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Target {
    /// Without the address of a server: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite:{path}"),
            Self::Postgres { .. } => f.write_str("postgres:…"),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            let Problem {
                line,
                column,
                message,
                hint,
            } = problem;
            write!(
                f,
                "{}:{line}:{column}: {message}\n  hint: {hint}",
                self.file
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests;
