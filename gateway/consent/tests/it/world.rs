//! A tax office, a bank, an aid system, a portal, a supervisor, and the desk between them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use certs_keys::{Ed25519Key, SecretKey};
use gateway_consent::{Answer, Caller, Desk, HashKeys, Keys, Refusal, Request, Settings};
use gateway_policy::basis::Directory;
use gateway_policy::feed::{Page, State};
use gateway_policy::rules::Rules;
use gateway_proto::id::{ClientId, GlobalGroupId};
use gateway_tlog::note::{Kind, Signer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const TAX: &str = "AZ/GOV/0000000951/vergi";
pub(crate) const BANK: &str = "AZ/COM/0000001201/kredit";
pub(crate) const OTHER_BANK: &str = "AZ/COM/0000001201/lizinq";
pub(crate) const AID: &str = "AZ/GOV/0000000261/vemtas";
pub(crate) const PORTAL: &str = "AZ/GOV/0000001181/mygov";
pub(crate) const SUPERVISOR: &str = "AZ/GOV/0000001181/nezaret";

pub(crate) const MOTHER: &str = "0TEST01";
pub(crate) const CHILD: &str = "0TEST02";
pub(crate) const STRANGER: &str = "0TEST03";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) desk: Option<Desk>,
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
}

/// One group: the banks.
struct Groups;

impl Directory for Groups {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        group.code() == "banks" && client.member().member_class() == "COM"
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self {
            folder,
            desk: None,
            rules: rules(&part()),
            now: at("2026-11-22T12:00:00Z"),
        };
        world.open(keys(&[(1, 11)])).unwrap();
        world
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("desk.redb")
    }

    /// Closes the desk and opens it again, as after a restart.
    pub(crate) fn open(&mut self, keys: Keys) -> Result<(), gateway_consent::Error> {
        self.desk = None;
        self.desk = Some(Desk::open(&self.path(), keys, "AZ")?);
        Ok(())
    }

    pub(crate) fn desk(&self) -> &Desk {
        self.desk.as_ref().unwrap()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub(crate) fn call(
        &self,
        client: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Refusal> {
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let request = Request::from_http(method, path, None, &body)?;
        self.handle(&self.caller(client), request)
    }

    pub(crate) fn caller(&self, client: &str) -> Caller {
        Caller {
            client: self::client(client),
            user: Some("EE-clerk-7".to_owned()),
            message_id: Some("m-1".to_owned()),
        }
    }

    pub(crate) fn handle(&self, caller: &Caller, request: Request) -> Result<Answer, Refusal> {
        let supervisors = [client(SUPERVISOR)];
        let settings = Settings {
            supervisors: &supervisors,
            directory: &Groups,
        };
        self.desk()
            .handle(caller, request, &self.rules, &settings, self.now)
    }

    /// The body of a call that succeeds.
    #[track_caller]
    pub(crate) fn done(&self, client: &str, path: &str, body: &Value) -> Value {
        read(&self.call(client, "POST", path, body).unwrap())
    }

    /// The code of a call that does not. Its text says nothing of persons and is a sentence.
    #[track_caller]
    pub(crate) fn refused(&self, client: &str, path: &str, body: &Value) -> &'static str {
        let refusal = self.call(client, "POST", path, body).unwrap_err();
        check_sentence(&refusal);
        refusal.code()
    }

    /// The id of a request by the bank for the mother's income.
    #[track_caller]
    pub(crate) fn requested(&self) -> String {
        self.requested_as(&ask())
    }

    #[track_caller]
    pub(crate) fn requested_as(&self, ask: &Value) -> String {
        let asked = self.done(BANK, "/consents/requests", ask);
        assert_eq!(asked["state"], "requested");
        asked["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn approved(&self) -> String {
        let id = self.requested();
        self.act(&id, "approve");
        id
    }

    /// What the mother wills, by the portal.
    #[track_caller]
    pub(crate) fn act(&self, id: &str, action: &str) -> Value {
        self.done(PORTAL, &path(id, action), &will(MOTHER))
    }

    #[track_caller]
    pub(crate) fn read(&self, client: &str, id: &str) -> Value {
        let path = format!("/consents/requests/{id}");
        read(&self.call(client, "GET", &path, &Value::Null).unwrap())
    }

    #[track_caller]
    pub(crate) fn state(&self, id: &str) -> String {
        self.read(BANK, id)["state"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn ids(&self, client: &str, find: &Value) -> Vec<String> {
        let found = self.done(client, "/consents/find", find);
        let consents = found["consents"].as_array().unwrap();
        consents
            .iter()
            .map(|consent| consent["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Reads the feed from where the node is to its end.
    #[track_caller]
    pub(crate) fn follow(&self, state: &mut State) {
        loop {
            let page = self.desk().page(state.number(), self.now).unwrap();
            let page = Page::verify(&page, feed_signer().verifier(), "AZ", self.now).unwrap();
            state.apply(&page).unwrap();
            if page.is_complete() {
                return;
            }
        }
    }
}

#[track_caller]
pub(crate) fn check_sentence(refusal: &Refusal) {
    let text = refusal.to_string();
    assert!(text.ends_with('.') && text.len() > 30, "{text}");
    assert!(!text.contains("TEST0"), "{text}");
    let body: Value = serde_json::from_slice(&refusal.body()).unwrap();
    assert_eq!(body["code"], refusal.code());
    assert_eq!(body["message"], text);
    assert!((400..600).contains(&refusal.status()));
}

pub(crate) fn read(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body()).unwrap()
}

pub(crate) fn ask() -> Value {
    json!({
        "subject": person(MOTHER), "provider": TAX, "services": ["income"], "purpose": "credit",
        "categories": ["income"], "valid_seconds": 86400,
    })
}

pub(crate) fn with(mut value: Value, field: &str, content: Value) -> Value {
    value[field] = content;
    value
}

pub(crate) fn without(mut value: Value, field: &str) -> Value {
    value.as_object_mut().unwrap().remove(field);
    value
}

pub(crate) fn will(fin: &str) -> Value {
    json!({"proof": {"kind": "attestation", "level": "asan-imza"}, "person": person(fin)})
}

pub(crate) fn will_for_child() -> Value {
    with(
        will(MOTHER),
        "acting_for",
        json!({"relation": "parent", "evidence": "birth certificate AZ-1"}),
    )
}

pub(crate) fn signed(document: &[u8]) -> Value {
    let proof = json!({
        "kind": "signed-document", "media_type": "application/vnd.etsi.asic-e+zip",
        "document": STANDARD.encode(document),
    });
    with(will(MOTHER), "proof", proof)
}

pub(crate) fn person(fin: &str) -> Value {
    json!({"kind": "fin", "value": fin})
}

pub(crate) fn path(id: &str, action: &str) -> String {
    format!("/consents/requests/{id}/{action}")
}

pub(crate) fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Hash keys by number and the octet they are made of.
pub(crate) fn keys(hash: &[(u32, u8)]) -> Keys {
    let hash = hash
        .iter()
        .map(|(number, octet)| (*number, SecretKey::from_bytes([*octet; 32])));
    Keys {
        consent: Ed25519Key::from_seed(&[7; 32]).unwrap(),
        consent_kid: "k1".to_owned(),
        feed: feed_signer(),
        hash: HashKeys::new(hash.collect()).unwrap(),
        seal: SecretKey::from_bytes([9; 32]),
    }
}

pub(crate) fn feed_signer() -> Signer {
    let key = Ed25519Key::from_seed(&[5; 32]).unwrap();
    Signer::new(Kind::Ed25519, "AZ-feed", key).unwrap()
}

pub(crate) fn rules(part: &Value) -> Rules {
    Rules::read(&serde_json::to_vec(part).unwrap(), "AZ").unwrap()
}

pub(crate) fn part() -> Value {
    let service = |code: &str, system: &str, categories: &[&str]| {
        json!({
            "provider": TAX, "code": code, "system": system, "personal": true,
            "categories": categories, "purposes": ["credit", "aid"],
            "subjects": [{"kind": "fin", "at": "query:fin"}],
        })
    };
    let by_consent = |id: &str, code: &str, consumer: &str| {
        json!({
            "id": id, "version": 1, "consumers": [consumer],
            "services": [{"provider": TAX, "code": code}],
            "purposes": ["credit"], "basis": {"kind": "consent"},
        })
    };
    json!({
        "format": "karvan-rules/1", "instance": "AZ", "version": 1,
        "published": "2026-11-20T00:00:00Z",
        "settings": {"portals": [PORTAL], "authentication_levels": ["asan-imza", "sima"]},
        "purposes": [{"code": "credit"}, {"code": "aid"}],
        "categories": [{"code": "income"}, {"code": "debts"}, {"code": "health", "special": true}],
        "systems": [
            {"code": "taxes", "owner": "AZ/GOV/0000000951", "name": "Taxes",
             "register": "personal-data", "entry": "PD-17", "status": "registered",
             "purposes": ["credit", "aid"]},
            {"code": "old", "owner": "AZ/GOV/0000000951", "name": "Old",
             "register": "personal-data", "entry": "PD-3", "status": "deregistered",
             "purposes": ["credit", "aid"]},
        ],
        "services": [
            service("income", "taxes", &["income"]),
            service("file", "taxes", &["income", "debts"]),
            service("family", "taxes", &["income"]),
            service("archive", "old", &["income"]),
        ],
        "rules": [
            by_consent("credit-income", "income", "group:AZ/banks"),
            by_consent("credit-file", "file", "class:AZ/COM"),
            {"id": "aid-family", "version": 1, "consumers": [format!("client:{AID}")],
             "services": [{"provider": TAX, "code": "family"}], "purposes": ["aid"],
             "basis": {"kind": "law", "act": "Decree of 23.02.2015", "article": "3.3"},
             "limits": {"case": "open"}},
        ],
        "consent": {
            "keys": [{"kid": "k1", "algorithm": "EdDSA",
                      "public": URL_SAFE_NO_PAD.encode(
                          Ed25519Key::from_seed(&[7; 32]).unwrap().public_key())}],
            "feed_key": feed_signer().verifier().to_vkey(),
            "feed_urls": ["https://127.0.0.1:4001/karvan/v1/feed"],
            "feed_certificates": ["00".repeat(32)],
        },
    })
}
