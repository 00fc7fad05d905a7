//! A node with its folder, and what its log holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use certs_keys::SecretKey;
use gateway_exchange::basis::Consents;
use gateway_exchange::conf::{Conf, RulesState};
use gateway_exchange::local::{Authentication, Local, LocalClient, Service, ServiceKind};
use gateway_exchange::{Clock, Node, Settings};
use gateway_journal::Journal;
use gateway_messagelog::audit::{Finding, Reader, Verdict};
use gateway_messagelog::{Entry, Logged, MessageLog, Options, Record, Refusal};
use gateway_policy::{AccessRight, Endpoint, Subject};
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;

use super::country::{self, Files, TestClock, client};
use super::world::Identity;

/// A node with its folder.
pub(crate) struct Place {
    pub(crate) node: Arc<Node>,
    pub(crate) identity: Identity,
    pub(crate) dir: tempfile::TempDir,
    /// How rules stand, under each new configuration too.
    pub(crate) rules: Mutex<RulesState>,
}

impl Place {
    pub(super) async fn configure(&self, files: &Files, now: Timestamp) {
        let rules = self.rules.lock().unwrap().clone();
        let conf = Conf::with_rules(country::snapshot(files), rules);
        self.node.conf.store(Some(Arc::new(conf)));
        self.node.log.keep_configuration(files, now).await.unwrap();
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut LocalClient)) {
        let mut local = Local::clone(&self.node.local.load());
        let client = local.clients.get_mut(&self.identity.client).unwrap();
        change(Arc::make_mut(client));
        self.node.local.store(Arc::new(local));
    }

    /// The messages of the log, as they are in it.
    pub(crate) fn records(&self) -> Vec<Record> {
        let reader = Reader::open(self.dir.path()).unwrap();
        let message = |logged: Result<Logged, _>| match logged.unwrap().entry {
            Entry::Message(record) => Some(record),
            Entry::Refusal(_) | Entry::Stamp(_) => None,
        };
        reader.entries().unwrap().filter_map(message).collect()
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        let reader = Reader::open(self.dir.path()).unwrap();
        let history = reader.history().unwrap();
        reader.audit(&history).unwrap().collect()
    }

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let message = |finding| match finding {
            Finding::Message(verdict) => Some(*verdict),
            Finding::Refusal { .. } | Finding::Stamp { .. } | Finding::Erased { .. } => None,
            Finding::Unreadable(unreadable) => panic!("{unreadable}"),
        };
        self.findings().into_iter().filter_map(message).collect()
    }

    /// The refusals, once all that were noted are durable.
    pub(crate) async fn refusals(&self, count: u64) -> Vec<Refusal> {
        let log = &self.node.log;
        let stored = async {
            while log.refusal_counts().stored + log.refusal_counts().dropped < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), stored)
            .await
            .unwrap();
        let refusal = |finding| match finding {
            Finding::Refusal { refusal, .. } => Some(*refusal),
            Finding::Message(_)
            | Finding::Stamp { .. }
            | Finding::Erased { .. }
            | Finding::Unreadable(_) => None,
        };
        self.findings().into_iter().filter_map(refusal).collect()
    }

    pub(super) async fn holds(&self, name: &str, (messages, refusals): (usize, u64)) {
        let noted = self.refusals(refusals).await;
        assert_eq!(noted.len() as u64, refusals, "{name}: {noted:?}");
        let verdicts = self.verdicts();
        for verdict in &verdicts {
            assert!(verdict.holds(), "{name}: {:?}", verdict.checks);
        }
        assert_eq!(
            verdicts.len(),
            messages,
            "messages in the log of the {name}"
        );
    }
}

pub(super) fn place(
    identity: Identity,
    local: Local,
    clock: &Arc<TestClock>,
    (options, settings): (Options, Settings),
) -> Place {
    let dir = tempfile::tempdir().unwrap();
    let log = MessageLog::open(dir.path(), options).unwrap();
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    let keys = gateway_journal::Keys::new(vec![(1, SecretKey::generate())]).unwrap();
    let node = Node {
        local: ArcSwap::from_pointee(local),
        conf: ArcSwapOption::empty(),
        keys: ArcSwap::default(),
        log,
        feed: RwLock::default(),
        journal: Journal::open(&dir.path().join("journal.redb"), keys).unwrap(),
        consents: Consents::default(),
        clock,
        settings,
    };
    Place {
        node: Arc::new(node),
        identity,
        dir,
        rules: Mutex::default(),
    }
}

pub(super) fn local(
    identity: &Identity,
    services: Vec<Service>,
    rights: Vec<AccessRight>,
) -> Local {
    let keyed = |mut service: Service| {
        let (code, version) = (
            service.id.code().to_owned(),
            service.id.version().map(str::to_owned),
        );
        service.id = ServiceId::new(identity.client.clone(), &code, version.as_deref()).unwrap();
        ((code, version), Arc::new(service))
    };
    let client = LocalClient {
        id: identity.client.clone(),
        authentication: Authentication::Http,
        certificates: Vec::new(),
        groups: HashMap::new(),
        services: services.into_iter().map(keyed).collect(),
        rights,
    };
    Local {
        server: identity.server.clone(),
        clients: HashMap::from([(identity.client.clone(), Arc::new(client))]),
        internal_certificate: None,
    }
}

pub(super) fn service(code: &str, version: Option<&str>, kind: ServiceKind, url: &str) -> Service {
    Service {
        id: ServiceId::new(client("DEV/GOV/2222/TESTPROV"), code, version).unwrap(),
        kind,
        url: url.to_owned(),
        timeout: Duration::from_secs(60),
        verify_certificate: true,
        disabled: None,
        built_in: None,
    }
}

pub(crate) fn right(client: &ClientId, code: &str) -> AccessRight {
    AccessRight {
        subject: Subject::Client(client.clone()),
        service_code: code.to_owned(),
        endpoint: Endpoint::base(),
        purposes: Vec::new(),
    }
}
