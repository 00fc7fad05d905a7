//! The parts of the global configuration as values: shared parameters, private parameters and the
//! optional parts; readers for versions 2 to 6, writers for 5 and 6.
//!
//! Readers are as strict about structure as the schemas are. Certificates are the exception: one
//! that cannot be read is left out and named in `left_out`, because nothing can be verified with
//! it anyway and one odd certificate must not silence a whole instance.

mod error;
mod optional;
mod private;
pub(crate) mod schema;
mod shared;
pub(crate) mod value;
pub(crate) mod write;

pub use error::Error;
pub use optional::{FetchInterval, Monitoring, NextUpdate};
pub use private::{ManagementService, PrivateParams};
pub use shared::{
    AcmeServer, ApprovedAuthority, ApprovedTimestamper, Authority, ConfigurationSource, CostType,
    CsrFormat, GlobalGroup, Maintenance, Member, MemberClass, OcspResponder, SecurityServer,
    SharedParams, Subsystem,
};

/// The content identifier of private-params.xml.
pub const PRIVATE_PARAMETERS: &str = "PRIVATE-PARAMETERS";
/// The content identifier of shared-params.xml.
pub const SHARED_PARAMETERS: &str = "SHARED-PARAMETERS";
/// The content identifier of fetchinterval-params.xml.
pub const FETCH_INTERVAL: &str = "FETCHINTERVAL";
/// The content identifier of nextupdate-params.xml.
pub const NEXT_UPDATE: &str = "NEXTUPDATE";
/// The content identifier of monitoring-params.xml.
pub const MONITORING: &str = "MONITORING";

/// The content identifier of karvan-rules.json: what the registry declares beyond the protocol.
pub const RULES: &str = "KARVAN-RULES";

/// The longest part we read: a whole country's members and servers fit.
pub const PART_BYTES_MAX: usize = 64 << 20;

/// A version of the global configuration we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// The newest version, which we ask for first.
    pub const CURRENT: Self = Self(6);
    /// The version before it, which we write too.
    pub const PREVIOUS: Self = Self(5);
    /// The oldest version we read; also what a missing version means.
    pub const OLDEST: Self = Self(2);

    /// The number of a version.
    ///
    /// # Errors
    /// When it is not one of 2 to 6.
    pub fn new(number: u8) -> Result<Self, Error> {
        match number {
            2..=6 => Ok(Self(number)),
            _ => Err(Error::Version {
                found: number.to_string(),
            }),
        }
    }

    /// From the text of a header or of metadata.
    ///
    /// # Errors
    /// When it is not one of 2 to 6 in decimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.trim().parse() {
            Ok(number) => Self::new(number),
            Err(_) => Err(Error::Version {
                found: text.chars().take(16).collect(),
            }),
        }
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// Something of a part that was left out while reading, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The element it stood in, with a name that helps finding it.
    pub place: String,
    /// Why it was left out.
    pub reason: String,
}

/// The instance identifier of the document and of what announced it must be equal.
pub(crate) fn check_instance(expected: &str, found: &str) -> Result<(), Error> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::Instance {
            expected: expected.to_owned(),
            found: found.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
