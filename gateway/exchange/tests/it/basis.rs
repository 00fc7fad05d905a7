//! On what ground exchanges go on: what is allowed and what the records say of it; and each refusal
//! with its code, by the asking node before anything leaves it, and by the answering node where the
//! asking one does not look.

mod consent;
mod good;
mod limits;
mod persons;
mod rules;
mod stated;

use gateway_exchange::conf::RulesState;
use gateway_net::Body;
use http::Request;

use crate::support::{FIN, OTHER_FIN, THIRD_FIN, World};

/// Each node refuses it by itself, and neither says about whom it was.
async fn refused(world: &World, request: impl Fn() -> Request<Body>, code: &str) {
    refused_here(world, &request, code).await;
    let rules = world.consumer.rules.lock().unwrap().clone();
    world.blind_consumer().await;
    refused_there(world, &request, code).await;
    restore(world, rules).await;
}

/// The asking node refuses it, and sends nothing.
async fn refused_here(world: &World, request: impl Fn() -> Request<Body>, code: &str) {
    let sent = world.sent().len();
    check(
        world,
        request(),
        &format!("server.clientproxy.basis.{code}"),
    )
    .await;
    assert_eq!(world.sent().len(), sent, "nothing leaves the asking node");
}

/// The answering node refuses it, and does not ask the service.
async fn refused_there(world: &World, request: impl Fn() -> Request<Body>, code: &str) {
    let calls = world.service.calls().len();
    check(
        world,
        request(),
        &format!("server.serverproxy.basis.{code}"),
    )
    .await;
    assert_eq!(world.service.calls().len(), calls);
}

async fn restore(world: &World, rules: RulesState) {
    *world.consumer.rules.lock().unwrap() = rules;
    world.reconfigure(|_| ()).await;
}

async fn check(world: &World, request: Request<Body>, code: &str) {
    let answer = world.ask(request).await;
    answer.is(code);
    for fin in [FIN, OTHER_FIN, THIRD_FIN] {
        assert!(!answer.text().contains(fin), "{}", answer.text());
    }
}
