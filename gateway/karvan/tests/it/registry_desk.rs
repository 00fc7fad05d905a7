//! The consent desk and its feed, over HTTP, as the node in front and all nodes meet them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use certs_keys::{KeyKind, SigningKey as _, SoftKey};
use certs_x509::Name;
use certs_x509::builder::Builder;
use gateway_net::{Client, ClientOptions, Identity, ServerTrust};
use gateway_policy::feed::{Event, Page};
use gateway_tlog::note::Verifier;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::country::eventually;
use crate::registry_place::{CLIENT, MEMBER, Place, document};
use crate::wire::{self, Answer};

/// As the node in front passes on what it verified.
const CALLER: [(&str, &str); 2] = [("X-Road-Client", CLIENT), ("X-Road-Id", "m-1")];

/// Who asks for the feed, and believes who shows the certificate in the rules.
struct Reader {
    runtime: Runtime,
    client: Client,
    trust: ServerTrust,
    address: SocketAddr,
}

impl Reader {
    fn new(place: &Place, identity: Option<Identity>) -> Self {
        let settings = place.asked(&["setting", "show"]);
        let digest = settings["consent"]["feed_certificates"][0]
            .as_str()
            .unwrap();
        let digest = hex::decode(digest).unwrap().try_into().unwrap();
        let options = ClientOptions {
            identity,
            ..ClientOptions::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            runtime,
            client: Client::new(options).unwrap(),
            trust: ServerTrust::Digests(vec![digest]),
            address: place.feed(),
        }
    }

    /// A node that is registered.
    fn registered(place: &Place) -> Self {
        Self::new(place, Some(place.server(NODE)))
    }

    fn try_ask(&self, method: &str, path: &str) -> Result<Answer, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", self.address))
            .body(gateway_net::empty())
            .unwrap();
        self.runtime.block_on(async {
            let answer = self.client.request(request, &self.trust, None).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let headers = answer.headers().iter();
            let headers =
                headers.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
            let head = headers.collect();
            let status = answer.status().as_u16();
            let body = gateway_net::collect(answer.into_body(), 1 << 20).await;
            Ok(Answer {
                status,
                head,
                body: body.map_err(|error| error.to_string())?.to_vec(),
            })
        })
    }

    fn try_feed(&self, query: &str) -> Result<Answer, String> {
        self.try_ask("GET", &format!("/karvan/v1/feed?{query}"))
    }

    #[track_caller]
    fn feed(&self, query: &str) -> Answer {
        self.try_feed(query).unwrap()
    }
}

const NODE: &str = "iria";

/// Opens a case of one person at the desk.
fn open_case(place: &Place, case: &str) -> Answer {
    let body = json!({
        "case": case,
        "persons": [{ "kind": "fin", "value": "1TEST01" }],
        "valid_seconds": 600,
    });
    wire::post(
        place.desk(),
        "/cases/open",
        &CALLER,
        body.to_string().as_bytes(),
    )
}

/// The page in an answer, verified with the key that the rules publish.
#[track_caller]
fn page(place: &Place, answer: &Answer) -> Page {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let part = place.asked(&["rule", "published"]);
    let key = part["part"]["consent"]["feed_key"].as_str().unwrap();
    let key = Verifier::from_vkey(key).unwrap();
    Page::verify(&answer.body, &key, "AZ", Timestamp::now()).unwrap()
}

#[test]
fn who_waits_for_the_feed_is_woken_by_its_next_entry() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let _running = place.start();
    let node = Reader::registered(&place);
    assert_eq!(
        node.feed("after=0").header("cache-control"),
        Some("no-store")
    );
    let first = page(&place, &node.feed("after=0"));
    assert!(first.is_complete() && first.entries().is_empty());

    let (began, woken) = std::thread::scope(|scope| {
        let waiting = [0, 0, 0].map(|after| {
            let query = format!("after={after}&wait=30");
            let node = &node;
            scope.spawn(move || (node.feed(&query), Instant::now()))
        });
        // They wait at the registry before there is news; if one came late it is answered at once.
        assert_eq!(open_case(&place, "7").status, 200);
        let began = Instant::now();
        (began, waiting.map(|thread| thread.join().unwrap()))
    });
    for (answer, at) in woken {
        let page = page(&place, &answer);
        // Long before their wait was over.
        assert!(at.duration_since(began) < Duration::from_secs(20));
        assert!(page.is_complete());
        let [(entry, _)] = page.entries() else {
            panic!("one entry");
        };
        assert_eq!(entry.number, 1);
        assert!(matches!(entry.event, Event::CaseOpened { .. }));
        // A person's key stands in nothing that leaves the desk.
        assert!(!answer.text().contains("TEST01"));
    }
}

#[test]
fn without_news_the_head_is_signed_when_the_wait_is_over() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let _running = place.start();
    let node = Reader::registered(&place);
    let began = Timestamp::now();
    let page = page(&place, &node.feed("after=0&wait=2"));
    assert!(page.is_complete() && page.entries().is_empty());
    // Heads say whole seconds.
    assert!(page.signed_at().as_second() > began.as_second());
}

#[test]
fn the_feed_refuses_what_it_cannot_answer() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let mut file = place.file();
    let section = file["feed"].as_table_mut().unwrap();
    section.insert("waiting_max".to_owned(), 1.into());
    place.write(&file);
    let running = place.start();
    let node = Reader::registered(&place);
    for query in ["after=x", "wait=31", "since=1", "after=0&after=0"] {
        assert_eq!(node.feed(query).status, 400, "{query}");
    }
    let ahead = node.feed("after=1&wait=30");
    assert_eq!(ahead.status, 409, "{}", ahead.text());
    let posted = node.try_ask("POST", "/karvan/v1/feed").unwrap();
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
    let elsewhere = node.try_ask("GET", "/internalconf?version=6").unwrap();
    assert_eq!(elsewhere.status, 404);

    // One waits, so the next is sent away; and the registry ends without waiting for either.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            loop {
                let answer = node.feed("wait=30");
                // The other one may have been first, for a second.
                if answer.status != 503 {
                    return answer;
                }
            }
        });
        eventually("the room is taken", || {
            let answer = node.feed("wait=1");
            answer.status == 503 && answer.header("retry-after") == Some("1")
        });
        let began = Instant::now();
        running.stop();
        assert!(began.elapsed() < Duration::from_secs(20));
        assert_eq!(waiting.join().unwrap().status, 200);
    });
}

#[test]
fn only_registered_servers_read_the_feed() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let _running = place.start();
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let now = Timestamp::now();
    let name = Name::from_attributes(&[("2.5.4.3", NODE)]).unwrap();
    let builder = Builder::tls(name, key.public_key());
    let builder = builder.validity(now, now + SignedDuration::from_hours(1));
    let stranger = Identity {
        chain: vec![builder.self_sign(&key).unwrap()],
        key: std::sync::Arc::new(key),
        ocsp_staple: None,
    };
    for identity in [None, Some(stranger)] {
        assert!(Reader::new(&place, identity).try_feed("after=0").is_err());
    }
    // Nor is it where everybody may ask, in TLS or without.
    let public = wire::get(place.public(), "/karvan/v1/feed?after=0", &[]);
    assert_eq!(public.status, 404);
    assert!(wire::try_get(place.feed(), "/karvan/v1/feed?after=0", &[]).is_err());

    let identity = place.server(NODE);
    let fingerprint = hex::encode(identity.chain[0].sha256().as_bytes());
    let node = Reader::new(&place, Some(identity));
    assert_eq!(node.feed("after=0").status, 200);
    // Its connection, and its question that waits, are worth nothing once it is registered no more.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| node.try_feed("after=0&wait=30"));
        let server = format!("{MEMBER}/{NODE}");
        place.done(&["server", "remove-certificate", &server, &fingerprint]);
        assert_eq!(open_case(&place, "7").status, 200);
        match waiting.join().unwrap() {
            Ok(answer) => {
                assert_eq!(answer.status, 403, "{}", answer.text());
                assert_eq!(answer.header("connection"), Some("close"));
            }
            Err(refused) => assert!(!refused.is_empty()),
        }
    });
    assert!(node.try_feed("after=0").is_err());
}

#[test]
fn a_registry_without_a_desk_has_no_feed() {
    let Some(place) = Place::founded() else {
        return;
    };
    let mut file = place.file();
    file.remove("desk");
    file.remove("feed");
    place.write(&file);
    let said = place.refused(&["setting", "consent-service"], 1);
    let expected = "karvan: this registry has no consent desk; add [desk] and [feed] to its file and \
        start it again (no_desk)\n";
    assert_eq!(said, expected);
    let _running = place.start();
    let public = wire::get(place.public(), "/karvan/v1/feed?after=0", &[]);
    assert_eq!(public.status, 404);
    assert!(wire::try_get(place.feed(), "/", &[]).is_err());
}

#[test]
fn the_desk_answers_only_who_is_named_by_the_node_in_front() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let _running = place.start();
    let body = br#"{"case":"7","persons":[{"kind":"fin","value":"1TEST01"}],"valid_seconds":60}"#;
    let ask = |headers: &[(&str, &str)]| {
        let answer = wire::post(place.desk(), "/cases/open", headers, body);
        let code = document(&answer)["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, code)
    };
    let expected = |status, code: &str| (status, code.to_owned());
    let [client, id] = CALLER;
    assert_eq!(ask(&[id]), expected(401, "caller_missing"));
    assert_eq!(
        ask(&[("X-Road-Client", ""), id]),
        expected(401, "caller_missing")
    );
    assert_eq!(ask(&[client]), expected(400, "message_id_missing"));
    assert_eq!(
        ask(&[("X-Road-Client", "AZ"), id]),
        expected(400, "caller_malformed")
    );
    assert_eq!(
        ask(&[client, client, id]),
        expected(400, "header_malformed")
    );
    assert_eq!(ask(&[client, id, id]), expected(400, "header_malformed"));
    // Nobody but the client of the rule.
    let other = ("X-Road-Client", "AZ/GOV/0000001181/razilig");
    assert_eq!(ask(&[other, id]), expected(403, "no_case_rule"));
    assert_eq!(ask(&CALLER), expected(200, ""));

    let at = |method: &str, path: &str, body: &[u8]| {
        let request = wire::request(method, place.desk(), path, &CALLER, body);
        wire::parse(&wire::raw(place.desk(), &request).unwrap())
            .unwrap()
            .status
    };
    assert_eq!(at("GET", "/cases/open", b""), 405);
    assert_eq!(at("POST", "/none", b"{}"), 404);
    assert_eq!(at("POST", "/cases/open?fin=1TEST01", body), 400);
    let long = format!("{{\"case\":\"{}\"}}", "7".repeat(2 * 1024 * 1024));
    assert_eq!(at("POST", "/cases/open", long.as_bytes()), 413);
    // What nodes and administrators ask is not here.
    assert_eq!(at("GET", "/karvan/v1/feed", b""), 404);
}

#[test]
fn before_rules_are_published_the_desk_says_so() {
    let Some(place) = Place::founded() else {
        return;
    };
    let _running = place.start();
    let answer = open_case(&place, "7");
    assert_eq!(answer.status, 503);
    assert_eq!(document(&answer)["code"], "no_rules");
}

#[test]
fn what_the_desk_did_is_there_after_a_restart_and_a_new_hash_key() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let running = place.start();
    let node = Reader::registered(&place);
    assert_eq!(open_case(&place, "7").status, 200);
    let before = node.feed("after=0");
    running.stop();
    let said = place.asked(&["setting", "rotate-hash-key"]);
    assert_eq!(said["hash_key"], 2);
    let _running = place.start();
    let after = node.feed("after=0");
    let lines = |answer: &Answer| page(&place, answer).entries().to_vec();
    assert_eq!(lines(&after), lines(&before));
    assert_eq!(lines(&after).len(), 1);
    let body = br#"{"case":"7"}"#;
    let closed = wire::post(place.desk(), "/cases/close", &CALLER, body);
    assert_eq!(document(&closed)["was_open"], true, "{}", closed.text());
}

#[test]
fn a_change_of_the_consent_key_keeps_or_drops_the_old_one() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let keys = || {
        let settings = place.asked(&["setting", "show"]);
        let keys = settings["consent"]["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let [old] = &keys()[..] else {
        panic!("one key");
    };
    std::fs::remove_file(place.folder().join("data/consent.key.pem")).unwrap();
    place.done(&["setting", "consent-service", "--keep-keys"]);
    let [new, kept] = &keys()[..] else {
        panic!("two keys");
    };
    assert_eq!(kept, old);
    assert_ne!(new, old);
    place.done(&["setting", "consent-service"]);
    assert_eq!(keys(), std::slice::from_ref(new));
    // Whose consents are believed does not wait for the next publication.
    let part = place.asked(&["rule", "published"])["part"].clone();
    assert_eq!(part["consent"]["keys"][0]["kid"], new.as_str());
    assert_eq!(part["consent"]["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn keys_that_are_lost_or_under_another_pin_stop_the_start() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    place.start().stop();
    let key = place.folder().join("data/desk.key.pem");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let said = place.spawn().fails();
    assert!(
        said.contains("is not the one that the consent desk's store was made with"),
        "{said}"
    );
    std::fs::write(&key, kept).unwrap();
    std::fs::write(place.folder().join("pin"), "4321\n").unwrap();
    let said = place.spawn().fails();
    assert!(said.contains("cannot be used"), "{said}");
}

/// A page in a browser on the registry's machine can be led to the desk under a name of its own, and
/// could then send whatever headers it likes.
#[test]
fn in_plain_http_the_desk_answers_under_an_address_and_no_name() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let _running = place.start();
    let ask = |host: &str| {
        let request = format!(
            "GET /notices/counts HTTP/1.1\r\nHost: {host}\r\nX-Road-Client: {CLIENT}\r\n\
             X-Road-Id: 1\r\nConnection: close\r\n\r\n"
        );
        let answer = wire::parse(&wire::raw(place.desk(), request.as_bytes()).unwrap()).unwrap();
        let code = document(&answer)["code"].as_str().unwrap().to_owned();
        (answer.status, code)
    };
    let port = place.desk().port();
    for host in ["127.0.0.1", "[::1]", "localhost", "LOCALHOST"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(ask(&host), (403, "not_supervisor".to_owned()), "{host}");
        }
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil"] {
        let host = format!("{host}:{port}");
        assert_eq!(ask(&host), (421, "host_not_local".to_owned()), "{host}");
    }
}
