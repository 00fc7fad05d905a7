//! What can go wrong at a socket, as data: enough to choose a fault and to say what was sent.

use std::{error::Error as StdError, fmt, io, net::SocketAddr, time::Duration};

/// Why something at the network did not work. Never holds message content.
#[derive(Debug)]
pub enum Error {
    /// The listening address could not be taken.
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// An identity has no certificate.
    IdentityWithoutCertificate,
    /// The first certificate of an identity is not for its key.
    IdentityKeyMismatch,
    /// TLS could not be set up with what was given.
    TlsSetup {
        /// What the TLS library said.
        source: rustls::Error,
    },
    /// The URI of a request is not an absolute http or https URI without user information.
    InvalidUri,
    /// No candidate was given, so there is nobody to connect to.
    NoCandidate,
    /// The name of a host could not be resolved.
    UnknownHost {
        /// The name.
        host: String,
    },
    /// No connection: refused, unreachable, reset.
    Connect {
        /// What the system said.
        source: io::Error,
    },
    /// No connection within the time for it.
    ConnectTimeout,
    /// The TLS handshake failed, or the other side ended the connection with an alert.
    Tls {
        /// What TLS or the socket below said.
        source: io::Error,
    },
    /// The TLS handshake was not finished within the time for it.
    HandshakeTimeout,
    /// A certificate shown in TLS cannot be read.
    Certificate {
        /// What is wrong with it.
        source: certs_x509::Error,
    },
    /// The server showed no certificate, or one that is not among those trusted.
    ServerUntrusted,
    /// The exchange of a request and its response broke before the response's head was there.
    Exchange {
        /// What HTTP said.
        source: hyper::Error,
        /// Whether the other side may have seen the request.
        sent: Sent,
    },
    /// No progress, and no response head, within the time for it.
    ResponseTimeout,
    /// A body on the wire broke, or ended before its end.
    Body {
        /// What HTTP said.
        source: hyper::Error,
    },
    /// A body on the wire did not move within the time for it.
    BodyTimeout {
        /// The time allowed.
        allowed: Duration,
    },
    /// A body is larger than the place it is collected in.
    BodyTooLarge {
        /// The most that is taken.
        bytes_max: usize,
    },
    /// The one who writes a body stopped without ending it.
    BodyAborted,
    /// The one who reads a body is gone.
    BodyUnwanted,
    /// The source of a body failed.
    BodySource {
        /// What the source said.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The OCSP responses of a peer could not be had from its OCSP port.
    Ocsp {
        /// What was wrong with the answer.
        reason: OcspAnswer,
    },
}

/// What was wrong with the answer of an OCSP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspAnswer {
    /// A status other than 200 to 208 or 226.
    Status(u16),
    /// Not a multipart with a boundary.
    NotMultipart,
    /// A part that is not an OCSP response.
    Malformed,
    /// More or fewer responses than certificates asked for.
    Count {
        /// Certificates asked for.
        asked: usize,
        /// Responses that came.
        came: usize,
    },
    /// No whole answer within the time for it.
    Timeout,
}

/// Whether the other side may have seen a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Certainly not: nothing of it was written.
    No,
    /// Some or all of it was written: whether it was carried out is unknown.
    Unknown,
}

/// The kind of a failure, as fine as fault codes need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A name that does not resolve.
    UnknownHost,
    /// A connection refused, reset or broken.
    Network,
    /// Other input and output: timeouts, unexpected ends, no HTTP.
    Io,
    /// TLS refused, by us or by the other side, or its certificate is not trusted.
    Tls,
    /// Our own doing: settings, a malformed address, a body we stopped.
    Local,
}

impl Error {
    /// The kind of this failure.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::UnknownHost { .. } => Class::UnknownHost,
            Self::Connect { source } => class_of_io(source),
            Self::Tls { .. } | Self::Certificate { .. } | Self::ServerUntrusted => Class::Tls,
            Self::Exchange { source, .. } | Self::Body { source } => class_of_http(source),
            Self::NoCandidate => Class::Network,
            Self::ConnectTimeout
            | Self::HandshakeTimeout
            | Self::ResponseTimeout
            | Self::BodyTimeout { .. }
            | Self::BodyTooLarge { .. }
            | Self::Ocsp { .. } => Class::Io,
            Self::Bind { .. }
            | Self::IdentityWithoutCertificate
            | Self::IdentityKeyMismatch
            | Self::TlsSetup { .. }
            | Self::InvalidUri
            | Self::BodyAborted
            | Self::BodyUnwanted
            | Self::BodySource { .. } => Class::Local,
        }
    }

    /// Whether the other side may have seen the request that failed so.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match self {
            Self::Exchange { sent, .. } => *sent,
            Self::ResponseTimeout
            | Self::Body { .. }
            | Self::BodyTimeout { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyAborted
            | Self::BodyUnwanted
            | Self::BodySource { .. } => Sent::Unknown,
            Self::Bind { .. }
            | Self::IdentityWithoutCertificate
            | Self::IdentityKeyMismatch
            | Self::TlsSetup { .. }
            | Self::InvalidUri
            | Self::NoCandidate
            | Self::UnknownHost { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout
            | Self::Tls { .. }
            | Self::HandshakeTimeout
            | Self::Certificate { .. }
            | Self::ServerUntrusted
            | Self::Ocsp { .. } => Sent::No,
        }
    }

    /// True when time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::ConnectTimeout
            | Self::HandshakeTimeout
            | Self::ResponseTimeout
            | Self::BodyTimeout { .. }
            | Self::Ocsp {
                reason: OcspAnswer::Timeout,
            } => true,
            Self::Exchange { source, .. } | Self::Body { source } => {
                io_below(source).is_some_and(|below| below.kind() == io::ErrorKind::TimedOut)
            }
            _ => false,
        }
    }

    /// Wraps what the source of a body said.
    pub fn body_source(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::BodySource {
            source: source.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, .. } => write!(f, "cannot listen on {address}"),
            Self::IdentityWithoutCertificate => f.write_str("the TLS identity has no certificate"),
            Self::IdentityKeyMismatch => {
                f.write_str("the certificate of the TLS identity is not for its key")
            }
            Self::TlsSetup { .. } => f.write_str("cannot set up TLS"),
            Self::InvalidUri => f.write_str("not an absolute http or https URI"),
            Self::NoCandidate => f.write_str("no address to connect to"),
            Self::UnknownHost { host } => write!(f, "unknown host {host}"),
            Self::Connect { .. } => f.write_str("cannot connect"),
            Self::ConnectTimeout => f.write_str("no connection in time"),
            Self::Tls { .. } => f.write_str("TLS failed"),
            Self::HandshakeTimeout => f.write_str("no TLS handshake in time"),
            Self::Certificate { .. } => f.write_str("unreadable certificate in TLS"),
            Self::ServerUntrusted => f.write_str("the server's certificate is not trusted"),
            Self::Exchange { sent: Sent::No, .. } => f.write_str("the request was not sent"),
            Self::Exchange {
                sent: Sent::Unknown,
                ..
            } => f.write_str("the connection broke before the response"),
            Self::ResponseTimeout => f.write_str("no response in time"),
            Self::Body { .. } => f.write_str("the body broke off"),
            Self::BodyTimeout { allowed } => {
                write!(f, "the body did not move for {} s", allowed.as_secs_f32())
            }
            Self::BodyTooLarge { bytes_max } => {
                write!(f, "the body is larger than {bytes_max} bytes")
            }
            Self::BodyAborted => f.write_str("the body was given up by its writer"),
            Self::BodyUnwanted => f.write_str("the body was given up by its reader"),
            Self::BodySource { .. } => f.write_str("the source of the body failed"),
            Self::Ocsp { reason } => write!(f, "no OCSP responses from the peer: {reason}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Connect { source } | Self::Tls { source } => {
                Some(source)
            }
            Self::TlsSetup { source } => Some(source),
            Self::Certificate { source } => Some(source),
            Self::Exchange { source, .. } | Self::Body { source } => Some(source),
            Self::BodySource { source } => Some(source.as_ref()),
            Self::IdentityWithoutCertificate
            | Self::IdentityKeyMismatch
            | Self::InvalidUri
            | Self::NoCandidate
            | Self::UnknownHost { .. }
            | Self::ConnectTimeout
            | Self::HandshakeTimeout
            | Self::ServerUntrusted
            | Self::ResponseTimeout
            | Self::BodyTimeout { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyAborted
            | Self::BodyUnwanted
            | Self::Ocsp { .. } => None,
        }
    }
}

impl fmt::Display for OcspAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::NotMultipart => f.write_str("no multipart answer"),
            Self::Malformed => f.write_str("unreadable OCSP response"),
            Self::Count { asked, came } => write!(f, "{came} responses for {asked} certificates"),
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}

/// An error with all that is below it, for the place that logs it.
#[derive(Debug)]
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = Some(self.0);
        let mut separator = "";
        while let Some(error) = at {
            write!(f, "{separator}{error}")?;
            separator = ": ";
            at = error.source();
        }
        Ok(())
    }
}

/// The input or output error below an HTTP error, if there is one.
pub(crate) fn io_below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

/// The TLS error below an input or output error, if there is one.
pub(crate) fn tls_below(error: &io::Error) -> Option<&rustls::Error> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

fn class_of_http(error: &hyper::Error) -> Class {
    io_below(error).map_or(Class::Io, class_of_io)
}

/// As the reference sorts them: refused, reset and unreachable are the network's doing, everything
/// else (timeouts, unexpected ends) is input and output.
fn class_of_io(error: &io::Error) -> Class {
    if tls_below(error).is_some() {
        return Class::Tls;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Class::Network,
        _ => Class::Io,
    }
}
