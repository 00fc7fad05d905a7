//! Reading consents: one, those of a person, those of a consumer.

use std::ops::Bound;

use gateway_policy::consent;
use gateway_policy::person::PersonKey;
use gateway_policy::rules::Rules;
use gateway_store::tree::{ReadTx, Tree};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Row, Step};
use crate::answer::{Answer, Consents, Passed};
use crate::request::Find;
use crate::trees::{self, BY_CONSUMER, BY_PERSON, CONSENTS, DOCUMENTS, HISTORY, Place};
use crate::{Caller, Desk, Error, Refusal, bounds, marks};

impl Desk {
    /// One, with artefact and history: for its consumer and for portals.
    pub(crate) fn read(
        &self,
        caller: &Caller,
        id: Uuid,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let (row, history) = self.store.try_read(|tx| {
            let row = self.row(tx, id)?.ok_or(Refusal::ConsentUnknown)?;
            let mut history = Vec::new();
            for pair in tx.prefix(HISTORY, id.as_bytes())? {
                let (key, stored) = pair?;
                history.push(self.vault.get::<Step>(HISTORY, &key, &stored)?);
            }
            Ok::<_, Refusal>((row, history))
        })?;
        if row.consumer != caller.client && !is_portal(caller, rules) {
            return Err(Refusal::ConsentUnknown);
        }
        let mut told = row.told(now);
        told.artefact = row.standing(now).artefact;
        told.history = history.into_iter().map(passed).collect();
        Ok(Answer::Consent(Box::new(told)))
    }

    /// Many, the newest first.
    pub(crate) fn find(
        &self,
        caller: &Caller,
        find: &Find,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let max = bounds::page(find.max)?;
        let after = find.after.as_deref().map(read_place).transpose()?;
        let person = match &find.person {
            Some(_) if !is_portal(caller, rules) => return Err(Refusal::NotPortal),
            Some(person) => Some(person.read("person", rules.alphabet())?),
            None => None,
        };
        let (rows, next) = self.store.try_read(|tx| {
            let mut places = match &person {
                Some(person) => self.places_of(tx, person, after.as_ref(), max)?,
                None => {
                    let consumer = trees::client(&caller.client);
                    behind(tx, BY_CONSUMER, &consumer, after.as_ref(), max)?
                }
            };
            let more = places.len() > max;
            places.truncate(max);
            let next = places.last().filter(|_| more).map(hex::encode);
            let mut rows = Vec::new();
            for place in &places {
                let id = trees::id_of(place, CONSENTS)?;
                // Rows and what points to them change in one transaction.
                let row = self.row(tx, id)?;
                rows.push(row.ok_or(Error::Row {
                    tree: CONSENTS.name(),
                })?);
            }
            Ok::<_, Refusal>((rows, next))
        })?;
        Ok(Answer::Consents(Consents {
            consents: rows.iter().map(|row| row.told(now)).collect(),
            next,
        }))
    }

    /// A signed document by which a will of this consent was proved, as it came. For the operator,
    /// when somebody has to judge its signature; callers are not given it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn document(&self, id: Uuid, sha256: &str) -> Result<Option<Vec<u8>>, Error> {
        self.store.try_read(|tx| {
            for pair in tx.prefix(HISTORY, id.as_bytes())? {
                let (key, stored) = pair?;
                let step: Step = self.vault.get(HISTORY, &key, &stored)?;
                let Some(consent::Proof::SignedDocument { sha256: found, .. }) = step.proof else {
                    continue;
                };
                if let Some(stored) = tx.get(DOCUMENTS, &key)?.filter(|_| found == sha256) {
                    return self.vault.open(DOCUMENTS, &key, &stored).map(Some);
                }
            }
            Ok(None)
        })
    }

    /// Under each hash key, since what was marked anew and what was not belong to one list.
    fn places_of(
        &self,
        tx: &ReadTx,
        person: &PersonKey,
        after: Option<&Place>,
        max: usize,
    ) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        for key in self.keys.hash.all() {
            let mark = marks::person(key, person);
            places.extend(behind(tx, BY_PERSON, &mark, after, max)?);
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    fn row(&self, tx: &ReadTx, id: Uuid) -> Result<Option<Row>, Error> {
        tx.get(CONSENTS, id.as_bytes())?
            .map(|stored| self.vault.get(CONSENTS, id.as_bytes(), &stored))
            .transpose()
    }
}

/// The places behind one under a prefix: as many as a page has, and one more if there is one.
fn behind(
    tx: &ReadTx,
    tree: Tree,
    prefix: &[u8],
    after: Option<&Place>,
    max: usize,
) -> Result<Vec<Place>, Error> {
    let pairs = match after {
        Some(after) => {
            let from = [prefix, after].concat();
            let last = [prefix, LAST_PLACE.as_slice()].concat();
            tx.range(
                tree,
                (
                    Bound::Excluded(from.as_slice()),
                    Bound::Included(last.as_slice()),
                ),
            )?
        }
        None => tx.prefix(tree, prefix)?,
    };
    pairs
        .take(max.saturating_add(1))
        .map(|pair| {
            let (key, _) = pair?;
            let place = key.last_chunk::<24>();
            place.copied().ok_or(Error::Row { tree: tree.name() })
        })
        .collect()
}

fn read_place(text: &str) -> Result<Place, Refusal> {
    let mut place = LAST_PLACE;
    match hex::decode_to_slice(text, &mut place) {
        Ok(()) if place != LAST_PLACE => Ok(place),
        Ok(()) | Err(_) => Err(Refusal::Field {
            field: "after",
            takes: "what the page before gave as next",
        }),
    }
}

fn is_portal(caller: &Caller, rules: &Rules) -> bool {
    rules.part().settings.portals.contains(&caller.client)
}

/// Who acted is told; persons and users are not.
fn passed(step: Step) -> Passed {
    let (proof, document) = match step.proof {
        Some(consent::Proof::Attestation { .. }) => (Some("attestation"), None),
        Some(consent::Proof::SignedDocument { sha256, .. }) => {
            (Some("signed-document"), Some(sha256))
        }
        None => (None, None),
    };
    Passed {
        at: step.at,
        state: step.state,
        by: step.by,
        message_id: step.message_id,
        proof,
        document,
    }
}

/// Behind all others.
const LAST_PLACE: Place = [0xff; 24];
