//! Any history, against a list.

use gateway_journal::{Asked, Disclosure, Event, Outcome, Query};
use proptest::prelude::*;

use crate::support::{
    all, answer, asked, at, client, keys, open, ordinals, person, provider, query, service,
};

#[derive(Clone, Debug)]
enum Act {
    Ask {
        persons: Vec<usize>,
        client: usize,
        provider: usize,
        id: u8,
        seconds: i64,
        hidden: Option<i64>,
    },
    /// The answer to the request that many before.
    Answer {
        back: usize,
        failed: bool,
    },
    Apply,
    Restart,
    Rotate,
    Erase {
        before: i64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let ask = (
        prop::collection::vec(0..3_usize, 1..3),
        0..2_usize,
        0..2_usize,
        0..3_u8,
        0..50_i64,
        prop::option::of(0..120_i64),
    );
    let ask = ask.prop_map(
        |(persons, client, provider, id, seconds, hidden)| Act::Ask {
            persons,
            client,
            provider,
            id,
            seconds,
            hidden,
        },
    );
    let answer =
        (0..5_usize, any::<bool>()).prop_map(|(back, failed)| Act::Answer { back, failed });
    let act = prop_oneof![
        6 => ask,
        4 => answer,
        2 => Just(Act::Apply),
        1 => Just(Act::Restart),
        1 => Just(Act::Rotate),
        1 => (0..60_i64).prop_map(|before| Act::Erase { before }),
    ];
    prop::collection::vec(act, 1..60)
}

struct Kept {
    asked: Asked,
    who: Vec<usize>,
    provider: usize,
    outcome: Outcome,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_a_list_would(acts in acts(), page in 1..4_usize, now in 0..150_i64) {
        let dir = tempfile::tempdir().unwrap();
        let mut numbers = vec![1];
        let mut journal = open(dir.path(), &numbers);
        let mut kept: Vec<Kept> = Vec::new();
        let mut waiting: Vec<Event> = Vec::new();
        let mut all_asked: Vec<Asked> = Vec::new();
        let mut ordinal = 0;
        let mut clock = 0;
        for act in acts.into_iter().chain([Act::Apply]) {
            match act {
                Act::Ask { persons, client: who, provider: of, id, seconds, hidden } => {
                    ordinal += 1;
                    clock += seconds / 10;
                    let marks = persons.iter().map(|of| journal.mark(&person(*of))).collect();
                    let mut one = asked(ordinal, at(clock), marks);
                    one.exchange.client = client(who);
                    one.exchange.service = service(of);
                    one.exchange.message_id = format!("id-{id}");
                    if let Some(until) = hidden {
                        one.disclosure = Disclosure::From(at(until));
                    }
                    waiting.push(Event::Asked(one.clone()));
                    all_asked.push(one.clone());
                    kept.push(Kept { asked: one, who: persons, provider: of, outcome: Outcome::Asked });
                }
                Act::Answer { back, failed } => {
                    let Some(to) = all_asked.iter().rev().nth(back) else { continue };
                    ordinal += 1;
                    let outcome = if failed { Outcome::Failed } else { Outcome::Answered };
                    waiting.push(answer(ordinal, to, outcome));
                    let open = kept.iter_mut().find(|one| {
                        one.outcome == Outcome::Asked
                            && one.asked.exchange.client == to.exchange.client
                            && one.asked.exchange.service == to.exchange.service
                            && one.asked.exchange.message_id == to.exchange.message_id
                    });
                    if let Some(open) = open {
                        open.outcome = outcome;
                    }
                }
                Act::Apply => {
                    journal.apply(&waiting, ordinal).unwrap();
                    // Half of it is said again the next time.
                    let half = waiting.len() / 2;
                    waiting.drain(..half);
                }
                Act::Restart => {
                    drop(journal);
                    journal = open(dir.path(), &numbers);
                }
                Act::Rotate => {
                    numbers.push(numbers.len() as u32 + 1);
                    journal.set_keys(keys(&numbers));
                }
                Act::Erase { before } => {
                    journal.apply(&waiting, ordinal).unwrap();
                    waiting.clear();
                    while journal.erase_before(at(before), 2).unwrap() > 0 {}
                    kept.retain(|one| one.asked.time >= at(before));
                }
            }
        }
        prop_assert_eq!(journal.counts().unwrap().entries, kept.len() as u64);
        for of in 0..3 {
            for at_provider in 0..2 {
                let mut expected: Vec<&Kept> = kept
                    .iter()
                    .filter(|one| one.who.contains(&of) && one.provider == at_provider)
                    .filter(|one| match one.asked.disclosure {
                        Disclosure::From(time) => time <= at(now),
                        _ => true,
                    })
                    .collect();
                expected.sort_by_key(|one| std::cmp::Reverse((one.asked.time, one.asked.ordinal)));
                let found = all(&journal, of, at_provider, page, at(now));
                let wanted: Vec<u64> = expected.iter().map(|one| one.asked.ordinal).collect();
                prop_assert_eq!(ordinals(&found), wanted);
                for (found, expected) in found.iter().zip(&expected) {
                    prop_assert_eq!(&found.exchange, &expected.asked.exchange);
                    prop_assert_eq!(found.outcome, expected.outcome);
                    prop_assert_eq!(found.time, expected.asked.time);
                }
                let (person, provider) = (person(of), provider(at_provider));
                let query = Query { max: 0, ..query(&person, &provider) };
                let total = journal.find(&query, at(now)).unwrap().total;
                prop_assert_eq!(total, Some(expected.len() as u64));
            }
        }
    }
}
