//! How an authority is asked: the node does it over HTTP, tests do it in memory.

use std::fmt;
use std::future::Future;

use bytes::Bytes;

/// One request to one authority. Whoever implements it bounds the time and the size of the answer.
pub trait Ask: Send + Sync + 'static {
    /// Posts a time-stamp query and gives the body of the answer, whatever its content type, if the
    /// status was 200.
    fn ask(
        &self,
        url: &str,
        query: Vec<u8>,
    ) -> impl Future<Output = Result<Bytes, AskError>> + Send;
}

/// Why an authority gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskError {
    /// Its address is no absolute HTTP URL.
    Url,
    /// It did not answer in time.
    Timeout,
    /// It cannot be reached, or the connection broke.
    Connection {
        /// What the network said.
        reason: String,
    },
    /// It answered with another status than 200.
    Status(u16),
    /// Its answer is too long.
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
}

impl AskError {
    /// The error code that other servers use for this.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Url => "mlog.malformed_timestamp_server_url",
            Self::Timeout => "mlog.timestamp_request_timed_out",
            Self::Connection { .. } => "mlog.timestamp_provider_connection_failed",
            Self::Status(_) => "mlog.timestamping_non_ok_response",
            Self::TooLarge { .. } => "mlog.reading_timestamp_response_failed",
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("its address is no absolute HTTP URL"),
            Self::Timeout => f.write_str("it did not answer in time"),
            Self::Connection { reason } => write!(f, "it cannot be reached: {reason}"),
            Self::Status(status) => write!(f, "it answered with HTTP status {status}"),
            Self::TooLarge { bytes_max } => {
                write!(f, "its answer is longer than {bytes_max} bytes")
            }
        }
    }
}

impl std::error::Error for AskError {}
