use std::sync::Arc;

use gateway_exchange::conf::{Conf, RulesState};
use gateway_exchange::transport::Reply;
use gateway_exchange::{Error, Transport};
use gateway_globalconf::Snapshot;
use gateway_messagelog::Ground;
use gateway_net::{Body, Candidate, PeerError, PeerEvidence};
use gateway_policy::rules::Rules;
use serde_json::json;

use super::Notices;
use crate::node::journal::testing::{NOW, World};
use crate::testing;

const SUPERVISOR: &str = "AZ/GOV/0000001181/razilig/notices";

/// Nobody is there.
struct Nowhere;

impl Transport for Nowhere {
    async fn send(
        &self,
        _candidates: &[Candidate],
        _request: http::Request<Body>,
        _verify: &(dyn Fn(&PeerEvidence) -> Result<(), Error> + Send + Sync),
    ) -> Result<Reply, PeerError<Error>> {
        Err(PeerError::Timeout)
    }
}

fn rules(settings: serde_json::Value) -> RulesState {
    let part = json!({
        "format": "karvan-rules/1",
        "instance": "AZ",
        "version": 1,
        "published": "2026-11-22T12:00:00Z",
        "settings": settings,
    });
    let part = serde_json::to_vec(&part).unwrap();
    RulesState::InForce(Arc::new(Rules::read(&part, "AZ").unwrap()))
}

fn snapshot() -> Snapshot {
    testing::snapshot(&[], NOW)
}

async fn emergency(world: &World, id: &str) {
    world
        .ask(id, "0TEST01", |record| {
            let basis = record.basis.as_mut().unwrap();
            basis.ground = Ground::Vital;
            basis.emergency = Some("unconscious, ward 3".to_owned());
        })
        .await;
    world.catch_up().await;
}

fn waiting(world: &World) -> u64 {
    world.node.journal.counts().unwrap().notices
}

#[tokio::test]
async fn nothing_is_lost_while_there_is_no_supervisor_or_he_is_not_reached() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    let mut notices = Notices::new(Arc::clone(&world.node), Nowhere, world.progress());
    assert_eq!(notices.round().await, Ok(()));
    emergency(&world, "v-1").await;

    // Neither a configuration, nor a supervisor in it.
    assert!(notices.round().await.unwrap_err().contains("no supervisor"));
    let conf = Conf::with_rules(snapshot(), rules(json!({})));
    world.node.conf.store(Some(Arc::new(conf)));
    assert!(notices.round().await.unwrap_err().contains("no supervisor"));
    assert_eq!(waiting(&world), 1);

    // One that cannot be reached: each is tried once, until the next pause.
    let conf = Conf::with_rules(snapshot(), rules(json!({"supervisor": SUPERVISOR})));
    world.node.conf.store(Some(Arc::new(conf)));
    emergency(&world, "v-2").await;
    let refused = notices.round().await.unwrap_err();
    assert!(
        refused.contains("v-2") && refused.contains(SUPERVISOR),
        "{refused}"
    );
    assert_eq!(notices.round().await, Ok(()));
    assert_eq!(waiting(&world), 2);
}

#[tokio::test]
async fn the_notice_is_the_owners_says_why_and_not_about_whom() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), "");
    emergency(&world, "v-1").await;
    let notices = Notices::new(Arc::clone(&world.node), Nowhere, world.progress());
    let usage = world.node.journal.notices(0, 1).unwrap().remove(0);
    let request = notices
        .request(&usage, &SUPERVISOR.parse().unwrap())
        .unwrap();
    let (head, body) = request.into_parts();
    assert_eq!(head.method, http::Method::POST);
    assert_eq!(head.uri.path(), "/r1/AZ/GOV/0000001181/razilig/notices/");
    assert_eq!(head.headers["x-road-client"], "AZ/GOV/0000000131/iamas");
    let body = gateway_net::collect(body, 10_000).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = json!({
        "message_id": "v-1",
        "at": NOW,
        "consumer": "AZ/GOV/0000000261/vemtas",
        "service": "AZ/GOV/0000000131/iamas/GetPerson/v1",
        "rule": "aid/2",
        "user": "0USER01",
        "purpose": "social-aid",
        "case": "VM-2026-1",
        "reason": "unconscious, ward 3",
    });
    assert_eq!(said, expected);
}
