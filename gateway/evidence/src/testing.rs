//! A log with signed messages, authorities in memory and a clock that is set, for the tests of this
//! crate.

#![allow(clippy::arithmetic_side_effects, reason = "test helpers")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey, SoftKey};
use certs_x509::Certificate;
use certs_x509::profile::{MemberName, Profile};
use gateway_globalconf::Snapshot;
use gateway_globalconf::params::{
    self, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, OcspResponder, SharedParams,
    Version,
};
use gateway_messagelog::{Content, Direction, MessageLog, Options, Protocol, Record, Side};
use gateway_proto::id::{ClientId, ServiceId};
use gateway_seal::{Parts, SigningContext, sign};
use jiff::Timestamp;

use crate::stamper::{Ask, AskError};

pub(crate) const NOW: Timestamp = Timestamp::constant(1_893_456_000, 0);

/// Stands until it is set.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    pub(crate) fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = Timestamp::from_second(now.as_second() + seconds).unwrap();
    }
}

/// What an authority does when it is asked.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Good,
    /// Its clock is so many seconds ahead.
    Ahead(i64),
    Down(AskError),
    /// It never answers.
    Silent,
    Bytes(Bytes),
    /// It stamps something else.
    OtherImprint,
    /// A key that is not approved signs.
    OtherKey,
}

/// Authorities by number; each answers as it is told, and who was asked is noted.
#[derive(Clone, Debug)]
pub(crate) struct Authorities(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: TestClock,
    stampers: Vec<Timestamper>,
    unapproved: Timestamper,
    answers: Mutex<Vec<Answer>>,
    asked: Mutex<Vec<String>>,
    queries: Mutex<Vec<Vec<u8>>>,
}

impl Authorities {
    pub(crate) fn answer(&self, answers: &[Answer]) {
        *self.0.answers.lock().unwrap() = answers.to_vec();
    }

    /// The numbers of those asked since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.asked.lock().unwrap())
    }

    /// What they were asked since the last call.
    pub(crate) fn queries(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.queries.lock().unwrap())
    }

    pub(crate) fn certificate(&self, index: usize) -> &Certificate {
        self.0.stampers[index].certificate()
    }
}

impl Ask for Authorities {
    async fn ask(&self, url: &str, query: Vec<u8>) -> Result<Bytes, AskError> {
        self.0.asked.lock().unwrap().push(url.to_owned());
        self.0.queries.lock().unwrap().push(query.clone());
        let index: usize = url.strip_prefix("http://tsa/").unwrap().parse().unwrap();
        let answer = self.0.answers.lock().unwrap()[index].clone();
        let (stamper, now) = (&self.0.stampers[index], self.0.clock.now());
        Ok(Bytes::from(match answer {
            Answer::Good => stamper.respond(&query, now),
            Answer::Ahead(seconds) => {
                let then = Timestamp::from_second(now.as_second() + seconds).unwrap();
                stamper.respond(&query, then)
            }
            Answer::Down(error) => return Err(error),
            Answer::Silent => std::future::pending().await,
            Answer::Bytes(bytes) => return Ok(bytes),
            Answer::OtherImprint => {
                let other = Digest::of(DigestAlgorithm::Sha512, b"something else");
                stamper.respond(&certs_x509::timestamp::request(&other), now)
            }
            Answer::OtherKey => self.0.unapproved.respond(&query, now),
        }))
    }
}

/// A log, its authorities and its clock.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) log: MessageLog,
    pub(crate) clock: TestClock,
    pub(crate) authorities: Authorities,
    authority: Authority,
    context: SigningContext,
}

impl World {
    /// With so many approved time-stamping authorities, all good.
    pub(crate) fn new(authorities: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = MessageLog::open(dir.path(), options()).unwrap();
        let clock = TestClock(Arc::new(Mutex::new(NOW)));
        let mut authority = Authority::create("Test", KeyKind::P256, NOW).unwrap();
        let mut stamper = |name: &str| authority.timestamper(name, KeyKind::P256, NOW).unwrap();
        let stampers = (0..authorities)
            .map(|n| stamper(&format!("TSA {n}")))
            .collect();
        let unapproved = stamper("Unapproved");
        let context = context(&mut authority);
        Self {
            dir,
            log,
            authorities: Authorities(Arc::new(Inner {
                clock: clock.clone(),
                stampers,
                unapproved,
                answers: Mutex::new(vec![Answer::Good; authorities]),
                asked: Mutex::default(),
                queries: Mutex::default(),
            })),
            clock,
            authority,
            context,
        }
    }

    /// The log, closed and opened again.
    pub(crate) fn reopened(self) -> Self {
        let Self {
            dir,
            log,
            clock,
            authorities,
            authority,
            context,
        } = self;
        drop(log);
        let log = MessageLog::open(dir.path(), options()).unwrap();
        Self {
            dir,
            log,
            clock,
            authorities,
            authority,
            context,
        }
    }

    /// The configuration that approves the first so many of the authorities.
    pub(crate) fn snapshot(&self, approved: usize) -> Snapshot {
        let stampers = &self.authorities.0.stampers[..approved];
        Snapshot::from_files(&files(&self.authority, stampers), NOW).unwrap()
    }

    /// A request without a body, signed for itself, logged now.
    pub(crate) async fn message(&self, id: &str) {
        self.record(id, Vec::new()).await;
    }

    pub(crate) async fn messages(&self, count: usize) {
        for number in 0..count {
            self.message(&format!("id-{number}")).await;
        }
    }

    /// A request with these attachments.
    pub(crate) async fn record(&self, id: &str, attachments: Vec<Content>) {
        self.append(record(id, self.clock.now()), attachments).await;
    }

    /// A request of this client that was sent from here.
    pub(crate) async fn sent_by(&self, client: &str, id: &str) {
        let mut record = record(id, self.clock.now());
        record.client = ClientId::from_rest(client).unwrap();
        self.append(record, Vec::new()).await;
    }

    /// A request to this provider that came here.
    pub(crate) async fn came_to(&self, provider: &str, id: &str) {
        let mut record = record(id, self.clock.now());
        record.side = Side::Provider;
        let provider = ClientId::from_rest(provider).unwrap();
        record.service = ServiceId::new(provider, "lookup", None).unwrap();
        self.append(record, Vec::new()).await;
    }

    async fn append(&self, record: Record, attachments: Vec<Content>) {
        let record = self.signed(vec![(record, attachments)]).remove(0);
        self.log.append(record).await.unwrap();
    }

    /// These messages under one signature.
    pub(crate) fn signed(&self, messages: Vec<(Record, Vec<Content>)>) -> Vec<Record> {
        let parts = messages.iter().map(|(record, attachments)| Parts {
            message: Digest::of(DigestAlgorithm::Sha512, &record.message),
            attachments: attachments.iter().map(|one| *one.digest()).collect(),
        });
        let seals = sign(&self.context, &parts.collect::<Vec<_>>(), NOW).unwrap();
        let records = messages.into_iter().zip(seals);
        records
            .map(|((mut record, attachments), seal)| {
                record.signature = seal.signature;
                (record.hash_chain_result, record.hash_chain) = seal.chain.unzip();
                let attachments = attachments.into_iter();
                record.attachments = attachments.map(|one| (Vec::new(), one)).collect();
                record
            })
            .collect()
    }
}

fn options() -> Options {
    Options {
        content_memory_bytes_max: 1000,
        ..Options::default()
    }
}

pub(crate) fn record(id: &str, time: Timestamp) -> Record {
    let client = ClientId::from_rest("DEV/COM/1111/TESTCLI").unwrap();
    let provider = ClientId::from_rest("DEV/GOV/2222/TESTPROV").unwrap();
    Record {
        time,
        side: Side::Consumer,
        direction: Direction::Request,
        protocol: Protocol::Rest,
        client,
        service: ServiceId::new(provider, "lookup", None).unwrap(),
        message_id: id.to_owned(),
        request_id: None,
        user_id: None,
        issue: None,
        peer: None,
        message: format!(
            "GET\r\n/r1/DEV/GOV/2222/TESTPROV/lookup\r\nx-road-client:DEV/COM/1111/TESTCLI\r\n\
             x-road-id:{id}\r\n"
        )
        .into(),
        message_digest: None,
        content_type: String::new(),
        attachments: Vec::new(),
        signature: Bytes::new(),
        hash_chain_result: None,
        hash_chain: None,
        degraded: Vec::new(),
        basis: None,
    }
}

fn context(authority: &mut Authority) -> SigningContext {
    let key = SoftKey::generate(KeyKind::P256).unwrap();
    let name = MemberName {
        instance: "DEV".to_owned(),
        member_class: "COM".to_owned(),
        member_code: "1111".to_owned(),
    };
    let order = Order::sign(Profile::Ejbca);
    let enrolled = authority.enroll(&key, &subject::ejbca_sign(&name), order, NOW);
    let certificate = enrolled.unwrap();
    let ocsp = authority.ocsp_of(&certificate, NOW).unwrap();
    let key: Arc<dyn SigningKey> = Arc::new(key);
    SigningContext::new(key, certificate, Vec::new(), vec![ocsp]).unwrap()
}

fn files(authority: &Authority, stampers: &[Timestamper]) -> BTreeMap<String, Vec<u8>> {
    let timestampers = stampers
        .iter()
        .enumerate()
        .map(|(index, one)| ApprovedTimestamper {
            name: format!("TSA {index}"),
            url: format!("http://tsa/{index}"),
            certificate: one.certificate().clone(),
            cost: None,
        });
    let shared = SharedParams {
        instance: "DEV".to_owned(),
        sources: vec![ConfigurationSource {
            address: "127.0.0.1".to_owned(),
            internal_certificates: vec![authority.root().clone()],
            external_certificates: vec![authority.root().clone()],
        }],
        authorities: vec![ApprovedAuthority {
            name: "Test".to_owned(),
            authentication_only: false,
            top: Some(params::Authority {
                certificate: authority.root().clone(),
                responders: vec![OcspResponder {
                    url: "http://127.0.0.1/ocsp".to_owned(),
                    certificate: Some(authority.ocsp_responder().clone()),
                    cost: None,
                }],
            }),
            intermediates: Vec::new(),
            profile_class: Profile::Ejbca.class_name().to_owned(),
            default_csr_format: None,
            acme: None,
        }],
        timestampers: timestampers.collect(),
        members: Vec::new(),
        servers: Vec::new(),
        groups: Vec::new(),
        member_classes: Vec::new(),
        ocsp_freshness_seconds: 3600,
        left_out: Vec::new(),
    };
    let metadata = br#"{"configurationVersion":"6","expirationDate":"2030-01-01T00:10:00Z"}"#;
    let xml = shared.to_xml(Version::CURRENT).unwrap();
    BTreeMap::from([
        ("instance-identifier".to_owned(), b"DEV".to_vec()),
        ("DEV/shared-params.xml".to_owned(), xml),
        (
            "DEV/shared-params.xml.metadata".to_owned(),
            metadata.to_vec(),
        ),
    ])
}
