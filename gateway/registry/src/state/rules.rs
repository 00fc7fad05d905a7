//! Rules with their history, and what was published of them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::rules::{self, Part};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::State;

/// Names a version of a rule; as text `id/version`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleKey {
    /// The rule.
    pub id: String,
    /// 1, 2, 3 …
    pub version: u32,
}

/// A version of a rule. Its content never changes, only its stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleVersion {
    /// What has become of it.
    pub stage: Stage,
    /// The rule.
    pub rule: rules::Rule,
}

/// What has become of a version. Who brought it there and when stands in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Written; the next publication takes it up.
    Draft,
    /// In force.
    Published,
    /// A newer version took its place.
    Superseded,
    /// Taken back.
    Withdrawn,
}

/// The rules as they were last published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    version: u64,
    digest: String,
    at: Timestamp,
    octets: Bytes,
    part: Arc<Part>,
}

impl Published {
    /// Fixes the octets of a part.
    pub(crate) fn new(part: Part) -> Result<Self, serde_json::Error> {
        let octets = Bytes::from(serde_json::to_vec(&part)?);
        Ok(Self {
            version: part.version,
            digest: sha256_hex(&octets),
            at: part.published,
            octets,
            part: Arc::new(part),
        })
    }

    /// Reads stored octets; `None` when they are not those with this digest, or no part.
    pub(crate) fn read(octets: Bytes, digest: &str) -> Option<Self> {
        let part: Part = serde_json::from_slice(&octets).ok()?;
        (sha256_hex(&octets) == digest).then(|| Self {
            version: part.version,
            digest: digest.to_owned(),
            at: part.published,
            octets,
            part: Arc::new(part),
        })
    }

    /// 1, 2, 3 …
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// SHA-256 of the octets, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The very octets that nodes are given.
    #[must_use]
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// What they say.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }
}

impl Stage {
    /// It is in force or waits to be.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Draft | Self::Published)
    }
}

impl State {
    /// All versions of a rule, oldest first.
    pub fn rule_versions(&self, id: &str) -> impl DoubleEndedIterator<Item = &RuleVersion> {
        let key = |version| RuleKey {
            id: id.to_owned(),
            version,
        };
        self.rules
            .range(key(0)..=key(u32::MAX))
            .map(|(_, version)| &**version)
    }

    /// The version of a rule that is in force.
    #[must_use]
    pub fn rule_in_force(&self, id: &str) -> Option<&rules::Rule> {
        let mut newest_first = self.rule_versions(id).rev();
        newest_first
            .find(|version| version.stage == Stage::Published)
            .map(|version| &version.rule)
    }

    /// Rules that are in force or wait to be; of one rule there may be several versions.
    pub fn live_rules(&self) -> impl Iterator<Item = &rules::Rule> {
        let versions = self.rules.values();
        versions
            .filter(|version| version.stage.is_live())
            .map(|version| &version.rule)
    }
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.id, self.version)
    }
}

impl From<RuleKey> for String {
    fn from(key: RuleKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for RuleKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.rsplit_once('/');
        let key = parts.and_then(|(id, version)| {
            Some(Self {
                id: id.to_owned(),
                version: version.parse().ok()?,
            })
        });
        key.ok_or_else(|| format!("{text:?} is no version of a rule: write id/version"))
    }
}

pub(crate) fn sha256_hex(octets: &[u8]) -> String {
    let digest = Digest::of(DigestAlgorithm::Sha256, octets);
    digest
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
