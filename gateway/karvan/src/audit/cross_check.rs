//! `karvan audit cross-check`: both sides of the exchanges between two nodes.
//!
//! A message travels with its signature, and both nodes log it: the consumer's before it is sent,
//! the provider's before the service is called, and so back. So each record of one side has to be
//! met by one of the other, of the same octets. What a side may rightly have alone: a request that
//! never arrived, and an answer that did not come back.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use certs_keys::{Digest, DigestAlgorithm, Hasher};
use clap::Args;
use gateway_messagelog::audit::{Reader, Unreadable};
use gateway_messagelog::{Direction, Entry, Protection, Record, Side};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::progress::Progress;
use super::{Error, keys, log_folder, print, show, tree};
use crate::node::transparency;

/// Two logs.
#[derive(Clone, Debug, Args)]
pub(crate) struct CrossCheck {
    /// Data folder of a node.
    a: PathBuf,
    /// Data folder of another node.
    b: PathBuf,
    /// The key of a sealed log, `name=file`; may be repeated.
    #[arg(long, value_name = "NAME=FILE")]
    key: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Comparison {
    /// Whose logs these are.
    pub(crate) nodes: [String; 2],
    /// Messages that both sides hold, of the same octets.
    pub(crate) matched: u64,
    /// Messages of which the sides hold different octets.
    pub(crate) different: Vec<OneSided>,
    /// Messages that one side holds and the other should.
    pub(crate) missing: Vec<OneSided>,
    /// Answers that the provider logged and the consumer did not: he gave up, or refused them.
    pub(crate) not_received: u64,
    /// Requests that the consumer logged and that got no answer here: they may not have arrived.
    pub(crate) unanswered: u64,
    /// Messages that retention has erased on the other side.
    pub(crate) erased: u64,
    /// Places of either log that cannot be read.
    pub(crate) unreadable: Vec<String>,
}

/// A message as one side has it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OneSided {
    /// Whose log it is in.
    pub(crate) node: String,
    pub(crate) record: u64,
    pub(crate) time: String,
    pub(crate) direction: &'static str,
    pub(crate) client: String,
    pub(crate) service: String,
    pub(crate) message_id: String,
}

impl Comparison {
    /// Nothing is missing or different, and everything could be read.
    pub(crate) fn holds(&self) -> bool {
        self.different.is_empty() && self.missing.is_empty() && self.unreadable.is_empty()
    }

    /// What came out, for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (what, found) in [("different", &self.different), ("missing", &self.missing)] {
            for one in found {
                text.push_str(&format!(
                    "FAIL {what}: {} {} of {} → {} (record {} of {}, {})\n",
                    one.direction,
                    one.message_id,
                    one.client,
                    one.service,
                    one.record,
                    one.node,
                    one.time,
                ));
            }
        }
        for place in &self.unreadable {
            text.push_str(&format!("FAIL {place}\n"));
        }
        let [a, b] = &self.nodes;
        text.push_str(&format!(
            "{a} ↔ {b}: {} messages matched, {} different, {} missing; {} answers not received, {} \
             requests unanswered, {} erased on one side\n",
            self.matched,
            self.different.len(),
            self.missing.len(),
            self.not_received,
            self.unanswered,
            self.erased,
        ));
        text
    }
}

pub(super) fn run(arguments: &CrossCheck) -> Result<bool, Error> {
    let protection = keys::protection(&arguments.key)?;
    let comparison = compare(&arguments.a, &arguments.b, protection.as_ref())?;
    if arguments.json {
        let holds = comparison.holds();
        print(&format!(
            "{}\n",
            json!({ "ok": holds, "comparison": comparison })
        ))?;
    } else {
        print(&comparison.text())?;
    }
    Ok(comparison.holds())
}

/// Compares the logs of two nodes.
pub(crate) fn compare(
    a: &Path,
    b: &Path,
    protection: Option<&Protection>,
) -> Result<Comparison, Error> {
    let a = Log::read(a, protection)?;
    let b = Log::read(b, protection)?;
    if a.node == b.node {
        return Err(Error::Use(format!("both are logs of {}", a.node)));
    }
    Ok(Comparison::of(&a, &b))
}

impl Comparison {
    fn of(a: &Log, b: &Log) -> Self {
        let mut comparison = Self {
            nodes: [a.node.clone(), b.node.clone()],
            unreadable: [a.unreadable.clone(), b.unreadable.clone()].concat(),
            ..Self::default()
        };
        for (consumer, provider) in [(a, b), (b, a)] {
            comparison.of_consumer(consumer, provider);
            comparison.of_provider(provider, consumer);
        }
        comparison
    }

    /// Everything the consumer holds of exchanges with this provider.
    fn of_consumer(&mut self, consumer: &Log, provider: &Log) {
        for (exchange, messages) in consumer.on(Side::Consumer) {
            let other = provider.exchange(Side::Provider, exchange);
            let is_with = messages
                .iter()
                .any(|message| message.peer.as_deref() == Some(&provider.node));
            for message in messages {
                match Met::of(message, other) {
                    Met::Same => self.matched = self.matched.saturating_add(1),
                    Met::Other if is_with || message.direction == Direction::Request => {
                        self.different.push(message.one_sided(&consumer.node));
                    }
                    // Its answer names the provider; or it has none, and may be for anybody.
                    Met::Nothing if is_with && provider.has_erased(message.time) => {
                        self.erased = self.erased.saturating_add(1);
                    }
                    Met::Nothing if is_with => {
                        self.missing.push(message.one_sided(&consumer.node));
                    }
                    Met::Other | Met::Nothing => {
                        let alone = messages.len() == 1;
                        self.unanswered = self.unanswered.saturating_add(alone.into());
                    }
                }
            }
        }
    }

    /// What the provider holds of exchanges with this consumer and the consumer does not.
    fn of_provider(&mut self, provider: &Log, consumer: &Log) {
        for (exchange, messages) in provider.on(Side::Provider) {
            let other = consumer.exchange(Side::Consumer, exchange);
            for message in messages {
                if message.peer.as_deref() != Some(&consumer.node) {
                    continue;
                }
                match (Met::of(message, other), message.direction) {
                    // Told from the consumer's side.
                    (Met::Same | Met::Other, _) => {}
                    (Met::Nothing, _) if consumer.has_erased(message.time) => {
                        self.erased = self.erased.saturating_add(1);
                    }
                    (Met::Nothing, Direction::Request) => {
                        self.missing.push(message.one_sided(&provider.node));
                    }
                    (Met::Nothing, Direction::Response) => {
                        self.not_received = self.not_received.saturating_add(1);
                    }
                }
            }
        }
    }
}

/// What the other side has of a message.
enum Met {
    Same,
    /// Messages of the exchange and direction, none of them of these octets.
    Other,
    Nothing,
}

impl Met {
    fn of(message: &Message, others: &[Message]) -> Self {
        let mut of_direction = others
            .iter()
            .filter(|other| other.direction == message.direction)
            .peekable();
        if of_direction.peek().is_none() {
            return Self::Nothing;
        }
        if of_direction.any(|other| other.octets == message.octets) {
            Self::Same
        } else {
            Self::Other
        }
    }
}

/// A log, by exchanges.
struct Log {
    /// The origin of its checkpoints.
    node: String,
    exchanges: HashMap<Exchange, Vec<Message>>,
    /// When entries were erased: the time of the oldest one that still stands.
    kept_from: Option<Timestamp>,
    unreadable: Vec<String>,
}

/// A side and a hash over parties and ids: what both messages of an exchange have in common.
type Exchange = (Side, Digest);

/// A message, as far as it is compared and told.
struct Message {
    ordinal: u64,
    time: Timestamp,
    direction: Direction,
    peer: Option<String>,
    /// A hash over everything that travelled.
    octets: Digest,
    client: String,
    service: String,
    message_id: String,
}

impl Log {
    fn read(data: &Path, protection: Option<&Protection>) -> Result<Self, Error> {
        let folder = log_folder(data);
        let mut log = Self {
            node: tree::origin(&folder)?,
            exchanges: HashMap::new(),
            kept_from: None,
            unreadable: Vec::new(),
        };
        let reader = Reader::open_with(&folder, protection.cloned()).map_err(Error::Log)?;
        let mut entries = reader.entries().map_err(Error::Log)?;
        let mut progress = Progress::new("reading");
        let mut has_erased = false;
        while let Some(entry) = entries.next() {
            let (done, all) = entries.progress();
            progress.tell(done, all);
            match entry {
                Ok(logged) => {
                    if has_erased && log.kept_from.is_none() {
                        log.kept_from = Some(logged.entry.time());
                    }
                    if let Entry::Message(record) = &logged.entry {
                        log.add(logged.position.ordinal, record);
                    }
                }
                Err(Unreadable::Erased { .. }) => has_erased = true,
                Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
                Err(damage) => log.unreadable.push(format!("{}: {damage}", log.node)),
            }
        }
        Ok(log)
    }

    fn add(&mut self, ordinal: u64, record: &Record) {
        let message = Message {
            ordinal,
            time: record.time,
            direction: record.direction,
            peer: record.peer.as_ref().map(transparency::origin),
            octets: octets(record),
            client: record.client.to_string(),
            service: record.service.to_string(),
            message_id: record.message_id.clone(),
        };
        let exchange = (record.side, exchange(record));
        self.exchanges.entry(exchange).or_default().push(message);
    }

    /// Exchanges of a side in the order of their first messages.
    fn on(&self, side: Side) -> impl Iterator<Item = (&Digest, &[Message])> {
        let mut ordered = BTreeMap::new();
        for ((found, exchange), messages) in &self.exchanges {
            if *found == side
                && let Some(first) = messages.first()
            {
                ordered.insert(first.ordinal, (exchange, messages.as_slice()));
            }
        }
        ordered.into_values()
    }

    fn exchange(&self, side: Side, exchange: &Digest) -> &[Message] {
        self.exchanges
            .get(&(side, *exchange))
            .map_or(&[], Vec::as_slice)
    }

    fn has_erased(&self, time: Timestamp) -> bool {
        self.kept_from.is_some_and(|kept_from| time < kept_from)
    }
}

impl Message {
    fn one_sided(&self, node: &str) -> OneSided {
        OneSided {
            node: node.to_owned(),
            record: self.ordinal,
            time: self.time.to_string(),
            direction: show::direction(self.direction),
            client: self.client.clone(),
            service: self.service.clone(),
            message_id: self.message_id.clone(),
        }
    }
}

fn exchange(record: &Record) -> Digest {
    let mut hasher = Parts::default();
    hasher.part(show::protocol(record.protocol).as_bytes());
    hasher.part(record.client.to_string().as_bytes());
    hasher.part(record.service.to_string().as_bytes());
    hasher.part(record.message_id.as_bytes());
    hasher.part(record.request_id.as_deref().unwrap_or_default().as_bytes());
    hasher.finish()
}

/// Both sides log the message, every attachment and the seal as they travelled. Of a body that is
/// not kept there is the digest.
fn octets(record: &Record) -> Digest {
    let mut hasher = Parts::default();
    let message = record
        .message_digest
        .unwrap_or_else(|| Digest::of(DigestAlgorithm::Sha512, &record.message));
    hasher.part(message.as_bytes());
    for (_, content) in &record.attachments {
        hasher.part(content.digest().as_bytes());
    }
    hasher.part(&record.signature);
    hasher.part(record.hash_chain_result.as_deref().unwrap_or_default());
    hasher.part(record.hash_chain.as_deref().unwrap_or_default());
    hasher.finish()
}

/// A hash over parts, each with its length.
struct Parts(Hasher);

impl Default for Parts {
    fn default() -> Self {
        Self(Hasher::new(DigestAlgorithm::Sha256))
    }
}

impl Parts {
    fn part(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> Digest {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests;
