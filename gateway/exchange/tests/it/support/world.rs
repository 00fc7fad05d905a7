//! Two nodes and what is between them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use certs_authority::{Authority, Timestamper};
use certs_keys::{Digest, DigestAlgorithm, KeyKind, SigningKey};
use certs_x509::{Certificate, ocsp, timestamp};
use gateway_exchange::conf::Conf;
use gateway_exchange::keys::{self, Keys};
use gateway_exchange::local::{Local, LocalClient, Service, ServiceKind};
use gateway_exchange::signer::Signer;
use gateway_exchange::{BodyLogging, Clock, Consumer, Provider, Settings};
use gateway_globalconf::params::{
    ApprovedTimestamper, Member, SecurityServer, SharedParams, Subsystem,
};
use gateway_messagelog::{Covered, Options, Stamp, Unstamped};
use gateway_net::{Body, Handler, Peer, PeerEvidence};
use gateway_proto::id::{ClientId, ServerId};
use gateway_seal::{Parts, SigningContext, hashchain, signature_value};
use http::Request;
use jiff::Timestamp;

pub(crate) use super::ask::peer;
use super::ask::{Answer, answer};
use super::country::{self, KeyPair, NOW, TestClock, auth_pair, client, sign_pair};
use super::letter::Letter;
use super::place::{Place, local, place, right, service};
use super::service::TestService;
use super::wire::{Broken, Inner, Sent, Wire};

pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) authority: Mutex<Authority>,
    pub(crate) consumer: Place,
    pub(crate) provider: Place,
    /// A member with a server that takes no part.
    pub(crate) other: Identity,
    pub(crate) service: TestService,
    pub(crate) wire: Wire,
    shared: Mutex<SharedParams>,
    expires_at: Mutex<Timestamp>,
    timestamper: OnceLock<Timestamper>,
    half: Consumer<Wire>,
    /// How information systems are connected to the consumer's node.
    pub(crate) connection: Mutex<Peer>,
}

pub(crate) struct Identity {
    pub(crate) client: ClientId,
    pub(crate) server: ServerId,
    pub(crate) sign: KeyPair,
    pub(crate) auth: KeyPair,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    /// With an intermediate authority, whose certificate travels along.
    pub(crate) async fn deep() -> Self {
        let mut authority = Authority::create("Test", KeyKind::P256, NOW).unwrap();
        authority.add_intermediate(KeyKind::P256, NOW).unwrap();
        Self::under(authority, plain(options()), plain(options())).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::with_logs(options.clone(), options).await
    }

    /// With these options for the logs of consumer and provider.
    pub(crate) async fn with_logs(consumer: Options, provider: Options) -> Self {
        let authority = Authority::create("Test", KeyKind::P256, NOW).unwrap();
        Self::under(authority, plain(consumer), plain(provider)).await
    }

    /// With these rules for the bodies in the logs of consumer and provider.
    pub(crate) async fn with_bodies(consumer: BodyLogging, provider: BodyLogging) -> Self {
        let authority = Authority::create("Test", KeyKind::P256, NOW).unwrap();
        let with = |body_logging| Settings {
            body_logging,
            ..settings()
        };
        let (consumer, provider) = (with(consumer), with(provider));
        Self::under(authority, (options(), consumer), (options(), provider)).await
    }

    async fn under(
        mut authority: Authority,
        consumer: (Options, Settings),
        provider: (Options, Settings),
    ) -> Self {
        let mut identity = |id: &str, code: &str| {
            let client = client(id);
            let server = ServerId::new(client.member().clone(), code).unwrap();
            let sign = sign_pair(&mut authority, client.member());
            let auth = auth_pair(&mut authority, &server);
            Identity {
                client,
                server,
                sign,
                auth,
            }
        };
        let asking = identity("DEV/COM/1111/TESTCLI", "ss1");
        let answering = identity("DEV/GOV/2222/TESTPROV", "ss2");
        let other = identity("DEV/COM/3333/OTHER", "ss3");
        let shared = country::shared(
            &authority,
            &[
                ("ss1", "DEV/COM/1111/TESTCLI", &asking.auth.certificate),
                ("ss2", "DEV/GOV/2222/TESTPROV", &answering.auth.certificate),
                ("ss3", "DEV/COM/3333/OTHER", &other.auth.certificate),
            ],
        );
        let clock = Arc::new(TestClock::new());
        let consumer_local = local(&asking, Vec::new(), Vec::new());
        let provider_local = local(
            &answering,
            vec![
                service(
                    "lookup",
                    Some("v1"),
                    ServiceKind::Soap,
                    "http://service.example/soap",
                ),
                service(
                    "petstore",
                    None,
                    ServiceKind::Rest,
                    "http://service.example/base/",
                ),
            ],
            ["lookup", "petstore"]
                .map(|code| right(&asking.client, code))
                .to_vec(),
        );
        let consumer = place(asking, consumer_local, &clock, consumer);
        let provider = place(answering, provider_local, &clock, provider);

        let service = TestService::new();
        let wire = Wire {
            inner: Arc::new(Inner {
                provider: OnceLock::new(),
                shown: Mutex::new(PeerEvidence {
                    certificates: Arc::default(),
                    ocsp_responses: Arc::default(),
                }),
                peer: Mutex::new(peer(&[])),
                on_request: Mutex::default(),
                on_reply: Mutex::default(),
                on_send: Mutex::default(),
                sent: Mutex::default(),
            }),
        };
        let half = Provider::new(Arc::clone(&provider.node), service.clone());
        assert!(wire.inner.provider.set(half).is_ok());
        let world = Self {
            half: Consumer::new(Arc::clone(&consumer.node), wire.clone()),
            clock,
            authority: Mutex::new(authority),
            consumer,
            provider,
            other,
            service,
            wire,
            shared: Mutex::new(shared),
            expires_at: Mutex::new("2030-01-01T12:00:00Z".parse().unwrap()),
            timestamper: OnceLock::new(),
            connection: Mutex::new(peer(&[])),
        };
        world.reconfigure(|_| ()).await;
        world.refresh();
        world
    }

    /// Asks as an information system.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let connection = self.connection.lock().unwrap().clone();
        answer(self.half.handle(request, &connection).await).await
    }

    /// Brings a message to the provider's node as it is.
    pub(crate) async fn deliver(&self, sent: &Sent) -> Answer {
        answer(self.wire.deliver(sent.head.clone(), &sent.body).await).await
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.wire.inner.sent.lock().unwrap().clone()
    }

    pub(crate) fn on_request(
        &self,
        meddle: impl FnMut(&mut http::request::Parts, &mut Vec<u8>) + Send + 'static,
    ) {
        *self.wire.inner.on_request.lock().unwrap() = Some(Box::new(meddle));
    }

    pub(crate) fn on_reply(
        &self,
        meddle: impl FnMut(&mut http::response::Parts, &mut Vec<u8>) + Send + 'static,
    ) {
        *self.wire.inner.on_reply.lock().unwrap() = Some(Box::new(meddle));
    }

    pub(crate) fn on_send(&self, broken: impl FnMut() -> Option<Broken> + Send + 'static) {
        *self.wire.inner.on_send.lock().unwrap() = Some(Box::new(broken));
    }

    /// A new global configuration for both nodes.
    pub(crate) async fn reconfigure(&self, change: impl FnOnce(&mut SharedParams)) {
        let files = {
            let mut shared = self.shared.lock().unwrap();
            change(&mut shared);
            country::files(&shared, *self.expires_at.lock().unwrap())
        };
        for place in [&self.consumer, &self.provider] {
            place.configure(&files, self.clock.now()).await;
        }
    }

    /// One more subsystem of the asking member, at the same node and with the same rights.
    pub(crate) async fn join_consumer(&self, id: &ClientId) {
        let identity = &self.consumer.identity;
        let mut local = Local::clone(&self.consumer.node.local.load());
        let mut joined = LocalClient::clone(&local.clients[&identity.client]);
        joined.id = id.clone();
        local.clients.insert(id.clone(), Arc::new(joined));
        self.consumer.node.local.store(Arc::new(local));
        self.change_provider(|provider| {
            let same = ["lookup", "petstore"].map(|code| right(id, code));
            provider.rights.extend(same);
        });
        self.reconfigure(|shared| {
            let of_member = |member: &&mut Member| member.id == *id.member();
            let member = shared.members.iter_mut().find(of_member).unwrap();
            let code = id.subsystem().unwrap().to_owned();
            member.subsystems.push(Subsystem { code, name: None });
            let own = |server: &&mut SecurityServer| server.id == identity.server;
            let server = shared.servers.iter_mut().find(own).unwrap();
            server.clients.push(id.clone());
        })
        .await;
    }

    /// Another instance, whose provider is served by the answering node too. The asking node knows it.
    pub(crate) fn federate(&self, instance: &str, provider: &ClientId) {
        let (mut files, mut partner) = {
            let shared = self.shared.lock().unwrap();
            let files = country::files(&shared, *self.expires_at.lock().unwrap());
            (files, shared.clone())
        };
        instance.clone_into(&mut partner.instance);
        partner.members = vec![country::member(provider)];
        partner
            .servers
            .retain(|server| server.id == self.provider.identity.server);
        for server in &mut partner.servers {
            server.id = ServerId::new(provider.member().clone(), server.id.code()).unwrap();
            server.clients = vec![provider.clone()];
        }
        files.extend(country::files(&partner, *self.expires_at.lock().unwrap()));
        let own = "instance-identifier".to_owned();
        files.insert(own, b"DEV".to_vec());
        let rules = self.consumer.rules.lock().unwrap().clone();
        let conf = Conf::with_rules(country::snapshot(&files), rules);
        self.consumer.node.conf.store(Some(Arc::new(conf)));
    }

    pub(crate) async fn expire_at(&self, moment: Timestamp) {
        *self.expires_at.lock().unwrap() = moment;
        self.reconfigure(|_| ()).await;
    }

    /// Changes what the consumer's node sends.
    pub(crate) fn edit_request(&self, mut edit: impl FnMut(&mut Letter) + Send + 'static) {
        self.on_request(move |head, body| {
            let content_type = head.headers["content-type"].to_str().unwrap();
            let mut letter = Letter::open(content_type, body);
            edit(&mut letter);
            *body = letter.close();
        });
    }

    /// Changes what the provider's node answers.
    pub(crate) fn edit_reply(&self, mut edit: impl FnMut(&mut Letter) + Send + 'static) {
        self.on_reply(move |head, body| {
            let content_type = head.headers["content-type"].to_str().unwrap();
            let mut letter = Letter::open(content_type, body);
            edit(&mut letter);
            *body = letter.close();
        });
    }

    /// OCSP responses as of now for all, shown and used.
    pub(crate) fn refresh(&self) {
        for place in [&self.consumer, &self.provider] {
            self.refresh_at(place, self.clock.now());
        }
    }

    /// OCSP responses as of then for one node, which it takes for usable.
    pub(crate) fn refresh_at(&self, place: &Place, at: Timestamp) {
        let chain = self.chain(&place.identity.auth.certificate);
        let evidence = PeerEvidence {
            ocsp_responses: chain.iter().map(|one| self.ocsp(one, at)).collect(),
            certificates: chain.clone().into(),
        };
        if place.identity.server == self.provider.identity.server {
            *self.wire.inner.shown.lock().unwrap() = evidence;
        } else {
            *self.wire.inner.peer.lock().unwrap() = peer(&chain);
        }
        place
            .node
            .keys
            .store(Arc::new(self.keys(&place.identity, at)));
    }

    /// The consumer's member signs with this from now on.
    pub(crate) fn sign_with(&self, key: Arc<dyn SigningKey>) -> Arc<Signer> {
        let identity = &self.consumer.identity;
        let pair = KeyPair {
            key,
            certificate: identity.sign.certificate.clone(),
        };
        let mut keys = self.keys(identity, self.clock.now());
        let context = self.context(&pair, self.clock.now());
        let signer = Arc::new(Signer::start(context).unwrap());
        let member = identity.client.member();
        keys.signers.get_mut(member).unwrap().signer = Arc::clone(&signer);
        self.consumer.node.keys.store(Arc::new(keys));
        signer
    }

    fn keys(&self, identity: &Identity, at: Timestamp) -> Keys {
        let chain = self.chain(&identity.auth.certificate);
        let signer = Signer::start(self.context(&identity.sign, at)).unwrap();
        let signing = keys::SigningKey {
            signer: Arc::new(signer),
            usable_until: Timestamp::MAX,
        };
        Keys {
            signers: HashMap::from([(identity.client.member().clone(), signing)]),
            authentication: Some(keys::Authentication {
                ocsp_responses: chain.iter().map(|one| self.ocsp(one, at)).collect(),
                chain,
                usable_until: Timestamp::MAX,
            }),
            ocsp_by_sha1: HashMap::new(),
        }
    }

    pub(crate) fn context(&self, pair: &KeyPair, at: Timestamp) -> SigningContext {
        let chain = self.chain(&pair.certificate);
        let responses = chain.iter().map(|one| self.ocsp(one, at)).collect();
        let intermediates = chain[1..].to_vec();
        SigningContext::new(
            Arc::clone(&pair.key),
            pair.certificate.clone(),
            intermediates,
            responses,
        )
        .unwrap()
    }

    pub(crate) fn chain(&self, certificate: &Certificate) -> Vec<Certificate> {
        let authority = self.authority.lock().unwrap();
        std::iter::once(certificate)
            .chain(authority.intermediate())
            .cloned()
            .collect()
    }

    pub(crate) fn ocsp(&self, certificate: &Certificate, at: Timestamp) -> ocsp::Response {
        self.authority
            .lock()
            .unwrap()
            .ocsp_of(certificate, at)
            .unwrap()
    }

    /// Days pass; certificates and configuration are as fresh as they were.
    pub(crate) async fn advance_days(&self, days: i64) {
        self.clock.advance(days * 86_400);
        let end = Timestamp::from_second(self.clock.now().as_second() + 43_200).unwrap();
        self.expire_at(end).await;
        self.refresh();
    }

    /// The configuration names a time-stamping authority.
    pub(crate) async fn approve_timestamper(&self) {
        let timestamper = self
            .authority
            .lock()
            .unwrap()
            .timestamper("TSA", KeyKind::P256, NOW)
            .unwrap();
        let certificate = timestamper.certificate().clone();
        self.timestamper.set(timestamper).unwrap();
        self.reconfigure(|shared| {
            shared.timestampers.push(ApprovedTimestamper {
                name: "TSA".to_owned(),
                url: "http://tsa.example".to_owned(),
                certificate,
                cost: None,
            });
        })
        .await;
    }

    /// Stamps all that waits in the log of a node; without an approved authority with a token that
    /// is none: the log does not judge it.
    pub(crate) async fn stamp(&self, place: &Place) {
        let log = &place.node.log;
        let waiting = log.unstamped(1000).await.unwrap();
        let covers = waiting.iter().map(|one| Covered {
            ordinal: one.ordinal,
            digest: one.digest,
        });
        let stamp = Stamp {
            time: self.clock.now(),
            authority: "http://tsa.example".to_owned(),
            token: self.token_over(&waiting),
            algorithm: DigestAlgorithm::Sha512,
            single: waiting.len() == 1,
            covers: covers.collect(),
        };
        log.append_stamp(stamp).await.unwrap();
    }

    fn token_over(&self, waiting: &[Unstamped]) -> Bytes {
        let Some(timestamper) = self.timestamper.get() else {
            return Bytes::from_static(b"token");
        };
        let data = match waiting {
            [only] => signature_value(only.signature.as_ref().unwrap()).unwrap(),
            several => {
                let several = several.iter().map(|one| Parts {
                    message: one.digest,
                    attachments: Vec::new(),
                });
                let uris = ("/ts-hashchain.xml", "/META-INF/signatures.xml");
                let built = hashchain::build(&several.collect::<Vec<_>>(), uris.0, uris.1);
                built.unwrap().0.to_vec()
            }
        };
        let query = timestamp::request(&Digest::of(DigestAlgorithm::Sha512, &data));
        let response = timestamper.respond(&query, self.clock.now());
        let token = timestamp::token_of_response(&response).unwrap();
        token.der().to_vec().into()
    }

    pub(crate) fn revoke(&self, certificate: &Certificate) {
        let serial = certificate.serial().to_vec();
        self.authority
            .lock()
            .unwrap()
            .revoke(&serial, self.clock.now())
            .unwrap();
    }

    pub(crate) fn change_provider(&self, change: impl FnOnce(&mut LocalClient)) {
        self.provider.change(change);
    }

    pub(crate) fn change_service(&self, code: &str, change: impl FnOnce(&mut Service)) {
        self.provider.change(|client| {
            let service = client
                .services
                .iter_mut()
                .find(|((found, _), _)| found == code);
            change(Arc::make_mut(service.unwrap().1));
        });
    }

    /// Connects the next information system over TLS.
    pub(crate) fn connect_tls(&self, certificates: &[Certificate]) {
        *self.connection.lock().unwrap() = peer(certificates);
    }

    /// Every message of both logs holds; so many messages and refusals are there.
    pub(crate) async fn logged(&self, consumer: (usize, u64), provider: (usize, u64)) {
        self.consumer.holds("consumer", consumer).await;
        self.provider.holds("provider", provider).await;
    }
}

fn settings() -> Settings {
    Settings {
        registry_grace_seconds_max: 600,
        ..Settings::default()
    }
}

fn plain(options: Options) -> (Options, Settings) {
    (options, settings())
}

pub(crate) fn options() -> Options {
    Options {
        content_memory_bytes_max: 64 << 10,
        ..Options::default()
    }
}
