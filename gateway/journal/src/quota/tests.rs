use super::{State, Uses};

const TAIL: [u8; 14] = [1; 14];

fn state() -> State {
    Uses::new(0).state.into_inner().unwrap()
}

fn counted(state: &State) -> usize {
    state.taken.get(&TAIL).map_or(0, |slot| slot.count(None))
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_893_456_000).unwrap()
}

#[test]
fn a_use_is_counted_in_memory_until_it_is_in_the_store() {
    let mut state = state();
    let one = state.take(TAIL, now());
    assert_eq!(counted(&state), 1);
    state.keep(TAIL, one);
    assert_eq!(counted(&state), 1);
    state.stored(TAIL);
    assert_eq!(counted(&state), 0);
    assert!(state.taken.is_empty());
}

#[test]
fn a_use_that_is_stored_before_it_is_kept_is_not_counted_twice() {
    let mut state = state();
    let one = state.take(TAIL, now());
    state.stored(TAIL);
    assert_eq!(counted(&state), 0);
    state.keep(TAIL, one);
    assert_eq!(counted(&state), 0);
    assert!(state.taken.is_empty());
}

#[test]
fn a_released_use_leaves_the_others_counted() {
    let mut state = state();
    let (one, other) = (state.take(TAIL, now()), state.take(TAIL, now()));
    state.stored(TAIL); // the other one's record
    assert_eq!(counted(&state), 1);
    state.release(TAIL, one);
    assert_eq!(counted(&state), 0);
    state.keep(TAIL, other);
    assert!(state.taken.is_empty());
}

#[test]
fn what_an_earlier_run_logged_is_not_taken_from_uses_of_this_one() {
    let mut state = state();
    state.stored(TAIL);
    state.take(TAIL, now());
    assert_eq!(counted(&state), 1);
}
