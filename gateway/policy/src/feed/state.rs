//! What a node holds of the feed.

use std::collections::HashMap;

use gateway_proto::id::ClientId;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Case, CaseStanding, Entry, Error, Event, Page, Standing, State, case_digest, chain_next,
    chain_start, person_mark, read_digest, read_line, read_salt,
};
use crate::person::PersonKey;

impl State {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            number: 0,
            hash: chain_start(),
            as_of: None,
            consents: HashMap::new(),
            cases: HashMap::new(),
        }
    }

    /// The number of the last entry held.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The chain hash there.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// When the registry last said that this is all; `None`: never since the start.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// Checks that the page follows, without taking it.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub fn check(&self, page: &Page) -> Result<(), Error> {
        let mut number = self.number;
        let mut hash = self.hash;
        for (entry, line) in &page.entries {
            number = number.checked_add(1).ok_or(Error::Chain)?;
            if entry.number != number {
                return Err(Error::Chain);
            }
            hash = chain_next(&hash, line);
        }
        match number == page.number && hash == page.hash {
            true => Ok(()),
            false => Err(Error::Chain),
        }
    }

    /// Takes a page that follows.
    ///
    /// # Errors
    /// [`Error::Chain`]; nothing has changed then.
    pub fn apply(&mut self, page: &Page) -> Result<(), Error> {
        self.check(page)?;
        for (entry, _) in &page.entries {
            self.take(entry);
        }
        self.number = page.number;
        self.hash = page.hash;
        if page.complete {
            // A page that is given again says nothing newer, and takes nothing back.
            self.as_of = self.as_of.max(Some(page.signed_at));
        }
        Ok(())
    }

    /// Takes a line that was in a page taken before, from where the node itself keeps it: nothing
    /// but its number is checked. What it leads to is known by [`Self::hash`], and not believed to be
    /// all before the next page says so.
    ///
    /// # Errors
    /// [`Error::Form`] when it is no line, [`Error::Chain`] when it is not the next; nothing has
    /// changed then.
    pub fn replay_unchecked(&mut self, line: &[u8]) -> Result<(), Error> {
        let entry = read_line(line)?;
        let next = self.number.checked_add(1).ok_or(Error::Chain)?;
        if entry.number != next {
            return Err(Error::Chain);
        }
        self.take(&entry);
        self.number = next;
        self.hash = chain_next(&self.hash, line);
        Ok(())
    }

    /// Forgets what has ended by itself.
    ///
    /// It waits a while first, and believes a clock only as far as the registry's own has come: one
    /// that is wrong for a time must not find a revoked consent valid and forgotten when it is right
    /// again. Before the registry has spoken nothing is forgotten.
    pub fn forget_ended(&mut self, now: Timestamp) {
        let Some(as_of) = self.as_of else { return };
        let before = now
            .min(as_of)
            .as_second()
            .saturating_sub(FORGET_AFTER_SECONDS);
        self.consents.retain(|_, (_, ends)| *ends > before);
        self.cases.retain(|_, case| case.ends > before);
    }

    /// How a consent stands.
    #[must_use]
    pub fn consent(&self, id: Uuid) -> Standing {
        match self.consents.get(&id) {
            Some((standing, _)) => *standing,
            None => Standing::Holds,
        }
    }

    /// How a case stands for these persons: [`CaseStanding::Open`] only if all of them are of it.
    #[must_use]
    pub fn case(
        &self,
        client: &ClientId,
        case: &str,
        persons: &[PersonKey],
        now: Timestamp,
    ) -> CaseStanding {
        let found = self.cases.get(&case_digest(client, case));
        let Some(case) = found.filter(|case| now.as_second() < case.ends) else {
            return CaseStanding::NotOpen;
        };
        let is_of_it = |person| case.persons.contains(&person_mark(&case.salt, person));
        match persons.iter().all(is_of_it) {
            true => CaseStanding::Open,
            false => CaseStanding::OtherPersons,
        }
    }

    /// How many consents and cases it holds something about.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.consents.len(), self.cases.len())
    }

    fn take(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Paused { consent, ends } => self.pause(*consent, *ends),
            Event::Resumed { consent } => {
                if self.consent(*consent) == Standing::Paused {
                    self.consents.remove(consent);
                }
            }
            Event::Revoked { consent, ends } => {
                self.consents.insert(*consent, (Standing::Revoked, *ends));
            }
            Event::CaseOpened {
                case,
                salt,
                persons,
                ends,
            } => {
                if let (Some(case), Some(salt)) = (read_digest(case), read_salt(salt)) {
                    let opened = Case {
                        salt,
                        persons: persons.clone(),
                        ends: *ends,
                    };
                    self.cases.insert(case, opened);
                }
            }
            Event::CaseClosed { case } => {
                if let Some(case) = read_digest(case) {
                    self.cases.remove(&case);
                }
            }
        }
    }

    /// What was revoked stays revoked.
    fn pause(&mut self, consent: Uuid, ends: i64) {
        if self.consent(consent) != Standing::Revoked {
            self.consents.insert(consent, (Standing::Paused, ends));
        }
    }
}

/// How long after its end something is still held.
const FORGET_AFTER_SECONDS: i64 = 3600;
