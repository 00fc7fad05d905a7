//! What ends by itself, and what is forgotten. Both work in bounded steps: call again while `more`.

use gateway_store::tree::{ReadTx, Tree};
use jiff::Timestamp;

use crate::answer::State;
use crate::consent::{self, Step};
use crate::trees::{self, CASE_ENDS, CASES, ENDED, ENDS, REVIEWED};
use crate::{Desk, Error};

/// What ended because its time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Requests nobody answered.
    pub requests: usize,
    /// Consents.
    pub consents: usize,
    /// There is more to do.
    pub more: bool,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Consents and requests, with their history and documents.
    pub consents: usize,
    /// Cases.
    pub cases: usize,
    /// Notices.
    pub notices: usize,
    /// There is more to do.
    pub more: bool,
}

impl Desk {
    /// Ends requests and consents whose time is over. Nodes need not be told: artefacts say until
    /// when they hold.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire(&self, now: Timestamp) -> Result<Expired, Error> {
        let over = self.store.try_read(|tx| until(tx, ENDS, now))?;
        let mut expired = Expired {
            more: over.len() >= STEP,
            ..Expired::default()
        };
        if over.is_empty() {
            return Ok(expired);
        }
        self.store.try_write(|tx| {
            for key in &over {
                let id = trees::id_of(key, ENDS)?;
                // Something may have happened to it since it was looked up.
                let row = consent::load(tx, &self.vault, id)?;
                let Some(row) = row.filter(|row| !row.state.is_end()) else {
                    continue;
                };
                let Some(at) = row.over_at().filter(|at| *at <= now) else {
                    continue;
                };
                let count = match row.state {
                    State::Requested => &mut expired.requests,
                    State::Active
                    | State::Paused
                    | State::Revoked
                    | State::Expired
                    | State::Declined => &mut expired.consents,
                };
                *count = count.saturating_add(1);
                let mut after = row.clone();
                after.become_state(State::Expired, at);
                let (keys, step) = (&self.keys.hash, Step::over(at));
                consent::save(tx, &self.vault, keys, Some(&row), after, &step, None)?;
            }
            Ok::<_, Error>(())
        })?;
        tracing::info!(
            requests = expired.requests,
            consents = expired.consents,
            "requests and consents expired"
        );
        Ok(expired)
    }

    /// Forgets consents and cases that ended, and notices that were reviewed, before this time. The
    /// feed stays: it names nobody. What the database did not use again yet may still hold sealed
    /// octets.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erase(&self, before: Timestamp) -> Result<Erased, Error> {
        let found = self.store.try_read(|tx| {
            Ok::<_, Error>((
                earlier(tx, ENDED, before)?,
                earlier(tx, CASE_ENDS, before)?,
                earlier(tx, REVIEWED, before)?,
            ))
        })?;
        let (ended, cases, reviewed) = found;
        let mut erased = Erased {
            more: [&ended, &cases, &reviewed]
                .iter()
                .any(|keys| keys.len() >= STEP),
            ..Erased::default()
        };
        if ended.is_empty() && cases.is_empty() && reviewed.is_empty() {
            return Ok(erased);
        }
        self.store.try_write(|tx| {
            for key in &ended {
                let id = trees::id_of(key, ENDED)?;
                if let Some(row) = consent::load(tx, &self.vault, id)? {
                    consent::forget(tx, &self.keys.hash, &row)?;
                    erased.consents = erased.consents.saturating_add(1);
                }
            }
            for key in &cases {
                // It may have been opened again since it was looked up.
                if tx.delete(CASE_ENDS, key)? {
                    tx.delete(CASES, behind_time(key, CASE_ENDS)?)?;
                    erased.cases = erased.cases.saturating_add(1);
                }
            }
            for key in &reviewed {
                if tx.delete(REVIEWED, key)? {
                    self.forget_notice(tx, behind_time(key, REVIEWED)?)?;
                    erased.notices = erased.notices.saturating_add(1);
                }
            }
            Ok::<_, Error>(())
        })?;
        tracing::info!(
            consents = erased.consents,
            cases = erased.cases,
            notices = erased.notices,
            "forgotten by the rules of retention"
        );
        Ok(erased)
    }
}

/// Keys up to this second, itself included; so many as a step takes.
fn until(tx: &ReadTx, tree: Tree, now: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
    let end = [trees::second(now).as_slice(), &[0xff; 16]].concat();
    keys(tx.range(tree, ..=end.as_slice())?)
}

/// Keys before this second.
fn earlier(tx: &ReadTx, tree: Tree, before: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
    keys(tx.range(tree, ..trees::second(before).as_slice())?)
}

fn keys(pairs: gateway_store::tree::Pairs) -> Result<Vec<Vec<u8>>, Error> {
    pairs.take(STEP).map(|pair| Ok(pair?.0)).collect()
}

fn behind_time(key: &[u8], tree: Tree) -> Result<&[u8], Error> {
    key.get(8..).ok_or(Error::Row { tree: tree.name() })
}

/// So many at once.
const STEP: usize = 500;
