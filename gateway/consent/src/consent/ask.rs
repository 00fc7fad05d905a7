//! A consumer asks for a consent.

use certs_keys::random_bytes;
use gateway_policy::consent::{ENTRIES_MAX, digest};
use gateway_policy::rules::{Frequency, Rules};
use gateway_store::tree::WriteTx;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::{Builder, Uuid};

use super::{Predecessor, Row, Step, Validity, load, possible, save};
use crate::answer::{Answer, State};
use crate::request::Ask;
use crate::trees::WAITING;
use crate::{Caller, Desk, Refusal, Settings, bounds, marks};

impl Desk {
    /// Takes a request for the caller itself; the person is asked by a portal.
    pub(crate) fn ask(
        &self,
        caller: &Caller,
        ask: &Ask,
        rules: &Rules,
        settings: &Settings<'_>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let now = bounds::whole(now)?;
        let mut row = requested(caller, ask, rules, now)?;
        possible::check(&row, rules, settings.directory, now)?;
        let row = self.store.try_write(|tx| {
            self.check_waiting(tx, &row)?;
            row.predecessor = match ask.predecessor {
                Some(id) => Some(self.predecessor(tx, &row, id)?),
                None => None,
            };
            let step = Step::by(caller, State::Requested, now);
            let saved = save(tx, &self.vault, &self.keys.hash, None, row, &step, None)?;
            Ok::<_, Refusal>(saved)
        })?;
        tracing::info!(consent = %row.id, "consent requested");
        Ok(Answer::Asked(row.standing(now)))
    }

    /// Nobody fills the list of a person.
    fn check_waiting(&self, tx: &WriteTx<'_>, row: &Row) -> Result<(), Refusal> {
        let mut count = 0_usize;
        for key in self.keys.hash.all() {
            let mark = marks::waiting(key, &row.subject, &row.consumer);
            count = count.saturating_add(tx.prefix(WAITING, mark)?.len());
        }
        match count < WAITING_MAX {
            true => Ok(()),
            false => Err(Refusal::TooManyWaiting {
                count_max: WAITING_MAX,
            }),
        }
    }

    /// The consent that this one is to follow: of the same parties, and followed by no other.
    fn predecessor(&self, tx: &WriteTx<'_>, row: &Row, id: Uuid) -> Result<Predecessor, Refusal> {
        let before = load(tx, &self.vault, id)?.filter(|before| {
            before.consumer == row.consumer
                && before.provider == row.provider
                && before.subject == row.subject
        });
        let before = before.ok_or(Refusal::PredecessorUnknown)?;
        let agreed = before.agreed.ok_or(Refusal::PredecessorUnknown)?;
        match before.successor {
            Some(_) => Err(Refusal::PredecessorFollowed),
            None => Ok(Predecessor {
                id,
                sha256: hex::encode(digest(&agreed.artefact).as_bytes()),
            }),
        }
    }
}

/// What is asked, when it is well-formed.
pub(super) fn requested(
    caller: &Caller,
    ask: &Ask,
    rules: &Rules,
    now: Timestamp,
) -> Result<Row, Refusal> {
    check_codes("services", &ask.services)?;
    check_codes("categories", &ask.categories)?;
    bounds::text("purpose", &ask.purpose)?;
    check_dates(ask)?;
    if let Some(Frequency { count, seconds }) = ask.frequency
        && (count == 0 || seconds == 0 || seconds > bounds::SECONDS_MAX)
    {
        return Err(Refusal::Field {
            field: "frequency",
            takes: "a count and seconds of at least 1, and ten years at most",
        });
    }
    if ask
        .data_life_seconds
        .is_some_and(|seconds| seconds > bounds::SECONDS_MAX)
    {
        return Err(Refusal::Field {
            field: "data_life_seconds",
            takes: "ten years at most",
        });
    }
    Ok(Row {
        id: Builder::from_random_bytes(random_bytes()).into_uuid(),
        state: State::Requested,
        subject: ask.subject.read("subject", rules.alphabet())?,
        actor: None,
        relation: None,
        consumer: caller.client.clone(),
        provider: ask.provider.clone(),
        services: ask.services.clone(),
        purpose: ask.purpose.clone(),
        categories: ask.categories.clone(),
        data_from: ask.data_from.clone(),
        data_until: ask.data_until.clone(),
        validity: validity(ask, now)?,
        frequency: ask.frequency,
        single_use: ask.single_use,
        data_life_seconds: ask.data_life_seconds,
        requested_at: now,
        answer_until: bounds::later(now, ANSWER_SECONDS)?,
        predecessor: None,
        successor: None,
        agreed: None,
        ended_at: None,
        changes: 0,
    })
}

fn validity(ask: &Ask, now: Timestamp) -> Result<Validity, Refusal> {
    match (ask.valid_seconds, ask.valid_until) {
        (Some(0), None) => Err(Refusal::ValidityPast),
        (Some(seconds), None) if seconds > VALID_SECONDS_MAX => Err(Refusal::ValidityTooLong {
            seconds_max: VALID_SECONDS_MAX,
        }),
        (Some(seconds), None) => Ok(Validity::Seconds(seconds)),
        (None, Some(until)) => {
            let until = bounds::whole(until)?;
            if until <= now {
                return Err(Refusal::ValidityPast);
            }
            match until > bounds::later(now, VALID_SECONDS_MAX)? {
                true => Err(Refusal::ValidityTooLong {
                    seconds_max: VALID_SECONDS_MAX,
                }),
                false => Ok(Validity::Until(until)),
            }
        }
        (Some(_), Some(_)) | (None, None) => Err(Refusal::Field {
            field: "valid_seconds",
            takes: "how long the consent is to hold, unless valid_until says it: one of the two",
        }),
    }
}

fn check_codes(field: &'static str, codes: &[String]) -> Result<(), Refusal> {
    let distinct =
        |(count, code): (usize, &String)| !codes.iter().take(count).any(|other| other == code);
    if codes.is_empty() || codes.len() > ENTRIES_MAX || !codes.iter().enumerate().all(distinct) {
        return Err(Refusal::Field {
            field,
            takes: "1 to 32 codes, each once",
        });
    }
    codes.iter().try_for_each(|code| bounds::text(field, code))
}

fn check_dates(ask: &Ask) -> Result<(), Refusal> {
    let from = date("data_from", ask.data_from.as_deref())?;
    let until = date("data_until", ask.data_until.as_deref())?;
    match (from, until) {
        (Some(from), Some(until)) if until < from => Err(Refusal::Field {
            field: "data_until",
            takes: "a day that is not before data_from",
        }),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn date(field: &'static str, text: Option<&str>) -> Result<Option<Date>, Refusal> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.parse::<Date>() {
        Ok(date) if date.to_string() == text => Ok(Some(date)),
        Ok(_) | Err(_) => Err(Refusal::Field {
            field,
            takes: "a day, as 2026-11-22",
        }),
    }
}

/// Requests of one consumer that may wait for one person.
pub(crate) const WAITING_MAX: usize = 10;
/// How long a person has for the answer: 30 days.
const ANSWER_SECONDS: u64 = 30 * 24 * 3600;
/// The longest that a consent holds: five years.
pub(crate) const VALID_SECONDS_MAX: u64 = 5 * 366 * 24 * 3600;
