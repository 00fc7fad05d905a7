//! Consent artefacts: what a person allowed, signed by the consent service of the registry.
//!
//! The artefact is canonical JSON (RFC 8785) in a compact JWS. It travels with each request that
//! rests on it, so the provider's node judges it without asking anybody; what happened to it since
//! stands in the [`crate::feed`].

use std::fmt;

use certs_keys::{Digest, Ed25519Key};
use gateway_proto::id::ClientId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::person::PersonKey;
use crate::rules::{Frequency, Rules};
use crate::{json, jws};

/// What a person allowed. All times are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// `karvan-consent/1`.
    pub format: String,
    /// The instance.
    pub instance: String,
    /// Its id; random, says nothing of the person.
    pub id: Uuid,
    /// Whose data.
    pub subject: PersonKey,
    /// Who may ask.
    pub consumer: ClientId,
    /// Who may answer.
    pub provider: ClientId,
    /// Service codes of the provider.
    pub services: Vec<String>,
    /// For what.
    pub purpose: String,
    /// Which categories of data.
    pub categories: Vec<String>,
    /// Data of which time, if bounded: from, inclusive; `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_from: Option<String>,
    /// To, inclusive; `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_until: Option<String>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// From when it holds.
    pub valid_from: Timestamp,
    /// Until when, exclusive.
    pub valid_until: Timestamp,
    /// How often it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// It serves once.
    #[serde(default)]
    pub single_use: bool,
    /// How long what was given may be kept. Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_life_seconds: Option<u64>,
    /// Who agreed, when that is not the subject: a parent or guardian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<ActingFor>,
    /// SHA-256 of the artefact (its JWS) that this one follows, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// How the person's will was proved.
    pub proof: Proof,
}

/// Who agreed for the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActingFor {
    /// The person who agreed.
    pub actor: PersonKey,
    /// By what right.
    pub relation: Relation,
    /// The document or register entry that shows it.
    pub evidence: String,
}

/// The right to act for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Of a child.
    Parent,
    /// Of a ward.
    Guardian,
}

/// How a person's will was proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A document the person signed; kept by the consent service under its digest.
    SignedDocument {
        /// SHA-256 of the document, in hex.
        sha256: String,
        /// Its media type.
        media_type: String,
    },
    /// A portal attests that the person, so authenticated, agreed.
    Attestation {
        /// The portal.
        portal: ClientId,
        /// The level of authentication, of those the rules name.
        level: String,
        /// When.
        at: Timestamp,
    },
}

/// A verified artefact. Only [`verify`] makes it.
#[derive(Clone, Debug)]
pub struct Verified {
    pub(crate) artefact: Artefact,
    pub(crate) digest: Digest,
}

/// Why a text is no artefact. What it demands of parties and time is judged by [`crate::basis`].
#[derive(Debug)]
pub enum Error {
    /// The signature.
    Jws(jws::Error),
    /// The payload is no strict JSON.
    Json(json::Error),
    /// The payload is not in canonical form.
    NotCanonical,
    /// The payload is no artefact, or of another format or instance.
    Form,
}

impl Verified {
    /// What was allowed.
    #[must_use]
    pub fn artefact(&self) -> &Artefact {
        &self.artefact
    }

    /// SHA-256 of the JWS; names it in logs and chains.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// Verifies an artefact against the keys that the rules publish.
///
/// # Errors
/// Says what is wrong with it, without saying about whom it is.
pub fn verify(text: &str, rules: &Rules) -> Result<Verified, Error> {
    let _ = (text, rules);
    todo!()
}

/// Signs an artefact; gives the compact JWS.
///
/// # Errors
/// When a number in it has no canonical form.
pub fn sign(artefact: &Artefact, kid: &str, key: &Ed25519Key) -> Result<String, Error> {
    let _ = (artefact, kid, key);
    todo!()
}

impl Error {
    /// The last part of the wire code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Jws(jws::Error::TooLong) => "consent_too_long",
            Self::Jws(jws::Error::Form | jws::Error::Header) => "consent_malformed",
            Self::Jws(jws::Error::Algorithm) => "consent_algorithm",
            Self::Jws(jws::Error::UnknownKey) => "consent_unknown_key",
            Self::Jws(jws::Error::Signature) => "consent_signature",
            Self::Json(json::Error::DuplicateKey) => "consent_duplicate_key",
            Self::Json(_) | Self::Form => "consent_malformed",
            Self::NotCanonical => "consent_not_canonical",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jws(error) => write!(f, "the consent cannot be believed: {error}"),
            Self::Json(error) => write!(f, "the consent cannot be read: {error}"),
            Self::NotCanonical => f.write_str("the consent is not in canonical form"),
            Self::Form => f.write_str("the consent is not of the form expected"),
        }
    }
}

impl std::error::Error for Error {}

/// The format of artefacts.
pub const FORMAT: &str = "karvan-consent/1";
/// The `typ` of their JWS.
pub const MEDIA_TYPE: &str = "karvan-consent+jws";
/// The longest JWS read. Bytes.
pub const BYTES_MAX: usize = 8 * 1024;
