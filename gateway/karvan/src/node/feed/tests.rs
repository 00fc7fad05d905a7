//! A feed over HTTPS: followed, kept, and refused when it does not follow.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "test helpers"
)]

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs_keys::{Ed25519Key, KeyKind, SecretKey, SigningKey, SoftKey};
use certs_x509::Name;
use certs_x509::builder::Builder;
use gateway_exchange::basis::Consents;
use gateway_exchange::conf::{Conf, RulesState};
use gateway_exchange::local::Local;
use gateway_exchange::{Clock, Node, Settings};
use gateway_globalconf::Snapshot;
use gateway_journal::Journal;
use gateway_messagelog::MessageLog;
use gateway_net::{Body, Client, Handler, Identity, Limits, Peer, ServerTls};
use gateway_policy::feed::{self, Entry, Event, State};
use gateway_policy::rules::Rules;
use gateway_tlog::note::{Kind, Signer};
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use super::kept::Kept;
use super::{Feed, KEPT, Source, Standing, backoff};
use crate::fetch;
use crate::node::health::rules;
use crate::service::Running;
use crate::testing;

const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// What registries show here, and what the node is registered with.
static REGISTRY: LazyLock<Identity> = LazyLock::new(|| identity("registry"));
static NODE: LazyLock<Identity> = LazyLock::new(|| identity("node"));

fn identity(name: &str) -> Identity {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let name = Name::from_attributes(&[("2.5.4.3", name)]).unwrap();
    let builder = Builder::tls(name, key.public_key()).validity(Timestamp::UNIX_EPOCH, NOW);
    let certificate = builder.self_sign(&key).unwrap();
    Identity {
        key: Arc::new(key),
        chain: vec![certificate],
        ocsp_staple: None,
    }
}

/// A registry's feed.
#[derive(Debug)]
struct Registry {
    signer: Signer,
    entries_max: usize,
    lines: watch::Sender<Vec<Vec<u8>>>,
    /// The numbers after which was asked.
    asked: Mutex<Vec<u64>>,
}

struct Served(Arc<Registry>);

impl Handler for Served {
    async fn handle(&self, request: Request<Body>, _peer: &Peer) -> Response<Body> {
        if request.uri().path() == "/silent" {
            std::future::pending::<()>().await;
        }
        let query = request.uri().query().unwrap();
        let (after, wait) = query
            .strip_prefix("x=1&after=")
            .unwrap()
            .split_once("&wait=")
            .unwrap();
        let (after, wait): (usize, u64) = (after.parse().unwrap(), wait.parse().unwrap());
        let registry = &self.0;
        registry.asked.lock().unwrap().push(after as u64);
        let mut lines = registry.lines.subscribe();
        let patience = Duration::from_secs(wait);
        let news = lines.wait_for(|lines| lines.len() != after);
        // Whoever does not want to wait is answered at once.
        drop(tokio::time::timeout(patience, news).await);
        let lines = registry.lines.borrow().clone();
        if lines.is_empty() && after > 0 {
            let mut response = Response::new(gateway_net::empty());
            *response.status_mut() = http::StatusCode::CONFLICT;
            return response;
        }
        let end = lines.len().min(after.saturating_add(registry.entries_max));
        let mut hash = feed::chain_start();
        for line in &lines[..end] {
            hash = feed::chain_next(&hash, line);
        }
        let page = feed::make_page(
            "AZ",
            end as u64,
            &hash,
            end == lines.len(),
            lines.get(after..end).unwrap_or_default(),
            &registry.signer,
            NOW,
        );
        Response::new(gateway_net::full(page.unwrap()))
    }
}

impl Registry {
    async fn start(running: &mut Running, entries_max: usize) -> (Arc<Self>, String) {
        let key = Ed25519Key::generate().unwrap();
        let registry = Arc::new(Self {
            signer: Signer::new(Kind::Ed25519, "AZ-feed", key).unwrap(),
            entries_max,
            lines: watch::Sender::default(),
            asked: Mutex::default(),
        });
        let any = "127.0.0.1:0".parse().unwrap();
        let served = Served(Arc::clone(&registry));
        let known = Arc::new(|leaf: &_| NODE.chain.contains(leaf));
        let tls = ServerTls::mutual(REGISTRY.clone(), known).unwrap();
        let listened = running.listen(any, Some(tls), Limits::default(), served);
        let url = format!("https://{}/feed?x=1", listened.await.unwrap());
        (registry, url)
    }

    fn publish(&self, lines: &[Vec<u8>]) {
        self.lines.send_replace(lines.to_vec());
    }

    fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().clone()
    }

    fn rules(&self, urls: &[&str]) -> RulesState {
        self.rules_with(urls, &REGISTRY)
    }

    /// The rules say that this is shown there.
    fn rules_with(&self, urls: &[&str], shown: &Identity) -> RulesState {
        let digest = shown.chain[0].sha256();
        let public = Ed25519Key::generate().unwrap().public_key();
        let part = json!({
            "format": "karvan-rules/1",
            "instance": "AZ",
            "version": 1,
            "published": "2026-11-22T12:00:00Z",
            "settings": {},
            "consent": {
                "keys": [{
                    "kid": "consent",
                    "algorithm": "EdDSA",
                    "public": URL_SAFE_NO_PAD.encode(public),
                }],
                "feed_key": self.signer.verifier().to_vkey(),
                "feed_urls": urls,
                "feed_certificates": [hex::encode(digest.as_bytes())],
            },
        });
        let part = serde_json::to_vec(&part).unwrap();
        RulesState::InForce(Arc::new(Rules::read(&part, "AZ").unwrap()))
    }
}

/// A node that follows.
struct Following {
    node: Arc<Node>,
    standing: Standing,
    changed: watch::Sender<u64>,
    client: Client,
    running: Running,
}

impl Following {
    fn start(dir: &Path, rules: RulesState) -> Self {
        Self::start_as(&NODE, dir, rules)
    }

    /// A node that presents itself with this.
    fn start_as(identity: &Identity, dir: &Path, rules: RulesState) -> Self {
        let journal = gateway_journal::Keys::new(vec![(1, SecretKey::generate())]).unwrap();
        let node = Arc::new(Node {
            local: ArcSwap::from_pointee(Local {
                server: "AZ/GOV/1/ss".parse().unwrap(),
                clients: Default::default(),
                internal_certificate: None,
            }),
            conf: ArcSwapOption::from_pointee(Conf::with_rules(snapshot(), rules)),
            keys: ArcSwap::default(),
            log: MessageLog::open(&dir.join("log"), Default::default()).unwrap(),
            feed: RwLock::default(),
            journal: Journal::open(&dir.join("journal.redb"), journal).unwrap(),
            consents: Consents::default(),
            clock: Arc::new(Fixed),
            settings: Settings::default(),
        });
        let client = fetch::presenting(Some(identity.clone())).unwrap();
        let feed = Feed::new(dir, Arc::clone(&node), client.clone());
        let standing = feed.standing();
        let mut running = Running::new();
        let changed = watch::Sender::new(0);
        running.spawn(feed.run(changed.subscribe(), running.stop_signal()));
        Self {
            node,
            standing,
            changed,
            client,
            running,
        }
    }

    fn reconfigure(&self, rules: RulesState) {
        let conf = Conf::with_rules(snapshot(), rules);
        self.node.conf.store(Some(Arc::new(conf)));
        self.changed.send_modify(|count| *count += 1);
    }

    fn state(&self) -> State {
        let feed = self.node.feed.read();
        feed.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn problem(&self, url: &str) -> Option<String> {
        self.standing.load().get(url).cloned()
    }

    /// Everything up to this entry is obeyed, and known to be all.
    async fn reaches(&self, number: u64) {
        until(|| {
            let state = self.state();
            (state.number(), state.as_of()) == (number, Some(NOW))
        })
        .await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let reached = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, reached).await.unwrap();
}

fn snapshot() -> Snapshot {
    testing::snapshot(&[], NOW)
}

/// Consents revoked one after the other; other `seed`, other consents.
fn entries(count: u64, seed: u64) -> Vec<Entry> {
    let entry = |number| {
        json!({
            "number": number,
            "event": {
                "kind": "revoked",
                "consent": format!("00000000-0000-4000-8000-{:012x}", number * 100 + seed),
                "ends": NOW.as_second() + 1000,
            },
        })
    };
    (1..=count)
        .map(|number| serde_json::from_value(entry(number)).unwrap())
        .collect()
}

fn lines(count: u64, seed: u64) -> Vec<Vec<u8>> {
    let entries = entries(count, seed);
    entries.iter().map(|one| feed::line(one).unwrap()).collect()
}

fn is_revoked(state: &State, entry: &Entry) -> bool {
    match entry.event {
        Event::Revoked { consent, .. } => state.consent(consent) == feed::Standing::Revoked,
        _ => panic!("another event"),
    }
}

#[tokio::test]
async fn obeys_news_as_it_comes() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(0).await;
    let entries = entries(3, 0);
    for count in 1..=3 {
        registry.publish(&lines(count, 0));
        following.reaches(count).await;
        let state = following.state();
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(is_revoked(&state, entry), (at as u64) < count);
        }
    }
    assert_eq!(following.problem(&url), None);
}

#[tokio::test]
async fn asks_on_at_once_while_there_is_more() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 2).await;
    registry.publish(&lines(5, 0));
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(5).await;
    assert_eq!(registry.asked()[..3], [0, 2, 4]);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was_and_hears_the_time_anew() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    registry.publish(&lines(3, 0));
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(3).await;
    let before = following.state();
    let Following { node, running, .. } = following;
    running.stop().await;
    drop(node);

    // Without a registry.
    let following = Following::start(dir.path(), RulesState::Absent);
    until(|| following.state().number() == 3).await;
    let state = following.state();
    assert_eq!((state.hash(), state.as_of()), (before.hash(), None));
    assert!(entries(3, 0).iter().all(|entry| is_revoked(&state, entry)));

    let asked = registry.asked().len();
    following.reconfigure(registry.rules(&[&url]));
    following.reaches(3).await;
    assert_eq!(registry.asked()[asked], 3);
}

/// A node that holds two entries meets this feed, and then one that goes on.
async fn check_refused(other: Vec<Vec<u8>>) {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    registry.publish(&lines(2, 0));
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(2).await;
    let before = following.state();
    let asked = registry.asked().len();
    registry.publish(&other);
    until(|| following.problem(&url).is_some() && registry.asked().len() > asked + 1).await;
    let state = following.state();
    assert_eq!(
        (state.number(), state.hash()),
        (before.number(), before.hash())
    );
    registry.publish(&lines(3, 0));
    following.reaches(3).await;
    until(|| following.problem(&url).is_none()).await;
}

#[tokio::test]
async fn refuses_another_history_and_recovers_with_the_one_it_knows() {
    check_refused(lines(3, 7)).await;
}

#[tokio::test]
async fn refuses_a_feed_that_was_rolled_back() {
    check_refused(lines(1, 0)).await;
}

#[tokio::test]
async fn refuses_a_feed_that_begins_anew() {
    check_refused(Vec::new()).await;
}

#[tokio::test]
async fn an_address_that_fails_or_is_silent_delays_nothing() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    let silent = url.replace("/feed", "/silent");
    let gone = "https://127.0.0.1:1/feed";
    let rules = registry.rules(&[gone, &silent, &url]);
    let following = Following::start(dir.path(), rules);
    following.reaches(0).await;
    registry.publish(&lines(1, 0));
    following.reaches(1).await;
    until(|| following.problem(gone).is_some()).await;
    assert_eq!(following.problem(&url), None);
}

#[tokio::test]
async fn of_two_addresses_what_comes_first_counts() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 1).await;
    let second = url.replace("/feed", "/other");
    let following = Following::start(dir.path(), registry.rules(&[&url, &second]));
    for count in [4, 9] {
        registry.publish(&lines(count, 0));
        following.reaches(count).await;
    }
    assert_eq!(following.problem(&url), None);
    assert_eq!(following.problem(&second), None);
}

#[tokio::test]
async fn another_key_goes_on_with_the_same_chain() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    let (successor, next_url) = Registry::start(&mut running, 100).await;
    registry.publish(&lines(2, 0));
    successor.publish(&lines(3, 0));
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(2).await;
    // The right address under the wrong key.
    following.reconfigure(registry.rules(&[&next_url]));
    until(|| following.problem(&next_url).is_some()).await;
    assert_eq!(following.state().number(), 2);
    following.reconfigure(successor.rules(&[&next_url]));
    following.reaches(3).await;
    until(|| following.problem(&next_url).is_none()).await;
    assert_eq!(successor.asked().first(), Some(&2));
}

#[tokio::test]
async fn who_shows_another_certificate_than_the_rules_say_is_asked_nothing() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    let rules = registry.rules_with(&[&url], &identity("registry"));
    let following = Following::start(dir.path(), rules);
    until(|| following.problem(&url).is_some()).await;
    assert_eq!(
        following.problem(&url).as_deref(),
        Some("the server's certificate is not trusted")
    );
    assert!(registry.asked().is_empty());
    following.reconfigure(registry.rules(&[&url]));
    following.reaches(0).await;
    // A connection that was kept is of no use either.
    let asked = registry.asked().len();
    following.reconfigure(registry.rules_with(&[&url], &NODE));
    until(|| following.problem(&url).is_some()).await;
    assert!(registry.asked().len() <= asked + 1);
}

#[tokio::test]
async fn presents_the_certificate_that_the_registry_knows_once_it_has_one() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    let rules = registry.rules(&[&url]);
    let following = Following::start_as(&identity("node"), dir.path(), rules);
    until(|| following.problem(&url).is_some()).await;
    assert!(registry.asked().is_empty());
    following.client.replace_identity(&NODE).unwrap();
    following.reaches(0).await;
}

#[tokio::test]
async fn what_was_changed_on_disk_is_not_taken_up() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    registry.publish(&lines(3, 0));
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    following.reaches(3).await;
    let Following { node, running, .. } = following;
    running.stop().await;
    drop(node);
    let path = dir.path().join("feed").join("feed.redb");
    let store = gateway_store::tree::Store::open(&path).unwrap();
    let other = lines(3, 7);
    store
        .write(|tx| tx.put(super::kept::LINES, 3_u64.to_be_bytes(), &other[2]))
        .unwrap();
    drop(store);
    let following = Following::start(dir.path(), registry.rules(&[&url]));
    until(|| following.problem(KEPT).is_some()).await;
    let state = following.state();
    assert_eq!((state.number(), state.as_of()), (0, None));
    following.running.stop().await;
    // Only the first time was everything asked for.
    let asked = registry.asked();
    assert_eq!(asked.iter().filter(|after| **after == 0).count(), 1);
}

#[tokio::test]
async fn the_health_face_tells_the_rules_and_the_age_of_the_feed() {
    let (dir, mut running) = (tempfile::tempdir().unwrap(), Running::new());
    let (registry, url) = Registry::start(&mut running, 100).await;
    registry.publish(&lines(2, 0));
    let gone = "https://127.0.0.1:1/feed";
    let following = Following::start(dir.path(), RulesState::Absent);
    let shown = || rules(&following.node, &following.standing);
    assert_eq!(shown(), "");
    following.reconfigure(registry.rules(&[gone]));
    until(|| following.problem(gone).is_some()).await;
    let text = shown();
    assert!(text.starts_with("rules version 1\n"), "{text}");
    assert!(text.contains(gone), "{text}");
    assert!(
        text.contains("not heard since the start (entry 0)"),
        "{text}"
    );
    following.reconfigure(registry.rules(&[&url]));
    following.reaches(2).await;
    assert_eq!(shown(), "rules version 1\nfeed entry 2, heard 0 s ago\n");
}

#[test]
fn a_new_folder_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kept = Kept::open(&dir.path().join("feed")).unwrap();
    let state = kept.read().unwrap();
    assert_eq!((state.number(), state.as_of()), (0, None));
}

#[tokio::test]
async fn the_question_is_put_behind_the_address() {
    let mut running = Running::new();
    let (registry, _) = Registry::start(&mut running, 1).await;
    let RulesState::InForce(rules) = registry.rules(&["https://a/feed", "https://a/feed"]) else {
        panic!("no rules");
    };
    let source = Source::of(&rules).unwrap().unwrap();
    assert_eq!(source.urls, ["https://a/feed"]);
    for (url, may_wait, expected) in [
        ("https://a/feed", true, "https://a/feed?after=7&wait=5"),
        ("https://a/?q=1", true, "https://a/?q=1&after=7&wait=5"),
        ("https://a/?q=1", false, "https://a/?q=1&after=7&wait=0"),
    ] {
        assert_eq!(source.question(url, 7, may_wait), expected);
    }
}

#[test]
fn asks_again_soon_and_then_less_often() {
    let pauses = [1, 2, 3, 4, 5, u32::MAX].map(|failures| backoff(failures).as_millis());
    assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
}
