//! Each service from its own file, in a process of its own.

use crate::country::{Running, Service, eventually};
use crate::wire;

#[test]
fn answers_rest_and_soap_when_each_service_is_started_alone() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let answer = wire::try_person(country, "0TEST01", &[("X-Road-Id", "alone-rest")]).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-road-id"), Some("alone-rest"));
    assert_eq!(answer.header("x-road-client"), Some(wire::PORTAL));
    assert!(answer.header("x-road-request-id").is_some());
    assert!(answer.header("x-road-request-hash").is_some());
    assert!(
        answer.text().contains("\"fin\":\"0TEST01\""),
        "{}",
        answer.text()
    );

    let answer = wire::soap_person(country, "alone-soap", "0TEST02");
    assert_eq!(
        (answer.status, answer.fault()),
        (200, None),
        "{}",
        answer.text()
    );
    for wanted in [
        "GetPersonByFinResponse",
        "0TEST02",
        "requestHash",
        "alone-soap",
    ] {
        assert!(
            answer.text().contains(wanted),
            "no {wanted} in {}",
            answer.text()
        );
    }
}

#[test]
fn a_malformed_fin_does_not_leave_the_node_and_an_unknown_one_is_answered_by_the_register() {
    let Some(running) = Running::shared() else {
        return;
    };
    let answer = wire::person(&running.country, "0TESTIO");
    let code = "server.clientproxy.basis.person_malformed";
    assert_eq!(answer.fault().as_deref(), Some(code), "{}", answer.text());
    let answer = wire::person(&running.country, "0TEST99");
    assert_eq!(
        (answer.status, answer.fault()),
        (404, None),
        "{}",
        answer.text()
    );
}

#[test]
fn health_tells_that_a_node_lives_and_is_ready() {
    let Some(running) = Running::shared() else {
        return;
    };
    let health = running.country.health("din");
    let answer = wire::get(health, "/healthz", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    let ready = || wire::get(health, "/readyz", &[]);
    // It is ready before it has heard the feed.
    eventually("the feed is heard", || {
        ready().text().contains("\nfeed entry ")
    });
    let answer = ready();
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let (first, remarks) = text.split_once('\n').unwrap();
    assert_eq!(first, "ready");
    // Of the neighbours that are to cosign some do not run; all else is as it should be.
    let mut degraded = remarks.lines().filter(|line| line.starts_with("degraded"));
    assert!(
        degraded.all(|line| line.starts_with("degraded: witness ")),
        "{text}"
    );
    for wanted in ["rules version ", "feed entry ", "journal: "] {
        let mut lines = remarks.lines();
        assert!(lines.any(|line| line.starts_with(wanted)), "{text}");
    }
    assert_eq!(wire::get(health, "/", &[]).status, 404);
}

#[test]
fn the_registry_publishes_versions_6_and_5_and_nothing_else() {
    let Some(running) = Running::shared() else {
        return;
    };
    let registry = running.country.registry();
    for path in [
        "/internalconf?version=6",
        "/internalconf?version=5",
        "/externalconf?version=6",
    ] {
        let answer = wire::get(registry, path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.text().contains("Content-location:"),
            "{path}: {}",
            answer.text()
        );
    }
    for path in [
        "/",
        "/internalconf",
        "/internalconf?version=7",
        "/../../etc/passwd",
        "/V6/../../pin",
    ] {
        assert_eq!(wire::get(registry, path, &[]).status, 404, "{path}");
    }
    assert_eq!(wire::post(registry, "/internalconf", &[], b"x").status, 404);
}

#[test]
fn a_service_that_is_asked_to_ends_in_order_and_starts_again() {
    let Some(country) = crate::country::Country::found() else {
        return;
    };
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    running.serves();
    for service in [
        Service::Node("din"),
        Service::Adapter("iamas"),
        Service::Registry,
        Service::Certs,
        Service::Node("iria"),
    ] {
        running.take(service).stop();
        running.restart(service);
        running.serves();
    }
    running.stop();
}
