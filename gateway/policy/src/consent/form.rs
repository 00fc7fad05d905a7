//! The form of an artefact beyond its fields: bounds, and what contradicts itself.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Artefact, ENTRIES_MAX, FORMAT, Proof, TEXT_BYTES_MAX};

/// Whether the artefact keeps the form.
pub(super) fn is_kept(artefact: &Artefact) -> bool {
    artefact.format == FORMAT
        && is_text(&artefact.instance)
        && !artefact.services.is_empty()
        && is_list(&artefact.services)
        && is_text(&artefact.purpose)
        && is_list(&artefact.categories)
        && are_times_kept(artefact)
        && is_data_range_kept(artefact)
        && artefact
            .frequency
            .is_none_or(|frequency| frequency.count > 0 && frequency.seconds > 0)
        && is_acting_kept(artefact)
        && artefact.predecessor.as_deref().is_none_or(is_digest)
        && is_proof_kept(&artefact.proof)
}

fn are_times_kept(artefact: &Artefact) -> bool {
    let times = [
        artefact.issued_at,
        artefact.valid_from,
        artefact.valid_until,
    ];
    times.into_iter().all(is_whole) && artefact.valid_from < artefact.valid_until
}

fn is_data_range_kept(artefact: &Artefact) -> bool {
    let (from, until) = (&artefact.data_from, &artefact.data_until);
    let (Some(from), Some(until)) = (read_date(from), read_date(until)) else {
        return false;
    };
    match (from, until) {
        (Some(from), Some(until)) => from <= until,
        (Some(_) | None, None) | (None, Some(_)) => true,
    }
}

/// Nobody acts for himself.
fn is_acting_kept(artefact: &Artefact) -> bool {
    match &artefact.acting_for {
        Some(acting) => acting.actor != artefact.subject && is_text(&acting.evidence),
        None => true,
    }
}

fn is_proof_kept(proof: &Proof) -> bool {
    match proof {
        Proof::SignedDocument { sha256, media_type } => is_digest(sha256) && is_text(media_type),
        Proof::Attestation { level, at, .. } => is_text(level) && is_whole(*at),
    }
}

fn is_list(texts: &[String]) -> bool {
    texts.len() <= ENTRIES_MAX && texts.iter().all(|text| is_text(text))
}

fn is_text(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX && !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// SHA-256 in lower-case hexadecimal.
fn is_digest(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_whole(time: Timestamp) -> bool {
    time.subsec_nanosecond() == 0
}

/// The date of a bound, `Some(None)` where there is none; `None` when it is not written
/// `YYYY-MM-DD`.
fn read_date(text: &Option<String>) -> Option<Option<Date>> {
    match text {
        Some(text) => {
            let date: Date = text.parse().ok()?;
            (date.to_string() == *text).then_some(Some(date))
        }
        None => Some(None),
    }
}
