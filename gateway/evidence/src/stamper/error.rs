//! Why messages go on waiting for their time stamp.

use std::fmt;

use jiff::Timestamp;

use super::AskError;

/// Why a round of stamping failed.
#[derive(Debug)]
pub enum Error {
    /// No valid global configuration: nobody is approved.
    NoConfiguration,
    /// The global configuration approves no time-stamping authority.
    NoAuthority,
    /// None of the approved authorities gave a time stamp that holds.
    AllFailed {
        /// Each of them, in the order asked.
        tried: Vec<Tried>,
    },
    /// The log cannot be read or written.
    Log(gateway_messagelog::Error),
    /// What was logged cannot be gathered into one imprint: damage.
    Imprint(gateway_asic::stamping::Error),
    /// The work was stopped: the process is shutting down.
    Interrupted,
}

/// An authority that was asked in vain.
#[derive(Debug)]
pub struct Tried {
    /// Its name in the global configuration.
    pub name: String,
    /// Where it was asked.
    pub url: String,
    /// Why not.
    pub reason: Reason,
}

/// Why the answer of an authority is of no use.
#[derive(Debug)]
pub enum Reason {
    /// There was none.
    Ask(AskError),
    /// It is no time stamp, or one that is not believed.
    Token(Box<certs_x509::Error>),
    /// The time it states lies before the messages it is to cover.
    TooEarly {
        /// The time stated.
        gen_time: Timestamp,
        /// The newest message it would cover.
        newest: Timestamp,
    },
}

impl Error {
    /// The error code that other servers use for this.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoConfiguration => "global_conf_outdated",
            Self::NoAuthority => "mlog.no_timestamping_provider_found",
            Self::AllFailed { .. } => "timestamping_failed",
            Self::Log(_) | Self::Interrupted => "mlog.timestamp_record_save_failure",
            Self::Imprint(_) => "mlog.failed_to_build_signature_hash_chain",
        }
    }
}

impl Reason {
    /// The error code that other servers use for this.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ask(error) => error.code(),
            Self::Token(error) => match error.as_ref() {
                certs_x509::Error::Timestamp(error) => error.code(),
                _ => "mlog.timestamp_response_object_creation_failed",
            },
            Self::TooEarly { .. } => "mlog.timestamp_response_validation_failed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfiguration => {
                f.write_str("there is no valid global configuration that approves an authority")
            }
            Self::NoAuthority => f.write_str(
                "the global configuration approves no time-stamping authority of this instance",
            ),
            // The beginning is the text of deployed servers, which operators search for.
            Self::AllFailed { tried } => {
                f.write_str("Failed to get time stamp from any time-stamping providers")?;
                for (index, tried) in tried.iter().enumerate() {
                    let separator = if index == 0 { ": " } else { "; " };
                    write!(
                        f,
                        "{separator}{} ({}): {}",
                        tried.name, tried.url, tried.reason
                    )?;
                }
                Ok(())
            }
            Self::Log(_) => f.write_str("the message log cannot be read or written"),
            Self::Imprint(_) => {
                f.write_str("the waiting messages cannot be gathered into one imprint")
            }
            Self::Interrupted => f.write_str("the work was interrupted"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(error) => write!(f, "{error}"),
            Self::Token(error) => write!(f, "{error}"),
            Self::TooEarly { gen_time, newest } => write!(
                f,
                "it states {gen_time}, before a message of {newest} that it covers: is a clock wrong?"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Log(error) => Some(error),
            Self::Imprint(error) => Some(error),
            Self::NoConfiguration
            | Self::NoAuthority
            | Self::AllFailed { .. }
            | Self::Interrupted => None,
        }
    }
}
