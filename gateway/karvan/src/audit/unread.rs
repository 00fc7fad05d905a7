//! What of a log cannot be read.

use std::collections::BTreeMap;

use gateway_messagelog::Error as LogError;
use gateway_messagelog::audit::Unreadable;

use crate::causes::with_causes;

/// Gathers what cannot be read, so that a missing key is told once and not for each record.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// How many records are sealed with a key that was not given.
    sealed: BTreeMap<String, u64>,
    places: Vec<String>,
}

impl Unread {
    /// Notes a place; what is to be told of it at once, if anything.
    pub(super) fn add(&mut self, unreadable: &Unreadable) -> Option<String> {
        if let Some(key) = missing_key(unreadable) {
            let count = self.sealed.entry(key.to_owned()).or_default();
            *count = count.saturating_add(1);
            return None;
        }
        let text = with_causes(unreadable);
        self.places.push(text.clone());
        Some(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.places.is_empty()
    }

    /// What is told at the end: one line for each missing key.
    pub(super) fn sealed(&self) -> impl Iterator<Item = String> {
        self.sealed.iter().map(|(key, count)| {
            let records = match count {
                1 => "1 record is".to_owned(),
                count => format!("{count} records are"),
            };
            format!("{records} sealed with the key {key}, which was not given: --key {key}=FILE")
        })
    }

    /// All of it.
    pub(super) fn lines(&self) -> Vec<String> {
        self.places.iter().cloned().chain(self.sealed()).collect()
    }
}

fn missing_key(unreadable: &Unreadable) -> Option<&str> {
    match unreadable {
        Unreadable::Entry {
            error: LogError::KeyMissing { key_id },
            ..
        } => Some(key_id),
        Unreadable::Entry { .. }
        | Unreadable::Damage(_)
        | Unreadable::Erased { .. }
        | Unreadable::Failed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use gateway_store::segment::Position;

    use super::*;

    #[test]
    fn tells_a_missing_key_once() {
        let entry = |ordinal, error| Unreadable::Entry {
            position: Position {
                segment: 1,
                offset: 0,
                ordinal,
            },
            error,
        };
        let sealed = |ordinal| {
            let key_id = "k1".to_owned();
            entry(ordinal, LogError::KeyMissing { key_id })
        };
        let mut unread = Unread::default();
        assert!(unread.is_empty());
        for ordinal in 1..=3 {
            assert_eq!(unread.add(&sealed(ordinal)), None);
        }
        let other = unread
            .add(&entry(4, LogError::NoEntry { ordinal: 4 }))
            .unwrap();
        assert!(other.starts_with("record 4 cannot be read: "), "{other}");
        let told = "3 records are sealed with the key k1, which was not given: --key k1=FILE";
        assert_eq!(unread.lines(), [other, told.to_owned()]);
    }
}
