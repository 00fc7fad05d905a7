//! "Who asked about me", over X-Road: each person finds himself, what a rule keeps back is kept back,
//! nothing is lost or doubled by a power cut, and the supervisor hears of every use of an emergency,
//! even of one while his desk was down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::country::{Country, Running, Service, eventually};
use crate::legal::{self, BANK, CLINIC, PORTAL, REGISTER, Rest, SUPERVISOR, Soap};
use crate::publisher::Serving;
use crate::wire::Answer;

const FATHER: &str = "0TEST01";
const MOTHER: &str = "0TEST02";
const CHILD: &str = "0TEST03";
const NEIGHBOUR: &str = "0TEST08";
const PATIENT: &str = "0TEST09";
const KILLED: &str = "0TEST05";

/// Services about families, each with the code under which it is asked and how a rule lets the
/// persons know: at once, never within our time, in an hour, in some seconds.
const FAMILY: &str = "family";
const INQUIRY: &str = "inquiry";
const SEARCH: &str = "search";
const VISIT: &str = "visit";

/// A register that also answers about several persons at once.
fn found() -> Option<(Country, Serving)> {
    let country = Country::unasked()?;
    let never = json!({"kind": "hidden", "article": "14.2", "until": "2199-01-01T00:00:00Z"});
    let delayed = |seconds: u64| json!({"kind": "delayed", "seconds": seconds});
    for (code, disclosure) in [
        (FAMILY, json!({"kind": "at-once"})),
        (INQUIRY, never),
        (SEARCH, delayed(3600)),
        (VISIT, delayed(DELAY_SECONDS)),
    ] {
        let service = json!({
            "provider": REGISTER,
            "code": code,
            "system": "iamas",
            "personal": true,
            "categories": ["identity", "family"],
            "purposes": ["e-service"],
            "subjects": [{"kind": "fin", "at": "json:/persons/*/fin"}],
        });
        legal::registry_with(&country, &["service", "declare"], &service);
        put_rule(&country, code, &disclosure);
        let url = format!("http://{}/", country.spare(0));
        let entry = format!("code = \"{code}\"\ntype = \"rest\"\nurl = \"{url}\"");
        legal::add(&country, "din", REGISTER, "service", &entry);
        let right = format!("service = \"{code}\"\nclient = \"{PORTAL}\"");
        legal::add(&country, "din", REGISTER, "right", &right);
    }
    legal::registry(&country, &["rule", "publish"]);
    for node in ["din", "iria"] {
        legal::refresh(&country, node, 1);
    }
    let answering = Serving::start(country.spare(0), |_, _| Some(b"{\"known\":true}".to_vec()));
    Some((country, answering))
}

fn put_rule(country: &Country, code: &str, disclosure: &Value) {
    let rule = json!({
        "id": format!("portal-{code}"),
        "title": "The portal asks about a family",
        "consumers": [format!("client:{PORTAL}")],
        "services": [{"provider": REGISTER, "code": code}],
        "purposes": ["e-service"],
        "categories": ["identity", "family"],
        "basis": {"kind": "law", "act": "Act on families", "article": "9"},
        "disclosure": disclosure,
    });
    legal::registry_with(country, &["rule", "put"], &rule);
}

#[test]
fn persons_find_who_asked_about_them_and_nobody_else() {
    let Some((country, _answering)) = found() else {
        return;
    };
    let services = [
        Service::Certs,
        Service::Registry,
        Service::Adapter("iamas"),
        Service::Node("din"),
        Service::Node("iria"),
    ];
    let mut running = country.saying("debug").start_all(&services);
    running.serves();
    let emergency = an_emergency_while_the_desk_is_down(&mut running);

    let country = &running.country;
    let family = about(country, FAMILY, "family-1", &[FATHER, MOTHER, CHILD]);
    assert_eq!(family.status, 200, "{}", family.text());
    each_person_finds_only_himself(country);
    let visited = Instant::now();
    about(country, VISIT, "visit-1", &[MOTHER]);
    what_is_kept_back_is_not_shown(country, visited);
    what_the_registry_changes_holds_for_what_comes(country);
    the_portal_reads_page_by_page(country);
    nobody_else_is_answered(country);
    since_when_and_whether(country);
    a_power_cut_loses_and_doubles_nothing(&mut running);
    let country = &running.country;
    eventually("what was delayed is shown", || {
        ids(country, MOTHER).contains("visit-1")
    });
    assert!(visited.elapsed() >= Duration::from_secs(DELAY_SECONDS));
    the_supervisor_heard_once(country, &emergency);
    legal::nobody_is_named(&running.stop());
}

/// The portal asks about several persons.
#[track_caller]
fn about(country: &Country, code: &str, id: &str, fins: &[&str]) -> Answer {
    let persons: Vec<_> = fins.iter().map(|fin| json!({"fin": fin})).collect();
    let answer = Rest::post(
        PORTAL,
        &format!("{REGISTER}/{code}"),
        &json!({"persons": persons}),
    )
    .id(id)
    .ask(country.clients("iria"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn ask<'s>(client: &'s str, code: &'s str, content: &'s str) -> Soap<'s> {
    Soap {
        client,
        provider: REGISTER,
        code,
        namespace: "http://dumonitor.x-road.eu/producer",
        id: "journal",
        content,
        basis: &[],
    }
}

/// One page of a person's entries; nobody is named in it.
#[track_caller]
fn page(country: &Country, fin: &str, more: &str) -> String {
    let content = format!("<userCode>{fin}</userCode>{more}");
    let answer = ask(PORTAL, "findUsage", &content).ask(country.clients("iria"));
    assert_eq!(answer.fault(), None, "{}", answer.text());
    legal::names_nobody(&answer);
    answer.text()
}

/// Texts of all elements of this name, as they stand.
fn texts(text: &str, name: &str) -> Vec<String> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let elements = text.split(&start).skip(1);
    let texts = elements.filter_map(|rest| rest.split_once(&end));
    texts.map(|(text, _)| text.to_owned()).collect()
}

/// The messages that a person is shown.
#[track_caller]
fn ids(country: &Country, fin: &str) -> BTreeSet<String> {
    let text = page(country, fin, "");
    let listed = texts(&text, "k:id");
    let ids: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(ids.len(), listed.len(), "none stands twice: {listed:?}");
    ids
}

fn each_person_finds_only_himself(country: &Country) {
    let own = Rest::get(PORTAL, &format!("{REGISTER}/persons/{CHILD}"));
    let own = own.id("child-1").with("X-Road-UserId", "AZ-clerk-4");
    assert_eq!(own.ask(country.clients("iria")).status, 200);
    eventually("the last one is there", || {
        ids(country, CHILD).contains("child-1")
    });
    for (person, sees) in [
        (FATHER, &["family-1"][..]),
        (MOTHER, &["family-1"]),
        (CHILD, &["child-1", "family-1"]),
        (NEIGHBOUR, &[]),
    ] {
        let mut seen = ids(country, person);
        // The portal looked once whether all is up.
        seen.retain(|id| id.starts_with("family") || id.starts_with("child"));
        assert!(seen.iter().eq(sees), "{person}: {seen:?}");
    }
    let text = page(country, CHILD, "");
    for wanted in [
        "<receiver>AZ/GOV/0000001181/mygov</receiver>",
        "<action>family</action>",
        "<k:purpose>e-service</k:purpose>",
        "<k:ground>law</k:ground>",
        "<k:rule id=\"portal-family\" version=\"1\"/>",
        "<k:article>9</k:article>",
        "<k:outcome>answered</k:outcome>",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    assert!(!text.contains("AZ-clerk-4"), "{text}");
    // Refusals were no uses.
    let refused = Rest::get(BANK, &format!("{REGISTER}/persons/{CHILD}")).id("child-bank");
    assert!(refused.ask(country.clients("iria")).fault().is_some());
}

fn what_is_kept_back_is_not_shown(country: &Country, visited: Instant) {
    about(country, INQUIRY, "inquiry-1", &[MOTHER, CHILD]);
    about(country, SEARCH, "search-1", &[MOTHER]);
    about(country, FAMILY, "family-2", &[MOTHER]);
    eventually("what came last is shown", || {
        ids(country, MOTHER).contains("family-2")
    });
    let text = page(country, MOTHER, "");
    let shown = texts(&text, "k:id");
    // On a slow machine its time may have come.
    let soon = visited.elapsed() < Duration::from_secs(DELAY_SECONDS);
    assert!(!soon || !shown.contains(&"visit-1".to_owned()), "{shown:?}");
    for kept in ["inquiry-1", "search-1"] {
        assert!(!shown.contains(&kept.to_owned()), "{shown:?}");
        assert!(!text.contains(kept), "{text}");
    }
    // Not counted either: the number would tell.
    let total = texts(&text, "totalUsages");
    assert_eq!(total, [shown.len().to_string()]);
    assert!(!ids(country, CHILD).contains("inquiry-1"));
}

/// The hidden service becomes an open one, and one that is shown is kept back from now on. What was
/// recorded stays as it was recorded.
fn what_the_registry_changes_holds_for_what_comes(country: &Country) {
    put_rule(country, INQUIRY, &json!({"kind": "at-once"}));
    put_rule(
        country,
        FAMILY,
        &json!({"kind": "delayed", "seconds": 3600}),
    );
    legal::registry(country, &["rule", "publish"]);
    let number = std::cell::Cell::new(1);
    eventually("the other rule is in force on both nodes", || {
        number.set(number.get() + 1);
        let answer = about(
            country,
            INQUIRY,
            &format!("inquiry-{}", number.get()),
            &[FATHER],
        );
        let shown = ids(country, FATHER);
        answer.header("karvan-rule") == Some("portal-inquiry/2")
            && shown.iter().any(|id| id.starts_with("inquiry-"))
    });
    about(country, FAMILY, "family-3", &[FATHER]);
    about(country, INQUIRY, "inquiry-last", &[FATHER]);
    eventually("what came last is shown", || {
        ids(country, FATHER).contains("inquiry-last")
    });
    let shown = ids(country, FATHER);
    assert!(shown.contains("family-1"), "{shown:?}");
    assert!(!shown.contains("family-3"), "{shown:?}");
    assert!(!ids(country, MOTHER).contains("inquiry-1"));
}

fn the_portal_reads_page_by_page(country: &Country) {
    for number in 0..5 {
        about(country, INQUIRY, &format!("page-{number}"), &[NEIGHBOUR]);
    }
    eventually("all are there", || ids(country, NEIGHBOUR).len() == 5);
    let newest_first = ["page-4", "page-3", "page-2", "page-1", "page-0"];
    let mut read = Vec::new();
    let mut more = "<limit>2</limit>".to_owned();
    for turn in 0.. {
        let text = page(country, NEIGHBOUR, &more);
        let (total, next) = (texts(&text, "totalUsages"), texts(&text, "k:next"));
        assert_eq!(total.len(), usize::from(turn == 0), "{text}");
        read.extend(texts(&text, "k:id"));
        // Somebody is asked about meanwhile: no page moves.
        about(country, INQUIRY, &format!("later-{turn}"), &[NEIGHBOUR]);
        let [next] = next.as_slice() else {
            assert_eq!(turn, 2, "{text}");
            break;
        };
        more = format!("<limit>2</limit><after>{next}</after>");
    }
    assert_eq!(read, newest_first);
    eventually("the later ones are there", || {
        ids(country, NEIGHBOUR).len() == 8
    });
    let all = page(country, NEIGHBOUR, "");
    let times = texts(&all, "logtime");
    let skipped = page(country, NEIGHBOUR, "<offset>1</offset><limit>1</limit>");
    assert_eq!(texts(&skipped, "k:id"), texts(&all, "k:id")[1..2]);
    let (newest, oldest) = (&times[0], times.last().unwrap());
    let from = page(
        country,
        NEIGHBOUR,
        &format!("<periodStart>{newest}</periodStart>"),
    );
    assert_eq!(texts(&from, "k:id"), texts(&all, "k:id")[..1]);
    let until = page(
        country,
        NEIGHBOUR,
        &format!("<periodEnd>{oldest}</periodEnd>"),
    );
    assert_eq!(texts(&until, "k:id"), Vec::<String>::new());
}

fn nobody_else_is_answered(country: &Country) {
    let content = format!("<userCode>{CHILD}</userCode>");
    for (client, node) in [(BANK, "iria"), (CLINIC, "iria"), (REGISTER, "din")] {
        for code in ["findUsage", "usagePeriod", "heartbeat"] {
            let answer = ask(client, code, &content).ask(country.clients(node));
            let denied = "server.serverproxy.access_denied";
            assert_eq!(answer.fault().as_deref(), Some(denied), "{client} {code}");
            legal::names_nobody(&answer);
        }
    }
    for wrong in [
        "",
        "<userCode>0TESTIO</userCode>",
        "<userCode/><userCode/>",
        "<person/>",
    ] {
        let answer = ask(PORTAL, "findUsage", wrong).ask(country.clients("iria"));
        assert!(answer.fault().is_some(), "{wrong}: {}", answer.text());
        legal::names_nobody(&answer);
    }
}

fn since_when_and_whether(country: &Country) {
    let answer = ask(PORTAL, "usagePeriod", "").ask(country.clients("iria"));
    let since = texts(&answer.text(), "periodStart");
    let since: Timestamp = since[0].parse().unwrap();
    let age = Timestamp::now().duration_since(since);
    assert!(!age.is_negative() && age.as_hours() < 1, "{since}");
    let answer = ask(PORTAL, "heartbeat", "").ask(country.clients("iria"));
    assert_eq!(texts(&answer.text(), "status"), ["OK"], "{}", answer.text());
}

/// The register's node is killed under load. What it logged is what the person is shown, each once;
/// and all that the portal was answered is in it.
fn a_power_cut_loses_and_doubles_nothing(running: &mut Running) {
    let acknowledged = Mutex::new(BTreeSet::new());
    let done = AtomicBool::new(false);
    let count = || acknowledged.lock().unwrap().len();
    std::thread::scope(|scope| {
        let _ended = Ended(&done);
        let node = running.country.clients("iria");
        for caller in 0..2 {
            let (acknowledged, done) = (&acknowledged, &done);
            scope.spawn(move || {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("cut-{caller}-{number}");
                    let path = format!("{REGISTER}/persons/{KILLED}");
                    let answer = Rest::get(PORTAL, &path).id(&id).try_ask(node);
                    match answer {
                        Ok(answer) if answer.status == 200 => {
                            acknowledged.lock().unwrap().insert(id);
                        }
                        // Nobody hurries while the node is away.
                        _ => std::thread::park_timeout(Duration::from_millis(50)),
                    }
                }
            });
        }
        eventually("exchanges under load", || count() >= 30);
        running.take(Service::Node("din")).kill();
        running.restart(Service::Node("din"));
        let before = count();
        eventually("exchanges after the restart", || count() >= before + 10);
    });
    let acknowledged = acknowledged.into_inner().unwrap();

    // It takes its log in before it listens, so it is all there.
    eventually("the last answers are in the journal", || {
        let shown = outcomes(&running.country);
        let answered = |id| shown.get(id).is_some_and(|outcome| outcome == "answered");
        acknowledged.iter().all(answered)
    });
    let shown = outcomes(&running.country);
    running.take(Service::Node("din")).stop();
    let logged = crate::load::check_log(&running.country.data("din"));
    let requests: BTreeSet<_> = logged
        .into_iter()
        .filter(|(side, direction, id)| {
            side == "provider" && direction == "request" && id.starts_with("cut-")
        })
        .map(|(_, _, id)| id)
        .collect();
    assert!(requests.iter().eq(shown.keys()), "{requests:?} {shown:?}");
    running.restart(Service::Node("din"));
    let again = outcomes(&running.country);
    assert_eq!(again, shown, "a restart changes nothing");
}

/// What became of the messages that the person is shown, each once.
#[track_caller]
fn outcomes(country: &Country) -> BTreeMap<String, String> {
    let text = page(country, KILLED, "");
    let (ids, outcomes) = (texts(&text, "k:id"), texts(&text, "k:outcome"));
    let listed = ids.len();
    assert!(listed < 1000, "one page holds them");
    assert_eq!(listed, outcomes.len());
    let shown: BTreeMap<_, _> = ids.into_iter().zip(outcomes).collect();
    assert_eq!(shown.len(), listed, "none is doubled");
    shown
}

/// A clinic breaks the glass while the registry, and the supervisor's desk in it, are down. Gives the
/// id of the message.
fn an_emergency_while_the_desk_is_down(running: &mut Running) -> String {
    running.take(Service::Registry).kill();
    let path = format!("{REGISTER}/persons/{PATIENT}");
    let asked = |id: &str| {
        Rest::get(CLINIC, &path)
            .id(id)
            .with("Karvan-Purpose", "emergency")
            .with("X-Road-UserId", "AZ-doctor-12")
    };
    let node = running.country.clients("iria");
    let code = "server.clientproxy.basis.reason_missing";
    let without = asked("glass-0").with("Karvan-Emergency", "%20").ask(node);
    let fault = without.fault().unwrap_or_default();
    assert!(
        [code, "server.clientproxy.basis.malformed"].contains(&&*fault),
        "{fault}"
    );
    let with = asked("glass-1").with("Karvan-Emergency", "unconscious%2C%20ward%203");
    let answer = with.ask(node);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("karvan-rule"), Some("clinic-emergency/1"));
    // It was tried in vain at least once before the desk is there again.
    let problem = "a break-glass use was not told to the supervisor";
    eventually("the node says that nobody takes its notice", || {
        running
            .process(Service::Node("din"))
            .log()
            .contains(problem)
    });
    running.restart(Service::Registry);
    "glass-1".to_owned()
}

fn the_supervisor_heard_once(country: &Country, id: &str) {
    let listed = |unreviewed: bool| {
        let body = json!({"unreviewed": unreviewed});
        let answer = legal::desk(country, SUPERVISOR, "notices/find", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        legal::names_nobody(&answer);
        let mut told = legal::document(&answer);
        std::mem::take(told["notices"].as_array_mut().unwrap())
    };
    // The node waits longer after each failure.
    legal::within(Duration::from_secs(90), "the notice came", || {
        !listed(true).is_empty()
    });
    let notices = listed(false);
    let [notice] = notices.as_slice() else {
        panic!("once: {notices:?}");
    };
    assert_eq!(notice["notice"]["message_id"], id);
    assert_eq!(notice["notice"]["consumer"], CLINIC);
    assert_eq!(notice["notice"]["reason"], "unconscious, ward 3");
    assert_eq!(notice["notice"]["user"], "AZ-doctor-12");
    assert_eq!(notice["notice"]["rule"], "clinic-emergency/1");
    // The patient finds it too.
    let text = page(country, PATIENT, "");
    assert_eq!(texts(&text, "k:id"), ["glass-1"]);
    assert_eq!(texts(&text, "k:emergency"), ["unconscious, ward 3"]);

    let review = json!({"id": notice["id"], "verdict": "justified", "note": "seen"});
    for client in [CLINIC, PORTAL] {
        let answer = legal::desk(country, client, "notices/review", &review);
        let denied = "server.serverproxy.access_denied";
        assert_eq!(answer.fault().as_deref(), Some(denied), "{client}");
    }
    let answer = legal::desk(country, SUPERVISOR, "notices/review", &review);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(listed(true), Vec::<Value>::new());
}

/// A panic must not leave the callers calling.
struct Ended<'d>(&'d AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const DELAY_SECONDS: u64 = 8;
