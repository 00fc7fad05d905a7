//! The life of a consent: what is kept of it, and what points to it.

mod ask;
mod bulk;
mod change;
mod find;
mod possible;
mod will;

use std::collections::BTreeSet;
use std::fmt;

use gateway_policy::consent::{self, Relation};
use gateway_policy::person::PersonKey;
use gateway_policy::rules::Frequency;
use gateway_proto::id::ClientId;
use gateway_store::tree::{Tree, WriteTx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::answer::{self, Standing, State};
use crate::trees::{BY_CONSUMER, BY_PERSON, CONSENTS, DOCUMENTS, ENDED, ENDS, HISTORY, WAITING};
use crate::vault::Vault;
use crate::{Caller, Error, HashKeys, marks, trees};

pub use bulk::Granted;
pub(crate) use possible::names;

/// A request or consent as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) state: State,
    pub(crate) subject: PersonKey,
    /// Who agreed, when that is not the subject.
    pub(crate) actor: Option<PersonKey>,
    pub(crate) relation: Option<Relation>,
    pub(crate) consumer: ClientId,
    pub(crate) provider: ClientId,
    pub(crate) services: Vec<String>,
    pub(crate) purpose: String,
    pub(crate) categories: Vec<String>,
    pub(crate) data_from: Option<String>,
    pub(crate) data_until: Option<String>,
    pub(crate) validity: Validity,
    pub(crate) frequency: Option<Frequency>,
    pub(crate) single_use: bool,
    pub(crate) data_life_seconds: Option<u64>,
    pub(crate) requested_at: Timestamp,
    /// Nobody may answer from then on.
    pub(crate) answer_until: Timestamp,
    pub(crate) predecessor: Option<Predecessor>,
    pub(crate) successor: Option<Uuid>,
    /// From the approval on.
    pub(crate) agreed: Option<Agreed>,
    /// When it came to an end of its states.
    pub(crate) ended_at: Option<Timestamp>,
    /// How many changes stand in its history.
    pub(crate) changes: u32,
}

/// For how long it is asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Validity {
    Seconds(u64),
    Until(Timestamp),
}

/// What it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Predecessor {
    pub(crate) id: Uuid,
    /// SHA-256 of its artefact, in hex.
    pub(crate) sha256: String,
}

/// What the approval made. `Debug` hides the artefact.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Agreed {
    pub(crate) artefact: String,
    pub(crate) valid_from: Timestamp,
    pub(crate) valid_until: Timestamp,
}

/// One change in its history.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) at: Timestamp,
    pub(crate) state: State,
    /// Missing: the desk, because its time was over.
    pub(crate) by: Option<ClientId>,
    pub(crate) user: Option<String>,
    pub(crate) message_id: Option<String>,
    /// Whose will it was.
    pub(crate) person: Option<PersonKey>,
    pub(crate) acting_for: Option<consent::ActingFor>,
    pub(crate) proof: Option<consent::Proof>,
}

impl Row {
    /// Its state now: the desk may not have noticed yet that its time is over.
    pub(crate) fn state_at(&self, now: Timestamp) -> State {
        match self.over_at() {
            Some(over) if over <= now => State::Expired,
            Some(_) | None => self.state,
        }
    }

    /// When its time will be over; `None` when it has ended.
    pub(crate) fn over_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Requested => Some(self.answer_until),
            State::Active | State::Paused => self.agreed.as_ref().map(|agreed| agreed.valid_until),
            State::Revoked | State::Expired | State::Declined => None,
        }
    }

    /// Makes it this state.
    pub(crate) fn become_state(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.ended_at = state.is_end().then_some(at);
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let state = self.state_at(now);
        let artefact = self.agreed.as_ref().map(|agreed| agreed.artefact.clone());
        Standing {
            id: self.id,
            state,
            artefact: artefact.filter(|_| state == State::Active),
        }
    }

    /// What is told of it, without artefact and history.
    pub(crate) fn told(&self, now: Timestamp) -> answer::Consent {
        let agreed = self.agreed.as_ref();
        let (valid_seconds, asked_until) = match self.validity {
            Validity::Seconds(seconds) => (Some(seconds), None),
            Validity::Until(until) => (None, Some(until)),
        };
        answer::Consent {
            id: self.id,
            state: self.state_at(now),
            subject: self.subject.clone(),
            consumer: self.consumer.clone(),
            provider: self.provider.clone(),
            services: self.services.clone(),
            purpose: self.purpose.clone(),
            categories: self.categories.clone(),
            data_from: self.data_from.clone(),
            data_until: self.data_until.clone(),
            frequency: self.frequency,
            single_use: self.single_use,
            data_life_seconds: self.data_life_seconds,
            requested_at: self.requested_at,
            answer_until: self.answer_until,
            valid_seconds,
            valid_from: agreed.map(|agreed| agreed.valid_from),
            valid_until: agreed.map(|agreed| agreed.valid_until).or(asked_until),
            acting_for: self.relation,
            predecessor: self.predecessor.as_ref().map(|predecessor| predecessor.id),
            successor: self.successor,
            artefact: None,
            history: Vec::new(),
        }
    }

    /// What points to it, with persons under this hash key.
    fn pointers(&self, key: &(u32, certs_keys::SecretKey)) -> BTreeSet<(&'static str, Vec<u8>)> {
        let id = self.id.as_bytes().as_slice();
        let place = trees::place(self.requested_at, self.id);
        let mut pointers = BTreeSet::new();
        let mut add = |tree: Tree, parts: &[&[u8]]| {
            pointers.insert((tree.name(), parts.concat()));
        };
        add(BY_CONSUMER, &[&trees::client(&self.consumer), &place]);
        for person in std::iter::once(&self.subject).chain(&self.actor) {
            add(BY_PERSON, &[&marks::person(key, person), &place]);
        }
        if self.state == State::Requested {
            let mark = marks::waiting(key, &self.subject, &self.consumer);
            add(WAITING, &[&mark, id]);
        }
        if let Some(over) = self.over_at() {
            add(ENDS, &[&trees::second(over), id]);
        }
        if let Some(ended) = self.ended_at {
            add(ENDED, &[&trees::second(ended), id]);
        }
        pointers
    }
}

impl Step {
    /// A change by a caller.
    pub(crate) fn by(caller: &Caller, state: State, at: Timestamp) -> Self {
        Self {
            at,
            state,
            by: Some(caller.client.clone()),
            user: caller.user.clone(),
            message_id: caller.message_id.clone(),
            person: None,
            acting_for: None,
            proof: None,
        }
    }

    /// Its time was over.
    pub(crate) fn over(at: Timestamp) -> Self {
        Self {
            at,
            state: State::Expired,
            by: None,
            user: None,
            message_id: None,
            person: None,
            acting_for: None,
            proof: None,
        }
    }
}

impl fmt::Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreed")
            .field("valid_from", &self.valid_from)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("at", &self.at)
            .field("state", &self.state)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// Reads a consent.
pub(crate) fn load(tx: &WriteTx<'_>, vault: &Vault, id: Uuid) -> Result<Option<Row>, Error> {
    tx.get(CONSENTS, id.as_bytes())?
        .map(|stored| vault.get(CONSENTS, id.as_bytes(), &stored))
        .transpose()
}

/// Writes a consent as it is now, what points to it, and the change that made it so.
pub(crate) fn save(
    tx: &WriteTx<'_>,
    vault: &Vault,
    keys: &HashKeys,
    before: Option<&Row>,
    mut after: Row,
    step: &Step,
    document: Option<Vec<u8>>,
) -> Result<Row, Error> {
    let id = after.id;
    let key = trees::change(id, after.changes);
    after.changes = after.changes.saturating_add(1);
    tx.put(HISTORY, &key, vault.put(HISTORY, &key, step)?)?;
    if let Some(document) = document {
        tx.put(DOCUMENTS, &key, vault.seal(DOCUMENTS, &key, document)?)?;
    }
    point(tx, keys, before, Some(&after))?;
    put(tx, vault, &after)?;
    Ok(after)
}

/// Writes a consent in which nothing changed that is pointed at.
fn put(tx: &WriteTx<'_>, vault: &Vault, row: &Row) -> Result<(), Error> {
    let id = row.id.as_bytes();
    tx.put(CONSENTS, id, vault.put(CONSENTS, id, row)?)?;
    Ok(())
}

/// Forgets a consent with all that belongs to it.
pub(crate) fn forget(tx: &WriteTx<'_>, keys: &HashKeys, row: &Row) -> Result<(), Error> {
    point(tx, keys, Some(row), None)?;
    let changes: Vec<Vec<u8>> = (0..row.changes)
        .map(|number| trees::change(row.id, number))
        .collect();
    tx.delete_all(HISTORY, &changes)?;
    tx.delete_all(DOCUMENTS, &changes)?;
    tx.delete(CONSENTS, row.id.as_bytes())?;
    Ok(())
}

/// Moves what pointed to it before, under whichever hash key, to where it points now.
pub(crate) fn point(
    tx: &WriteTx<'_>,
    keys: &HashKeys,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<(), Error> {
    let old: BTreeSet<_> = before
        .into_iter()
        .flat_map(|row| keys.all().iter().flat_map(|key| row.pointers(key)))
        .collect();
    let new = after
        .map(|row| row.pointers(keys.current()))
        .unwrap_or_default();
    for tree in [BY_CONSUMER, BY_PERSON, WAITING, ENDS, ENDED] {
        let of_tree =
            |(name, key): &(&'static str, Vec<u8>)| (*name == tree.name()).then(|| key.clone());
        tx.delete_all(tree, old.difference(&new).filter_map(of_tree))?;
        tx.put_all(tree, new.iter().filter_map(of_tree).map(|key| (key, [])))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
