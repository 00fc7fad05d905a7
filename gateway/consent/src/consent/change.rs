//! What becomes of a request or consent: by the person's will, or because its consumer gives it up.
//!
//! What is so already is answered as done: a caller that did not hear the answer asks again. Only
//! an approval is not repeated; how the request stands can be read.

use gateway_policy::consent::{self, Artefact, FORMAT, sign, verify};
use gateway_policy::feed::Event;
use gateway_policy::jws;
use gateway_policy::rules::Rules;
use gateway_store::tree::WriteTx;
use jiff::Timestamp;
use uuid::Uuid;

use super::ask::VALID_SECONDS_MAX;
use super::will::{Actor, Willed};
use super::{Agreed, Row, Step, Validity, load, possible, put, save};
use crate::answer::{Answer, Standing, State};
use crate::request::{Action, Will};
use crate::{Caller, Desk, Error, Refusal, Settings, bounds, feed};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It is so.
    Already,
    To(State),
}

/// One change, ready to be made.
struct Change<'c> {
    caller: &'c Caller,
    action: Action,
    /// Missing: the consumer gives it up.
    will: Option<Willed>,
    rules: &'c Rules,
    settings: &'c Settings<'c>,
    now: Timestamp,
}

/// What was made of it.
struct Done {
    standing: Standing,
    /// The last entry of the feed, if there is a new one.
    number: Option<u64>,
}

impl Desk {
    /// Changes a request or consent.
    pub(crate) fn change(
        &self,
        caller: &Caller,
        id: Uuid,
        action: Action,
        will: Option<&Will>,
        rules: &Rules,
        settings: &Settings<'_>,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let now = bounds::whole(now)?;
        let will = match (will, action) {
            (Some(will), _) => Some(Willed::read(caller, will, rules, now)?),
            (None, Action::Revoke) => None,
            (None, Action::Approve | Action::Decline | Action::Pause | Action::Resume) => {
                return Err(Refusal::NotPortal);
            }
        };
        let change = Change {
            caller,
            action,
            will,
            rules,
            settings,
            now,
        };
        let done = self.store.try_write(|tx| self.carry_out(tx, id, change))?;
        if let Some(number) = done.number {
            self.told(number);
        }
        let state = done.standing.state.name();
        tracing::info!(consent = %id, action = action.name(), state, "consent changed");
        Ok(Answer::Changed(done.standing))
    }

    fn carry_out(
        &self,
        tx: &WriteTx<'_>,
        id: Uuid,
        mut change: Change<'_>,
    ) -> Result<Done, Refusal> {
        let row = load(tx, &self.vault, id)?.ok_or(Refusal::ConsentUnknown)?;
        let actor = change.actor(&row)?;
        let state = match next(row.state_at(change.now), change.action)? {
            Next::Already => {
                return Ok(Done {
                    standing: row.standing(change.now),
                    number: None,
                });
            }
            Next::To(state) => state,
        };
        let wavers = matches!(change.action, Action::Pause | Action::Resume);
        if wavers && row.changes >= CHANGES_MAX {
            return Err(Refusal::TooManyChanges {
                count_max: CHANGES_MAX,
            });
        }
        let document = change.will.as_mut().and_then(|will| will.document.take());
        let step = change.step(state, actor.as_ref());
        let mut after = row.clone();
        let mut number = None;
        if change.action == Action::Approve {
            number = self.approve(tx, &change, actor, &mut after, &step)?;
        }
        after.become_state(state, change.now);
        let keys = &self.keys.hash;
        let after = save(tx, &self.vault, keys, Some(&row), after, &step, document)?;
        if let Some(event) = event(&after).filter(|_| change.action != Action::Approve) {
            number = Some(feed::append(tx, event)?);
        }
        Ok(Done {
            standing: after.standing(change.now),
            number,
        })
    }

    /// Signs what the person agreed to, and ends what it follows.
    fn approve(
        &self,
        tx: &WriteTx<'_>,
        change: &Change<'_>,
        actor: Option<Actor>,
        row: &mut Row,
        step: &Step,
    ) -> Result<Option<u64>, Refusal> {
        let (rules, now) = (change.rules, change.now);
        possible::check(row, rules, change.settings.directory, now)?;
        let (Some(actor), Some(will)) = (actor, &change.will) else {
            return Err(Refusal::NotPortal);
        };
        let agreed = self.agree(row, actor, will.proof.clone(), now)?;
        // What no node would believe is not handed out.
        verify(&agreed.artefact, rules).map_err(|_| Refusal::KeyNotPublished)?;
        row.agreed = Some(agreed);
        self.end_predecessor(tx, row, step, now)
    }

    /// Notes who agreed, and signs to what.
    pub(super) fn agree(
        &self,
        row: &mut Row,
        actor: Actor,
        proof: consent::Proof,
        now: Timestamp,
    ) -> Result<Agreed, Refusal> {
        let acting_for = actor.acting_for;
        row.relation = acting_for.as_ref().map(|acting| acting.relation);
        row.actor = acting_for.as_ref().map(|acting| acting.actor.clone());
        let valid_until = valid_until(row.validity, now)?;
        let artefact = self.artefact(row, acting_for, proof, now, valid_until);
        let artefact = sign(&artefact, &self.keys.consent_kid, &self.keys.consent);
        let artefact = artefact.map_err(|error| match error {
            consent::Error::Jws(jws::Error::TooLong) => Refusal::ArtefactTooLong {
                bytes_max: consent::BYTES_MAX,
            },
            other => Refusal::Failed(Error::Artefact(other)),
        })?;
        Ok(Agreed {
            artefact,
            valid_from: now,
            valid_until,
        })
    }

    fn artefact(
        &self,
        row: &Row,
        acting_for: Option<consent::ActingFor>,
        proof: consent::Proof,
        now: Timestamp,
        valid_until: Timestamp,
    ) -> Artefact {
        Artefact {
            format: FORMAT.to_owned(),
            instance: self.instance.clone(),
            id: row.id,
            subject: row.subject.clone(),
            consumer: row.consumer.clone(),
            provider: row.provider.clone(),
            services: row.services.clone(),
            purpose: row.purpose.clone(),
            categories: row.categories.clone(),
            data_from: row.data_from.clone(),
            data_until: row.data_until.clone(),
            issued_at: now,
            valid_from: now,
            valid_until,
            frequency: row.frequency,
            single_use: row.single_use,
            data_life_seconds: row.data_life_seconds,
            acting_for,
            predecessor: row
                .predecessor
                .as_ref()
                .map(|predecessor| predecessor.sha256.clone()),
            proof,
        }
    }

    /// The person's new will takes the place of the one before. Where that is forgotten already,
    /// its digest is all that is left of it.
    fn end_predecessor(
        &self,
        tx: &WriteTx<'_>,
        row: &Row,
        step: &Step,
        now: Timestamp,
    ) -> Result<Option<u64>, Refusal> {
        let Some(predecessor) = &row.predecessor else {
            return Ok(None);
        };
        let Some(before) = load(tx, &self.vault, predecessor.id)? else {
            return Ok(None);
        };
        if before.successor.is_some() {
            return Err(Refusal::PredecessorFollowed);
        }
        let mut after = before.clone();
        after.successor = Some(row.id);
        if before.state_at(now).is_end() {
            put(tx, &self.vault, &after)?;
            return Ok(None);
        }
        after.become_state(State::Revoked, now);
        let step = Step {
            state: State::Revoked,
            ..step.clone()
        };
        let keys = &self.keys.hash;
        let after = save(tx, &self.vault, keys, Some(&before), after, &step, None)?;
        match event(&after) {
            Some(event) => Ok(Some(feed::append(tx, event)?)),
            None => Ok(None),
        }
    }
}

impl Change<'_> {
    /// Whose will it is; `None`: the consumer's, about its own.
    fn actor(&self, row: &Row) -> Result<Option<Actor>, Refusal> {
        match &self.will {
            Some(will) => will.actor(row, self.action).map(Some),
            None if self.caller.client == row.consumer => Ok(None),
            None => Err(Refusal::ConsentUnknown),
        }
    }

    fn step(&self, state: State, actor: Option<&Actor>) -> Step {
        Step {
            person: actor.map(|actor| actor.person.clone()),
            acting_for: actor.and_then(|actor| actor.acting_for.clone()),
            proof: self.will.as_ref().map(|will| will.proof.clone()),
            ..Step::by(self.caller, state, self.now)
        }
    }
}

/// The life of a consent: which action leads from which state where.
fn next(state: State, action: Action) -> Result<Next, Refusal> {
    match (state, action) {
        (State::Requested, Action::Approve) | (State::Paused, Action::Resume) => {
            Ok(Next::To(State::Active))
        }
        (State::Requested, Action::Decline) => Ok(Next::To(State::Declined)),
        (State::Active, Action::Pause) => Ok(Next::To(State::Paused)),
        (State::Active | State::Paused, Action::Revoke) => Ok(Next::To(State::Revoked)),
        (State::Active, Action::Resume)
        | (State::Paused, Action::Pause)
        | (State::Revoked, Action::Revoke)
        | (State::Declined, Action::Decline) => Ok(Next::Already),
        (
            State::Requested
            | State::Active
            | State::Paused
            | State::Revoked
            | State::Expired
            | State::Declined,
            action,
        ) => Err(Refusal::WrongState { state, action }),
    }
}

/// What nodes must hear of it as it is now. An active one is heard of only when it was paused
/// before.
fn event(after: &Row) -> Option<Event> {
    let agreed = after.agreed.as_ref()?;
    let ends = agreed.valid_until.as_second();
    let consent = after.id;
    match after.state {
        State::Paused => Some(Event::Paused { consent, ends }),
        State::Revoked => Some(Event::Revoked { consent, ends }),
        State::Active => Some(Event::Resumed { consent }),
        State::Requested | State::Expired | State::Declined => None,
    }
}

fn valid_until(validity: Validity, now: Timestamp) -> Result<Timestamp, Refusal> {
    let until = match validity {
        Validity::Seconds(seconds) => bounds::later(now, seconds.min(VALID_SECONDS_MAX))?,
        Validity::Until(until) => until,
    };
    match until > now {
        true => Ok(until),
        false => Err(Refusal::ValidityPast),
    }
}

/// Changes of one consent at most, but for its end.
const CHANGES_MAX: u32 = 200;
