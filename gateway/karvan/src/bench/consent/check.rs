//! The step that finds the ground of a request, as the provider's node takes it: the stated basis
//! read, the persons found, the consent verified, the decision made, limits reserved, the persons
//! marked for the record. The messages are parsed before, as in an exchange.
//!
//! What grows with the country stands full around it: rules, revocations in the feed's state, and a
//! use of each active consent in the journal, against which limits are held.

use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use certs_keys::{Digest, DigestAlgorithm, SecretKey, ed25519_verify};
use futures_util::FutureExt as _;
use gateway_exchange::basis::Consents;
use gateway_exchange::conf::{Conf, RulesState, Valid};
use gateway_exchange::keys::Keys;
use gateway_exchange::local::Local;
use gateway_exchange::message::{Attachment, Request};
use gateway_exchange::{Clock as _, Node, Settings, provider};
use gateway_journal::{Asked, Disclosure, Event, Exchange, Ground as Told, Journal};
use gateway_messagelog::{Content, MessageLog, Protocol};
use gateway_policy::basis::{Quota, QuotaOf};
use gateway_proto::id::{ServerId, ServiceId};
use gateway_proto::mime::Headers;
use gateway_proto::{rest, soap};
use serde::Serialize;
use uuid::Uuid;

use super::invented::{self, AID, CREDIT, Invented, consent_id, fin};
use super::{Options, feed};
use crate::bench::evidence::made::Made;
use crate::bench::measure::{Tail, rate};
use crate::bench::parts::part;
use crate::bench::{Error, folder};
use crate::clock::{self, SystemClock};
use crate::country::INSTANCE;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) consents: u64,
    /// Of them, signed and checked.
    pub(super) signed: u64,
    pub(super) signed_per_s: f64,
    pub(super) revoked: u64,
    pub(super) rules: usize,
    /// Uses that the journal holds before.
    pub(super) journal_uses: u64,
    pub(super) message_bytes: usize,
    pub(super) artefact_bytes: usize,
    /// Ed25519 over an artefact and SHA-256 of it, on one core.
    pub(super) bound: Tail,
    pub(super) rows: Vec<Row>,
}

/// One kind of request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) ground: Ground,
    pub(super) protocol: &'static str,
    pub(super) threads: usize,
    pub(super) checks_per_s: f64,
    pub(super) took: Tail,
}

/// On what requests rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ground {
    Law,
    /// On a consent this node has never seen.
    ConsentNew,
    /// On one it has verified before.
    ConsentKnown,
}

/// A node in the midst of the country.
struct World {
    invented: Invented,
    node: Node,
    conf: Conf,
    valid: Valid,
    /// Consents, by number.
    signed: Vec<(u64, String)>,
    /// The files of the node.
    _folder: tempfile::TempDir,
}

/// A message as it comes to the step.
struct Message {
    request: Request,
    attachments: Vec<Attachment>,
}

pub(super) async fn run(options: &Options) -> Result<Figures, Error> {
    let (options, runtime) = (options.clone(), tokio::runtime::Handle::current());
    // The log starts its tasks on the runtime.
    super::blocking(move || {
        let _entered = runtime.enter();
        measured(&options)
    })
    .await
}

fn measured(options: &Options) -> Result<Figures, Error> {
    let invented = Invented::new(options.rules)?;
    let began = clock::instant();
    let signed = signed(&invented, options.consents, options.signed)?;
    let signed_per_s = rate(signed.len(), began.elapsed());
    let world = World::new(invented, signed, options.consents, options.revoked)?;
    let bound = world.bound()?;
    let new = world.signed.chunks(world.signed.len().div_ceil(4));
    let mut new = new.map(<[_]>::to_vec);
    let known: Vec<(u64, String)> = world.signed.iter().take(KNOWN).cloned().collect();
    let mut rows = Vec::new();
    for threads in [1, 2] {
        for protocol in [Protocol::Rest, Protocol::Soap] {
            let count = world.signed.len().div_ceil(4);
            let by_turns = |from: &[(u64, String)]| -> Vec<(u64, String)> {
                from.iter().cycle().take(count).cloned().collect()
            };
            rows.push(world.row(Ground::Law, protocol, threads, &by_turns(&world.signed))?);
            if let Some(new) = new.next() {
                rows.push(world.row(Ground::ConsentNew, protocol, threads, &new)?);
            }
            // Seen once more: those of other runs may have taken their place.
            for (number, text) in &known {
                world.check(&world.message(Ground::ConsentKnown, protocol, *number, text)?)?;
            }
            rows.push(world.row(Ground::ConsentKnown, protocol, threads, &by_turns(&known))?);
        }
    }
    let artefact_bytes = world.signed.first().map_or(0, |(_, text)| text.len());
    Ok(Figures {
        consents: options.consents,
        signed: u64::try_from(world.signed.len()).unwrap_or(u64::MAX),
        signed_per_s,
        revoked: options.revoked,
        rules: world.invented.rules.part().rules.len(),
        journal_uses: options.consents,
        message_bytes: BODY_BYTES,
        artefact_bytes,
        bound,
        rows,
    })
}

/// So many of so many consents, spread evenly, signed on all cores.
fn signed(invented: &Invented, all: u64, count: u64) -> Result<Vec<(u64, String)>, Error> {
    let count = count.min(all);
    let numbers: Vec<u64> = (0..count).map(|place| spread(place, all, count)).collect();
    on_all_cores(&numbers, |number| Ok((*number, invented.signed(*number)?)))
}

/// The number of the n-th of so many that are spread evenly over all.
fn spread(place: u64, all: u64, count: u64) -> u64 {
    let number = u128::from(place).saturating_mul(u128::from(all));
    let number = number.checked_div(u128::from(count)).unwrap_or(0);
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Does this for each, in order.
fn on_all_cores<T: Sync, R: Send>(
    all: &[T],
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    on_cores(cores, all, work)
}

/// Does this for each, in order, a share on each of so many threads.
fn on_cores<T: Sync, R: Send>(
    threads: usize,
    all: &[T],
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let work = &work;
    std::thread::scope(|scope| {
        let shares = all.chunks(all.len().div_ceil(threads).max(1));
        let shares = shares.map(|share| {
            scope.spawn(move || share.iter().map(work).collect::<Result<Vec<R>, Error>>())
        });
        // All are started before the first is waited for.
        let shares: Vec<_> = shares.collect();
        let mut done = Vec::with_capacity(all.len());
        for share in shares {
            let ended = || Error::Part("a thread ended".to_owned());
            done.extend(share.join().map_err(|_| ended())??);
        }
        Ok(done)
    })
}

impl World {
    fn new(
        invented: Invented,
        signed: Vec<(u64, String)>,
        consents: u64,
        revoked: u64,
    ) -> Result<Self, Error> {
        let folder = folder()?;
        let rules = Arc::new(invented.rules.clone());
        let snapshot = Made::new()?.snapshot()?;
        let conf = Conf::with_rules(snapshot, RulesState::InForce(rules));
        let valid = conf
            .valid(0, SystemClock.now())
            .map_err(|error| part(&error))?;
        let state = feed::state(&invented, consents, revoked)?;
        let node = node(folder.path(), state)?;
        let world = Self {
            invented,
            node,
            conf,
            valid,
            signed,
            _folder: folder,
        };
        world.use_each_once(consents)?;
        Ok(world)
    }

    /// The journal has a use of each active consent.
    fn use_each_once(&self, consents: u64) -> Result<(), Error> {
        let mut from = 0_u64;
        while from < consents {
            let until = from.saturating_add(USES_AT_ONCE).min(consents);
            let numbers: Vec<u64> = (from..until).collect();
            let events = on_all_cores(&numbers, |number| self.used(*number))?;
            let applied = self.node.journal.apply(&events, until);
            applied.map_err(|error| part(&error))?;
            from = until;
        }
        Ok(())
    }

    /// A use of the n-th consent, as the log tells the journal. Of these, persons are not asked for.
    fn used(&self, number: u64) -> Result<Event, Error> {
        let pair = self.invented.pair_of(number);
        let quota = Quota {
            of: QuotaOf::Consent(consent_id(number)),
            count: u32::MAX,
            seconds: Some(24 * 3600),
        };
        let now = SystemClock.now();
        let reserved = self.node.journal.reserve(&[quota], now);
        let provider = invented::client(&invented::provider(pair))?;
        let service = ServiceId::new(provider, &invented::rest_code(pair), None);
        Ok(Event::Asked(Asked {
            ordinal: number.saturating_add(1),
            time: now,
            exchange: Exchange {
                client: invented::client(&invented::bank(pair))?,
                service: service.map_err(|error| part(&error))?,
                message_id: String::new(),
                user: None,
                case: None,
                purpose: None,
                rule: None,
                ground: Told::Consent,
                law: None,
                consent: None,
                emergency: None,
            },
            disclosure: Disclosure::AtOnce,
            persons: Vec::new(),
            quotas: reserved.map_err(|error| part(&error))?.marks().to_vec(),
        }))
    }

    fn row(
        &self,
        ground: Ground,
        protocol: Protocol,
        threads: usize,
        numbers: &[(u64, String)],
    ) -> Result<Row, Error> {
        let took = on_cores(threads, numbers, |(number, text)| {
            self.check(&self.message(ground, protocol, *number, text)?)
        })?;
        // Making the messages is no part of the step.
        let busy = took
            .iter()
            .fold(Duration::ZERO, |sum, one| sum.saturating_add(*one));
        let at_a_time = u32::try_from(threads.max(1)).unwrap_or(u32::MAX);
        let elapsed = busy.checked_div(at_a_time).unwrap_or(busy);
        Ok(Row {
            ground,
            protocol: match protocol {
                Protocol::Rest => "rest",
                Protocol::Soap => "soap",
            },
            threads,
            checks_per_s: rate(took.len(), elapsed),
            took: Tail::of(took),
        })
    }

    /// How long the step takes. Its use of limits is kept, as after an exchange.
    fn check(&self, message: &Message) -> Result<Duration, Error> {
        let (request, attachments) = (&message.request, &message.attachments);
        let began = clock::instant();
        let judged = provider::judge(
            request,
            attachments,
            &[],
            &self.node,
            &self.conf,
            self.valid,
        );
        // What it reads is in memory, so it never waits.
        let judged = judged.now_or_never();
        let took = began.elapsed();
        let (record, reservation) = judged
            .ok_or_else(|| Error::Part("the check waited for something".to_owned()))?
            .map_err(|error| part(&error))?;
        let is_whole = record.is_some_and(|record| {
            record.rule.is_some() && record.persons.len() == 1 && !record.quotas.is_empty()
        });
        match (is_whole, reservation) {
            (true, Some(reservation)) => {
                reservation.keep();
                Ok(took)
            }
            (true | false, Some(_) | None) => {
                Err(Error::Part("the check left something out".to_owned()))
            }
        }
    }

    /// A request about the person of the n-th consent.
    fn message(
        &self,
        ground: Ground,
        protocol: Protocol,
        number: u64,
        text: &str,
    ) -> Result<Message, Error> {
        let pair = self.invented.pair_of(number);
        let (client, purpose, consent) = match ground {
            Ground::Law => (invented::ministry(pair), AID, None),
            Ground::ConsentNew | Ground::ConsentKnown => (invented::bank(pair), CREDIT, Some(text)),
        };
        match protocol {
            Protocol::Rest => rest_message(pair, &client, purpose, consent, &fin(number)),
            Protocol::Soap => soap_message(pair, &client, purpose, consent, &fin(number)),
        }
    }

    fn bound(&self) -> Result<Tail, Error> {
        let public = self.invented.public_key();
        let mut took = Vec::new();
        for (_, text) in self.signed.iter().take(BOUND_COUNT) {
            let malformed = || Error::Part("an artefact is no JWS".to_owned());
            let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
            let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
            let signature: [u8; 64] = signature.try_into().map_err(|_| malformed())?;
            let began = clock::instant();
            let verified = ed25519_verify(&public, signed.as_bytes(), &signature);
            let digest = Digest::of(DigestAlgorithm::Sha256, text.as_bytes());
            took.push(began.elapsed());
            if !verified || digest.as_bytes().is_empty() {
                return Err(malformed());
            }
        }
        Ok(Tail::of(took))
    }
}

fn node(folder: &Path, state: gateway_policy::feed::State) -> Result<Node, Error> {
    let log = MessageLog::open(&folder.join("log"), gateway_messagelog::Options::default());
    let keys = gateway_journal::Keys::new(vec![(1, SecretKey::generate())]);
    let keys = keys.map_err(|error| part(&error))?;
    let journal = Journal::open(&folder.join("journal.redb"), keys);
    let owner = invented::client(&invented::provider(0))?;
    let server = ServerId::new(owner.member().clone(), "bench").map_err(|error| part(&error))?;
    Ok(Node {
        local: ArcSwap::from_pointee(Local {
            server,
            clients: std::collections::HashMap::new(),
            internal_certificate: None,
        }),
        conf: ArcSwapOption::empty(),
        keys: ArcSwap::from_pointee(Keys::default()),
        log: log.map_err(|error| part(&error))?,
        feed: RwLock::new(state),
        journal: journal.map_err(|error| part(&error))?,
        consents: Consents::default(),
        clock: Arc::new(SystemClock),
        settings: Settings::default(),
    })
}

fn rest_message(
    pair: u64,
    client: &str,
    purpose: &str,
    consent: Option<&str>,
    fin: &str,
) -> Result<Message, Error> {
    let path = format!(
        "/r1/{}/{}",
        invented::provider(pair),
        invented::rest_code(pair)
    );
    let query = format!("fin={fin}");
    let mut headers: Vec<(&str, &[u8])> = vec![
        ("x-road-client", client.as_bytes()),
        ("x-road-userid", b"AZ-clerk-7"),
        ("content-type", b"application/octet-stream"),
        ("karvan-purpose", purpose.as_bytes()),
    ];
    if let Some(consent) = consent {
        headers.push(("karvan-consent", consent.as_bytes()));
    }
    let id = Uuid::from_u128(1);
    let request =
        rest::Request::from_client("POST", &path, Some(&query), &headers, id, id, INSTANCE);
    Ok(Message {
        request: Request::Rest(request.map_err(|error| part(&error))?),
        attachments: vec![Attachment {
            headers: Headers::default(),
            content: Content::from_bytes(Bytes::from_static(&[b'x'; BODY_BYTES])),
        }],
    })
}

fn soap_message(
    pair: u64,
    client: &str,
    purpose: &str,
    consent: Option<&str>,
    fin: &str,
) -> Result<Message, Error> {
    let consent = consent.map(|consent| format!("<k:consent>{consent}</k:consent>"));
    let consent = consent.unwrap_or_default();
    let envelope = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\">\
         <e:Header><x:client i:objectType=\"SUBSYSTEM\">{client}</x:client>\
         <x:service i:objectType=\"SERVICE\">{provider}<i:serviceCode>{code}</i:serviceCode>\
         <i:serviceVersion>v1</i:serviceVersion></x:service><x:id>bench</x:id>\
         <x:userId>AZ-clerk-7</x:userId><x:protocolVersion>4.0</x:protocolVersion>\
         <k:basis xmlns:k=\"urn:karvan:basis:1\"><k:purpose>{purpose}</k:purpose>{consent}</k:basis>\
         </e:Header><e:Body><b:{code} xmlns:b=\"urn:karvan:bench\"><b:fin>{fin}</b:fin>\
         <b:text>{filler}</b:text></b:{code}></e:Body></e:Envelope>",
        client = identifier(client),
        provider = identifier(&invented::provider(pair)),
        code = invented::soap_code(pair),
        filler = FILLER,
    );
    let limits = gateway_proto::Limits::default();
    let parsed = soap::parse(Bytes::from(envelope), "text/xml; charset=utf-8", &limits);
    match parsed.map_err(|error| part(&error))? {
        soap::Parsed::Message(message) => Ok(Message {
            request: Request::Soap(message),
            attachments: Vec::new(),
        }),
        soap::Parsed::Fault(_) => Err(Error::Part("a request is a fault".to_owned())),
    }
}

/// Elements of an identifier.
fn identifier(text: &str) -> String {
    let names = [
        "xRoadInstance",
        "memberClass",
        "memberCode",
        "subsystemCode",
    ];
    let elements = names.iter().zip(text.split('/'));
    elements
        .map(|(name, part)| format!("<i:{name}>{part}</i:{name}>"))
        .collect()
}

/// Consents that are asked again and again: fewer than a node remembers.
const KNOWN: usize = 1000;
const BOUND_COUNT: usize = 20_000;
const USES_AT_ONCE: u64 = 100_000;
const BODY_BYTES: usize = 2048;
/// With the frame of a SOAP request about as much.
const FILLER: &str = {
    const OCTETS: [u8; 1024] = [b'x'; 1024];
    match std::str::from_utf8(&OCTETS) {
        Ok(text) => text,
        Err(_) => "",
    }
};

#[cfg(test)]
mod tests {
    use super::{on_cores, spread};
    use crate::bench::Error;

    #[test]
    fn the_signed_ones_are_spread_over_all() {
        let numbers: Vec<u64> = (0..4).map(|place| spread(place, 10, 4)).collect();
        assert_eq!(numbers, [0, 2, 5, 7]);
        assert_eq!(spread(3, u64::MAX, 4), u64::MAX / 4 * 3 + 2);
        assert_eq!(spread(1, 1, 0), 0);
    }

    #[test]
    fn shares_come_back_in_order_and_one_failure_fails_all() {
        let all: Vec<u32> = (0..10).collect();
        for threads in [1, 3, 20] {
            let doubled = on_cores(threads, &all, |one| Ok(one * 2)).unwrap();
            assert_eq!(doubled, (0..20).step_by(2).collect::<Vec<_>>());
        }
        let fails = |one: &u32| match one {
            7 => Err(Error::NoPorts),
            one => Ok(*one),
        };
        assert!(on_cores(2, &all, fails).is_err());
        assert!(on_cores(2, &[], fails).unwrap().is_empty());
    }
}
