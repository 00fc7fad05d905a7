//! Downloading as pure steps: where to ask and in which order, which version, which parts; the
//! caller does HTTP and writes files.
//!
//! ```text
//! candidates ─ Negotiation ─ directory::verify ─ Plan::new ─ fetch ─ Plan::receive ─ finish
//!                                                                                    └ Downloaded
//! ```
//!
//! [`Downloaded`] exists only when every part of the directory was verified, so that a half
//! downloaded or half verified configuration can never reach the disk.

mod error;
mod location;
mod plan;

pub use error::Error;
pub use location::{Location, Negotiation, Step, candidates};
pub use plan::{Downloaded, Fetch, Plan, Scope};

use crate::Anchor;
use crate::params::PrivateParams;

/// Which partner instances this node wants (a setting of the node, none by default).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Federations {
    /// None at all.
    #[default]
    None,
    /// Every one the registry trusts.
    All,
    /// These, compared without regard to case.
    Only(Vec<String>),
}

impl Federations {
    /// From a comma list: any `none` means none, else any `all` means all, else names.
    pub fn parse(list: &str) -> Self {
        let names: Vec<&str> = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let has = |word: &str| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        match (names.is_empty() || has("none"), has("all")) {
            (true, _) => Self::None,
            (false, true) => Self::All,
            (false, false) => Self::Only(names.into_iter().map(str::to_owned).collect()),
        }
    }

    /// The instance may be downloaded.
    pub fn allow(&self, instance: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(names) => names
                .iter()
                .any(|name| name.to_lowercase() == instance.to_lowercase()),
        }
    }

    /// The trusted anchors to follow. One for the own instance is never followed: it would let a
    /// partner's registry speak for ours.
    pub fn anchors<'a>(&self, private: &'a PrivateParams) -> Vec<&'a Anchor> {
        private
            .trusted_anchors
            .iter()
            .filter(|anchor| anchor.instance != private.instance && self.allow(&anchor.instance))
            .collect()
    }
}

#[cfg(test)]
mod tests;
