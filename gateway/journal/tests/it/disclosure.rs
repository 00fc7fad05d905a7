//! What a person is shown.

use gateway_journal::{Disclosure, Event, Ground, Outcome, Query};

use crate::support::{all, answer, asked, at, open, ordinals, person, provider, query, service};

#[test]
fn a_person_sees_who_asked_and_why_and_nothing_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let family = vec![journal.mark(&person(1)), journal.mark(&person(2))];
    let request = asked(1, at(0), family);
    let events = [
        Event::Asked(request.clone()),
        answer(2, &request, Outcome::Answered),
    ];
    journal.apply(&events, 2).unwrap();

    for one in [1, 2] {
        let usages = all(&journal, one, 1, 10, at(1));
        assert_eq!(usages.len(), 1);
        let usage = &usages[0];
        assert_eq!(usage.exchange, request.exchange);
        assert_eq!(usage.time, at(0));
        assert_eq!(usage.outcome, Outcome::Answered);
        assert_eq!(usage.persons, 2);
    }
    assert!(all(&journal, 3, 1, 10, at(1)).is_empty());
    assert!(all(&journal, 1, 2, 10, at(1)).is_empty());
}

#[test]
fn what_is_to_be_told_later_or_hidden_by_law_is_as_if_it_were_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let disclosures = [
        Disclosure::AtOnce,
        Disclosure::From(at(100)),
        Disclosure::Hidden {
            article: "38".to_owned(),
            until: at(200),
        },
    ];
    let events = disclosures
        .into_iter()
        .zip(1..)
        .map(|(disclosure, ordinal)| {
            let mut one = asked(ordinal, at(ordinal as i64), vec![journal.mark(&person(1))]);
            one.disclosure = disclosure;
            Event::Asked(one)
        });
    journal.apply(&events.collect::<Vec<_>>(), 3).unwrap();

    let check = |now: i64, expected: &[u64]| {
        let (person, provider) = (person(1), provider(1));
        let page = journal.find(&query(&person, &provider), at(now)).unwrap();
        assert_eq!(ordinals(&page.usages), expected, "at {now}");
        assert_eq!(page.total, Some(expected.len() as u64), "at {now}");
        assert_eq!(page.next, None);
    };
    check(99, &[1]);
    check(100, &[2, 1]);
    check(199, &[2, 1]);
    check(200, &[3, 2, 1]);
}

#[test]
fn pages_by_cursor_and_by_offset_are_the_same_and_ranges_are_half_open() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let mark = journal.mark(&person(1));
    // Two at a time have the same time.
    let events = (1..=20_u64).map(|n| Event::Asked(asked(n, at(n as i64 / 2), vec![mark])));
    journal.apply(&events.collect::<Vec<_>>(), 20).unwrap();

    let expected: Vec<u64> = (1..=20).rev().collect();
    for page in [1, 2, 3, 7, 20, 21] {
        assert_eq!(ordinals(&all(&journal, 1, 1, page, at(50))), expected);
    }
    let (person, provider) = (person(1), provider(1));
    for skip in 0..22_u64 {
        let query = Query {
            skip,
            max: 5,
            ..query(&person, &provider)
        };
        let page = journal.find(&query, at(50)).unwrap();
        let wanted: Vec<u64> = expected
            .iter()
            .skip(skip as usize)
            .take(5)
            .copied()
            .collect();
        assert_eq!(ordinals(&page.usages), wanted);
        assert_eq!(page.total, Some(20));
        assert_eq!(page.next.is_some(), skip < 15);
    }
    let ranged = |from: Option<i64>, until: Option<i64>| {
        let query = Query {
            from: from.map(at),
            until: until.map(at),
            ..query(&person, &provider)
        };
        ordinals(&journal.find(&query, at(50)).unwrap().usages)
    };
    assert_eq!(ranged(Some(9), None), [20, 19, 18]);
    assert_eq!(ranged(None, Some(1)), [1]);
    assert_eq!(ranged(Some(2), Some(4)), [7, 6, 5, 4]);
    assert!(ranged(Some(4), Some(2)).is_empty());
    assert!(ranged(Some(4), Some(4)).is_empty());
}

#[test]
fn exchanges_without_persons_have_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let mut open_data = asked(1, at(0), Vec::new());
    open_data.exchange.ground = Ground::NotPersonal;
    let answered = answer(2, &open_data, Outcome::Answered);
    journal
        .apply(&[Event::Asked(open_data), answered], 2)
        .unwrap();
    assert_eq!(journal.counts().unwrap().entries, 0);
    // Nothing was worth a write, until it would be much to read again.
    assert_eq!(journal.applied().unwrap(), 0);
    journal.apply(&[], 20_000).unwrap();
    assert_eq!(journal.applied().unwrap(), 20_000);
}

#[test]
fn an_answer_belongs_to_the_oldest_unanswered_request_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), &[1]);
    let mark = journal.mark(&person(1));
    let same = |ordinal| {
        let mut one = asked(ordinal, at(ordinal as i64), vec![mark]);
        one.exchange.message_id = "0c6b3a40-8f3f-4b3e-9c55-7f2d9f0f3a11".to_owned();
        one
    };
    let outcomes = || -> Vec<Outcome> {
        let usages = all(&journal, 1, 1, 10, at(50));
        usages.iter().rev().map(|usage| usage.outcome).collect()
    };
    journal
        .apply(&[Event::Asked(same(1)), Event::Asked(same(2))], 2)
        .unwrap();
    journal
        .apply(
            &[Event::Asked(same(3)), answer(4, &same(1), Outcome::Failed)],
            4,
        )
        .unwrap();
    assert_eq!(
        outcomes(),
        [Outcome::Failed, Outcome::Asked, Outcome::Asked]
    );
    // Two answers in one batch, and one too many.
    let two = [5, 6, 7].map(|ordinal| answer(ordinal, &same(1), Outcome::Answered));
    journal.apply(&two, 7).unwrap();
    assert_eq!(
        outcomes(),
        [Outcome::Failed, Outcome::Answered, Outcome::Answered]
    );
    let mut other = same(1);
    other.exchange.service = service(2);
    journal
        .apply(&[answer(8, &other, Outcome::Failed)], 8)
        .unwrap();
    assert_eq!(
        outcomes(),
        [Outcome::Failed, Outcome::Answered, Outcome::Answered]
    );
}

#[test]
fn break_glass_uses_are_counted_apart_and_told_until_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path(), &[1]);
    let mark = journal.mark(&person(1));
    let events = (1..=4_u64).map(|ordinal| {
        let mut one = asked(ordinal, at(ordinal as i64), vec![mark]);
        if ordinal % 2 == 0 {
            one.exchange.ground = Ground::Vital;
            one.exchange.emergency = Some("unconscious at the scene".to_owned());
        }
        Event::Asked(one)
    });
    journal.apply(&events.collect::<Vec<_>>(), 4).unwrap();
    let check = |journal: &gateway_journal::Journal, expected: &[u64]| {
        assert_eq!(ordinals(&journal.notices(0, 10).unwrap()), expected);
        let counts = journal.counts().unwrap();
        assert_eq!((counts.entries, counts.vital_uses), (4, 2));
        assert_eq!(counts.notices, expected.len() as u64);
    };
    check(&journal, &[2, 4]);
    assert_eq!(ordinals(&journal.notices(0, 1).unwrap()), [2]);
    assert_eq!(ordinals(&journal.notices(2, 10).unwrap()), [4]);
    journal.acknowledge(2).unwrap();
    drop(journal);
    journal = open(dir.path(), &[1]);
    check(&journal, &[4]);
    let told = &journal.notices(0, 1).unwrap()[0];
    assert_eq!(
        told.exchange.emergency.as_deref(),
        Some("unconscious at the scene")
    );
}
