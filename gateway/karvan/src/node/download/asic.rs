//! `GET /asic`: the signed documents of one query id, for the local party of the exchange.

use std::io::Write;

use gateway_asic::names::{self, Direction};
use gateway_asic::zip;
use gateway_evidence::archive::Envelope;
use gateway_evidence::containers::{self, Binder};
use gateway_exchange::conf::Conf;
use gateway_messagelog::{Entry, Logged, MessageLog, Record, Side};
use gateway_net::{Body, Peer};
use gateway_proto::id::{ClientId, MemberId};
use http::{Response, StatusCode};
use tokio::runtime::Handle;

use super::query::Query;
use super::{Downloads, Refused, file};

/// What is asked for.
#[derive(Clone, Debug)]
struct Asked {
    query_id: String,
    direction: Option<Direction>,
    unique: bool,
    force: bool,
}

/// Why a download broke off.
#[derive(Debug)]
enum Error {
    Log(gateway_messagelog::Error),
    Container(containers::Error),
    Zip(zip::Error),
}

/// Checks in the order of deployed servers, then sends.
pub(super) async fn answer(
    downloads: &Downloads,
    query: &str,
    peer: &Peer,
    conf: &Conf,
) -> Result<Response<Body>, Refused> {
    let query = Query::parse(query)
        .ok_or_else(|| Refused::bad_request("The parameters are not URL-encoded UTF-8."))?;
    let party = party(&query)?;
    gateway_exchange::consumer::authorize(&party, peer, &downloads.node, conf)
        .map_err(|error| Refused::new(StatusCode::UNAUTHORIZED, error.to_string()))?;
    let asked = Asked::of(&query)?;
    let ordinals = find(downloads, &party, &asked).await?;
    stamped(downloads, &ordinals, asked.force).await?;
    if asked.unique && asked.direction.is_none() {
        return Err(Refused::bad_request(
            "Parameter \"unique\" not applicable without \"requestOnly\" or \"responseOnly\".",
        ));
    }
    match asked.unique {
        true => one(downloads, peer, &party, &ordinals).await,
        false => all(downloads, peer, &party, ordinals, &asked),
    }
}

/// The local party: whose records are asked for.
fn party(query: &Query) -> Result<ClientId, Refused> {
    let instance = mandatory(query, "xRoadInstance")?;
    let class = mandatory(query, "memberClass")?;
    let code = mandatory(query, "memberCode")?;
    let refused = |error: gateway_proto::id::Error| Refused::bad_request(error.to_string());
    let member = MemberId::new(instance, class, code).map_err(refused)?;
    ClientId::new(member, query.value("subsystemCode")).map_err(refused)
}

fn mandatory<'q>(query: &'q Query, name: &str) -> Result<&'q str, Refused> {
    // Two spaces: what is deployed says it so.
    query
        .value(name)
        .ok_or_else(|| Refused::bad_request(format!("Parameter \"{name}\"  must be specified.")))
}

impl Asked {
    fn of(query: &Query) -> Result<Self, Refused> {
        let query_id = mandatory(query, "queryId")?.to_owned();
        let direction = match (query.has("requestOnly"), query.has("responseOnly")) {
            (true, true) => {
                return Err(Refused::bad_request(
                    "Parameters \"requestOnly\" and \"responseOnly\" cannot be used at the same time.",
                ));
            }
            (true, false) => Some(Direction::Request),
            (false, true) => Some(Direction::Response),
            (false, false) => None,
        };
        Ok(Self {
            query_id,
            direction,
            unique: query.has("unique"),
            force: query.has("force"),
        })
    }

    fn wants(&self, record: &Record, party: &ClientId) -> bool {
        let local = match record.side {
            Side::Consumer => &record.client,
            Side::Provider => record.service.provider(),
        };
        local == party
            && record.message_id == self.query_id
            && self
                .direction
                .is_none_or(|wanted| wanted == containers::direction(record))
    }
}

/// The places of all messages that are asked for.
async fn find(downloads: &Downloads, party: &ClientId, asked: &Asked) -> Result<Vec<u64>, Refused> {
    let (party, wanted) = (party.clone(), asked.clone());
    let turn = downloads.slots.turn().await;
    // Of thousands of messages with one id no more than their places is held.
    let place = move |logged: Logged| {
        let _until_the_end = &turn;
        match &logged.entry {
            Entry::Message(record) if wanted.wants(record, &party) => Some(logged.position.ordinal),
            Entry::Message(_) | Entry::Refusal(_) | Entry::Stamp(_) => None,
        }
    };
    let found = downloads.node.log.find_map(&asked.query_id, place).await;
    let ordinals =
        found.map_err(|error| Refused::failed("The message log cannot be read", &error))?;
    match ordinals.is_empty() {
        true => Err(Refused::new(
            StatusCode::NOT_FOUND,
            "No signed documents found",
        )),
        false => Ok(ordinals),
    }
}

/// All of them have their time stamp, or get it now when that is wanted.
async fn stamped(downloads: &Downloads, ordinals: &[u64], force: bool) -> Result<(), Refused> {
    let log = &downloads.node.log;
    let mut newest_waiting = None;
    for ordinal in ordinals.iter().copied() {
        let stamping = log.stamping();
        let waits = ordinal > stamping.stamped_until
            && (stamping.complete || log.stamp_of(ordinal).await.is_ok_and(|one| one.is_none()));
        if waits {
            newest_waiting = newest_waiting.max(Some(ordinal));
        }
    }
    let failed = |text: String| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, text);
    match newest_waiting {
        None => Ok(()),
        Some(ordinal) if force => {
            let forced = downloads.stamper.force(ordinal).await;
            forced.map_err(|error| failed(error.to_string()))
        }
        Some(_) => Err(failed(
            "Message signature has not been timestamped yet!".to_owned(),
        )),
    }
}

/// One container, as it is. Of several any will do.
async fn one(
    downloads: &Downloads,
    peer: &Peer,
    party: &ClientId,
    ordinals: &[u64],
) -> Result<Response<Body>, Refused> {
    let log = downloads.node.log.clone();
    let failed = |error: &dyn std::error::Error| {
        Refused::failed("The signed document cannot be made", error)
    };
    // A document is put together in memory, and under a time stamp over thousands that is not little.
    let slot = downloads.slots.take(peer.address.ip())?;
    let ordinal = ordinals.first().copied().unwrap_or_default();
    let logged = log.get(ordinal).await.map_err(|error| failed(&error))?;
    let document = Binder::new(log).document(&logged).await;
    let document = document.map_err(|error| failed(&error))?;
    let name = document.name().to_owned();
    let envelope = downloads.envelope(party.member())?;
    let head = Head::new(CONTAINER, &name, envelope.as_ref());
    Ok(head.with(slot.body(envelope, move |out| document.write(out).map(drop))))
}

/// A ZIP file of containers.
fn all(
    downloads: &Downloads,
    peer: &Peer,
    party: &ClientId,
    ordinals: Vec<u64>,
    asked: &Asked,
) -> Result<Response<Body>, Refused> {
    let log = downloads.node.log.clone();
    let name = names::download(&asked.query_id, asked.direction);
    let envelope = downloads.envelope(party.member())?;
    let head = Head::new("application/zip", &name, envelope.as_ref());
    let (slot, runtime) = (downloads.slots.take(peer.address.ip())?, Handle::current());
    Ok(head.with(slot.body(envelope, move |out| pack(&log, &ordinals, &runtime, out))))
}

fn pack(
    log: &MessageLog,
    ordinals: &[u64],
    runtime: &Handle,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut binder = Binder::new(log.clone());
    let mut zip = zip::Writer::new(out, zip::Options::archive());
    for ordinal in ordinals.iter().copied() {
        let logged = match runtime.block_on(log.get(ordinal)) {
            // Retention was faster.
            Err(gateway_messagelog::Error::Erased { .. }) => continue,
            logged => logged.map_err(Error::Log)?,
        };
        let document = runtime.block_on(binder.document(&logged));
        let document = document.map_err(Error::Container)?;
        let mut entry = zip
            .entry(document.name(), document.time())
            .map_err(Error::Zip)?;
        document.write(&mut entry).map_err(Error::Container)?;
        entry.finish().map_err(Error::Zip)?;
    }
    zip.finish().map(drop).map_err(Error::Zip)
}

/// What a file is called and what it is; in an envelope both are another.
struct Head {
    content_type: &'static str,
    disposition: String,
}

impl Head {
    fn new(content_type: &'static str, name: &str, envelope: Option<&Envelope>) -> Self {
        let (content_type, name) = match envelope {
            None => (content_type, name.to_owned()),
            Some(_) => ("application/octet-stream", names::encrypted(name)),
        };
        Self {
            content_type,
            disposition: format!("attachment; filename=\"{name}\""),
        }
    }

    fn with(self, body: Body) -> Response<Body> {
        file(self.content_type, &self.disposition, body)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Log(error) => write!(f, "{error}"),
            Self::Container(error) => write!(f, "{error}"),
            Self::Zip(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Log(error) => error.source(),
            Self::Container(error) => error.source(),
            Self::Zip(error) => error.source(),
        }
    }
}

const CONTAINER: &str = "application/vnd.etsi.asic-e+zip";
