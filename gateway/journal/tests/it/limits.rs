//! Limits of rules and consents.

use std::sync::Barrier;

use gateway_journal::{Event, Exceeded, Journal, Reservation};
use gateway_policy::basis::{Quota, QuotaOf};
use jiff::Timestamp;
use uuid::Uuid;

use crate::support::{asked, at, client, keys, open, person};

fn consent(id: u128, count: u32, seconds: Option<u64>) -> Quota {
    Quota {
        of: QuotaOf::Consent(Uuid::from_u128(id)),
        count,
        seconds,
    }
}

fn of_person(rule: &str, of: usize, count: u32, seconds: Option<u64>) -> Quota {
    Quota {
        of: QuotaOf::Person {
            rule: rule.to_owned(),
            client: client(1),
            person: person(of),
            case: None,
        },
        count,
        seconds,
    }
}

fn used_up(reserved: Result<Reservation, Exceeded>) -> Option<usize> {
    match reserved {
        Ok(_) => None,
        Err(Exceeded::UsedUp { index }) => Some(index),
        Err(Exceeded::Unknown(error)) => panic!("{error}"),
    }
}

/// Uses quotas once and logs it under this number.
fn use_once(journal: &Journal, quotas: &[Quota], ordinal: u64, now: Timestamp) {
    let reserved = journal.reserve(quotas, now).unwrap();
    let marks = reserved.marks().to_vec();
    reserved.keep();
    journal
        .apply(&[logged(ordinal, now, &marks)], ordinal)
        .unwrap();
}

fn logged(ordinal: u64, now: Timestamp, marks: &[[u8; 16]]) -> Event {
    let mut one = asked(ordinal, now, Vec::new());
    one.quotas = marks.to_vec();
    Event::Asked(one)
}

#[test]
fn a_use_counts_from_its_reservation_to_the_end_of_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let quotas = [of_person("r", 1, 2, Some(60))];
    let one = journal.reserve(&quotas, at(0)).unwrap();
    let other = journal.reserve(&quotas, at(10)).unwrap();
    assert_eq!(used_up(journal.reserve(&quotas, at(10))), Some(0));
    // Given back.
    drop(other);
    let other = journal.reserve(&quotas, at(20)).unwrap();
    let marks = (one.marks().to_vec(), other.marks().to_vec());
    one.keep();
    other.keep();
    assert_eq!(used_up(journal.reserve(&quotas, at(59))), Some(0));
    assert_eq!(used_up(journal.reserve(&quotas, at(60))), None);
    // The same from the store.
    journal
        .apply(
            &[logged(1, at(0), &marks.0), logged(2, at(20), &marks.1)],
            2,
        )
        .unwrap();
    assert_eq!(used_up(journal.reserve(&quotas, at(59))), Some(0));
    assert_eq!(used_up(journal.reserve(&quotas, at(60))), None);
    assert_eq!(
        used_up(journal.reserve(&[of_person("r", 2, 1, None)], at(59))),
        None
    );
    assert_eq!(
        used_up(journal.reserve(&[of_person("s", 1, 1, None)], at(59))),
        None
    );
}

#[test]
fn all_quotas_are_taken_or_none_and_the_first_without_room_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    use_once(&journal, &[consent(2, 1, None)], 1, at(0));
    use_once(&journal, &[consent(4, 1, None)], 2, at(0));
    let wanted = [
        consent(1, 1, None),
        consent(2, 1, None),
        consent(3, 1, None),
        consent(4, 1, None),
    ];
    assert_eq!(used_up(journal.reserve(&wanted, at(1))), Some(1));
    for unused in [1, 3] {
        assert_eq!(
            used_up(journal.reserve(&[consent(unused, 1, None)], at(1))),
            None
        );
    }
}

#[test]
fn one_exchange_uses_a_consent_once_however_many_limits_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let limits = [consent(1, 2, Some(60)), consent(1, 3, None)];
    for ordinal in [1, 2] {
        use_once(&journal, &limits, ordinal, at(0));
    }
    assert_eq!(used_up(journal.reserve(&limits, at(1))), Some(0));
    use_once(&journal, &limits, 3, at(100));
    assert_eq!(used_up(journal.reserve(&limits, at(300))), Some(1));
    // What counts for ever is not forgotten with what counts for a minute.
    while journal.prune_uses(at(10_000), 1).unwrap() > 0 {}
    assert_eq!(used_up(journal.reserve(&limits, at(10_000))), Some(1));
}

#[test]
fn of_many_that_race_for_the_last_use_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    for round in 0..20_u32 {
        let quotas = [consent(u128::from(round), 3, Some(60))];
        let barrier = Barrier::new(8);
        let got: usize = std::thread::scope(|scope| {
            let racing: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        journal
                            .reserve(&quotas, at(0))
                            .map(Reservation::keep)
                            .is_ok()
                    })
                })
                .collect();
            racing
                .into_iter()
                .filter(|_| true)
                .map(|one| usize::from(one.join().unwrap()))
                .sum()
        });
        assert_eq!(got, 3, "round {round}");
    }
}

#[test]
fn no_use_is_lost_or_counted_twice_while_it_moves_into_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let quotas = [consent(1, 40, None)];
    let (sender, receiver) = std::sync::mpsc::channel::<Vec<[u8; 16]>>();
    let got: usize = std::thread::scope(|scope| {
        let following = journal.clone();
        scope.spawn(move || {
            for (marks, ordinal) in receiver.into_iter().zip(1..) {
                following
                    .apply(&[logged(ordinal, at(0), &marks)], ordinal)
                    .unwrap();
            }
        });
        let racing: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                let (journal, quotas) = (&journal, &quotas);
                scope.spawn(move || {
                    let mut got = 0;
                    while let Ok(reserved) = journal.reserve(quotas, at(0)) {
                        // In the log first, then kept; the follower may be quicker.
                        sender.send(reserved.marks().to_vec()).unwrap();
                        reserved.keep();
                        got += 1;
                    }
                    got
                })
            })
            .collect();
        drop(sender);
        racing.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(got, 40);
    assert_eq!(journal.applied().unwrap(), 40);
    assert_eq!(used_up(journal.reserve(&quotas, at(1))), Some(0));
}

#[test]
fn uses_are_counted_over_a_rotation_and_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), &[1]);
    let quotas = [of_person("r", 1, 3, None)];
    use_once(&journal, &quotas, 1, at(0));
    let taken = journal.reserve(&quotas, at(1)).unwrap();
    journal.set_keys(keys(&[1, 2]));
    use_once(&journal, &quotas, 2, at(2));
    assert_eq!(used_up(journal.reserve(&quotas, at(3))), Some(0));
    drop(taken);
    use_once(&journal, &quotas, 3, at(4));
    drop(journal);
    journal = open(dir.path(), &[1, 2]);
    assert_eq!(used_up(journal.reserve(&quotas, at(5))), Some(0));
    assert!(journal.unused_keys().unwrap().is_empty());
}
