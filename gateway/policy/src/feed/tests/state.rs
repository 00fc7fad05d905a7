//! What is held: pages that follow, consents, cases.

use super::*;

#[test]
fn what_is_published_is_held() {
    let registry = Registry::of([
        revoked(1),
        paused(2),
        paused(3),
        Event::Resumed { consent: id(3) },
    ]);
    let state = registry.all();
    assert_eq!(state.number(), 4);
    assert_eq!(state.hash(), &registry.hash(4));
    assert_eq!(state.as_of(), Some(now()));
    assert_eq!(state.consent(id(1)), Standing::Revoked);
    assert_eq!(state.consent(id(2)), Standing::Paused);
    assert_eq!(state.consent(id(3)), Standing::Holds);
    assert_eq!(state.consent(id(4)), Standing::Holds);
    assert_eq!(state.held(), (2, 0));
}

#[test]
fn what_was_revoked_stays_revoked() {
    let resumed = Event::Resumed { consent: id(1) };
    let state = Registry::of([revoked(1), paused(1), resumed.clone(), resumed]).all();
    assert_eq!(state.consent(id(1)), Standing::Revoked);
    let state = Registry::of([paused(1), revoked(1)]).all();
    assert_eq!(state.consent(id(1)), Standing::Revoked);
}

#[test]
fn the_time_counts_only_once_all_is_known() {
    let registry = Registry::of([revoked(1), revoked(2), revoked(3)]);
    let mut state = State::new();
    let first = read(&registry.page(0, 2, now())).unwrap();
    assert!(!first.is_complete());
    state.apply(&first).unwrap();
    assert_eq!(state.as_of(), None);
    assert_eq!(state.consent(id(2)), Standing::Revoked);
    let second = read(&registry.page(2, 3, now())).unwrap();
    assert!(second.is_complete());
    state.apply(&second).unwrap();
    assert_eq!(state.as_of(), Some(now()));
}

#[test]
fn an_empty_page_says_that_nothing_is_new_and_when() {
    let registry = Registry::of([revoked(1)]);
    let mut state = registry.all();
    let page = Page::verify(&registry.page(1, 1, later(25)), &key(), "AZ", later(25)).unwrap();
    state.apply(&page).unwrap();
    assert_eq!(state.as_of(), Some(later(25)));
    // An older one given again takes nothing back.
    state
        .apply(&read(&registry.page(1, 1, now())).unwrap())
        .unwrap();
    assert_eq!(state.as_of(), Some(later(25)));
    // Of an empty feed too.
    let empty = Registry::default();
    assert_eq!(empty.all().as_of(), Some(now()));
}

#[test]
fn refuses_a_page_that_does_not_follow_and_changes_nothing() {
    let registry = Registry::of((1..=5).map(revoked));
    let state = {
        let mut state = State::new();
        state
            .apply(&read(&registry.page(0, 3, now())).unwrap())
            .unwrap();
        state
    };
    let mut other = Registry::of([revoked(1), revoked(2), paused(3), revoked(4)]);
    let check = |page: &[u8]| {
        let page = read(page).unwrap();
        let mut after = state.clone();
        assert!(matches!(after.check(&page), Err(Error::Chain)));
        assert!(matches!(after.apply(&page), Err(Error::Chain)));
        assert_eq!(after.number(), 3);
        assert_eq!(after.hash(), state.hash());
        assert_eq!(after.as_of(), None);
        assert_eq!(after.held(), state.held());
    };
    // A gap, what is held already, an earlier end.
    check(&registry.page(4, 5, now()));
    check(&registry.page(5, 5, now()));
    check(&registry.page(0, 5, now()));
    check(&registry.page(2, 3, now()));
    check(&registry.page(2, 2, now()));
    check(&Registry::default().page(0, 0, now()));
    // Another history, though the numbers fit.
    check(&other.page(3, 4, now()));
    check(&other.page(3, 3, now()));
    other.add(revoked(5));
    check(&other.page(3, 5, now()));
    // The right lines under a wrong hash: the registry's key signed it, and it still does not follow.
    let lines = &registry.lines[3..5];
    check(&make_page("AZ", 5, &[0; 32], true, lines, &signer(), now()).unwrap());
    check(&make_page("AZ", 3, &[0; 32], true, &[], &signer(), now()).unwrap());
    assert!(
        state
            .check(&read(&registry.page(3, 5, now())).unwrap())
            .is_ok()
    );
}

#[test]
fn lines_kept_are_taken_again_without_a_page() {
    let registry = Registry::of([revoked(1), paused(2), opened("7", &["0TEST01"], later(60))]);
    let mut state = State::new();
    for line in &registry.lines {
        state.replay_unchecked(line).unwrap();
    }
    let direct = registry.all();
    assert_eq!(
        (state.number(), state.hash()),
        (direct.number(), direct.hash())
    );
    assert_eq!(state.held(), direct.held());
    assert_eq!(state.as_of(), None);
    let replayed = state.replay_unchecked(&registry.lines[2]);
    assert!(matches!(replayed, Err(Error::Chain)));
    assert!(matches!(state.replay_unchecked(b"{}"), Err(Error::Form)));
    assert_eq!(state.number(), 3);
    state
        .apply(&read(&registry.page(3, 3, now())).unwrap())
        .unwrap();
    assert_eq!(state.as_of(), Some(now()));
}

#[test]
fn a_case_is_open_for_its_client_and_its_persons_until_it_ends() {
    let registry = Registry::of([opened("7", &["0TEST01", "0TEST02"], later(60))]);
    let state = registry.all();
    let check = |case: &str, persons: &[&str], now: Timestamp, expected: CaseStanding| {
        let persons: Vec<_> = persons.iter().map(|value| person(value)).collect();
        assert_eq!(state.case(&client(), case, &persons, now), expected);
    };
    check("7", &["0TEST01"], now(), CaseStanding::Open);
    check("7", &["0TEST01", "0TEST02"], now(), CaseStanding::Open);
    check("7", &[], now(), CaseStanding::Open);
    check("7", &["0TEST03"], now(), CaseStanding::OtherPersons);
    check(
        "7",
        &["0TEST01", "0TEST03"],
        now(),
        CaseStanding::OtherPersons,
    );
    check("8", &["0TEST01"], now(), CaseStanding::NotOpen);
    check("7", &["0TEST01"], later(59), CaseStanding::Open);
    check("7", &["0TEST01"], later(60), CaseStanding::NotOpen);
    let other = ClientId::from_rest("AZ/GOV/0000000391/muavinet").unwrap();
    let found = state.case(&other, "7", &[person("0TEST01")], now());
    assert_eq!(found, CaseStanding::NotOpen);
    // The same value of another kind is another key.
    let voen = PersonKey::from_canonical(KeyKind::Document, "0TEST01".to_owned()).unwrap();
    let found = state.case(&client(), "7", &[voen], now());
    assert_eq!(found, CaseStanding::OtherPersons);
}

#[test]
fn a_case_opened_again_is_as_it_is_now_and_closed_it_is_not_open() {
    let mut registry = Registry::of([
        opened("7", &["0TEST01"], later(60)),
        opened("7", &["0TEST02"], later(60)),
    ]);
    let standing = |state: &State, value| state.case(&client(), "7", &[person(value)], now());
    let state = registry.all();
    assert_eq!(standing(&state, "0TEST01"), CaseStanding::OtherPersons);
    assert_eq!(standing(&state, "0TEST02"), CaseStanding::Open);
    let case = hex::encode(case_digest(&client(), "7"));
    registry.add(Event::CaseClosed { case });
    assert_eq!(standing(&registry.all(), "0TEST02"), CaseStanding::NotOpen);
}

#[test]
fn what_has_ended_is_forgotten_after_a_while() {
    let short = Event::Revoked {
        consent: id(1),
        ends: later(10).as_second(),
    };
    let case = opened("7", &["0TEST01"], later(10));
    let registry = Registry::of([short, revoked(2), case]);
    let mut state = registry.all();
    let mut forget = |seconds: i64| {
        let page = registry.page(3, 3, later(seconds));
        let page = Page::verify(&page, &key(), "AZ", later(seconds)).unwrap();
        state.apply(&page).unwrap();
        state.forget_ended(later(seconds));
        (state.held(), state.consent(id(2)))
    };
    assert_eq!(forget(10), ((2, 1), Standing::Revoked));
    assert_eq!(forget(3610), ((1, 0), Standing::Revoked));
    assert_eq!(forget(7200), ((0, 0), Standing::Holds));
    assert_eq!(state.number(), 3);
}

#[test]
fn a_clock_that_runs_ahead_of_the_registry_forgets_nothing() {
    let mut state = Registry::of([revoked(1)]).all();
    state.forget_ended(later(1_000_000_000));
    assert_eq!(state.consent(id(1)), Standing::Revoked);
    // Nor before the registry has spoken.
    let mut kept = State::new();
    kept.replay_unchecked(&Registry::of([revoked(1)]).lines[0])
        .unwrap();
    kept.forget_ended(later(1_000_000_000));
    assert_eq!(kept.consent(id(1)), Standing::Revoked);
}

#[test]
fn a_hundred_thousand_revocations_are_held_in_ten_pages() {
    let registry = Registry::of((1..=100_000).map(revoked));
    let mut state = State::new();
    for after in (0..100_000).step_by(PAGE_ENTRIES_MAX) {
        let until = after + PAGE_ENTRIES_MAX;
        let page = registry.page(after, until, now());
        state.apply(&read(&page).unwrap()).unwrap();
    }
    assert_eq!(state.number(), 100_000);
    assert_eq!(state.held(), (100_000, 0));
    assert_eq!(state.consent(id(99_999)), Standing::Revoked);
    assert_eq!(state.as_of(), Some(now()));
    assert!(format!("{state:?}").len() < 200);
}
