//! Rules that cannot be obeyed, services nobody declares, systems that are no longer registered,
//! and whom no rule allows anything.

use gateway_exchange::conf::RulesFault;
use gateway_exchange::local::{BuiltIn, Service};
use gateway_messagelog::Ground;
use gateway_policy::rules::{Status, Unregistered};
use gateway_proto::id::ServiceId;

use super::{refused, refused_here, refused_there};
use crate::support::{
    AID, CREDIT, Desk, FIN, OTHER_FIN, Soap, World, client, law, rest, ruled, stating, with_consent,
};

fn lookup() -> http::Request<gateway_net::Body> {
    Soap::about(FIN).stating(&[("purpose", AID)]).request()
}

#[tokio::test]
async fn without_rules_everything_goes_on_as_before_and_records_say_nothing_of_a_ground() {
    let world = World::new().await;
    world.ask(lookup()).await.is("");
    world.ask(Soap::new("old").request()).await.is("");
    for place in [&world.consumer, &world.provider] {
        assert!(place.records().iter().all(|record| record.basis.is_none()));
    }
    world.logged((4, 0), (4, 0)).await;
}

#[tokio::test]
async fn rules_that_cannot_be_obeyed_stop_every_exchange_on_the_node_that_finds_it() {
    let (world, _) = ruled(vec![law()]).await;
    for (fault, code) in [
        (RulesFault::Invalid, "rules_invalid"),
        (RulesFault::RolledBack, "rules_rolled_back"),
        (RulesFault::Tampered, "rules_tampered"),
        (RulesFault::Missing, "rules_missing"),
    ] {
        world.refuse_rules(fault).await;
        refused(&world, lookup, code).await;
        refused(&world, || rest("GET", "/anything", ""), code).await;
    }
    assert!(world.service.calls().is_empty());
    world.logged((8, 16), (0, 8)).await;
    for refusal in world.provider.refusals(8).await {
        assert!(refusal.code.starts_with("server.serverproxy.basis.rules_"));
        assert!(refusal.reason.contains("operator of this node"));
    }
}

#[tokio::test]
async fn a_service_that_no_system_declares_is_off_unless_the_registry_lets_it_pass() {
    let (world, desk) = ruled(vec![law()]).await;
    let mut part = desk.part(vec![law()]);
    part.services.retain(|service| service.code != "lookup");
    world.enact(&part).await;
    refused(&world, lookup, "service_not_registered").await;

    part.settings.unregistered = Unregistered::Allow;
    world.enact(&part).await;
    world.ask(lookup()).await.is("");
    let record = world.provider.records().remove(0);
    assert_eq!(record.basis.unwrap().ground, Ground::NotPersonal);
}

#[tokio::test]
async fn services_of_a_deregistered_system_are_off() {
    let (world, desk) = ruled(vec![law()]).await;
    let mut part = desk.part(vec![law()]);
    part.systems[0].status = Status::Deregistered;
    world.enact(&part).await;
    refused(&world, lookup, "system_deregistered").await;
    let rest = || rest("GET", &format!("/persons/{FIN}"), "");
    refused(&world, rest, "system_deregistered").await;
}

#[tokio::test]
async fn a_service_that_is_not_about_persons_needs_no_rule() {
    let (world, desk) = ruled(Vec::new()).await;
    let mut part = desk.part(Vec::new());
    part.services[0].personal = false;
    part.services[0].subjects.clear();
    world.enact(&part).await;
    let answer = world.ask(Soap::new("any").request()).await;
    answer.is("");
    assert_eq!(answer.header("karvan-rule"), None);
    for place in [&world.consumer, &world.provider] {
        let basis = place.records().remove(0).basis.unwrap();
        assert_eq!(basis.ground, Ground::NotPersonal);
        assert_eq!((basis.rule, basis.rules_version), (None, 7));
        assert!(basis.persons.is_empty() && basis.quotas.is_empty());
    }
    world.logged((2, 0), (2, 0)).await;
}

#[tokio::test]
async fn refuses_a_personal_service_for_which_no_rule_names_the_caller() {
    let (world, desk) = ruled(Vec::new()).await;
    refused(&world, lookup, "no_rule").await;
    let mut rule = law();
    rule.consumers = vec![gateway_policy::rules::Consumer::Client(client(
        "DEV/COM/3333/OTHER",
    ))];
    world.enact(&desk.part(vec![rule])).await;
    refused(&world, lookup, "no_rule").await;
    let mut rule = law();
    rule.services[0].code = Some("petstore".to_owned());
    world.enact(&desk.part(vec![rule])).await;
    refused(&world, lookup, "no_rule").await;
}

#[tokio::test]
async fn a_rule_for_one_endpoint_is_none_for_another_however_it_is_written() {
    let (world, desk) = ruled(Vec::new()).await;
    let mut rule = law();
    rule.services[0].code = Some("petstore".to_owned());
    rule.services[0].method = Some("GET".to_owned());
    rule.services[0].path = Some("/persons/*/name".to_owned());
    world.enact(&desk.part(vec![rule])).await;
    let ask = |path: String| move || stating(rest("GET", &path, ""), &[("purpose", AID)]);
    world
        .ask(ask(format!("/persons/{FIN}/name"))())
        .await
        .is("");
    refused(&world, ask(format!("/persons/{FIN}/income")), "no_rule").await;
    refused_here(
        &world,
        ask(format!("/persons/{FIN}/name/../../{OTHER_FIN}%00")),
        "path_malformed",
    )
    .await;
}

#[tokio::test]
async fn the_answering_node_judges_by_its_own_rules() {
    // The asking node holds rules that allow it, the answering one none that do.
    let world = World::new().await;
    let mut desk = Desk::new();
    world.enact(&desk.part(Vec::new())).await;
    let strict = world.provider.rules.lock().unwrap().clone();
    world.enact(&desk.part(vec![law()])).await;
    *world.provider.rules.lock().unwrap() = strict;
    world.reconfigure(|_| ()).await;
    desk.tell(&world, []);
    refused_there(&world, lookup, "no_rule").await;
}

#[tokio::test]
async fn the_nodes_own_services_need_no_rule_and_are_told_to_the_adapter() {
    let (world, _) = ruled(vec![with_consent()]).await;
    world.change_provider(|provider| {
        for built_in in BuiltIn::ALL {
            let id = ServiceId::new(provider.id.clone(), built_in.code(), Some("v1")).unwrap();
            let lookup = provider.services[&("lookup".to_owned(), Some("v1".to_owned()))].clone();
            let service = Service {
                id,
                built_in: Some(built_in),
                url: String::new(),
                ..Service::clone(&lookup)
            };
            let key = (built_in.code().to_owned(), Some("v1".to_owned()));
            provider.services.insert(key, service.into());
            let asking = client("DEV/COM/1111/TESTCLI");
            let right = crate::support::right(&asking, built_in.code());
            provider.rights.push(right);
        }
    });
    world.service.answers(|head, body| {
        let text = String::from_utf8_lossy(body);
        let (from, to) = (["p:findUsage", "p:usagePeriod", "p:heartbeat"], "Response");
        let name = from.into_iter().find(|name| text.contains(name)).unwrap();
        let text = text.replace(name, &format!("{name}{to}"));
        let content_type = head.headers["content-type"].to_str().unwrap();
        Ok(crate::support::response(200, Some(content_type), text))
    });
    let ask = |built_in: BuiltIn| {
        let code = built_in.code();
        Soap {
            code,
            version: "v1",
            body: format!("<p:{code} xmlns:p=\"urn:p\"><p:fin>{FIN}</p:fin></p:{code}>"),
            ..Soap::new("b")
        }
        .request()
    };
    for built_in in BuiltIn::ALL {
        world.ask(ask(built_in)).await.is("");
        let call = world.service.calls().pop().unwrap();
        assert_eq!(call.target.built_in, Some(built_in));
    }
    // Also while nothing else is exchanged: persons may still ask who asked about them.
    world.refuse_rules(RulesFault::Missing).await;
    world.ask(ask(BuiltIn::FindUsage)).await.is("");
    for place in [&world.consumer, &world.provider] {
        assert!(place.records().iter().all(|record| record.basis.is_none()));
    }
    world.logged((8, 0), (8, 0)).await;
}

#[tokio::test]
async fn a_service_called_like_the_nodes_own_is_judged_where_it_is_not() {
    let (world, _) = ruled(vec![law()]).await;
    world.change_provider(|provider| {
        let lookup = provider.services[&("lookup".to_owned(), Some("v1".to_owned()))].clone();
        let id = ServiceId::new(provider.id.clone(), "findUsage", Some("v1")).unwrap();
        let service = Service {
            id,
            ..Service::clone(&lookup)
        };
        let key = ("findUsage".to_owned(), Some("v1".to_owned()));
        provider.services.insert(key, service.into());
        let right = crate::support::right(&client("DEV/COM/1111/TESTCLI"), "findUsage");
        provider.rights.push(right);
    });
    let ask = || {
        Soap {
            code: "findUsage",
            version: "v1",
            body: "<p:findUsage xmlns:p=\"urn:p\"/>".to_owned(),
            ..Soap::new("b")
        }
        .request()
    };
    refused_there(&world, ask, "service_not_registered").await;
}

#[tokio::test]
async fn of_providers_in_other_instances_our_rules_know_nothing() {
    const PROVIDER: &str = "OTHER/GOV/2222/TESTPROV";
    let (world, _) = ruled(Vec::new()).await;
    world.federate("OTHER", &client(PROVIDER));
    let ask = || {
        let soap = Soap {
            provider: PROVIDER,
            ..Soap::about(FIN).stating(&[("purpose", CREDIT)])
        };
        soap.request()
    };
    // It goes out, though no rule of ours allows it; where it arrives others would judge.
    let answer = world.ask(ask()).await;
    answer.is("server.serverproxy.service_failed.unknown_member");
    let record = world.consumer.records().remove(0);
    assert_eq!(
        (record.service.provider(), record.basis),
        (&client(PROVIDER), None)
    );
    // But not while rules stand that cannot be obeyed.
    world.refuse_rules(RulesFault::Tampered).await;
    world.federate("OTHER", &client(PROVIDER));
    refused_here(&world, ask, "rules_tampered").await;
}
