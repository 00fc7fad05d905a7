//! A node with a journal and a log, and records for it.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use gateway_exchange::basis::Consents;
use gateway_exchange::local::Local;
use gateway_exchange::{Clock, Node, Settings};
use gateway_journal::{Page, Query};
use gateway_messagelog::{
    Basis, Direction, Disclosure, Ground, MessageLog, PersonMark, Protocol, Record, Side,
};
use gateway_policy::person::{KeyKind, PersonKey};
use gateway_proto::id::{ClientId, ServiceId};
use jiff::{SignedDuration, Timestamp};

use super::{Error, Following, open};
use crate::config::Loaded;
use crate::config::node as file;
use crate::node::sample;

pub(in crate::node) const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(in crate::node) struct Moved(Mutex<Timestamp>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A node that only logs, with its journal.
pub(in crate::node) struct World {
    pub(in crate::node) node: Arc<Node>,
    /// Until it runs.
    following: Option<tokio::sync::Mutex<Following>>,
    clock: Arc<Moved>,
}

impl World {
    pub(in crate::node) fn start(dir: &Path, sections: &str) -> Self {
        Self::try_start(dir, sections).unwrap()
    }

    pub(in crate::node) fn try_start(dir: &Path, sections: &str) -> Result<Self, Error> {
        let clock = Arc::new(Moved(Mutex::new(NOW)));
        let config = config(dir, sections);
        let pin = certs_keys::Pin::new("1234".to_owned());
        let opened = open(&config, &pin, clock.as_ref())?;
        let node = Arc::new(Node {
            local: ArcSwap::from_pointee(Local {
                server: "AZ/GOV/1/ss".parse().unwrap(),
                clients: Default::default(),
                internal_certificate: None,
            }),
            conf: ArcSwapOption::empty(),
            keys: ArcSwap::default(),
            log: MessageLog::open(&dir.join("log"), Default::default()).unwrap(),
            feed: RwLock::default(),
            journal: opened.journal.clone(),
            consents: Consents::default(),
            clock: Arc::<Moved>::clone(&clock),
            settings: Settings::default(),
        });
        let following = Following::new(&config.values, Arc::clone(&node), opened)?;
        Ok(Self {
            node,
            following: Some(tokio::sync::Mutex::new(following)),
            clock,
        })
    }

    pub(in crate::node) fn following(&mut self) -> &mut Following {
        self.following.as_mut().unwrap().get_mut()
    }

    /// The task apart, to be run.
    pub(in crate::node) fn apart(mut self) -> (Self, Following) {
        let following = self.following.take().unwrap();
        (self, following.into_inner())
    }

    pub(in crate::node) async fn catch_up(&self) {
        self.try_catch_up().await.unwrap();
    }

    pub(in crate::node) async fn try_catch_up(&self) -> Result<(), Error> {
        let mut following = self.following.as_ref().unwrap().lock().await;
        following.catch_up().await
    }

    pub(in crate::node) fn progress(&self) -> Arc<super::Progress> {
        self.following
            .as_ref()
            .unwrap()
            .try_lock()
            .unwrap()
            .progress()
    }

    pub(in crate::node) fn wait_days(&self, days: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now
            .checked_add(SignedDuration::from_hours(days.saturating_mul(24)))
            .unwrap();
    }

    /// Logs a request about this person; its record.
    pub(in crate::node) async fn ask(
        &self,
        id: &str,
        of: &str,
        change: impl FnOnce(&mut Record),
    ) -> Record {
        let mark = self.node.journal.mark(&person(of));
        let mut record = record(id);
        record.time = self.node.clock.now();
        record.basis = Some(Box::new(Basis {
            persons: vec![PersonMark {
                key: mark.key,
                mark: mark.mark,
            }],
            ..basis()
        }));
        change(&mut record);
        self.node.log.append(record.clone()).await.unwrap();
        record
    }

    /// Logs the answer to a request.
    pub(in crate::node) async fn answer(&self, to: &Record, change: impl FnOnce(&mut Record)) {
        let mut record = Record {
            direction: Direction::Response,
            basis: None,
            ..to.clone()
        };
        change(&mut record);
        self.node.log.append(record).await.unwrap();
    }

    pub(in crate::node) fn usages(&self, of: &str) -> Page {
        let (person, provider) = (person(of), service().provider().clone());
        let query = Query {
            person: &person,
            provider: &provider,
            from: None,
            until: None,
            after: None,
            skip: 0,
            max: 1000,
        };
        self.node
            .journal
            .find(&query, self.node.clock.now())
            .unwrap()
    }
}

pub(in crate::node) fn config(dir: &Path, sections: &str) -> Loaded<file::Node> {
    std::fs::write(dir.join("pin"), "1234\n").unwrap();
    let text = format!("{}{sections}", sample::START);
    Loaded::new(toml::from_str(&text).unwrap(), dir)
}

pub(in crate::node) fn person(of: &str) -> PersonKey {
    PersonKey::from_canonical(KeyKind::Fin, of.to_owned()).unwrap()
}

pub(in crate::node) fn service() -> ServiceId {
    let provider = ClientId::from_rest("AZ/GOV/0000000131/iamas").unwrap();
    ServiceId::new(provider, "GetPerson", Some("v1")).unwrap()
}

fn basis() -> Basis {
    Basis {
        ground: Ground::Law,
        rule: Some("aid".to_owned()),
        rule_version: 2,
        rules_version: 7,
        law: Some(("Aid act".to_owned(), "7.1".to_owned())),
        purpose: Some("social-aid".to_owned()),
        consent: None,
        emergency: None,
        authentication: None,
        persons: Vec::new(),
        quotas: Vec::new(),
        disclosure: Disclosure::AtOnce,
    }
}

fn record(id: &str) -> Record {
    Record {
        time: NOW,
        side: Side::Provider,
        direction: Direction::Request,
        protocol: Protocol::Soap,
        client: ClientId::from_rest("AZ/GOV/0000000261/vemtas").unwrap(),
        service: service(),
        message_id: id.to_owned(),
        request_id: None,
        user_id: Some("0USER01".to_owned()),
        issue: Some("VM-2026-1".to_owned()),
        peer: None,
        message: Bytes::from_static(b"<message/>"),
        message_digest: None,
        content_type: "text/xml".to_owned(),
        attachments: Vec::new(),
        signature: Bytes::from_static(b"<signature/>"),
        hash_chain_result: None,
        hash_chain: None,
        degraded: Vec::new(),
        basis: None,
    }
}
