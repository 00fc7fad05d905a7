//! The rules in the configuration, and a registry that is not what it was: a system that is switched
//! off, rules that are older, other, unreadable or gone, a feed that falls silent or goes back.
//!
//! The asking node looks at the registry once an hour, the answering one each second: so the answering
//! node is seen to judge by itself. As a consumer of its own services it is seen to judge before it
//! sends.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::country::{Country, Process, Service, eventually};
use crate::legal::{self, BANK, FUND, PORTAL, Sealer, Soap};
use crate::publisher::{Configuration, Publisher};
use crate::wire::{self, Answer};

struct World {
    country: Country,
    /// A consent that holds all the time.
    consent: String,
}

impl World {
    /// The bank asks for what needs a consent, through the node that lags behind.
    fn bank(&self) -> Answer {
        let asked = legal::income(BANK, "0TEST01", Some(&self.consent));
        asked.ask(self.country.clients("iria"))
    }

    /// The portal asks for what the law allows it, through the same.
    fn portal(&self) -> Answer {
        by_law(PORTAL, "e-service").ask(self.country.clients("iria"))
    }

    /// A client of the answering node asks there.
    fn neighbour(&self) -> Answer {
        by_law("AZ/GOV/0000000261/vemtas", "social-aid").ask(self.country.clients("eesmn"))
    }

    /// A service of the node itself, which needs no rule.
    #[track_caller]
    fn heart_beats(&self) {
        let asked = Soap {
            code: "heartbeat",
            namespace: "http://dumonitor.x-road.eu/producer",
            content: "",
            basis: &[],
            ..by_law(PORTAL, "e-service")
        };
        let answer = asked.ask(self.country.clients("iria"));
        assert!(
            answer.text().contains("<status>OK</status>"),
            "{}",
            answer.text()
        );
    }

    /// All is as it should be.
    #[track_caller]
    fn holds(&self, what: &str) {
        legal::becomes(what, None, || self.bank());
        let answer = self.portal();
        assert_eq!(answer.fault(), None, "{what}: {}", answer.text());
        // It would have to open a case first, and is told so.
        let code = "server.clientproxy.basis.case_missing";
        legal::becomes(what, Some(code), || self.neighbour());
    }

    /// Nothing goes through the node that saw the rules, not even what the law allows. Of consents the
    /// node that lags behind says nothing here: it hears no feed.
    #[track_caller]
    fn closed(&self, what: &str, code: &str) {
        let there = format!("server.serverproxy.basis.{code}");
        let answer = legal::becomes(what, Some(&there), || self.portal());
        legal::names_nobody(&answer);
        let here = format!("server.clientproxy.basis.{code}");
        let answer = self.neighbour();
        assert_eq!(
            answer.fault().as_deref(),
            Some(&*here),
            "{what}: {}",
            answer.text()
        );
        legal::names_nobody(&answer);
        self.heart_beats();
        // The operator is told what to do.
        let said = wire::get(self.country.health("eesmn"), "/readyz", &[]);
        assert_eq!(said.status, 503, "{what}: {}", said.text());
    }

    /// The registry's store.
    fn store(&self) -> PathBuf {
        self.country.folder().join("registry/data/registry.redb")
    }
}

fn by_law<'s>(client: &'s str, purpose: &'static str) -> Soap<'s> {
    let basis: &'static [(&str, &str)] = match purpose {
        "e-service" => &[("purpose", "e-service")],
        _ => &[("purpose", "social-aid")],
    };
    Soap {
        client,
        provider: FUND,
        code: "GetPension",
        namespace: "urn:az:pensiya:1",
        id: "by-law",
        content: "<b:fin>0TEST05</b:fin>",
        basis,
    }
}

#[test]
fn rules_only_go_forward_and_what_is_switched_off_is_off_everywhere() {
    let Some(country) = Country::unasked() else {
        return;
    };
    let country = country.saying("debug");
    let older = country.folder().join("older.redb");
    std::fs::copy(country.folder().join("registry/data/registry.redb"), &older).unwrap();
    legal::believe_feed_for(&country, FEED_SECONDS);
    legal::registry(&country, &["rule", "publish"]);
    legal::refresh(&country, "iria", 3600);
    legal::refresh(&country, "eesmn", 1);
    let _certs = country.start(Service::Certs);
    let registry = country.start(Service::Registry);
    let _adapter = country.start(Service::Adapter("pensiya"));
    let node = country.start(Service::Node("eesmn"));
    let lagging = country.start(Service::Node("iria"));
    let consent = Sealer::of(&country).seal(&legal::artefact("0TEST01"));
    let world = World { country, consent };
    world.holds("at first");

    a_deregistered_system_is_off_until_it_is_registered_again(&world);
    let registry = other_rules_are_refused(&world, registry, &older);
    let registry = rules_changed_on_disk_are_noticed_without_the_registry(&world, node, registry);
    a_silent_feed_closes_what_rests_on_it_and_nothing_else(&world, &lagging, registry.0);
    drop(registry.1);
    legal::nobody_is_named(&world.country);
}

fn a_deregistered_system_is_off_until_it_is_registered_again(world: &World) {
    let system = |what: &str| legal::registry(&world.country, &["system", what, "pensiya"]);
    // At once: nothing else has to be published.
    system("deregister");
    let there = "server.serverproxy.basis.system_deregistered";
    legal::becomes("the system is off", Some(there), || world.portal());
    let answer = world.bank();
    assert_eq!(answer.fault().as_deref(), Some(there), "{}", answer.text());
    let here = "server.clientproxy.basis.system_deregistered";
    let answer = world.neighbour();
    assert_eq!(answer.fault().as_deref(), Some(here), "{}", answer.text());
    system("reregister");
    legal::registry(&world.country, &["rule", "publish"]);
    world.holds("it is on again");
}

/// Whatever is put in the place of the registry, with its own signature on it.
fn other_rules_are_refused(world: &World, registry: Process, older: &std::path::Path) -> Process {
    let country = &world.country;
    let mut configuration = Configuration::of(country);
    let rules: Value = serde_json::from_slice(configuration.rules()).unwrap();
    let version = rules["version"].as_u64().unwrap();
    let changed = |change: &[(&str, Value)]| {
        let mut rules = rules.clone();
        for (name, value) in change {
            rules[*name] = value.clone();
        }
        Some(rules.to_string().into_bytes())
    };
    registry.stop();
    let publisher = Publisher::start(country.registry(), &configuration);
    for (what, rules, code) in [
        (
            "the same version with other rules",
            changed(&[("rules", json!([]))]),
            "rules_tampered",
        ),
        (
            "rules in a format of the future",
            changed(&[("format", json!("karvan-rules/2"))]),
            "rules_invalid",
        ),
        (
            "the next version, of another past",
            changed(&[
                ("version", json!(version + 1)),
                ("previous", json!("0".repeat(64))),
            ]),
            "rules_tampered",
        ),
        ("no rules", None, "rules_missing"),
        (
            "rules for another instance",
            changed(&[("instance", json!("EE"))]),
            "rules_invalid",
        ),
    ] {
        configuration.put_rules(rules.as_deref());
        publisher.publish(&configuration);
        world.closed(what, code);
    }
    drop(publisher);

    // The registry itself, from a backup of before.
    let newer = country.folder().join("newer.redb");
    std::fs::rename(world.store(), &newer).unwrap();
    std::fs::copy(older, world.store()).unwrap();
    let registry = country.start(Service::Registry);
    world.closed("rules of before", "rules_rolled_back");
    registry.stop();
    std::fs::rename(newer, world.store()).unwrap();
    let registry = country.start(Service::Registry);
    world.holds("the registry is itself again");
    registry
}

/// Somebody changes the node's own file while both are down; the node starts with it.
fn rules_changed_on_disk_are_noticed_without_the_registry(
    world: &World,
    node: Process,
    registry: Process,
) -> (Process, Process) {
    let country = &world.country;
    registry.stop();
    node.stop();
    let kept = country
        .data("eesmn")
        .join("globalconf/AZ/karvan-rules.json");
    let mut rules: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    rules["rules"] = json!([]);
    std::fs::write(&kept, rules.to_string()).unwrap();
    let node = country.spawn(Service::Node("eesmn"));
    let health = country.health("eesmn");
    eventually("the node answers", || {
        wire::try_get(health, "/readyz", &[]).is_ok()
    });
    world.closed("rules changed on disk", "rules_tampered");
    let registry = country.start(Service::Registry);
    world.holds("the registry has brought the true ones");
    (registry, node)
}

/// The registry falls silent; then its desk comes back from a backup in which nothing was revoked.
fn a_silent_feed_closes_what_rests_on_it_and_nothing_else(
    world: &World,
    consumer: &Process,
    registry: Process,
) {
    let country = &world.country;
    let (id, consent) = legal::consent(country, "0TEST01", &[]);
    let asked = || legal::income(BANK, "0TEST01", Some(&consent)).ask(country.clients("iria"));
    legal::becomes("the person agreed", None, asked);
    registry.stop();
    let desk = country.folder().join("registry/data/desk.redb");
    let older = country.folder().join("older-desk.redb");
    std::fs::copy(&desk, &older).unwrap();
    let registry = country.start(Service::Registry);
    world.holds("the feed is heard again");
    let revoked = "server.clientproxy.basis.consent_revoked";
    legal::act(country, &id, "revoke", &legal::will("0TEST01"));
    legal::becomes("the person thought better of it", Some(revoked), asked);

    registry.kill();
    let stale = "server.clientproxy.basis.feed_stale";
    legal::becomes("the feed grows old", Some(stale), || world.bank());
    for _ in 0..3 {
        let answer = world.portal();
        assert_eq!(answer.fault(), None, "{}", answer.text());
    }
    let newer = country.folder().join("newer-desk.redb");
    std::fs::rename(&desk, &newer).unwrap();
    std::fs::copy(&older, &desk).unwrap();
    let registry = country.start(Service::Registry);
    eventually("the node says that the feed went back", || {
        let said = consumer.log();
        said.contains("the feed does not go on where this node stands")
    });
    for answer in [world.bank(), asked()] {
        assert_eq!(answer.fault().as_deref(), Some(stale), "{}", answer.text());
        legal::names_nobody(&answer);
    }
    registry.stop();
    std::fs::rename(&newer, &desk).unwrap();
    let _registry = country.start(Service::Registry);
    world.holds("the feed is heard again");
    legal::becomes("what was revoked still is", Some(revoked), asked);
}

const FEED_SECONDS: u64 = 6;
