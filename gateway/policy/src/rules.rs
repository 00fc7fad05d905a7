//! The rules part of the global configuration: what the registry declares and every node obeys.
//!
//! ```text
//! content identifier   KARVAN-RULES      optional part of the internal source; servers that do not
//! file name            karvan-rules.json know it store it and look no further
//! ```
//!
//! One JSON document ([`Part`]); it is signed with the directory that names its digest. Its version
//! grows with each change and it names the digest of the one before, so that a node notices when it
//! is given an older one.

mod check;
mod compiled;
mod hours;
mod part;
#[cfg(test)]
pub(crate) mod sample;

pub use check::{Finding, Severity, check};
pub(crate) use compiled::Candidate;
pub use compiled::{Error, PART_BYTES_MAX, Registration, Rules};
pub use part::{
    Basis, CaseLimit, Category, ConsentKey, ConsentService, Consumer, Disclosure, FORMAT,
    Frequency, Hours, Limits, Part, Purpose, Register, Rule, Scope, Service, Settings, Status,
    System, Unregistered,
};

/// The content identifier of the part.
pub const IDENTIFIER: &str = "KARVAN-RULES";
/// The file name of the part.
pub const FILE_NAME: &str = "karvan-rules.json";
