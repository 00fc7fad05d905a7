//! The checks on one message, made from its bytes and the configuration of its day.

use certs_keys::Digest;
use gateway_globalconf::Snapshot;
use gateway_proto::Limits;
use gateway_proto::basis::Basis as Stated;
use gateway_proto::id::{ClientId, MemberId, ServiceId};
use gateway_proto::{rest, soap};
use gateway_seal::{
    MESSAGE_URI, Parts, Seal, Signature, attachment_uri, verify_trust, verify_value,
};
use gateway_store::segment::Position;

use super::verdict::{Part, Signer, Subject, Verdict, expected_signer};
use super::{ConfHistory, InUse};
use crate::content::DIGEST;
use crate::record::Consent;
use crate::{Basis, Direction, Protocol, Record};

/// Judges one logged message as of the time at which it was logged, with nothing but the record, the
/// files of its contents and the kept configurations. It blocks while it reads contents.
#[must_use]
pub fn verify(position: Position, record: &Record, history: &ConfHistory) -> Verdict {
    let mut verdict = Verdict::of(position, record);
    let parts = contents(record, &mut verdict);
    match message(record) {
        // The reduced message is not what was signed.
        Ok(()) if record.message_digest.is_some() => {
            verdict.add_unchecked(Subject::Message, BODY_NOT_KEPT);
        }
        outcome => verdict.add(Subject::Message, outcome),
    }
    let Some(parts) = parts else {
        verdict.add_unchecked(Subject::Signature, "a content cannot be read");
        return unchecked_signer(verdict, "a content cannot be read");
    };
    match verify_value(&seal_of(record), &parts) {
        Ok(signature) => {
            verdict.add(Subject::Signature, Ok(()));
            verdict.signer = Some(signer_of(&signature));
            judge_signer(record, &signature, history, &mut verdict);
            verdict
        }
        Err(error) => {
            verdict.add(Subject::Signature, Err(reason(&error)));
            unchecked_signer(verdict, "the signature does not hold")
        }
    }
}

fn unchecked_signer(mut verdict: Verdict, reason: &str) -> Verdict {
    verdict.add_unchecked(Subject::Signer, reason);
    verdict.add_unchecked(Subject::Trust, reason);
    verdict
}

/// Hashes everything anew.
fn contents(record: &Record, verdict: &mut Verdict) -> Option<Parts> {
    let message = record
        .message_digest
        .unwrap_or_else(|| Digest::of(DIGEST, &record.message));
    let is_kept = record.message_digest.is_none();
    verdict.parts.push(Part {
        name: MESSAGE_URI.to_owned(),
        bytes: is_kept.then(|| u64::try_from(record.message.len()).unwrap_or(u64::MAX)),
        digest: message,
        is_kept,
    });
    let mut attachments = Vec::new();
    let mut outcome = Ok(());
    for (index, (_, content)) in record.attachments.iter().enumerate() {
        let name = attachment_uri(index);
        let computed = match content.is_withheld() {
            true => Ok(*content.digest()),
            false => content.digest_again(),
        };
        match computed {
            Ok(digest) => {
                if digest != *content.digest() {
                    outcome = Err(format!("{name} is not what was logged"));
                }
                verdict.parts.push(Part {
                    name,
                    bytes: Some(content.len()),
                    digest,
                    is_kept: !content.is_withheld(),
                });
                attachments.push(digest);
            }
            Err(error) => {
                verdict.add(Subject::Contents, Err(reason(&error)));
                return None;
            }
        }
    }
    match outcome {
        Ok(()) if !verdict.bodies_kept() => {
            verdict.add_unchecked(Subject::Contents, BODY_NOT_KEPT);
        }
        outcome => verdict.add(Subject::Contents, outcome),
    }
    Some(Parts {
        message,
        attachments,
    })
}

fn seal_of(record: &Record) -> Seal {
    let chain = record
        .hash_chain_result
        .clone()
        .zip(record.hash_chain.clone());
    Seal {
        signature: record.signature.clone(),
        chain,
    }
}

/// The signed message says the same as the record that is searched and shown.
fn message(record: &Record) -> Result<(), String> {
    let said = Said::of(record)?;
    let same = [
        ("client", said.client.as_ref() == Some(&record.client)),
        ("service", said.service.as_ref() == Some(&record.service)),
        ("query id", said.message_id == record.message_id),
        (
            "request id",
            said.request_id.is_none() || said.request_id == record.request_id,
        ),
        (
            "user",
            said.request_only
                .as_ref()
                .is_none_or(|(user, _)| *user == record.user_id),
        ),
        (
            "case",
            said.request_only
                .as_ref()
                .is_none_or(|(_, issue)| *issue == record.issue),
        ),
    ];
    let differs = same.into_iter().find(|(_, same)| !same);
    let field = differs.map(|(field, _)| field).or_else(|| {
        let (noted, stated) = (record.basis.as_deref()?, said.basis.as_ref()?);
        basis_differs(noted, stated)
    });
    match field {
        None => Ok(()),
        Some(field) => Err(format!("the message names another {field} than the record")),
    }
}

/// What was noted of the basis and is not what the message states. A purpose that was not stated
/// may come from the access right; what was stated and not needed need not have been noted.
fn basis_differs(
    noted: &Basis,
    stated: &Result<Stated, gateway_proto::basis::Error>,
) -> Option<&'static str> {
    let Ok(stated) = stated else {
        return Some("legal basis");
    };
    let consent = |consent: &Consent| {
        stated.consent.as_ref().is_some_and(|text| {
            Digest::of(consent.digest.algorithm(), text.as_bytes()) == consent.digest
        })
    };
    let same = [
        (
            "purpose",
            stated.purpose.is_none() || stated.purpose == noted.purpose,
        ),
        ("consent", noted.consent.as_ref().is_none_or(consent)),
        (
            "emergency",
            noted.emergency.is_none() || stated.emergency == noted.emergency,
        ),
        (
            "authentication",
            noted.authentication.is_none() || stated.authentication == noted.authentication,
        ),
    ];
    let differs = same.into_iter().find(|(_, same)| !same);
    differs.map(|(field, _)| field)
}

/// What the bytes of a message say.
struct Said {
    client: Option<ClientId>,
    service: Option<ServiceId>,
    message_id: String,
    request_id: Option<String>,
    /// User and case: responses may leave them out.
    request_only: Option<(Option<String>, Option<String>)>,
    /// The legal basis, of requests kept whole: reduced forms leave it out.
    basis: Option<Result<Stated, gateway_proto::basis::Error>>,
}

impl Said {
    fn of(record: &Record) -> Result<Self, String> {
        let is_whole = record.message_digest.is_none();
        match (record.protocol, record.direction) {
            (Protocol::Soap, direction) => {
                let header = soap_header(record)?;
                Ok(Self {
                    client: Some(header.client),
                    service: Some(header.service),
                    message_id: header.id,
                    request_id: None,
                    request_only: match direction {
                        Direction::Request => Some((header.user_id, header.issue)),
                        Direction::Response => None,
                    },
                    basis: (direction == Direction::Request && is_whole).then_some(header.basis),
                })
            }
            (Protocol::Rest, Direction::Request) => {
                let request = rest::Request::from_block(record.message.clone())
                    .map_err(|error| reason(&error))?;
                let owned = |text: Option<&str>| text.map(str::to_owned);
                Ok(Self {
                    client: Some(request.client().clone()),
                    service: Some(request.service().clone()),
                    message_id: request.id().to_owned(),
                    request_id: Some(request.request_id().to_owned()),
                    request_only: Some((owned(request.user_id()), owned(request.issue()))),
                    basis: is_whole.then(|| request.basis()),
                })
            }
            (Protocol::Rest, Direction::Response) => {
                let response = rest::Response::from_block(record.message.clone())
                    .map_err(|error| reason(&error))?;
                let header = |name| response.header(name);
                Ok(Self {
                    client: header("x-road-client").and_then(|text| ClientId::from_rest(text).ok()),
                    service: header("x-road-service")
                        .and_then(|text| ServiceId::from_rest(text).ok()),
                    message_id: header("x-road-id").unwrap_or_default().to_owned(),
                    request_id: header("x-road-request-id").map(str::to_owned),
                    request_only: None,
                    basis: None,
                })
            }
        }
    }
}

/// The header of a logged SOAP message, as its bytes say.
pub(super) fn soap_header(record: &Record) -> Result<soap::Header, String> {
    let mut limits = Limits::default();
    // What was taken then is read now, whatever the default has become.
    limits.soap_bytes_max = limits.soap_bytes_max.max(record.message.len());
    match soap::parse(record.message.clone(), &record.content_type, &limits) {
        Ok(soap::Parsed::Message(message)) => Ok(message.header().clone()),
        Ok(soap::Parsed::Fault(_)) => Err("the message is a fault".to_owned()),
        Err(error) => Err(reason(&error)),
    }
}

fn signer_of(signature: &Signature) -> Signer {
    let certificate = signature.signing_certificate();
    Signer {
        subject: certificate.subject().rfc2253(),
        issuer: certificate.issuer().rfc2253(),
        serial: certificate.serial_decimal(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        member: None,
        ocsp_produced_at: signature
            .ocsp_responses()
            .first()
            .map(|ocsp| ocsp.produced_at()),
        signing_time: signature.signing_time(),
    }
}

/// By the configuration of the day; when that one does not accept the signer, by the one that had
/// just been replaced.
fn judge_signer(
    record: &Record,
    signature: &Signature,
    history: &ConfHistory,
    verdict: &mut Verdict,
) {
    let candidates = match history.at(record.time) {
        Ok(candidates) => candidates,
        Err(error) => {
            verdict.add_unchecked(Subject::Signer, &reason(&error));
            verdict.add_unchecked(Subject::Trust, &reason(&error));
            return;
        }
    };
    let mut judged: Vec<(InUse, Judgement)> = candidates
        .into_iter()
        .map(|in_use| {
            let judgement = judge_by(record, signature, &in_use.snapshot);
            (in_use, judgement)
        })
        .collect();
    let best = judged
        .iter()
        .position(|(_, judgement)| judgement.holds())
        .unwrap_or(0);
    if judged.is_empty() {
        let reason = "no configuration of that day was kept";
        verdict.add_unchecked(Subject::Signer, reason);
        verdict.add_unchecked(Subject::Trust, reason);
        return;
    }
    let (
        in_use,
        Judgement {
            member,
            signer,
            trust,
        },
    ) = judged.swap_remove(best);
    verdict.configuration = Some(in_use.hash);
    if let Some(signer) = verdict.signer.as_mut() {
        signer.member = member;
    }
    verdict.add(Subject::Signer, signer);
    verdict.add(Subject::Trust, trust);
}

struct Judgement {
    member: Option<MemberId>,
    signer: Result<(), String>,
    trust: Result<(), String>,
}

impl Judgement {
    fn holds(&self) -> bool {
        self.signer.is_ok() && self.trust.is_ok()
    }
}

fn judge_by(record: &Record, signature: &Signature, snapshot: &Snapshot) -> Judgement {
    let expected = expected_signer(record.direction, &record.client, &record.service);
    let certificate = signature.signing_certificate();
    let instance = expected.instance();
    let issuer = snapshot
        .issuer(instance, certificate)
        .filter(|issuer| !issuer.authentication_only);
    let Some(issuer) = issuer else {
        let reason = format!("its issuer is approved for no signatures in instance {instance}");
        return Judgement {
            member: None,
            signer: Err(reason.clone()),
            trust: Err(reason),
        };
    };
    let Some(profile) = issuer.profile else {
        let reason = "the profile of its issuer's certificates is unknown".to_owned();
        return Judgement {
            member: None,
            signer: Err(reason.clone()),
            trust: Err(reason),
        };
    };
    let named = profile.member_name(certificate, instance);
    let member = named
        .as_ref()
        .ok()
        .and_then(|name| MemberId::new(&name.instance, &name.member_class, &name.member_code).ok());
    let signer = match (&member, &named) {
        (Some(member), _) if member == expected => Ok(()),
        (Some(member), _) => Err(format!("the certificate is {member}'s, not {expected}'s")),
        (None, Err(error)) => Err(reason(error)),
        (None, Ok(_)) => Err("the certificate names no member".to_owned()),
    };
    let policy = snapshot.ocsp_policy(issuer);
    let trust = verify_trust(signature, &issuer.certificate, &policy, record.time)
        .map(|_| ())
        .map_err(|error| reason(&error));
    Judgement {
        member,
        signer,
        trust,
    }
}

/// An error with all that caused it, on one line.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// What cannot be checked where only digests were kept.
const BODY_NOT_KEPT: &str = "the body was not kept, only its digest";
