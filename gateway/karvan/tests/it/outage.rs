//! What is down, and what goes on all the same.

use crate::country::{Country, Running, Service, eventually};
use crate::wire;

#[track_caller]
fn goes_on(running: &Running, times: usize) {
    for _ in 0..times {
        running.serves();
        let answer = wire::soap_person(&running.country, "outage", "0TEST02");
        assert_eq!(answer.fault(), None, "{}", answer.text());
    }
}

#[test]
fn exchanges_go_on_without_authority_and_registry_even_after_a_restart() {
    let Some(country) = Country::found() else {
        return;
    };
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    goes_on(&running, 1);

    running.take(Service::Certs).kill();
    goes_on(&running, 5);

    running.take(Service::Registry).kill();
    goes_on(&running, 5);

    // What a node needs to begin is on its disk: configuration and OCSP responses.
    for node in ["iria", "din"] {
        running.take(Service::Node(node)).kill();
        running.restart(Service::Node(node));
    }
    goes_on(&running, 3);

    let country = running.stop();
    for node in ["iria", "din"] {
        crate::load::check_log(&country.data(node));
    }
}

#[test]
fn a_node_that_never_saw_the_registry_says_what_is_missing_and_comes_up_with_it() {
    let Some(country) = Country::found() else {
        return;
    };
    let registry = country.start(Service::Registry);
    let certs = country.start(Service::Certs);
    let adapter = country.start(Service::Adapter("iamas"));
    let din = country.start(Service::Node("din"));
    registry.kill();
    // As a node is when it is new: nothing on disk.
    std::fs::remove_dir_all(country.data("iria")).unwrap();
    let iria = country.spawn(Service::Node("iria"));
    let ready = || wire::try_get(country.health("iria"), "/readyz", &[]);
    eventually("the node answers", || ready().is_ok());
    let answer = ready().unwrap();
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("is the registry reachable"),
        "{}",
        answer.text()
    );
    let answer = wire::person(&country, "0TEST01");
    let code = answer.fault();
    assert_eq!(
        code.as_deref(),
        Some("server.clientproxy.global_conf_outdated"),
        "{code:?}"
    );

    let registry = country.start(Service::Registry);
    eventually("the node is ready", || {
        ready().is_ok_and(|answer| answer.status == 200)
    });
    assert_eq!(wire::person(&country, "0TEST01").status, 200);
    drop((iria, registry, certs, adapter, din));
}

#[test]
fn a_service_that_is_down_is_said_to_be_and_comes_back() {
    let Some(country) = Country::found() else {
        return;
    };
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    running.take(Service::Adapter("iamas")).kill();
    let answer = wire::person(&running.country, "0TEST01");
    assert_eq!(
        answer.fault().as_deref(),
        Some("server.serverproxy.network_error")
    );
    let answer = wire::soap_person(&running.country, "down", "0TEST01");
    let code = "server.serverproxy.service_failed.network_error";
    assert_eq!(answer.fault().as_deref(), Some(code));
    running.restart(Service::Adapter("iamas"));
    goes_on(&running, 1);

    running.take(Service::Node("din")).kill();
    let answer = wire::person(&running.country, "0TEST01");
    assert_eq!(
        answer.fault().as_deref(),
        Some("server.clientproxy.network_error")
    );
    running.restart(Service::Node("din"));
    goes_on(&running, 1);
}
