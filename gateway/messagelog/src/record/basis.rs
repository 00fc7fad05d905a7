//! What a record says of the legal basis of its exchange.
//!
//! Purpose, consent and reason also stand in the signed message; here they are what the node made of
//! them, and they stay where bodies are not kept.

use certs_keys::Digest;
use jiff::Timestamp;
use uuid::Uuid;

/// On what an exchange rests, as this node decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The ground.
    pub ground: Ground,
    /// The rule that allowed it; `None`: none was needed.
    pub rule: Option<String>,
    /// Its version.
    pub rule_version: u32,
    /// The version of the rules it stood in.
    pub rules_version: u64,
    /// Act and article, where the ground is law.
    pub law: Option<(String, String)>,
    /// The purpose it was decided for.
    pub purpose: Option<String>,
    /// The consent it needed.
    pub consent: Option<Consent>,
    /// The reason of a break-glass use.
    pub emergency: Option<String>,
    /// How the end user was identified, as sent.
    pub authentication: Option<String>,
    /// Persons it is about, under keyed hashes of this node.
    pub persons: Vec<PersonMark>,
    /// What it used up, under keyed hashes of this node.
    pub quotas: Vec<[u8; 16]>,
    /// When the person may learn of it.
    pub disclosure: Disclosure,
}

/// On what ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Not about a person.
    NotPersonal,
    /// A rule of the kind `open`.
    Open,
    /// A law.
    Law,
    /// The person's consent.
    Consent,
    /// Break-glass.
    Vital,
    /// The consumer's node could not tell the purpose; the provider's decides.
    LeftToProvider,
}

/// Which consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of the artefact as it travelled.
    pub digest: Digest,
}

/// A person under a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonMark {
    /// Which of the node's keys.
    pub key: u32,
    /// The first 16 octets of HMAC-SHA-256 over kind and value.
    pub mark: [u8; 16],
}

/// When the person may learn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// At once.
    AtOnce,
    /// From this time on.
    From(Timestamp),
    /// Hidden under an article until this time.
    Hidden {
        /// The article.
        article: String,
        /// When it ends.
        until: Timestamp,
    },
}
