//! A node whose transparency log is switched off, and on again.

use crate::country::{Country, Running};
use crate::wire;

/// The number of entries under the checkpoint; `None`: there is none.
#[track_caller]
fn size(country: &Country) -> Option<u64> {
    let answer = wire::get(country.transparency("din"), "/checkpoint", &[]);
    let size = || answer.text().lines().nth(1)?.parse().ok();
    match answer.status {
        200 => Some(size().expect("a checkpoint tells its size")),
        404 => None,
        _ => panic!("{}", answer.text()),
    }
}

fn switched(country: Country, is_on: bool) -> Running {
    let values = [("enabled", is_on.into())];
    country.configure("din", "transparency", &values);
    country.start_with(&["din", "iria"], &["iamas"])
}

#[test]
fn a_tree_that_was_switched_off_takes_in_what_was_logged_meanwhile() {
    let Some(country) = Country::found() else {
        return;
    };
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let before = size(&running.country).expect("it has a tree");

    let running = switched(running.stop(), false);
    assert_eq!(size(&running.country), None);
    for _ in 0..3 {
        let answer = wire::person(&running.country, "0TEST01");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    let running = switched(running.stop(), true);
    // Three requests and three responses: they are in the tree before the node listens.
    let after = size(&running.country).expect("it has a tree again");
    assert!(after >= before + 6, "{after} after {before}");
}
