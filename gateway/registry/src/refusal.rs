//! Why a command was not carried out: what, why, and what to do instead.

use std::fmt;

/// A command that was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: Kind,
    what: String,
    why: String,
    remedy: String,
}

/// The kind of a refusal, from which an interface picks its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The registry has no instance yet.
    NotInitialised,
    /// A value is not one the registry takes.
    Invalid,
    /// What the command refers to is not registered.
    NotFound,
    /// What the command adds is registered already.
    Exists,
    /// What the command removes is still used.
    InUse,
    /// The registry keeps this itself, or its own working depends on it.
    Reserved,
}

impl Refusal {
    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the command was about.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why it was refused.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    pub(crate) fn new(
        kind: Kind,
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            what: what.into(),
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn invalid(
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Invalid, what, why, remedy)
    }

    pub(crate) fn not_found(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, what, "it is not registered", remedy)
    }

    pub(crate) fn exists(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::Exists, what, "it is registered already", remedy)
    }

    pub(crate) fn in_use(
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(Kind::InUse, what, why, remedy)
    }

    pub(crate) fn reserved(
        what: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Reserved, what, why, remedy)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.why, self.remedy)
    }
}

impl std::error::Error for Refusal {}
