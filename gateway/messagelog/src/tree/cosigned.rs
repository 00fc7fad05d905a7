//! The checkpoints that witnesses have cosigned: for each number of them the latest.
//!
//! Witnesses answer one by one, and one may be down for days. Were the latest checkpoint with any
//! cosignature kept alone, it would take the place of an older one that more have cosigned, and who
//! asks for so many would find no proof even of records that long had them.

use gateway_tlog::checkpoint::{Log, Opened};

use super::files::COSIGNED;

/// Cosigned checkpoints.
#[derive(Clone, Debug, Default)]
pub(super) struct Cosigned {
    /// The latest with at least one, two, three, … cosignatures: the sizes never grow from one to the
    /// next, and one checkpoint may stand for several numbers.
    by_count: Vec<Opened>,
}

impl Cosigned {
    /// The latest that anybody has cosigned.
    pub(super) fn latest(&self) -> Option<&Opened> {
        self.by_count.first()
    }

    /// The latest that at least so many have cosigned.
    pub(super) fn by(&self, count: usize) -> Option<&Opened> {
        self.by_count.get(count.checked_sub(1)?)
    }

    /// The one of this text, with all cosignatures that have come for it.
    pub(super) fn of_text(&self, text: &str) -> Option<&Opened> {
        let mut from_the_fullest = self.by_count.iter().rev();
        from_the_fullest.find(|opened| opened.note().text() == text)
    }

    /// For which numbers a checkpoint would be the latest; none, when later ones have as many.
    pub(super) fn places(&self, opened: &Opened, log: &Log) -> Vec<usize> {
        let size = opened.checkpoint().size();
        let is_latest = |count: &usize| {
            self.by(*count)
                .is_none_or(|held| held.checkpoint().size() <= size)
        };
        (1..=cosignatures(opened, log)).filter(is_latest).collect()
    }

    /// Takes it for these numbers, which [`Self::places`] gave.
    pub(super) fn put(&mut self, places: &[usize], opened: &Opened) {
        for count in places {
            let index = count.saturating_sub(1);
            match self.by_count.get_mut(index) {
                Some(held) => *held = opened.clone(),
                None => self.by_count.push(opened.clone()),
            }
        }
    }
}

/// The name of the file with the latest checkpoint that at least so many have cosigned.
pub(super) fn file_name(count: usize) -> String {
    match count {
        0 | 1 => COSIGNED.to_owned(),
        _ => format!("{COSIGNED}-{count}"),
    }
}

/// How many others have signed it.
fn cosignatures(opened: &Opened, log: &Log) -> usize {
    let by_others = opened.note().signatures().iter().filter(|signature| {
        let mut keys = log.keys().iter();
        !keys.any(|key| signature.is_by(key))
    });
    by_others.count().min(COUNT_MAX)
}

/// More are not told apart.
pub(super) const COUNT_MAX: usize = 16;
