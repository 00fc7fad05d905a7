//! A person's will as a portal brings it, checked as far as the desk can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs_keys::{Digest, DigestAlgorithm};
use gateway_policy::consent;
use gateway_policy::person::PersonKey;
use gateway_policy::rules::Rules;
use jiff::Timestamp;

use super::Row;
use crate::request::{Action, Proof, Will};
use crate::{Caller, Refusal, bounds};

/// A will that was checked.
#[derive(Debug)]
pub(super) struct Willed {
    person: PersonKey,
    acting_for: Option<consent::ActingFor>,
    pub(super) proof: consent::Proof,
    pub(super) document: Option<Vec<u8>>,
}

/// Whose will it is, seen from the subject.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) person: PersonKey,
    /// Missing: the subject itself.
    pub(super) acting_for: Option<consent::ActingFor>,
}

impl Willed {
    /// Takes a will from a caller; only portals bring any.
    pub(super) fn read(
        caller: &Caller,
        will: &Will,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let settings = &rules.part().settings;
        if !settings.portals.contains(&caller.client) {
            return Err(Refusal::NotPortal);
        }
        let person = will.person.read("person", rules.alphabet())?;
        let acting_for = match &will.acting_for {
            Some(acting) => {
                bounds::text("acting_for.evidence", &acting.evidence)?;
                Some(consent::ActingFor {
                    actor: person.clone(),
                    relation: acting.relation,
                    evidence: acting.evidence.clone(),
                })
            }
            None => None,
        };
        let (proof, document) = match &will.proof {
            Proof::Attestation { level } => {
                if !settings.authentication_levels.contains(level) {
                    return Err(Refusal::LevelNotAccepted);
                }
                let proof = consent::Proof::Attestation {
                    portal: caller.client.clone(),
                    level: level.clone(),
                    at: now,
                };
                (proof, None)
            }
            Proof::SignedDocument {
                media_type,
                document,
            } => signed_document(media_type, document)?,
        };
        Ok(Self {
            person,
            acting_for,
            proof,
            document,
        })
    }

    /// Whether it is the will of the subject, or of one who may act for it. Who agreed for the
    /// subject has shown the right to; anybody else shows it now.
    pub(super) fn actor(&self, row: &Row, action: Action) -> Result<Actor, Refusal> {
        let known = action != Action::Approve && row.actor.as_ref() == Some(&self.person);
        match (self.person == row.subject, &self.acting_for) {
            (true, Some(_)) => Err(Refusal::Field {
                field: "acting_for",
                takes: "the right to act for another: nobody acts for himself",
            }),
            (false, None) if !known => Err(Refusal::OtherPerson),
            (true | false, acting_for) => Ok(Actor {
                person: self.person.clone(),
                acting_for: acting_for.clone(),
            }),
        }
    }
}

/// The desk keeps the document as it came. Whether its signature is good is not judged here:
/// whoever relies on it later finds it under its digest.
fn signed_document(
    media_type: &str,
    document: &str,
) -> Result<(consent::Proof, Option<Vec<u8>>), Refusal> {
    if !is_media_type(media_type) {
        return Err(Refusal::Field {
            field: "proof.media_type",
            takes: "a media type without parameters, as application/vnd.etsi.asic-e+zip",
        });
    }
    let malformed = Refusal::Field {
        field: "proof.document",
        takes: "1 byte to 1 MiB, as base64",
    };
    if document.len() > DOCUMENT_TEXT_MAX {
        return Err(malformed);
    }
    match STANDARD.decode(document) {
        Ok(octets) if (1..=DOCUMENT_BYTES_MAX).contains(&octets.len()) => {
            let digest = Digest::of(DigestAlgorithm::Sha256, &octets);
            let proof = consent::Proof::SignedDocument {
                sha256: hex::encode(digest.as_bytes()),
                media_type: media_type.to_owned(),
            };
            Ok((proof, Some(octets)))
        }
        Ok(_) | Err(_) => Err(malformed),
    }
}

/// RFC 6838, section 4.2: two names of restricted characters, each of 127 at most.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=127).contains(&name.len()) && name.bytes().all(allowed)
    };
    text.split_once('/')
        .is_some_and(|(kind, name)| is_name(kind) && is_name(name))
}

/// The longest document that is kept.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// The same in base64.
const DOCUMENT_TEXT_MAX: usize = DOCUMENT_BYTES_MAX.div_ceil(3) * 4;
