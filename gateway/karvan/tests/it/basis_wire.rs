//! The legal basis between two nodes, as information systems meet it: every consent that does not
//! hold is refused by the asking node before anything leaves it, and by the answering node when the
//! asking one does not look; each for its own reason, whatever the protocol.
//!
//! The asking node that does not look is an ordinary one that was given a configuration without
//! rules, as whoever holds the registry's key could sign it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Barrier;

use serde_json::{Value, json};

use crate::country::{Country, Process, Service, eventually};
use crate::legal::{self, BANK, FUND, OTHER_BANK, PORTAL, Rest, Sealer, Soap};
use crate::publisher::{Configuration, Publisher};
use crate::wire::Answer;

const PERSON: &str = "0TEST01";

/// A consent that is no ground, and why.
struct Bad {
    what: &'static str,
    client: &'static str,
    consent: String,
    code: &'static str,
}

fn bad(what: &'static str, code: &'static str, consent: String) -> Bad {
    Bad {
        what,
        client: BANK,
        consent,
        code,
    }
}

/// Two banks, a fund, a portal; and what was answered.
struct World {
    country: Country,
    number: Cell<u32>,
    answered: RefCell<BTreeSet<String>>,
}

impl World {
    /// A country in which banks may ask for income by REST and for pensions by SOAP, each with the
    /// person's consent. A feed is believed for some seconds only.
    fn found() -> Option<Self> {
        let country = Country::unasked()?;
        legal::second_bank(&country);
        let pension = json!({
            "provider": FUND,
            "code": "GetPension",
            "system": "pensiya",
            "personal": true,
            "categories": ["pension"],
            "purposes": ["e-service", "social-aid", "credit"],
            "subjects": [{"kind": "fin", "at": "soap:/GetPension/fin"}],
        });
        legal::registry_with(&country, &["service", "change"], &pension);
        let rule = json!({
            "id": "bank-pension",
            "title": "A bank asks for pensions, if the person agrees",
            "consumers": ["class:AZ/COM"],
            "services": [{"provider": FUND, "code": "GetPension"}],
            "purposes": ["credit"],
            "categories": ["pension"],
            "basis": {"kind": "consent"},
        });
        legal::registry_with(&country, &["rule", "put"], &rule);
        legal::believe_feed_for(&country, FEED_SECONDS);
        legal::registry(&country, &["rule", "publish"]);
        for (service, client) in [
            ("GetPension", BANK),
            ("GetPension", OTHER_BANK),
            ("income", OTHER_BANK),
        ] {
            let right = format!("service = \"{service}\"\nclient = \"{client}\"");
            legal::add(&country, "eesmn", FUND, "right", &right);
        }
        Some(Self {
            country: country.saying("debug"),
            number: Cell::new(0),
            answered: RefCell::default(),
        })
    }

    fn id(&self) -> String {
        self.number.set(self.number.get() + 1);
        format!("basis-{}", self.number.get())
    }

    fn rest(&self, client: &str, consent: &str) -> Answer {
        let id = self.id();
        let asked = legal::income(client, PERSON, Some(consent)).id(&id);
        self.keep(id, asked.ask(self.country.clients("iria")))
    }

    fn soap(&self, client: &str, consent: &str) -> Answer {
        let id = self.id();
        let answer = pension(&id, client, consent).ask(self.country.clients("iria"));
        self.keep(id, answer)
    }

    fn keep(&self, id: String, answer: Answer) -> Answer {
        if answer.fault().is_none() && answer.status == 200 {
            self.answered.borrow_mut().insert(id);
        }
        answer
    }

    /// Both protocols answer.
    #[track_caller]
    fn answers(&self, consent: &str) {
        let answer = self.rest(BANK, consent);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("1722.00"), "{}", answer.text());
        let answer = self.soap(BANK, consent);
        assert_eq!(answer.fault(), None, "{}", answer.text());
        assert!(answer.text().contains("GetPensionResponse"));
    }

    /// Both protocols refuse, and nobody is named in it.
    #[track_caller]
    fn refuses(&self, side: &str, bad: &Bad) {
        let code = format!("server.{side}.basis.{}", bad.code);
        for answer in [
            self.rest(bad.client, &bad.consent),
            self.soap(bad.client, &bad.consent),
        ] {
            let text = answer.text();
            assert_eq!(
                answer.fault().as_deref(),
                Some(&*code),
                "{}: {text}",
                bad.what
            );
            legal::names_nobody(&answer);
            // It says what to do.
            assert!(text.contains(". "), "{}: {text}", bad.what);
        }
    }

    /// What the fund's journal shows the person.
    #[track_caller]
    fn shown(&self) -> Answer {
        let content = format!("<userCode>{PERSON}</userCode>");
        let asked = Soap {
            client: PORTAL,
            provider: FUND,
            code: "findUsage",
            namespace: "http://dumonitor.x-road.eu/producer",
            id: &self.id(),
            content: &content,
            basis: &[],
        };
        asked.ask(self.country.clients("iria"))
    }
}

fn pension<'s>(id: &'s str, client: &'s str, consent: &'s str) -> Owned<'s> {
    Owned {
        id,
        client,
        basis: [("purpose", "credit"), ("consent", consent)],
    }
}

/// A SOAP question for pensions.
struct Owned<'s> {
    id: &'s str,
    client: &'s str,
    basis: [(&'s str, &'s str); 2],
}

impl Owned<'_> {
    #[track_caller]
    fn ask(&self, node: std::net::SocketAddr) -> Answer {
        let asked = Soap {
            client: self.client,
            provider: FUND,
            code: "GetPension",
            namespace: "urn:az:pensiya:1",
            id: self.id,
            content: "<b:fin>0TEST01</b:fin>",
            basis: &self.basis,
        };
        asked.ask(node)
    }
}

#[test]
fn each_node_refuses_by_itself_what_no_consent_allows() {
    let Some(world) = World::found() else {
        return;
    };
    let country = &world.country;
    let _certs = country.start(Service::Certs);
    let registry = country.start(Service::Registry);
    let _adapter = country.start(Service::Adapter("pensiya"));
    let provider = country.start(Service::Node("eesmn"));
    let consumer = country.start(Service::Node("iria"));
    let sealer = Sealer::of(country);
    let good = sealer.seal(&legal::artefact(PERSON));
    legal::feed_is_heard(country, &good);
    world.answers(&good);
    let told = world.rest(BANK, &good);
    assert_eq!(told.header("karvan-rule"), Some("bank-income/1"));
    assert_eq!(told.header("karvan-data-life"), Some("2592000"));

    let told = told_of(&world);
    let bad = not_holding(&sealer);
    for bad in told.iter().chain(&bad) {
        world.refuses("clientproxy", bad);
    }
    without_a_consent(&world, "clientproxy");
    what_the_law_allows_goes_on(&world);
    // The asking node does not count: it cannot know what others used.
    let used = used_up(&world, &sealer);
    for used in &used {
        world.refuses("serverproxy", used);
    }
    let provider = restarted(country, provider);
    let code = "server.serverproxy.basis.consent_used_up";
    let again = || world.rest(BANK, &used[0].consent);
    legal::becomes("the feed is heard again", Some(code), again);
    for used in &used {
        world.refuses("serverproxy", used);
    }

    let (_publisher, _consumer) = does_not_look(country, consumer);
    world.answers(&good);
    for bad in &told {
        world.refuses("serverproxy", bad);
    }
    // What is said of the feed below was said in time.
    registry.kill();
    for bad in &bad {
        world.refuses("serverproxy", bad);
    }
    without_a_consent(&world, "serverproxy");
    let stale = "server.serverproxy.basis.feed_stale";
    legal::becomes("the feed grows old", Some(stale), || {
        world.rest(BANK, &good)
    });
    legal::becomes("in SOAP too", Some(stale), || world.soap(BANK, &good));
    what_the_law_allows_goes_on(&world);

    only_what_was_answered_is_in_the_journal(&world);
    drop(provider);
    legal::nobody_is_named(country);
}

/// What the desk told the nodes: a consent that was paused, and one that was revoked. One more was
/// resumed.
fn told_of(world: &World) -> [Bad; 2] {
    let country = &world.country;
    let both = [
        ("services", json!(["income", "GetPension"])),
        ("categories", json!(["income", "pension"])),
    ];
    let given = || legal::consent(country, PERSON, &both);
    let ((paused, first), (revoked, second)) = (given(), given());
    let will = legal::will(PERSON);
    for consent in [&first, &second] {
        world.answers(consent);
    }
    let code = |what: &str| format!("server.clientproxy.basis.consent_{what}");
    let paused_code = code("paused");
    legal::act(country, &paused, "pause", &will);
    legal::becomes("it is paused", Some(&paused_code), || {
        world.rest(BANK, &first)
    });
    legal::act(country, &paused, "resume", &will);
    legal::becomes("it is resumed", None, || world.rest(BANK, &first));
    legal::act(country, &paused, "pause", &will);
    legal::act(country, &revoked, "revoke", &will);
    legal::becomes("it is paused again", Some(&paused_code), || {
        world.rest(BANK, &first)
    });
    let revoked_code = code("revoked");
    legal::becomes("it is revoked", Some(&revoked_code), || {
        world.rest(BANK, &second)
    });
    [
        bad("paused", "consent_paused", first),
        bad("revoked", "consent_revoked", second),
    ]
}

/// Everything that can be wrong with a consent by itself.
fn not_holding(sealer: &Sealer) -> Vec<Bad> {
    let good = legal::artefact(PERSON);
    let sealed = sealer.seal(&good);
    let changed = |change: &[(&str, Value)]| {
        let mut artefact = legal::artefact(PERSON);
        for (name, value) in change {
            artefact[*name] = value.clone();
        }
        sealer.seal(&artefact)
    };
    let text = String::from_utf8(gateway_policy::json::canonical(&good).unwrap()).unwrap();
    let raw = |payload: &str| sealer.seal_raw(&sealer.header("EdDSA"), payload.as_bytes());
    let under = |algorithm: &str| sealer.seal_raw(&sealer.header(algorithm), text.as_bytes());
    let (head, signature) = sealed.rsplit_once('.').unwrap();
    let other = sealer.seal(&legal::artefact("0TEST02"));
    let (other_head, _) = other.rsplit_once('.').unwrap();
    let unsigned = under("none");
    let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
    let duplicate = text.replacen('{', "{\"purpose\":\"e-service\",", 1);
    let spaced = text.replacen(':', ": ", 1);
    let long = text.replace("asan-imza", &"a".repeat(8 * 1024));
    let (past, future) = (json!(legal::at(-7200)), json!(legal::at(7200)));
    vec![
        bad(
            "the payload of another under this signature",
            "consent_signature",
            format!("{other_head}.{signature}"),
        ),
        bad(
            "a key of nobody under the registry's name for its own",
            "consent_signature",
            Sealer::forger(sealer.kid()).seal(&good),
        ),
        bad(
            "a key of nobody",
            "consent_unknown_key",
            Sealer::forger("consent-0000000000000000").seal(&good),
        ),
        bad("another algorithm", "consent_algorithm", under("HS256")),
        bad(
            "an algorithm of other keys",
            "consent_algorithm",
            under("ES256"),
        ),
        bad(
            "no algorithm, signed all the same",
            "consent_algorithm",
            under("none"),
        ),
        bad("no signature", "consent_algorithm", format!("{unsigned}.")),
        bad("no signature part", "consent_malformed", head.to_owned()),
        Bad {
            what: "replayed by another subsystem of the same member, with the same rights",
            client: OTHER_BANK,
            consent: sealed.clone(),
            code: "consent_other_consumer",
        },
        bad(
            "given to another",
            "consent_other_consumer",
            changed(&[("consumer", json!(OTHER_BANK))]),
        ),
        bad(
            "for another provider",
            "consent_other_provider",
            changed(&[("provider", json!("AZ/GOV/0000000261/emas"))]),
        ),
        bad(
            "for another service",
            "consent_other_service",
            changed(&[("services", json!(["births"]))]),
        ),
        bad(
            "of another person",
            "consent_other_person",
            changed(&[("subject", legal::person("0TEST02"))]),
        ),
        bad(
            "for another purpose",
            "consent_other_purpose",
            changed(&[("purpose", json!("social-aid"))]),
        ),
        bad(
            "for other data",
            "consent_other_categories",
            changed(&[("categories", json!(["identity"]))]),
        ),
        bad(
            "before its time",
            "consent_not_yet_valid",
            changed(&[("valid_from", json!(legal::at(600)))]),
        ),
        bad(
            "behind its time",
            "consent_expired",
            changed(&[
                ("issued_at", past.clone()),
                ("valid_from", past),
                ("valid_until", json!(legal::at(-1))),
            ]),
        ),
        bad(
            "from the future",
            "consent_from_future",
            changed(&[
                ("issued_at", future.clone()),
                ("valid_from", future),
                ("valid_until", json!(legal::at(10_000))),
            ]),
        ),
        bad(
            "a key twice in its JSON",
            "consent_duplicate_key",
            raw(&duplicate),
        ),
        bad(
            "not in canonical form",
            "consent_not_canonical",
            raw(&spaced),
        ),
        bad("too long", "consent_too_long", raw(&long)),
        bad(
            "of another format",
            "consent_malformed",
            changed(&[("format", json!("karvan-consent/2"))]),
        ),
        bad(
            "of another instance",
            "consent_malformed",
            changed(&[("instance", json!("EE"))]),
        ),
        bad(
            "no consent at all",
            "consent_malformed",
            "e30.e30.e30".to_owned(),
        ),
    ]
}

/// Requests that bring none, or say something else than they can mean.
#[track_caller]
fn without_a_consent(world: &World, side: &str) {
    let path = format!("{FUND}/income/persons/{PERSON}/income");
    let asked = || Rest::get(BANK, &path);
    let credit = || asked().with("Karvan-Purpose", "credit");
    for (request, code) in [
        (credit(), "consent_required"),
        (
            asked().with("Karvan-Purpose", "social-aid"),
            "purpose_not_declared",
        ),
        (credit().with("Karvan-Purpose", "e-service"), "stated_twice"),
        (
            credit().with("Karvan-Emergency", "urgent"),
            "emergency_not_allowed",
        ),
        (asked().with("Karvan-Purpose", "%zz"), "malformed"),
        (asked().with("Karvan-Purpose", &"c".repeat(129)), "too_long"),
    ] {
        let answer = request.ask(world.country.clients("iria"));
        let code = format!("server.{side}.basis.{code}");
        assert_eq!(answer.fault().as_deref(), Some(&*code), "{}", answer.text());
        legal::names_nobody(&answer);
    }
}

/// The portal, too old to say for what it asks: there is but one purpose it can have.
#[track_caller]
fn what_the_law_allows_goes_on(world: &World) {
    let asked = Soap {
        client: PORTAL,
        provider: FUND,
        code: "GetPension",
        namespace: "urn:az:pensiya:1",
        id: "by-law",
        content: "<b:fin>0TEST05</b:fin>",
        basis: &[],
    };
    let answer = asked.ask(world.country.clients("iria"));
    assert_eq!(answer.fault(), None, "{}", answer.text());
    assert!(answer.text().contains("512.30"), "{}", answer.text());
}

/// Consents that allow so many uses, used by requests that race for the last one.
fn used_up(world: &World, sealer: &Sealer) -> Vec<Bad> {
    let mut used = Vec::new();
    for round in 0..3 {
        let mut artefact = legal::artefact(PERSON);
        artefact["single_use"] = json!(true);
        let consent = sealer.seal(&artefact);
        race(world, &consent, 1, &format!("once-{round}"));
        used.push(bad("single use", "consent_used_up", consent));
    }
    let mut artefact = legal::artefact(PERSON);
    artefact["frequency"] = json!({"count": 2, "seconds": 3600});
    let consent = sealer.seal(&artefact);
    race(world, &consent, 2, "often");
    used.push(bad("over its frequency", "consent_used_up", consent));
    used
}

/// Six ask at the same time, by both protocols; as many are answered as may be.
#[track_caller]
fn race(world: &World, consent: &str, count: usize, name: &str) {
    let node = world.country.clients("iria");
    let barrier = Barrier::new(6);
    let outcomes: Vec<(String, Option<String>)> = std::thread::scope(|scope| {
        let racing: Vec<_> = (0..6)
            .map(|number| {
                let (barrier, id) = (&barrier, format!("{name}-{number}"));
                scope.spawn(move || {
                    barrier.wait();
                    let answer = match number % 2 {
                        0 => legal::income(BANK, PERSON, Some(consent)).id(&id).ask(node),
                        _ => pension(&id, BANK, consent).ask(node),
                    };
                    (id, answer.fault())
                })
            })
            .collect();
        racing
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let answered = outcomes.iter().filter(|(_, fault)| fault.is_none());
    let answered: Vec<_> = answered.map(|(id, _)| id.clone()).collect();
    assert_eq!(answered.len(), count, "{outcomes:?}");
    for (_, fault) in outcomes.iter().filter(|(_, fault)| fault.is_some()) {
        let code = "server.serverproxy.basis.consent_used_up";
        assert_eq!(fault.as_deref(), Some(code), "{outcomes:?}");
    }
    world.answered.borrow_mut().extend(answered);
}

/// The answering node, after it was killed: what was used stays used.
fn restarted(country: &Country, provider: Process) -> Process {
    provider.kill();
    country.start(Service::Node("eesmn"))
}

/// The asking node under an operator who gives it a configuration without rules, and makes it forget
/// that there were any.
fn does_not_look(country: &Country, consumer: Process) -> (Publisher, Process) {
    consumer.stop();
    let mut configuration = Configuration::of(country);
    configuration.put_rules(None);
    let (true_one, other) = (country.registry(), country.spare(0));
    configuration.move_to(true_one, other);
    let publisher = Publisher::start(other, &configuration);
    let anchor = std::fs::read_to_string(country.folder().join("anchor.xml")).unwrap();
    let anchor = anchor.replace(&true_one.to_string(), &other.to_string());
    std::fs::write(country.folder().join("other-anchor.xml"), anchor).unwrap();
    let path = "../../other-anchor.xml".into();
    country.configure("iria", "registry", &[("anchor", path)]);
    let data = country.data("iria");
    std::fs::remove_file(data.join("rules.state")).unwrap();
    std::fs::remove_dir_all(data.join("globalconf")).unwrap();
    (publisher, country.start(Service::Node("iria")))
}

/// Nothing that was refused came to be an exchange about the person.
#[track_caller]
fn only_what_was_answered_is_in_the_journal(world: &World) {
    let answered = world.answered.borrow();
    let listed = || -> BTreeSet<String> {
        let text = world.shown().text();
        let ids = text.split("<k:id>").skip(1);
        let ids = ids.filter_map(|rest| rest.split_once("</k:id>"));
        // The wait for the feed gave its requests no ids.
        let ours = |id: &&str| {
            ["basis-", "once-", "often-"]
                .iter()
                .any(|lead| id.starts_with(lead))
        };
        ids.map(|(id, _)| id)
            .filter(ours)
            .map(str::to_owned)
            .collect()
    };
    eventually("the last answer is in the journal", || {
        listed().len() >= answered.len()
    });
    assert_eq!(listed(), *answered);
    assert!(answered.len() > 10, "{answered:?}");
}

/// As short as the checks before its end allow on a slow machine.
const FEED_SECONDS: u64 = 12;
