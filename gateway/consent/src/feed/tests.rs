use certs_keys::{Ed25519Key, SecretKey};
use gateway_policy::feed::{Page, State};
use gateway_tlog::note::{Kind, Signer};
use uuid::Uuid;

use super::*;
use crate::{HashKeys, Keys};

fn desk(folder: &tempfile::TempDir) -> Desk {
    let key = |octet: u8| Ed25519Key::from_seed(&[octet; 32]).unwrap();
    let keys = Keys {
        consent: key(1),
        consent_kid: "k1".to_owned(),
        feed: Signer::new(Kind::Ed25519, "AZ-feed", key(2)).unwrap(),
        hash: HashKeys::new(vec![(1, SecretKey::from_bytes([3; 32]))]).unwrap(),
        seal: SecretKey::from_bytes([4; 32]),
    };
    Desk::open(&folder.path().join("desk.redb"), keys, "AZ").unwrap()
}

fn revoke(desk: &Desk, numbers: std::ops::Range<u128>) {
    let number = desk.store.try_write(|tx| {
        let mut last = 0;
        for number in numbers {
            let consent = Uuid::from_u128(number);
            last = append(tx, Event::Revoked { consent, ends: 1 })?;
        }
        Ok::<_, Error>(last)
    });
    desk.told(number.unwrap());
}

/// The sizes of the pages read.
fn follow(desk: &Desk, state: &mut State, now: Timestamp) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        let page = desk.page(state.number(), now).unwrap();
        let page = Page::verify(&page, desk.keys.feed.verifier(), "AZ", now).unwrap();
        state.apply(&page).unwrap();
        sizes.push(page.entries().len());
        if page.is_complete() {
            return sizes;
        }
        assert_eq!(
            state.as_of(),
            None,
            "only a complete page says how old it is"
        );
    }
}

#[test]
fn pages_are_bounded_and_only_the_last_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(&folder);
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    revoke(&desk, 0..4001);
    let mut state = State::new();
    assert_eq!(follow(&desk, &mut state, now), [2000, 2000, 1]);
    assert_eq!((state.number(), desk.feed_number()), (4001, 4001));
    revoke(&desk, 4001..4003);
    assert_eq!(follow(&desk, &mut state, now), [2]);
    let mut new = State::new();
    follow(&desk, &mut new, now);
    assert_eq!(new.hash(), state.hash());
}

#[test]
fn an_entry_of_a_change_that_failed_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(&folder);
    let failed = desk.store.try_write(|tx| {
        append(
            tx,
            Event::Resumed {
                consent: Uuid::nil(),
            },
        )?;
        Err::<(), Error>(Error::Time)
    });
    assert!(failed.is_err());
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    assert_eq!(follow(&desk, &mut State::new(), now), [0]);
}
