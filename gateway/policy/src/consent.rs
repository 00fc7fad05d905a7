//! Consent artefacts: what a person allowed, signed by the consent service of the registry.
//!
//! The artefact is canonical JSON (RFC 8785) in a compact JWS. It travels with each request that
//! rests on it, so the provider's node judges it without asking anybody; what happened to it since
//! stands in the [`crate::feed`].

mod form;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Digest, DigestAlgorithm, Ed25519Key};
use gateway_proto::id::ClientId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::person::PersonKey;
use crate::rules::{ConsentKey, Frequency, Rules};
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    let part = rules.part();
    let keys = part
        .consent
        .as_ref()
        .map_or(&[][..], |service| &service.keys);
    verify_with(text, &part.instance, keys)
}

/// Signs an artefact; gives the compact JWS.
///
/// It signs nothing that [`verify`] would refuse for its form: the artefact is of [`FORMAT`], its
/// times are whole seconds, its texts and lists within their bounds.
///
/// # Errors
/// [`Error::Form`] when the artefact is not of the form, [`Error::Jws`] when the text would be
/// longer than [`BYTES_MAX`].
pub fn sign(artefact: &Artefact, kid: &str, key: &Ed25519Key) -> Result<String, Error> {
    if !form::is_kept(artefact) {
        return Err(Error::Form);
    }
    let payload = json::canonical_of(artefact).map_err(Error::Json)?;
    let text = jws::sign(&payload, kid, MEDIA_TYPE, key);
    match text.len() > BYTES_MAX {
        true => Err(Error::Jws(jws::Error::TooLong)),
        false => Ok(text),
    }
}

/// SHA-256 of an artefact's JWS, which names it in logs and chains.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::of(DigestAlgorithm::Sha256, text.as_bytes())
}

/// From the outside in: the signature first, so that nothing unsigned is looked into.
fn verify_with(text: &str, instance: &str, keys: &[ConsentKey]) -> Result<Verified, Error> {
    let jws = jws::Unverified::parse(text, BYTES_MAX, MEDIA_TYPE).map_err(Error::Jws)?;
    let unknown = Error::Jws(jws::Error::UnknownKey);
    let key = keys.iter().find(|key| key.kid == jws.kid());
    let Some((key, public)) = key.and_then(|key| Some((key, public_key(key)?))) else {
        return Err(unknown);
    };
    let payload = jws.verify(&key.algorithm, &public).map_err(Error::Jws)?;
    let value = json::parse(&payload, BYTES_MAX).map_err(Error::Json)?;
    if json::canonical(&value).map_err(Error::Json)? != payload {
        return Err(Error::NotCanonical);
    }
    // What the reader says of a wrong field may quote it: it is dropped.
    let artefact: Artefact = serde_json::from_value(value).map_err(|_| Error::Form)?;
    match form::is_kept(&artefact) && artefact.instance == instance {
        true => Ok(Verified {
            artefact,
            digest: digest(text),
        }),
        false => Err(Error::Form),
    }
}

/// The octets of a published key; `None` for one that is no key of its algorithm.
pub(crate) fn public_key(key: &ConsentKey) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(&key.public).ok()?.try_into().ok()
}

/// What shows the right to act for another is about persons.
impl fmt::Debug for ActingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActingFor")
            .field("relation", &self.relation)
            .finish_non_exhaustive()
    }
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
/// Services, and categories, that one artefact names.
pub const ENTRIES_MAX: usize = 32;
/// The longest text in an artefact. Bytes.
pub const TEXT_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests;
