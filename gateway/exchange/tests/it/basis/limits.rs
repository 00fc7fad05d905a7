//! Limits of rules: how often, when, within a case; the end user; emergencies; and a feed that is
//! too old.

use gateway_messagelog::{Disclosure as Told, Ground};
use gateway_net::Body;
use gateway_policy::feed::Event;
use gateway_policy::rules::{CaseLimit, Disclosure, Frequency, Hours, Rule};
use http::Request;
use jiff::{SignedDuration, Timestamp};

use super::{refused, refused_there};
use crate::support::{
    AID, CREDIT, FIN, NOW, OTHER_FIN, RESCUE, Soap, THIRD_FIN, case_closed, case_opened, law, rest,
    ruled, stating, vital, with_consent,
};

fn lookup(fin: &str) -> Request<Body> {
    Soap::about(fin).stating(&[("purpose", AID)]).request()
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).unwrap()
}

fn limited(change: impl FnOnce(&mut Rule)) -> Vec<Rule> {
    let mut rule = law();
    change(&mut rule);
    vec![rule]
}

#[tokio::test]
async fn one_client_asks_about_one_person_so_often_and_no_more() {
    let frequency = Frequency {
        count: 2,
        seconds: 3600,
    };
    let (world, _) = ruled(limited(|rule| rule.limits.frequency = Some(frequency))).await;
    let asked = (0..8).map(|_| world.ask(lookup(FIN)));
    let answers = futures_util::future::join_all(asked).await;
    let answered = answers.iter().filter(|answer| answer.code().is_empty());
    assert_eq!(answered.count(), 2, "also when they race");
    refused_there(&world, || lookup(FIN), "frequency_exceeded").await;
    world.ask(lookup(OTHER_FIN)).await.is("");
    world.clock.advance(3601);
    world.refresh();
    world.ask(lookup(FIN)).await.is("");
    world.logged((15, 7), (8, 7)).await;
}

#[tokio::test]
async fn a_rule_may_serve_once_for_each_case_and_person() {
    let once = limited(|rule| {
        rule.limits.single_use = true;
        rule.limits.case = CaseLimit::Named;
    });
    let (world, _) = ruled(once).await;
    world.ask(lookup(FIN)).await.is("");
    refused_there(&world, || lookup(FIN), "used_up").await;
    world.clock.advance(3000);
    refused_there(&world, || lookup(FIN), "used_up").await;
    world.ask(lookup(OTHER_FIN)).await.is("");
    let other_case = Soap {
        more: "<x:userId>AZ99</x:userId><x:issue>case-8</x:issue>".to_owned(),
        ..Soap::about(FIN)
    };
    let other_case = other_case.stating(&[("purpose", AID)]);
    world.ask(other_case.request()).await.is("");
}

#[tokio::test]
async fn a_family_takes_one_use_of_each_person_or_none() {
    let frequency = Frequency {
        count: 1,
        seconds: 3600,
    };
    let (world, _) = ruled(limited(|rule| rule.limits.frequency = Some(frequency))).await;
    let family = |fins: &[&str]| {
        let persons: Vec<_> = fins
            .iter()
            .map(|fin| serde_json::json!({ "fin": fin }))
            .collect();
        let body = serde_json::json!({ "persons": persons }).to_string();
        stating(rest("POST", "/family", body), &[("purpose", AID)])
    };
    world.ask(lookup(OTHER_FIN)).await.is("");
    let both = || family(&[FIN, OTHER_FIN]);
    refused_there(&world, both, "frequency_exceeded").await;
    // The one who had a use left still has it.
    world.ask(family(&[FIN, THIRD_FIN])).await.is("");
    let records = world.provider.records();
    let basis = records[2].basis.as_ref().unwrap();
    assert_eq!((basis.persons.len(), basis.quotas.len()), (2, 2));
}

#[tokio::test]
async fn what_could_not_be_logged_was_not_used() {
    let mut small = crate::support::options();
    small.segment.record_bytes_max = 600;
    let world = crate::support::World::with_logs(crate::support::options(), small).await;
    let mut desk = crate::support::Desk::new();
    let frequency = Frequency {
        count: 1,
        seconds: 3600,
    };
    let rules = limited(|rule| rule.limits.frequency = Some(frequency));
    world.enact(&desk.part(rules)).await;
    desk.tell(&world, []);
    for _ in 0..2 {
        let answer = world.ask(lookup(FIN)).await;
        answer.is("server.serverproxy.logging_failed");
    }
    assert!(world.service.calls().is_empty());
}

#[tokio::test]
async fn refuses_outside_the_time_and_the_hours_of_a_rule() {
    let from = limited(|rule| rule.limits.valid_from = Some(after(60)));
    let (world, desk) = ruled(from).await;
    refused(&world, || lookup(FIN), "rule_not_in_force").await;
    let until = limited(|rule| rule.limits.valid_until = Some(NOW));
    world.enact(&desk.part(until)).await;
    refused(&world, || lookup(FIN), "rule_not_in_force").await;
    // The clock stands at midnight of UTC, four hours before that of the rules.
    let hours = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        let weekdays = Vec::new();
        limited(|rule| rule.limits.hours = Some(Hours { from, to, weekdays }))
    };
    world.enact(&desk.part(hours("08:00", "18:00"))).await;
    refused(&world, || lookup(FIN), "outside_hours").await;
    world.enact(&desk.part(hours("03:00", "05:00"))).await;
    world.ask(lookup(FIN)).await.is("");
}

#[tokio::test]
async fn refuses_without_the_end_user_where_one_must_be_named() {
    let (world, desk) = ruled(vec![law()]).await;
    let mut part = desk.part(vec![law()]);
    for service in &mut part.services {
        service.user_required = true;
    }
    world.enact(&part).await;
    let nobody = |more: &'static str| {
        move || {
            let soap = Soap {
                more: more.to_owned(),
                ..Soap::about(FIN)
            };
            soap.stating(&[("purpose", AID)]).request()
        }
    };
    refused(&world, nobody(""), "user_missing").await;
    refused(&world, nobody("<x:userId> </x:userId>"), "user_missing").await;
    let get = || {
        stating(
            rest("GET", &format!("/persons/{FIN}"), ""),
            &[("purpose", AID)],
        )
    };
    refused(&world, get, "user_missing").await;
    let mut named = get();
    let user = "AZ99".parse().unwrap();
    named.headers_mut().insert("x-road-userid", user);
    world.ask(named).await.is("");
    world.ask(lookup(FIN)).await.is("");
}

#[tokio::test]
async fn a_rule_may_demand_that_a_case_is_named() {
    let (world, _) = ruled(limited(|rule| rule.limits.case = CaseLimit::Named)).await;
    world.ask(lookup(FIN)).await.is("");
    let unnamed = || {
        let soap = Soap {
            more: String::new(),
            ..Soap::about(FIN)
        };
        soap.stating(&[("purpose", AID)]).request()
    };
    refused(&world, unnamed, "case_missing").await;
}

#[tokio::test]
async fn a_rule_may_hold_only_while_the_case_is_open_and_for_its_persons() {
    let (world, mut desk) = ruled(limited(|rule| rule.limits.case = CaseLimit::Open)).await;
    refused(&world, || lookup(FIN), "case_not_open").await;
    desk.tell(&world, [case_opened("case-7", &[FIN, OTHER_FIN])]);
    world.ask(lookup(FIN)).await.is("");
    world.ask(lookup(OTHER_FIN)).await.is("");
    refused(&world, || lookup(THIRD_FIN), "case_other_persons").await;
    desk.tell(&world, [case_opened("case-8", &[THIRD_FIN])]);
    refused(&world, || lookup(THIRD_FIN), "case_other_persons").await;
    desk.tell(&world, [case_closed("case-7")]);
    refused(&world, || lookup(FIN), "case_not_open").await;
}

#[tokio::test]
async fn a_stale_feed_closes_what_rests_on_it_and_leaves_law_open() {
    let mut on_case = law();
    on_case.id = "on-case".to_owned();
    on_case.limits.case = CaseLimit::Open;
    on_case.purposes = vec![RESCUE.to_owned()];
    let (world, mut desk) = ruled(vec![law(), with_consent(), on_case]).await;
    desk.tell(&world, [case_opened("case-7", &[FIN])]);
    let text = desk.seal(&desk.artefact());
    let consented = || {
        let fields = [("purpose", CREDIT), ("consent", &*text)];
        Soap::about(FIN).stating(&fields).request()
    };
    let in_case = || Soap::about(FIN).stating(&[("purpose", RESCUE)]).request();
    for request in [consented(), in_case()] {
        world.ask(request).await.is("");
    }
    world.clock.advance(61);
    refused(&world, consented, "feed_stale").await;
    refused(&world, in_case, "feed_stale").await;
    world.ask(lookup(FIN)).await.is("");
    desk.tell(&world, []);
    world.ask(consented()).await.is("");
    // A feed whose writer broke off vouches for nothing.
    for place in [&world.consumer, &world.provider] {
        let node = std::sync::Arc::clone(&place.node);
        let broken = std::thread::spawn(move || {
            let _held = node.feed.write().unwrap();
            panic!("while the feed is written");
        });
        assert!(broken.join().is_err());
    }
    refused(&world, consented, "feed_stale").await;
    world.ask(lookup(FIN)).await.is("");
}

#[tokio::test]
async fn a_node_that_never_heard_of_the_feed_takes_no_consent() {
    let (world, desk) = ruled(vec![with_consent(), law()]).await;
    for place in [&world.consumer, &world.provider] {
        *place.node.feed.write().unwrap() = gateway_policy::feed::State::new();
    }
    let text = desk.seal(&desk.artefact());
    let consented = || {
        let fields = [("purpose", CREDIT), ("consent", &*text)];
        Soap::about(FIN).stating(&fields).request()
    };
    refused(&world, consented, "feed_stale").await;
    world.ask(lookup(FIN)).await.is("");
}

#[tokio::test]
async fn the_grace_of_an_expired_configuration_is_not_for_consents() {
    let (world, mut desk) = ruled(vec![with_consent(), law()]).await;
    let text = desk.seal(&desk.artefact());
    let consented = || {
        let fields = [("purpose", CREDIT), ("consent", &*text)];
        Soap::about(FIN).stating(&fields).request()
    };
    world.expire_at(after(30)).await;
    world.ask(consented()).await.is("");
    world.clock.advance(60);
    desk.tell(&world, []);
    refused(&world, consented, "rules_expired").await;
    world.ask(lookup(FIN)).await.is("");
    let record = world.provider.records().pop().unwrap();
    assert_eq!(record.degraded, ["registry-grace"]);
}

#[tokio::test]
async fn an_emergency_needs_a_reason_and_a_rule() {
    let (world, desk) = ruled(vec![vital(), law()]).await;
    let soap = |reason: &str| {
        let fields = [("purpose", RESCUE), ("emergency", reason)];
        Soap::about(FIN).stating(&fields).request()
    };
    let get = |reason: &str| {
        let fields = [("purpose", RESCUE), ("emergency", reason)];
        stating(rest("GET", &format!("/persons/{FIN}"), ""), &fields)
    };
    world.ask(soap("unconscious, ward 3")).await.is("");
    world.ask(get("unconscious%2C%20ward%203")).await.is("");
    for place in [&world.consumer, &world.provider] {
        for record in place.records().iter().step_by(2) {
            let basis = record.basis.as_ref().unwrap();
            assert_eq!(basis.ground, Ground::Vital);
            assert_eq!(basis.emergency.as_deref(), Some("unconscious, ward 3"));
            let law = ("Act on health".to_owned(), "2".to_owned());
            assert_eq!(basis.law.as_ref(), Some(&law));
        }
    }
    for empty in ["x", "...", "!"] {
        refused(&world, || soap(empty), "reason_missing").await;
    }
    let without = || Soap::about(FIN).stating(&[("purpose", RESCUE)]).request();
    refused(&world, without, "purpose_not_declared").await;
    world.enact(&desk.part(vec![law()])).await;
    let reason = || {
        let fields = [("purpose", AID), ("emergency", "unconscious, ward 3")];
        Soap::about(FIN).stating(&fields).request()
    };
    refused(&world, reason, "emergency_not_allowed").await;
}

#[tokio::test]
async fn records_say_when_the_person_may_learn_of_it() {
    let until = after(86_400);
    let article = "12.3".to_owned();
    let hidden = Disclosure::Hidden {
        article: article.clone(),
        until,
    };
    let (world, desk) = ruled(Vec::new()).await;
    let told = [
        (Disclosure::AtOnce, Told::AtOnce),
        (
            Disclosure::Delayed { seconds: 3600 },
            Told::From(NOW + SignedDuration::from_secs(3600)),
        ),
        (hidden, Told::Hidden { article, until }),
    ];
    for (disclosure, expected) in told {
        let rules = limited(|rule| rule.disclosure = disclosure);
        world.enact(&desk.part(rules)).await;
        world.ask(lookup(FIN)).await.is("");
        for place in [&world.consumer, &world.provider] {
            let records = place.records();
            let basis = records[records.len() - 2].basis.clone().unwrap();
            assert_eq!(basis.disclosure, expected);
        }
    }
}

#[tokio::test]
async fn a_revocation_that_only_the_answering_node_has_heard_of_counts() {
    let (world, desk) = ruled(vec![with_consent()]).await;
    let artefact = desk.artefact();
    let text = desk.seal(&artefact);
    let before = world.consumer.node.feed.read().unwrap().clone();
    let mut desk = desk;
    let (consent, ends) = (artefact.id, artefact.valid_until.as_second());
    desk.tell(&world, [Event::Revoked { consent, ends }]);
    *world.consumer.node.feed.write().unwrap() = before;
    let consented = || {
        let fields = [("purpose", CREDIT), ("consent", &*text)];
        Soap::about(FIN).stating(&fields).request()
    };
    refused_there(&world, consented, "consent_revoked").await;
}
