//! Records as the path logs them, with real signatures, and a configuration by which they verify.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs_authority::{Authority, Order, Timestamper, subject};
use certs_keys::{Digest, DigestAlgorithm, Ed25519Key, KeyKind, SigningKey, SoftKey};
use certs_x509::profile::{MemberName, Profile};
use gateway_evidence::stamper::{self, Ask, AskError, Outcome, Stamper};
use gateway_exchange::Clock as _;
use gateway_globalconf::Snapshot;
use gateway_globalconf::params::{
    self, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, OcspResponder, SharedParams,
    Version,
};
use gateway_messagelog::{Content, Direction, MessageLog, Protocol, Record, Side, tree};
use gateway_proto::id::{ClientId, ServiceId};
use gateway_seal::{Parts, Seal, SigningContext, sign};
use gateway_tlog::note::{Kind, Signer};
use jiff::Timestamp;

use crate::bench::Error;
use crate::bench::case;
use crate::bench::parts::part;
use crate::clock::SystemClock;
use crate::country::INSTANCE;

/// A client, its authority and its time-stamping authority.
pub(in crate::bench) struct Made {
    authority: Authority,
    timestamper: Arc<Timestamper>,
    context: SigningContext,
    now: Timestamp,
}

impl Made {
    pub(in crate::bench) fn new() -> Result<Self, Error> {
        let now = SystemClock.now();
        let mut authority =
            Authority::create("Bench", KeyKind::P256, now).map_err(|error| part(&error))?;
        let timestamper = authority
            .timestamper("Bench TSA", KeyKind::P256, now)
            .map_err(|error| part(&error))?;
        let key = SoftKey::generate(KeyKind::P256).map_err(|error| part(&error))?;
        let name = MemberName {
            instance: INSTANCE.to_owned(),
            member_class: "GOV".to_owned(),
            member_code: "0000001181".to_owned(),
        };
        let order = Order::sign(Profile::Ejbca);
        let certificate = authority
            .enroll(&key, &subject::ejbca_sign(&name), order, now)
            .map_err(|error| part(&error))?;
        let status = authority
            .ocsp_of(&certificate, now)
            .map_err(|error| part(&error))?;
        let key: Arc<dyn SigningKey> = Arc::new(key);
        let context = SigningContext::new(key, certificate, Vec::new(), vec![status])
            .map_err(|error| part(&error))?;
        Ok(Self {
            authority,
            timestamper: Arc::new(timestamper),
            context,
            now,
        })
    }

    /// A SOAP request of about this many bytes under a signature of its own.
    pub(super) fn soap(&self, id: &str, bytes: usize) -> Result<Record, Error> {
        let message = Bytes::from(case::envelope(id, bytes));
        let parts = Parts::of_message(Digest::of(DigestAlgorithm::Sha512, &message));
        let seal = sign(&self.context, &[parts], self.now)
            .map_err(|error| part(&error))?
            .pop();
        let record = self.record(id, Protocol::Soap, message)?;
        Ok(sealed(record, seal))
    }

    /// REST requests with bodies of this many bytes, all under one signature.
    pub(super) fn rest(&self, ids: &[String], body_bytes: usize) -> Result<Vec<Record>, Error> {
        let mut records = Vec::with_capacity(ids.len());
        let mut parts = Vec::with_capacity(ids.len());
        for id in ids {
            let block = format!(
                "POST\r\n/r1/{INSTANCE}/GOV/0000000131/answers/echo\r\n\
                 x-road-client:{INSTANCE}/GOV/0000001181/asks\r\n\
                 content-type:application/octet-stream\r\nx-road-id:{id}\r\n\
                 x-road-request-id:9b6d3c3e-9d0c-4c07-9c2f-2f5a3c7d1e11\r\n"
            );
            let block = Bytes::from(block);
            let body = Content::from_bytes(Bytes::from(vec![b'x'; body_bytes]));
            parts.push(Parts {
                message: Digest::of(DigestAlgorithm::Sha512, &block),
                attachments: vec![*body.digest()],
            });
            let mut record = self.record(id, Protocol::Rest, block)?;
            record.attachments = vec![(Vec::new(), body)];
            records.push(record);
        }
        let seals = sign(&self.context, &parts, self.now).map_err(|error| part(&error))?;
        let records = records.into_iter().zip(seals);
        Ok(records
            .map(|(record, seal)| sealed(record, Some(seal)))
            .collect())
    }

    fn record(&self, id: &str, protocol: Protocol, message: Bytes) -> Result<Record, Error> {
        let client = ClientId::from_rest(&format!("{INSTANCE}/GOV/0000001181/asks"));
        let provider = ClientId::from_rest(&format!("{INSTANCE}/GOV/0000000131/answers"));
        let provider = provider.map_err(|error| part(&error))?;
        let (code, version) = match protocol {
            Protocol::Soap => ("Echo", Some("v1")),
            Protocol::Rest => ("echo", None),
        };
        Ok(Record {
            time: self.now,
            side: Side::Consumer,
            direction: Direction::Request,
            protocol,
            client: client.map_err(|error| part(&error))?,
            service: ServiceId::new(provider, code, version).map_err(|error| part(&error))?,
            message_id: id.to_owned(),
            request_id: None,
            user_id: None,
            issue: None,
            peer: None,
            message,
            message_digest: None,
            content_type: String::new(),
            attachments: Vec::new(),
            signature: Bytes::new(),
            hash_chain_result: None,
            hash_chain: None,
            degraded: Vec::new(),
            basis: None,
        })
    }

    /// Stamps everything that waits, up to 10 000 messages; how many it were.
    pub(super) async fn stamp(&self, log: &MessageLog) -> Result<usize, Error> {
        let ask = Asked(Arc::clone(&self.timestamper));
        let clock = Arc::new(|| SystemClock.now());
        let stamper = Stamper::new(log.clone(), ask, clock, stamper::Options::default());
        match stamper.once(Some(&self.snapshot()?)).await {
            Outcome::Stamped { records, .. } => Ok(records),
            Outcome::Nothing => Err(Error::Part("nothing waited for a time stamp".to_owned())),
            Outcome::Failed(error) => Err(part(&error)),
        }
    }

    /// The configuration that approves both authorities.
    pub(in crate::bench) fn snapshot(&self) -> Result<Snapshot, Error> {
        let root = self.authority.root();
        let shared = SharedParams {
            instance: INSTANCE.to_owned(),
            sources: vec![ConfigurationSource {
                address: "127.0.0.1".to_owned(),
                internal_certificates: vec![root.clone()],
                external_certificates: vec![root.clone()],
            }],
            authorities: vec![ApprovedAuthority {
                name: "Bench".to_owned(),
                authentication_only: false,
                top: Some(params::Authority {
                    certificate: root.clone(),
                    responders: vec![OcspResponder {
                        url: "http://127.0.0.1/ocsp".to_owned(),
                        certificate: Some(self.authority.ocsp_responder().clone()),
                        cost: None,
                    }],
                }),
                intermediates: Vec::new(),
                profile_class: Profile::Ejbca.class_name().to_owned(),
                default_csr_format: None,
                acme: None,
            }],
            timestampers: vec![ApprovedTimestamper {
                name: "Bench TSA".to_owned(),
                url: "http://127.0.0.1/tsa".to_owned(),
                certificate: self.timestamper.certificate().clone(),
                cost: None,
            }],
            members: Vec::new(),
            servers: Vec::new(),
            groups: Vec::new(),
            member_classes: Vec::new(),
            ocsp_freshness_seconds: 3600,
            left_out: Vec::new(),
        };
        let xml = shared.to_xml(Version::CURRENT);
        let expires = self
            .now
            .saturating_add(VALID)
            .map_err(|error| part(&error))?;
        let metadata = format!(r#"{{"configurationVersion":"6","expirationDate":"{expires:.0}"}}"#);
        let files = BTreeMap::from([
            ("instance-identifier".to_owned(), INSTANCE.into()),
            (
                format!("{INSTANCE}/shared-params.xml"),
                xml.map_err(|error| part(&error))?,
            ),
            (
                format!("{INSTANCE}/shared-params.xml.metadata"),
                metadata.into_bytes(),
            ),
        ]);
        Snapshot::from_files(&files, self.now).map_err(|error| part(&error))
    }
}

/// A tree with a new key.
pub(super) fn tree_options() -> Result<tree::Options, Error> {
    let key = Ed25519Key::generate().map_err(|error| part(&error))?;
    let signer = Signer::new(Kind::Ed25519, "bench", key).map_err(|error| part(&error))?;
    Ok(tree::Options::new(Arc::new(signer)))
}

fn sealed(mut record: Record, seal: Option<Seal>) -> Record {
    let (signature, chain) = seal.map(|seal| (seal.signature, seal.chain)).unzip();
    record.signature = signature.unwrap_or_default();
    (record.hash_chain_result, record.hash_chain) = chain.flatten().unzip();
    record
}

/// Asks without a network.
#[derive(Debug)]
struct Asked(Arc<Timestamper>);

impl Ask for Asked {
    async fn ask(&self, _url: &str, query: Vec<u8>) -> Result<Bytes, AskError> {
        Ok(self.0.respond(&query, SystemClock.now()).into())
    }
}

const VALID: Duration = Duration::from_secs(24 * 3600);
