//! Filling a desk with consents that were asked for and approved, many times faster than one by one:
//! they are sealed on all cores and written many at a time. The rows are those that requests leave.
//! For benches over generated desks.

use std::collections::BTreeSet;

use gateway_policy::basis::Directory;
use gateway_policy::rules::Rules;
use jiff::Timestamp;
use uuid::Uuid;

use super::ask::requested;
use super::will::Willed;
use super::{Row, Step, possible};
use crate::answer::State;
use crate::request::{Action, Ask, Will};
use crate::trees::{BY_CONSUMER, BY_PERSON, CONSENTS, ENDS, HISTORY};
use crate::{Caller, Desk, Error, Refusal, bounds, trees};

/// A consent that its consumer asked for and the person gave.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Its id; fastest when they ascend.
    pub id: Uuid,
    /// Who asked.
    pub consumer: Caller,
    /// For what.
    pub ask: Ask,
    /// Who brought the person's will.
    pub portal: Caller,
    /// The will, without a document.
    pub will: Will,
}

/// The rows of one consent.
struct Filled {
    id: Uuid,
    row: Vec<u8>,
    history: [(Vec<u8>, Vec<u8>); 2],
    pointers: BTreeSet<(&'static str, Vec<u8>)>,
}

impl Desk {
    /// Adds consents that follow no other, as of `now`: all of them or none.
    ///
    /// # Errors
    /// When one would be refused if it were asked for or approved, or the desk fails.
    pub fn fill(
        &self,
        granted: &[Granted],
        rules: &Rules,
        directory: &(dyn Directory + Sync),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let now = bounds::whole(now)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let each = granted.len().div_ceil(cores).max(1);
        let filled = std::thread::scope(|scope| {
            let parts = granted.chunks(each).map(|part| {
                scope.spawn(move || {
                    let filled = part
                        .iter()
                        .map(|one| self.filled(one, rules, directory, now));
                    filled.collect::<Result<Vec<Filled>, Refusal>>()
                })
            });
            // All are started before the first is waited for.
            let parts: Vec<_> = parts.collect();
            let mut all = Vec::with_capacity(granted.len());
            for part in parts {
                let joined = part.join();
                all.extend(joined.map_err(|_| Refusal::Failed(Error::Time))??);
            }
            Ok::<_, Refusal>(all)
        })?;
        self.store.try_write(|tx| {
            let rows = filled.iter().map(|one| (one.id.as_bytes(), &one.row));
            tx.put_all(CONSENTS, rows)?;
            let steps = filled.iter().flat_map(|one| &one.history);
            tx.put_all(HISTORY, steps.map(|(key, step)| (key, step)))?;
            let pointers: BTreeSet<_> = filled.iter().flat_map(|one| &one.pointers).collect();
            for tree in [BY_CONSUMER, BY_PERSON, ENDS] {
                let of_tree = pointers.iter().filter(|(name, _)| *name == tree.name());
                tx.put_all(tree, of_tree.map(|(_, key)| (key, [])))?;
            }
            Ok(())
        })
    }

    fn filled(
        &self,
        granted: &Granted,
        rules: &Rules,
        directory: &(dyn Directory + Sync),
        now: Timestamp,
    ) -> Result<Filled, Refusal> {
        let mut row = Row {
            id: granted.id,
            ..requested(&granted.consumer, &granted.ask, rules, now)?
        };
        possible::check(&row, rules, directory, now)?;
        let asked = Step::by(&granted.consumer, State::Requested, now);
        let will = Willed::read(&granted.portal, &granted.will, rules, now)?;
        let actor = will.actor(&row, Action::Approve)?;
        let approved = Step {
            person: Some(actor.person.clone()),
            acting_for: actor.acting_for.clone(),
            proof: Some(will.proof.clone()),
            ..Step::by(&granted.portal, State::Active, now)
        };
        row.agreed = Some(self.agree(&mut row, actor, will.proof, now)?);
        row.become_state(State::Active, now);
        row.changes = 2;
        let step = |number, step: &Step| {
            let key = trees::change(row.id, number);
            let sealed = self.vault.put(HISTORY, &key, step)?;
            Ok::<_, Refusal>((key, sealed))
        };
        let id = row.id.as_bytes();
        Ok(Filled {
            id: row.id,
            row: self.vault.put(CONSENTS, id, &row)?,
            history: [step(0, &asked)?, step(1, &approved)?],
            pointers: row.pointers(self.keys.hash.current()),
        })
    }
}
