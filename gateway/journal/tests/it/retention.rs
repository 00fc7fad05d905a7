//! Retention, rotation, and what is said twice.

use gateway_journal::{Event, Outcome};
use gateway_policy::basis::{Quota, QuotaOf};
use uuid::Uuid;

use crate::support::{all, answer, asked, at, keys, open, ordinals, person, provider};

#[test]
fn look_ups_outlive_rotations_and_keys_that_nothing_is_under_may_go() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    for (number, ordinal) in [(1_u32, 1_u64), (2, 2), (3, 3)] {
        let numbers: Vec<u32> = (1..=number).collect();
        journal.set_keys(keys(&numbers));
        let mark = journal.mark(&person(1));
        assert_eq!(mark.key, number);
        let event = Event::Asked(asked(ordinal, at(ordinal as i64), vec![mark]));
        journal.apply(&[event], ordinal).unwrap();
    }
    assert_eq!(ordinals(&all(&journal, 1, 1, 1, at(9))), [3, 2, 1]);
    assert!(journal.unused_keys().unwrap().is_empty());
    assert_eq!(journal.erase_before(at(2), 10).unwrap(), 1);
    assert_eq!(journal.unused_keys().unwrap(), [1]);
    journal.set_keys(keys(&[2, 3]));
    drop(journal);
    let journal = open(dir.path(), &[2, 3]);
    assert_eq!(ordinals(&all(&journal, 1, 1, 1, at(9))), [3, 2]);
}

#[test]
fn a_key_of_uses_stays_until_they_no_longer_count() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let quota = Quota {
        of: QuotaOf::Consent(Uuid::from_u128(1)),
        count: 5,
        seconds: Some(64),
    };
    let reserved = journal.reserve(&[quota], at(0)).unwrap();
    let mut one = asked(1, at(0), Vec::new());
    one.quotas = reserved.marks().to_vec();
    reserved.keep();
    journal.apply(&[Event::Asked(one)], 1).unwrap();
    journal.set_keys(keys(&[1, 2]));
    assert_eq!(journal.prune_uses(at(64), 10).unwrap(), 0);
    assert!(journal.unused_keys().unwrap().is_empty());
    assert_eq!(journal.prune_uses(at(65), 10).unwrap(), 1);
    assert_eq!(journal.unused_keys().unwrap(), [1]);
}

#[test]
fn erases_in_batches_whatever_is_old_also_behind_a_clock_that_was_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let mark = journal.mark(&person(1));
    let times = [500, 1, 2, 3, 600, 4, 601];
    let events = times.into_iter().zip(1_u64..);
    let events = events.map(|(time, ordinal)| Event::Asked(asked(ordinal, at(time), vec![mark])));
    journal.apply(&events.collect::<Vec<_>>(), 7).unwrap();
    assert_eq!(journal.period(&provider(1)).unwrap(), Some(at(1)));
    assert_eq!(journal.period(&provider(2)).unwrap(), None);
    let batches: Vec<usize> = (0..3)
        .map(|_| journal.erase_before(at(100), 3).unwrap())
        .collect();
    assert_eq!(batches, [3, 1, 0]);
    assert_eq!(ordinals(&all(&journal, 1, 1, 10, at(999))), [7, 5, 1]);
    assert_eq!(journal.counts().unwrap().entries, 3);
    assert_eq!(journal.period(&provider(1)).unwrap(), Some(at(100)));
    // An answer that comes after all finds nothing, and that is no error.
    let late = answer(8, &asked(2, at(1), vec![mark]), Outcome::Answered);
    journal.apply(&[late], 8).unwrap();
}

#[test]
fn what_the_log_says_twice_is_taken_in_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let mark = journal.mark(&person(1));
    let quotas = [Quota {
        of: QuotaOf::Consent(Uuid::from_u128(1)),
        count: 2,
        seconds: None,
    }];
    let reserved = journal.reserve(&quotas, at(0)).unwrap();
    let mut first = asked(1, at(0), vec![mark]);
    first.quotas = reserved.marks().to_vec();
    reserved.keep();
    let mut again = asked(3, at(1), vec![mark]);
    again.exchange.message_id = first.exchange.message_id.clone();
    let events = [
        Event::Asked(first.clone()),
        answer(2, &first, Outcome::Answered),
        Event::Asked(again),
    ];
    // Only a part was taken in before the process died.
    journal.apply(&events[..2], 2).unwrap();
    drop(journal);
    let journal = open(dir.path(), &[1]);
    for _ in 0..2 {
        journal.apply(&events, 3).unwrap();
        let usages = all(&journal, 1, 1, 10, at(9));
        let outcomes: Vec<_> = usages.iter().map(|usage| usage.outcome).collect();
        assert_eq!(ordinals(&usages), [3, 1]);
        assert_eq!(outcomes, [Outcome::Asked, Outcome::Answered]);
        assert_eq!(journal.counts().unwrap().entries, 2);
    }
    journal.reserve(&quotas, at(9)).unwrap();
    // Older news change nothing.
    journal.apply(&events, 2).unwrap();
    assert_eq!(journal.applied().unwrap(), 3);
}
