//! Why a signed document could not be made.

use std::fmt;
use std::io;

/// Why a signed document could not be made.
#[derive(Debug)]
pub enum Error {
    /// It has no time stamp yet.
    NotStamped {
        /// Its place in the log.
        ordinal: u64,
    },
    /// What stands at this place is no message.
    NoMessage {
        /// The place in the log.
        ordinal: u64,
    },
    /// Retention has removed it.
    Erased {
        /// Its place in the log.
        ordinal: u64,
    },
    /// The time stamp that covers it does not fit the log: damage.
    Stamp {
        /// Its place in the log.
        ordinal: u64,
        /// What does not fit.
        reason: &'static str,
    },
    /// What it goes into cannot be written.
    Write(io::Error),
    /// The log cannot be read.
    Log(gateway_messagelog::Error),
    /// It cannot be put together or written.
    Make {
        /// Its place in the log.
        ordinal: u64,
        /// What failed.
        source: Box<gateway_asic::Error>,
    },
    /// The work was stopped: the process is shutting down.
    Interrupted,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStamped { ordinal } => {
                write!(f, "message {ordinal} of the log has no time stamp yet")
            }
            Self::NoMessage { ordinal } => write!(f, "entry {ordinal} of the log is no message"),
            Self::Erased { ordinal } => {
                write!(f, "message {ordinal} of the log was removed by retention")
            }
            Self::Stamp { ordinal, reason } => {
                write!(
                    f,
                    "the time stamp of message {ordinal} does not fit: {reason}"
                )
            }
            Self::Log(_) => f.write_str("the message log cannot be read"),
            Self::Make { ordinal, .. } => {
                write!(f, "the container of message {ordinal} cannot be made")
            }
            Self::Write(_) => f.write_str("the container cannot be written"),
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Log(error) => Some(error),
            Self::Write(error) => Some(error),
            Self::Make { source, .. } => Some(source.as_ref()),
            Self::NotStamped { .. }
            | Self::NoMessage { .. }
            | Self::Erased { .. }
            | Self::Stamp { .. }
            | Self::Interrupted => None,
        }
    }
}

impl From<gateway_messagelog::Error> for Error {
    fn from(error: gateway_messagelog::Error) -> Self {
        match error {
            gateway_messagelog::Error::Erased { ordinal } => Self::Erased { ordinal },
            error => Self::Log(error),
        }
    }
}
