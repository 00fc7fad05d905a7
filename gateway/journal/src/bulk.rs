//! Filling a journal in the order of its keys, many times faster than [`Journal::apply`] can: it is
//! told entries in the order of the log, and rows in the order of persons. The rows are those that
//! `apply` makes of the same. For benches over generated journals.

use gateway_proto::id::ClientId;
use gateway_store::tree::WriteTx;
use jiff::Timestamp;

use crate::coding::{encode, row, set_outcome};
use crate::event::{Asked, Outcome};
use crate::names::{NewNames, Numbering, number_of_client};
use crate::trees::{
    APPLIED, COUNT, ENTRIES, PERSONS, SINCE, UNANSWERED, exchange_key, exchange_prefix, meta_now,
    ordered, ordinal_key, person_key, set_meta,
};
use crate::{Error, Journal, PersonMark};

/// Rows of one transaction.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<(u64, Vec<u8>)>,
    unanswered: Vec<[u8; 24]>,
    since: Option<u64>,
}

impl Journal {
    /// Adds entries, all about services of this provider and disclosed at once, none of them an
    /// emergency or with limits: `asked` with what became of each, by ordinal; and a row for each
    /// person of each, by mark, the latest first. The log counts as taken in up to `until`. Blocks.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn fill(
        &self,
        provider: &ClientId,
        asked: impl IntoIterator<Item = (Asked, Outcome)>,
        rows: impl IntoIterator<Item = (PersonMark, Timestamp, u64)>,
        until: u64,
    ) -> Result<(), Error> {
        let _one = self.inner.writing();
        let mut asked = asked.into_iter().peekable();
        while asked.peek().is_some() {
            self.fill_entries(provider, asked.by_ref().take(ROWS_MAX))?;
        }
        let store = &self.inner.store;
        let name = store.try_read(|tx| number_of_client(tx, provider))?;
        let value = row(name.unwrap_or_default(), None);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let rows = rows.by_ref().take(ROWS_MAX);
            let keyed = rows
                .map(|(mark, time, ordinal)| (person_key(mark, ordered(time), ordinal), &value));
            store.try_write(|tx| Ok::<_, Error>(tx.put_all(PERSONS, keyed)?))?;
        }
        store.try_write(|tx| set_meta(tx, APPLIED, until))?;
        self.inner.uses.stored([], until);
        Ok(())
    }

    fn fill_entries(
        &self,
        provider: &ClientId,
        asked: impl Iterator<Item = (Asked, Outcome)>,
    ) -> Result<(), Error> {
        let store = &self.inner.store;
        let (batch, names, provider) = store.try_read(|tx| {
            let mut names = Numbering::new(tx)?;
            let mut batch = Batch::default();
            for (asked, outcome) in asked {
                let mut entry = encode(&asked, &mut names)?;
                set_outcome(&mut entry, outcome)?;
                batch.entries.push((asked.ordinal, entry));
                if outcome == Outcome::Asked {
                    let exchange = &asked.exchange;
                    let (client, service) = (&exchange.client, &exchange.service);
                    let prefix = exchange_prefix(client, service, &exchange.message_id);
                    batch.unanswered.push(exchange_key(prefix, asked.ordinal));
                }
                let time = ordered(asked.time);
                batch.since = Some(batch.since.map_or(time, |since| since.min(time)));
                // Named after the first entry, as in `apply`.
                names.client(provider)?;
            }
            let provider = names.client(provider)?;
            Ok::<_, Error>((batch, names.finish(), provider))
        })?;
        store.try_write(|tx| batch.write(tx, &names, provider))
    }
}

impl Batch {
    fn write(&self, tx: &WriteTx<'_>, names: &NewNames, provider: u64) -> Result<(), Error> {
        names.write(tx)?;
        let entries = self.entries.iter();
        tx.put_all(
            ENTRIES,
            entries.map(|(ordinal, entry)| (ordinal_key(*ordinal), entry)),
        )?;
        tx.put_all(UNANSWERED, self.unanswered.iter().map(|key| (key, [])))?;
        let count = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        set_meta(tx, COUNT, meta_now(tx, COUNT)?.saturating_add(count))?;
        let key = provider.to_be_bytes();
        let before = tx.get(SINCE, key)?;
        let before = before.map(|time| crate::trees::number(&time)).transpose()?;
        let since = before.into_iter().chain(self.since).min();
        match since {
            Some(since) => Ok(tx.put(SINCE, key, since.to_be_bytes())?),
            None => Ok(()),
        }
    }
}

/// Rows in one transaction: what is in the making is held in memory.
const ROWS_MAX: usize = 500_000;

#[cfg(test)]
mod tests {
    use certs_keys::SecretKey;
    use gateway_proto::id::ServiceId;
    use gateway_store::tree::{ReadTx, Tree};

    use super::*;
    use crate::event::{Answered, Disclosure, Event, Exchange, Ground};
    use crate::trees::{META, NAMES, NUMBERS, USE_ENDS, USE_KEYS, USES, VITAL};
    use crate::{Keys, Query};

    const BEGAN: i64 = 1_700_000_000;

    fn provider() -> ClientId {
        ClientId::from_rest("AZ/GOV/0000000131/answers").unwrap()
    }

    /// Two persons by turns; every third request has no answer.
    fn history(journal: &Journal) -> Vec<(Asked, Outcome)> {
        let entry = |number: u32| {
            let person =
                serde_json::json!({"kind": "fin", "value": format!("0TEST0{}", number % 2)});
            let person = serde_json::from_value(person).unwrap();
            let asked = Asked {
                ordinal: u64::from(number).saturating_mul(2).saturating_add(1),
                time: Timestamp::from_second(BEGAN.saturating_add(i64::from(number))).unwrap(),
                exchange: Exchange {
                    client: ClientId::from_rest(&format!("AZ/COM/{}/asks", number % 3)).unwrap(),
                    service: ServiceId::new(provider(), "income", None).unwrap(),
                    message_id: format!("m-{number}"),
                    user: Some("clerk".to_owned()),
                    case: None,
                    purpose: Some("aid".to_owned()),
                    rule: Some(("by-law".to_owned(), 1)),
                    ground: Ground::Law,
                    law: Some(("Act".to_owned(), "7".to_owned())),
                    consent: None,
                    emergency: None,
                },
                disclosure: Disclosure::AtOnce,
                persons: vec![journal.mark(&person)],
                quotas: Vec::new(),
            };
            let outcome = match number % 3 {
                0 => Outcome::Asked,
                1 => Outcome::Answered,
                _ => Outcome::Failed,
            };
            (asked, outcome)
        };
        (0..20).map(entry).collect()
    }

    fn dump(journal: &Journal) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
        const TREES: [Tree; 11] = [
            META, NAMES, NUMBERS, ENTRIES, PERSONS, UNANSWERED, VITAL, SINCE, USES, USE_ENDS,
            USE_KEYS,
        ];
        let all = |tx: &ReadTx| {
            let mut rows = Vec::new();
            for tree in TREES {
                for pair in tx.iter(tree)? {
                    let (key, value) = pair?;
                    rows.push((tree.name(), key, value));
                }
            }
            Ok::<_, Error>(rows)
        };
        journal.inner.store.try_read(all).unwrap()
    }

    #[test]
    fn makes_the_rows_that_applying_the_same_makes() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let keys = Keys::new(vec![(1, SecretKey::from_bytes([1; 32]))]).unwrap();
            Journal::open(&dir.path().join(name), keys).unwrap()
        };
        let (applied, filled) = (open("applied"), open("filled"));
        let history = history(&applied);
        let until = 1000;
        let mut events = Vec::new();
        let mut rows = Vec::new();
        for (asked, outcome) in &history {
            events.push(Event::Asked(asked.clone()));
            if *outcome != Outcome::Asked {
                events.push(Event::Answered(Answered {
                    ordinal: asked.ordinal.saturating_add(1),
                    client: asked.exchange.client.clone(),
                    service: asked.exchange.service.clone(),
                    message_id: asked.exchange.message_id.clone(),
                    outcome: *outcome,
                }));
            }
            rows.extend(
                asked
                    .persons
                    .iter()
                    .map(|mark| (*mark, asked.time, asked.ordinal)),
            );
        }
        rows.sort_by_key(|(mark, _, ordinal)| (*mark, std::cmp::Reverse(*ordinal)));
        applied.apply(&events, until).unwrap();
        filled.fill(&provider(), history, rows, until).unwrap();
        assert_eq!(dump(&filled), dump(&applied));
        assert_eq!(filled.applied().unwrap(), until);

        let person = serde_json::json!({"kind": "fin", "value": "0TEST01"});
        let query = Query {
            person: &serde_json::from_value(person).unwrap(),
            provider: &provider(),
            from: None,
            until: None,
            after: None,
            skip: 0,
            max: 100,
        };
        let page = filled.find(&query, Timestamp::MAX).unwrap();
        assert_eq!(page.total, Some(10));
    }
}
