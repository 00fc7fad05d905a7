//! Cases of consumers: while one is open, rules may let its consumer ask about its persons.

use certs_keys::random_bytes;
use gateway_policy::feed::{Event, case_digest, person_mark};
use gateway_policy::locate::PERSONS_MAX;
use gateway_policy::rules::{CaseLimit, Rules};
use gateway_proto::id::ClientId;
use gateway_store::tree::WriteTx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Case};
use crate::consent::names;
use crate::request::{CloseCase, OpenCase};
use crate::trees::{self, CASE_ENDS, CASES};
use crate::{Caller, Desk, Error, Refusal, Settings, bounds, feed};

/// A case as it is kept: not about whom, that is the consumer's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    client: ClientId,
    user: Option<String>,
    message_id: Option<String>,
    opened_at: Timestamp,
    ends: Timestamp,
    closed_at: Option<Timestamp>,
}

impl Row {
    fn is_open(&self, now: Timestamp) -> bool {
        self.closed_at.is_none() && now < self.ends
    }

    /// When it ended or will end.
    fn end(&self) -> Timestamp {
        self.closed_at.unwrap_or(self.ends)
    }
}

impl Desk {
    /// Opens a case of the caller; one that is open becomes as it is said now.
    pub(crate) fn open_case(
        &self,
        caller: &Caller,
        case: &OpenCase,
        rules: &Rules,
        settings: &Settings<'_>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        bounds::text("case", &case.case)?;
        if !(1..=CASE_SECONDS_MAX).contains(&case.valid_seconds) {
            return Err(Refusal::Field {
                field: "valid_seconds",
                takes: "1 to 31622400: a year",
            });
        }
        if !(1..=PERSONS_MAX).contains(&case.persons.len()) {
            return Err(Refusal::Field {
                field: "persons",
                takes: "1 to 64 persons",
            });
        }
        let asks_for_cases = rules.part().rules.iter().any(|rule| {
            rule.limits.case == CaseLimit::Open
                && names(&rule.consumers, &caller.client, settings.directory)
        });
        if !asks_for_cases {
            return Err(Refusal::NoCaseRule);
        }
        let now = bounds::whole(now)?;
        let ends = bounds::later(now, case.valid_seconds)?;
        let digest = case_digest(&caller.client, &case.case);
        let event = opened(case, digest, ends, rules)?;
        let (was_open, number) = self.store.try_write(|tx| {
            let before = self.case(tx, digest)?;
            let was_open = before.as_ref().is_some_and(|before| before.is_open(now));
            let after = Row {
                client: caller.client.clone(),
                user: caller.user.clone(),
                message_id: caller.message_id.clone(),
                opened_at: now,
                ends,
                closed_at: None,
            };
            self.put_case(tx, digest, before.as_ref(), &after)?;
            Ok::<_, Error>((was_open, feed::append(tx, event)?))
        })?;
        self.told(number);
        tracing::info!(client = %caller.client, number, was_open, "case opened");
        Ok(Answer::Case(Case {
            state: "open",
            was_open,
            until: Some(ends),
        }))
    }

    /// Closes a case of the caller. One that is not open is closed.
    pub(crate) fn close_case(
        &self,
        caller: &Caller,
        case: &CloseCase,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        bounds::text("case", &case.case)?;
        let now = bounds::whole(now)?;
        let digest = case_digest(&caller.client, &case.case);
        let number = self.store.try_write(|tx| {
            let before = self.case(tx, digest)?;
            let Some(before) = before.filter(|before| before.is_open(now)) else {
                return Ok::<_, Error>(None);
            };
            let mut after = before.clone();
            after.closed_at = Some(now);
            self.put_case(tx, digest, Some(&before), &after)?;
            let event = Event::CaseClosed {
                case: hex::encode(digest),
            };
            Ok(Some(feed::append(tx, event)?))
        })?;
        if let Some(number) = number {
            self.told(number);
            tracing::info!(client = %caller.client, number, "case closed");
        }
        Ok(Answer::Case(Case {
            state: "closed",
            was_open: number.is_some(),
            until: None,
        }))
    }

    fn case(&self, tx: &WriteTx<'_>, digest: [u8; 32]) -> Result<Option<Row>, Error> {
        tx.get(CASES, digest)?
            .map(|stored| self.vault.get(CASES, &digest, &stored))
            .transpose()
    }

    fn put_case(
        &self,
        tx: &WriteTx<'_>,
        digest: [u8; 32],
        before: Option<&Row>,
        after: &Row,
    ) -> Result<(), Error> {
        let pointer = |row: &Row| [trees::second(row.end()).as_slice(), &digest].concat();
        if let Some(before) = before {
            tx.delete(CASE_ENDS, pointer(before))?;
        }
        tx.put(CASE_ENDS, pointer(after), [])?;
        tx.put(CASES, digest, self.vault.put(CASES, &digest, after)?)?;
        Ok(())
    }
}

/// What nodes hear: marks under fresh salt, sorted so that their order tells nothing.
fn opened(
    case: &OpenCase,
    digest: [u8; 32],
    ends: Timestamp,
    rules: &Rules,
) -> Result<Event, Refusal> {
    let salt: [u8; 16] = random_bytes();
    let mut persons = Vec::new();
    for person in &case.persons {
        let person = person.read("persons", rules.alphabet())?;
        persons.push(person_mark(&salt, &person));
    }
    persons.sort_unstable();
    persons.dedup();
    Ok(Event::CaseOpened {
        case: hex::encode(digest),
        salt: hex::encode(salt),
        persons,
        ends: ends.as_second(),
    })
}

/// The longest that a case is open without being opened again: a year.
const CASE_SECONDS_MAX: u64 = 366 * 24 * 3600;
