//! `karvan audit cross-check`: both sides of the exchanges between two nodes.
//!
//! A message travels with its signature, and both nodes log it: the consumer's before it is sent,
//! the provider's before the service is called, and so back. So each record of one side has to be
//! met by one of the other, of the same octets. What a side may rightly have alone: a request that
//! never arrived, and an answer that did not come back.
//!
//! * `digests`: what is compared of a message

mod digests;

use std::path::{Path, PathBuf};

use certs_keys::Digest;
use clap::Args;
use gateway_messagelog::audit::{Reader, Unreadable, decode_alone};
use gateway_messagelog::tree::Offline;
use gateway_messagelog::{Direction, Entry, Logged, Protection, Record, Side};
use gateway_store::segment::Position;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use self::digests::{exchange, octets};
use super::documents::printable;
use super::progress::Progress;
use super::unread::Unread;
use super::{Error, keys, log_folder, print, show, tree};
use crate::causes::with_causes;
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
    /// The verifier key that a log has to be signed by, `name+hash+key`; one for each. Without them
    /// the name in each log is believed.
    #[arg(long, value_name = "KEY")]
    log_key: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Comparison {
    /// Whose logs these are.
    pub(crate) nodes: [String; 2],
    /// Whose word that is.
    pub(crate) names_are: &'static str,
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
    /// Matched messages of which a log says that they were exchanged with another node.
    pub(crate) misnamed: u64,
    /// What is wrong with the logs themselves, or with the question.
    pub(crate) failures: Vec<String>,
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
        self.different.is_empty()
            && self.missing.is_empty()
            && self.unreadable.is_empty()
            && self.misnamed == 0
            && self.failures.is_empty()
    }

    /// Neither log holds a message that the other one has, or should have.
    fn is_of_nothing(&self) -> bool {
        self.matched == 0 && self.different.is_empty() && self.missing.is_empty()
    }

    /// What came out, for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (what, found) in [("different", &self.different), ("missing", &self.missing)] {
            for one in found {
                text.push_str(&printable(&format!(
                    "FAIL {what}: {} {} of {} → {} (record {} of {}, {})",
                    one.direction,
                    one.message_id,
                    one.client,
                    one.service,
                    one.record,
                    one.node,
                    one.time,
                )));
                text.push('\n');
            }
        }
        for place in &self.unreadable {
            text.push_str(&printable(&format!("FAIL {place}")));
            text.push('\n');
        }
        for failure in &self.failures {
            text.push_str(&printable(&format!("FAIL {failure}")));
            text.push('\n');
        }
        let [a, b] = &self.nodes;
        if self.misnamed > 0 {
            text.push_str(&printable(&format!(
                "FAIL {} messages are in both logs, and one of them says that it exchanged them with \
                 another node than {a} or {b}: a log bears the wrong name, or did when they were logged",
                self.misnamed
            )));
            text.push('\n');
        }
        text.push_str(&printable(&format!(
            "{a} ↔ {b}: {} messages matched, {} different, {} missing; {} answers not received, {} \
             requests unanswered, {} erased on one side",
            self.matched,
            self.different.len(),
            self.missing.len(),
            self.not_received,
            self.unanswered,
            self.erased,
        )));
        text.push_str(&format!("\nwhose logs these are: {}\n", self.names_are));
        text
    }
}

pub(super) fn run(arguments: &CrossCheck) -> Result<bool, Error> {
    let protection = keys::protection(&arguments.key)?;
    let mut comparison = compare(&arguments.a, &arguments.b, protection.as_ref())?;
    comparison.judge_names(&[&arguments.a, &arguments.b], &arguments.log_key);
    comparison.judge_extent();
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
    let readers = [
        super::open(a, protection.cloned())?,
        super::open(b, protection.cloned())?,
    ];
    let nodes = [tree::origin(&log_folder(a))?, tree::origin(&log_folder(b))?];
    let [first, second] = &nodes;
    if first == second {
        return Err(Error::Use(format!("both are logs of {first}")));
    }
    let mut bytes = 0_u64;
    for reader in &readers {
        let (_, all) = reader.entries().map_err(Error::Log)?.progress();
        bytes = bytes.saturating_add(all);
    }
    let mut comparison = Comparison {
        nodes: nodes.clone(),
        names_are: NAMES_BELIEVED,
        ..Comparison::default()
    };
    let shares = bytes.div_euclid(SHARE_BYTES).saturating_add(1);
    let [reader_a, reader_b] = &readers;
    for share in (0..shares).map(|number| Share { number, shares }) {
        let a = Log::read(reader_a, first, second, share)?;
        let b = Log::read(reader_b, second, first, share)?;
        comparison.add(&Found::of(&a, &b), &readers)?;
        if share.number == 0 {
            comparison.unreadable = [a.unreadable, b.unreadable].concat();
        }
    }
    for found in [&mut comparison.different, &mut comparison.missing] {
        found.sort_by(|a, b| (&a.node, a.record).cmp(&(&b.node, b.record)));
    }
    Ok(comparison)
}

impl Comparison {
    /// By keys from elsewhere, a log is whose it says. Without, it may have been signed anew under
    /// another name, to be rid of what others say of its own.
    fn judge_names(&mut self, folders: &[&Path; 2], log_keys: &[String]) {
        if log_keys.is_empty() {
            return;
        }
        for (folder, name) in folders.iter().zip(&self.nodes) {
            if let Err(reason) = vouched(&log_folder(folder), name, log_keys) {
                self.failures.push(format!("the log of {name}: {reason}"));
            }
        }
        if self.failures.is_empty() {
            self.names_are = NAMES_VOUCHED;
        }
    }

    /// Of two nodes that are asked about something is known, or the question was wrong.
    fn judge_extent(&mut self) {
        if self.is_of_nothing() {
            let [a, b] = &self.nodes;
            self.failures.push(format!(
                "nothing was compared: neither log holds a message of an exchange of {a} with {b}"
            ));
        }
    }

    /// Adds what one share has shown, with what the records themselves say.
    fn add(&mut self, found: &Found, readers: &[Reader; 2]) -> Result<(), Error> {
        let ([a, b], [reader_a, reader_b]) = (&self.nodes, readers);
        let one_sided = |alone: &Alone| {
            let (node, reader) = match alone.is_of_second {
                false => (a, reader_a),
                true => (b, reader_b),
            };
            OneSided::read(node, reader, alone.position)
        };
        let told = |alone: &[Alone]| alone.iter().map(one_sided).collect::<Result<Vec<_>, _>>();
        let (different, missing) = (told(&found.different)?, told(&found.missing)?);
        self.different.extend(different);
        self.missing.extend(missing);
        self.matched = self.matched.saturating_add(found.matched);
        self.not_received = self.not_received.saturating_add(found.not_received);
        self.unanswered = self.unanswered.saturating_add(found.unanswered);
        self.erased = self.erased.saturating_add(found.erased);
        self.misnamed = self.misnamed.saturating_add(found.misnamed);
        Ok(())
    }
}

/// The checkpoint of a log is signed by one of these keys.
fn vouched(folder: &Path, name: &str, log_keys: &[String]) -> Result<(), String> {
    let own = |key: &&String| {
        let is_named = key.strip_prefix(name);
        is_named.is_some_and(|rest| rest.starts_with('+'))
    };
    let key = log_keys
        .iter()
        .find(own)
        .ok_or("none of the keys given with --log-key is its own")?;
    let offline = Offline::open(folder).map_err(|error| with_causes(&error))?;
    tree::signer(folder, offline.note(), Some(key)).map(drop)
}

impl OneSided {
    fn read(node: &str, reader: &Reader, position: Position) -> Result<Self, Error> {
        let entry = reader
            .stored(position)
            .and_then(|stored| reader.plain(&stored))
            .and_then(|plain| decode_alone(&plain))
            .map_err(Error::Log)?;
        match entry {
            Entry::Message(record) => Ok(Self::of(node, position.ordinal, &record)),
            Entry::Refusal(_) | Entry::Stamp(_) => Err(Error::Use(format!(
                "record {} of {node} changed while it was read",
                position.ordinal
            ))),
        }
    }

    fn of(node: &str, ordinal: u64, record: &Record) -> Self {
        Self {
            node: node.to_owned(),
            record: ordinal,
            time: record.time.to_string(),
            direction: show::direction(record.direction),
            client: record.client.to_string(),
            service: record.service.to_string(),
            message_id: record.message_id.clone(),
        }
    }
}

/// One of so many shares of all exchanges: logs that are long are read again for each, so that memory
/// is bounded.
#[derive(Clone, Copy, Debug)]
struct Share {
    number: u64,
    shares: u64,
}

impl Share {
    fn holds(self, exchange: &Digest) -> bool {
        let octets = exchange.as_bytes().iter().take(8);
        let number = octets.fold(0_u64, |number, octet| {
            number.wrapping_shl(8) | u64::from(*octet)
        });
        number.checked_rem(self.shares) == Some(self.number)
    }
}

/// What one share of the exchanges has shown.
#[derive(Debug, Default)]
struct Found {
    matched: u64,
    different: Vec<Alone>,
    missing: Vec<Alone>,
    not_received: u64,
    unanswered: u64,
    erased: u64,
    misnamed: u64,
}

/// A message that the other side has not, or not so.
#[derive(Debug)]
struct Alone {
    is_of_second: bool,
    position: Position,
}

impl Found {
    fn of(a: &Log, b: &Log) -> Self {
        let mut found = Self::default();
        for (consumer, provider, is_consumer_second) in [(a, b, false), (b, a, true)] {
            found.of_consumer(consumer, provider, is_consumer_second);
            found.of_provider(provider, consumer, !is_consumer_second);
        }
        found
    }

    /// Everything the consumer holds of exchanges with this provider.
    fn of_consumer(&mut self, consumer: &Log, provider: &Log, is_of_second: bool) {
        for (exchange, messages) in consumer.on(Side::Consumer) {
            let other = provider.exchange(Side::Provider, exchange);
            let is_with = messages.iter().any(|message| message.is_with_other);
            for message in messages {
                let alone = Alone {
                    is_of_second,
                    position: message.position,
                };
                match Met::of(message, other) {
                    Met::Same(same) => {
                        self.matched = self.matched.saturating_add(1);
                        let is_misnamed = message.is_with_third || same.is_with_third;
                        self.misnamed = self.misnamed.saturating_add(is_misnamed.into());
                    }
                    Met::Other if is_with || message.direction == Direction::Request => {
                        self.different.push(alone);
                    }
                    // Its answer names the provider; or it has none, and may be for anybody.
                    Met::Nothing if is_with && provider.has_erased(message.time) => {
                        self.erased = self.erased.saturating_add(1);
                    }
                    Met::Nothing if is_with => self.missing.push(alone),
                    Met::Other | Met::Nothing => {
                        let is_alone = messages.len() == 1;
                        self.unanswered = self.unanswered.saturating_add(is_alone.into());
                    }
                }
            }
        }
    }

    /// What the provider holds of exchanges with this consumer and the consumer does not.
    fn of_provider(&mut self, provider: &Log, consumer: &Log, is_of_second: bool) {
        for (exchange, messages) in provider.on(Side::Provider) {
            let other = consumer.exchange(Side::Consumer, exchange);
            for message in messages {
                if !message.is_with_other {
                    continue;
                }
                match (Met::of(message, other), message.direction) {
                    // Told from the consumer's side.
                    (Met::Same(_) | Met::Other, _) => {}
                    (Met::Nothing, _) if consumer.has_erased(message.time) => {
                        self.erased = self.erased.saturating_add(1);
                    }
                    (Met::Nothing, Direction::Request) => self.missing.push(Alone {
                        is_of_second,
                        position: message.position,
                    }),
                    (Met::Nothing, Direction::Response) => {
                        self.not_received = self.not_received.saturating_add(1);
                    }
                }
            }
        }
    }
}

/// What the other side has of a message.
enum Met<'a> {
    Same(&'a Message),
    /// Messages of the exchange and direction, none of them of these octets.
    Other,
    Nothing,
}

impl<'a> Met<'a> {
    fn of(message: &Message, others: &'a [Message]) -> Self {
        let mut of_direction = others
            .iter()
            .filter(|other| other.direction == message.direction)
            .peekable();
        if of_direction.peek().is_none() {
            return Self::Nothing;
        }
        match of_direction.find(|other| other.octets == message.octets) {
            Some(same) => Self::Same(same),
            None => Self::Other,
        }
    }
}

/// The messages of a log, as far as they are compared.
#[derive(Debug, Default)]
struct Log {
    /// By side, exchange, and place.
    messages: Vec<Message>,
    /// When entries were erased: the time of the oldest one that still stands.
    kept_from: Option<Timestamp>,
    unreadable: Vec<String>,
}

/// A message, as far as it is compared: there may be very many.
#[derive(Clone, Debug)]
struct Message {
    /// Which half the node was in the exchange.
    is_provider: bool,
    /// A hash over parties and ids: what both messages of an exchange have in common.
    exchange: [u8; 32],
    position: Position,
    time: Timestamp,
    direction: Direction,
    /// It came from the other node, as was noted.
    is_with_other: bool,
    /// It came from a node that is not the other one, as was noted.
    is_with_third: bool,
    /// A hash over everything that travelled.
    octets: [u8; 32],
}

impl Log {
    fn read(reader: &Reader, node: &str, other: &str, share: Share) -> Result<Self, Error> {
        let mut log = Self::default();
        let mut entries = reader.entries().map_err(Error::Log)?;
        let mut progress = Progress::new("reading");
        let (mut has_erased, mut unread) = (false, Unread::default());
        while let Some(entry) = entries.next() {
            let (done, all) = entries.progress();
            progress.tell(done, all);
            match entry {
                Ok(logged) => {
                    if has_erased && log.kept_from.is_none() {
                        log.kept_from = Some(logged.entry.time());
                    }
                    log.messages.extend(Message::of(&logged, other, share));
                }
                Err(Unreadable::Erased { .. }) => has_erased = true,
                Err(Unreadable::Failed(error)) => return Err(Error::Log(error)),
                Err(damage) => drop(unread.add(&damage)),
            }
        }
        let lines = unread.lines().into_iter();
        log.unreadable = lines.map(|line| format!("{node}: {line}")).collect();
        log.sort();
        Ok(log)
    }

    fn sort(&mut self) {
        self.messages
            .sort_unstable_by_key(|one| (one.is_provider, one.exchange, one.position.ordinal));
    }

    /// Exchanges of a side.
    fn on(&self, side: Side) -> impl Iterator<Item = (&[u8; 32], &[Message])> {
        let exchanges = self
            .messages
            .chunk_by(|a, b| (a.is_provider, a.exchange) == (b.is_provider, b.exchange));
        exchanges.filter_map(move |messages| {
            let first = messages.first()?;
            (first.is_provider == is_provider(side)).then_some((&first.exchange, messages))
        })
    }

    fn exchange(&self, side: Side, exchange: &[u8; 32]) -> &[Message] {
        let key = (is_provider(side), *exchange);
        let of = |one: &Message| (one.is_provider, one.exchange);
        let first = self.messages.partition_point(|one| of(one) < key);
        let rest = self.messages.get(first..).unwrap_or_default();
        let count = rest.partition_point(|one| of(one) == key);
        rest.get(..count).unwrap_or_default()
    }

    fn has_erased(&self, time: Timestamp) -> bool {
        self.kept_from.is_some_and(|kept_from| time < kept_from)
    }
}

impl Message {
    /// `None`: it is no message, or of another share.
    fn of(logged: &Logged, other: &str, share: Share) -> Option<Self> {
        let Entry::Message(record) = &logged.entry else {
            return None;
        };
        let exchange = exchange(record);
        if !share.holds(&exchange) {
            return None;
        }
        let peer = record.peer.as_ref().map(transparency::origin);
        Some(Self {
            is_provider: is_provider(record.side),
            exchange: octets_of(&exchange),
            position: logged.position,
            time: record.time,
            direction: record.direction,
            is_with_other: peer.as_deref() == Some(other),
            is_with_third: peer.is_some_and(|peer| peer != other),
            octets: octets_of(&octets(record)),
        })
    }
}

fn is_provider(side: Side) -> bool {
    match side {
        Side::Consumer => false,
        Side::Provider => true,
    }
}

/// Of a SHA-256.
fn octets_of(digest: &Digest) -> [u8; 32] {
    digest.as_bytes().try_into().unwrap_or_default()
}

/// So many octets of both logs are compared in one go: about a million messages, in some hundred MiB.
const SHARE_BYTES: u64 = 4 << 30;
const NAMES_BELIEVED: &str = "as each log says itself; give the keys that their nodes publish with \
                              --log-key, so that none goes under another name";
const NAMES_VOUCHED: &str = "each is signed by the key given for it";

#[cfg(test)]
mod tests;
