//! What is allowed is answered, and records say on what it rests: on both nodes, and also where
//! bodies are not kept.

use gateway_exchange::BodyLogging;
use gateway_messagelog::Ground;
use gateway_policy::rules::Basis;

use crate::support::{AID, Desk, FIN, OTHER_FIN, Soap, World, law, response, rest, ruled, stating};

#[tokio::test]
async fn an_exchange_by_law_names_act_and_article_and_the_rule() {
    let mut rule = law();
    rule.limits.data_life_seconds = Some(86_400);
    let (world, _) = ruled(vec![rule]).await;
    let soap = Soap::about(FIN).stating(&[("purpose", AID)]).request();
    let get = rest("GET", &format!("/persons/{FIN}"), "");
    for request in [soap, stating(get, &[("purpose", AID)])] {
        let answer = world.ask(request).await;
        answer.is("");
        assert_eq!(answer.header("karvan-rule"), Some("by-law/3"));
        assert_eq!(answer.header("karvan-data-life"), Some("86400"));
    }
    for place in [&world.consumer, &world.provider] {
        let records = place.records();
        for (at, record) in records.iter().enumerate() {
            if at % 2 == 1 {
                assert!(record.basis.is_none(), "responses rest on their requests");
                continue;
            }
            let basis = record.basis.as_ref().unwrap();
            assert_eq!(basis.ground, Ground::Law);
            assert_eq!(basis.rule.as_deref(), Some("by-law"));
            assert_eq!((basis.rule_version, basis.rules_version), (3, 7));
            let law = ("Act on aid".to_owned(), "7.1".to_owned());
            assert_eq!(basis.law.as_ref(), Some(&law));
            assert_eq!(basis.purpose.as_deref(), Some(AID));
            assert_eq!((basis.consent, &basis.emergency), (None, &None));
            assert_eq!((basis.persons.len(), basis.quotas.len()), (1, 0));
        }
    }
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn an_open_rule_is_named_where_it_decides() {
    let mut rule = law();
    rule.basis = Basis::Open;
    rule.services[0].code = Some("lookup".to_owned());
    let (world, desk) = ruled(Vec::new()).await;
    let mut part = desk.part(vec![rule]);
    part.services[0].personal = false;
    world.enact(&part).await;
    let soap = Soap::about(FIN).stating(&[("purpose", AID)]).request();
    world.ask(soap).await.is("");
    let basis = world.provider.records().remove(0).basis.unwrap();
    assert_eq!((basis.ground, basis.law), (Ground::Open, None));
}

#[tokio::test]
async fn where_bodies_are_not_kept_the_ground_is() {
    let not_kept = || BodyLogging {
        kept: false,
        ..BodyLogging::default()
    };
    let world = World::with_bodies(not_kept(), not_kept()).await;
    let mut desk = Desk::new();
    world.enact(&desk.part(vec![law()])).await;
    desk.tell(&world, []);
    let soap = Soap::about(FIN).stating(&[("purpose", AID)]).request();
    let get = rest("GET", &format!("/persons/{OTHER_FIN}"), "");
    for request in [soap, stating(get, &[("purpose", AID)])] {
        world.ask(request).await.is("");
    }
    for place in [&world.consumer, &world.provider] {
        for record in place.records().iter().step_by(2) {
            assert!(record.message_digest.is_some());
            let basis = record.basis.as_ref().unwrap();
            assert_eq!(basis.rule.as_deref(), Some("by-law"));
            assert_eq!((basis.persons.len(), basis.ground), (1, Ground::Law));
        }
        let octets = crate::body_logging::octets(place.dir.path());
        for fin in [FIN, OTHER_FIN] {
            assert!(!crate::body_logging::holds(&octets, fin));
        }
    }
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn a_service_cannot_speak_of_rules_in_our_name() {
    let world = World::new().await;
    world.service.answers(|_, _| {
        let mut answer = response(200, Some("text/plain"), "x");
        for name in ["karvan-rule", "karvan-data-life"] {
            answer.headers_mut().insert(name, "1".parse().unwrap());
        }
        Ok(answer)
    });
    let answer = world.ask(rest("GET", "/x", "")).await;
    answer.is("");
    assert_eq!(answer.header("karvan-rule"), None);
    assert_eq!(answer.header("karvan-data-life"), None);
}

#[tokio::test]
async fn what_is_asked_twice_is_decided_twice() {
    // The configuration changes between two questions: the second is judged by the new rules.
    let (world, desk) = ruled(vec![law()]).await;
    let ask = || Soap::about(FIN).stating(&[("purpose", AID)]).request();
    world.ask(ask()).await.is("");
    world.enact(&desk.part(Vec::new())).await;
    let answer = world.ask(ask()).await;
    answer.is("server.clientproxy.basis.no_rule");
    world.logged((2, 1), (2, 0)).await;
}

#[tokio::test]
async fn no_file_of_a_node_names_the_person_of_a_refused_request() {
    let (world, desk) = ruled(Vec::new()).await;
    let soap = || Soap::about(FIN).stating(&[("purpose", AID)]).request();
    let get = || rest("GET", &format!("/persons/{FIN}"), "");
    let post = || {
        let body = format!("{{\"persons\":[{{\"fin\":\"{FIN}\"}}],\"pad\":\"{FIN}\"}}");
        rest("POST", "/family", body)
    };
    let named = |place: &crate::support::Place| {
        let octets = crate::body_logging::octets(place.dir.path());
        crate::body_logging::holds(&octets, FIN)
    };
    for request in [soap(), get(), post()] {
        let answer = world.ask(request).await;
        answer.is("server.clientproxy.basis.no_rule");
    }
    assert_eq!(world.consumer.refusals(3).await.len(), 3);
    assert!(!named(&world.consumer));
    // Rules that hold on the asking node only.
    let strict = world.provider.rules.lock().unwrap().clone();
    let mut limited = law();
    limited.limits.frequency = Some(gateway_policy::rules::Frequency {
        count: 1,
        seconds: 60,
    });
    world.enact(&desk.part(vec![limited])).await;
    *world.provider.rules.lock().unwrap() = strict;
    world.reconfigure(|_| ()).await;
    for request in [soap(), get(), post()] {
        let answer = world.ask(request).await;
        answer.is("server.serverproxy.basis.no_rule");
    }
    assert_eq!(world.provider.refusals(3).await.len(), 3);
    assert!(!named(&world.provider));
    // Where a request was answered its record holds it, as it was signed.
    assert!(named(&world.consumer));
}
