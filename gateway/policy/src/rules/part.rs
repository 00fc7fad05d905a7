//! The document, field by field. Unknown fields are refused: a node must not obey half a rule.

use std::collections::BTreeMap;

use gateway_proto::id::{ClientId, GlobalGroupId, MemberId, ServiceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::locate::Locator;

/// The whole part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// `karvan-rules/1`.
    pub format: String,
    /// The instance it is for.
    pub instance: String,
    /// 1, 2, 3 …; grows with each published change.
    pub version: u64,
    /// When this version was published.
    pub published: Timestamp,
    /// SHA-256 of the part before, in hex; missing in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What holds for all.
    pub settings: Settings,
    /// Purposes that may be named.
    #[serde(default)]
    pub purposes: Vec<Purpose>,
    /// Categories of data.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Information systems.
    #[serde(default)]
    pub systems: Vec<System>,
    /// Services of those systems.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Rules in force.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Whose consent artefacts are believed; missing: nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentService>,
}

/// What holds for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The characters of a FIN; default digits and `A` to `Z` without `I` and `O`.
    #[serde(default = "default_alphabet")]
    pub fin_alphabet: String,
    /// What becomes of a service that no registered system declares.
    #[serde(default)]
    pub unregistered: Unregistered,
    /// Older than this, the feed no longer vouches for consents and cases. Seconds; default 60.
    #[serde(default = "default_feed_age")]
    pub feed_age_seconds_max: u64,
    /// Hours of day in rules are hours of this offset from UTC. Minutes; default 240.
    #[serde(default = "default_offset")]
    pub utc_offset_minutes: i16,
    /// Portals: they may attest to a person's will, and ask on behalf of persons.
    #[serde(default)]
    pub portals: Vec<ClientId>,
    /// Levels of authentication with which a person's will may be attested.
    #[serde(default)]
    pub authentication_levels: Vec<String>,
    /// The service that takes notice of each break-glass use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<ServiceId>,
}

/// What becomes of a service that no registered system declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unregistered {
    /// It is switched off.
    #[default]
    Refuse,
    /// It is exchanged as before there were rules. For the time of moving.
    Allow,
}

/// A purpose for which data may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// What requests name.
    pub code: String,
    /// What persons read, by language.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
}

/// A category of data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// What services and rules name.
    pub code: String,
    /// What persons read, by language.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
    /// Special by law: race or nationality, family life, religion, health, conviction.
    #[serde(default)]
    pub special: bool,
}

/// An information system with its entry in a state register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its code in the instance.
    pub code: String,
    /// Whose it is.
    pub owner: MemberId,
    /// What it is called.
    pub name: String,
    /// Which state register it stands in.
    pub register: Register,
    /// The number of its entry there.
    pub entry: String,
    /// Registered or no longer.
    pub status: Status,
    /// Purposes it declared.
    #[serde(default)]
    pub purposes: Vec<String>,
}

/// The state registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Register {
    /// State information resources.
    StateResource,
    /// Personal-data information systems.
    PersonalData,
}

/// Whether a system is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its services may be switched on.
    Registered,
    /// Its services are switched off everywhere.
    Deregistered,
}

/// A service with what it declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Whose service.
    pub provider: ClientId,
    /// Its code; the declaration holds for all versions.
    pub code: String,
    /// The system it belongs to.
    pub system: String,
    /// Its answers are about persons: without a rule it is denied.
    pub personal: bool,
    /// What data it gives.
    #[serde(default)]
    pub categories: Vec<String>,
    /// For what it may be asked.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// Where its requests name persons.
    #[serde(default)]
    pub subjects: Vec<Locator>,
    /// Requests must name the end user.
    #[serde(default)]
    pub user_required: bool,
}

/// A rule: who may ask what for which purposes, on what ground, within what limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name; stays through its versions.
    pub id: String,
    /// 1, 2, 3 …
    pub version: u32,
    /// What persons and auditors read.
    #[serde(default)]
    pub title: String,
    /// Who may ask.
    pub consumers: Vec<Consumer>,
    /// What.
    pub services: Vec<Scope>,
    /// For which purposes.
    pub purposes: Vec<String>,
    /// For which categories of data.
    #[serde(default)]
    pub categories: Vec<String>,
    /// On what ground.
    pub basis: Basis,
    /// Within what limits.
    #[serde(default)]
    pub limits: Limits,
    /// How the person learns of it.
    #[serde(default)]
    pub disclosure: Disclosure,
}

/// Who may ask. As text: `client:AZ/GOV/1/sub`, `group:AZ/code`, `class:AZ/GOV`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Consumer {
    /// Exactly this client.
    Client(ClientId),
    /// The clients in a global group.
    Group(GlobalGroupId),
    /// All clients of a member class.
    Class {
        /// Instance.
        instance: String,
        /// Member class.
        class: String,
    },
}

/// What of a provider may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Whose service.
    pub provider: ClientId,
    /// Its code; missing: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// REST only: the method; missing: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// REST only: the path, with `*` and `**`; missing: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// The ground.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", try_from = "BasisKeys")]
pub enum Basis {
    /// No personal data.
    Open,
    /// A law gives the right.
    Law {
        /// The act.
        act: String,
        /// The article.
        article: String,
    },
    /// The person agrees.
    Consent,
    /// Life is in danger: break-glass. The law that gives the right.
    Vital {
        /// The act.
        act: String,
        /// The article.
        article: String,
    },
}

/// Limits of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How often one consumer may ask about one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// How long the consumer may keep what it was given. Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_life_seconds: Option<u64>,
    /// From when the rule holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// At which hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Whether a case must be named, or be open.
    #[serde(default)]
    pub case: CaseLimit,
    /// A consent (or, by law, a case and person) serves once.
    #[serde(default)]
    pub single_use: bool,
}

/// So many times in so many seconds, sliding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    /// How many times; at least 1.
    pub count: u32,
    /// In how many seconds; at least 1.
    pub seconds: u64,
}

/// Hours of day, `08:30` to `18:00`; past midnight when `to` is not after `from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// From, inclusive; `HH:MM`.
    pub from: String,
    /// To, exclusive; `HH:MM`.
    pub to: String,
    /// 1 Monday to 7 Sunday; empty: every day.
    #[serde(default)]
    pub weekdays: Vec<u8>,
}

/// What a rule demands of the case, from the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseLimit {
    /// Nothing.
    #[default]
    Any,
    /// It must be named.
    Named,
    /// It must be open in the feed, for this consumer and these persons.
    Open,
}

/// How the person learns of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", try_from = "DisclosureKeys")]
pub enum Disclosure {
    /// At once.
    #[default]
    AtOnce,
    /// So long after.
    Delayed {
        /// Seconds.
        seconds: u64,
    },
    /// Hidden by a law, for so long.
    Hidden {
        /// The article that allows it.
        article: String,
        /// When it ends.
        until: Timestamp,
    },
}

/// The consent service of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentService {
    /// Keys with which artefacts are signed.
    pub keys: Vec<ConsentKey>,
    /// The key of the feed, as a C2SP verifier key (`name+id+base64`).
    pub feed_key: String,
    /// Addresses of the feed, `https`. Registered nodes are let in, with their authentication
    /// certificates.
    pub feed_urls: Vec<String>,
    /// What is shown there: the SHA-256 of each TLS certificate, in lower-case hex. No authority
    /// vouches for them; a node asks nobody who shows another.
    pub feed_certificates: Vec<String>,
}

/// A key of the consent service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentKey {
    /// What artefacts call it.
    pub kid: String,
    /// `EdDSA` (Ed25519); more as they come.
    pub algorithm: String,
    /// The public key: 32 octets, base64url without padding.
    pub public: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fin_alphabet: default_alphabet(),
            unregistered: Unregistered::default(),
            feed_age_seconds_max: default_feed_age(),
            utc_offset_minutes: default_offset(),
            portals: Vec::new(),
            authentication_levels: Vec::new(),
            supervisor: None,
        }
    }
}

fn default_alphabet() -> String {
    "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ".to_owned()
}

const fn default_feed_age() -> u64 {
    60
}

const fn default_offset() -> i16 {
    240
}

/// The format of the part, the one we read.
pub const FORMAT: &str = "karvan-rules/1";

/// A basis as it is read: a tagged enumeration would overlook unknown fields of a unit variant, and
/// `{"kind":"consent","act":…}` is a rule half understood.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BasisKeys {
    kind: String,
    act: Option<String>,
    article: Option<String>,
}

/// A disclosure as it is read, for the same reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisclosureKeys {
    kind: String,
    seconds: Option<u64>,
    article: Option<String>,
    until: Option<Timestamp>,
}

impl TryFrom<BasisKeys> for Basis {
    type Error = String;

    fn try_from(keys: BasisKeys) -> Result<Self, String> {
        match (keys.kind.as_str(), keys.act, keys.article) {
            ("open", None, None) => Ok(Self::Open),
            ("consent", None, None) => Ok(Self::Consent),
            ("law", Some(act), Some(article)) => Ok(Self::Law { act, article }),
            ("vital", Some(act), Some(article)) => Ok(Self::Vital { act, article }),
            (kind, _, _) => Err(format!(
                "{kind:?} with these fields is no basis: write open or consent alone, law or vital \
                 with act and article"
            )),
        }
    }
}

impl TryFrom<DisclosureKeys> for Disclosure {
    type Error = String;

    fn try_from(keys: DisclosureKeys) -> Result<Self, String> {
        match (keys.kind.as_str(), keys.seconds, keys.article, keys.until) {
            ("at-once", None, None, None) => Ok(Self::AtOnce),
            ("delayed", Some(seconds), None, None) => Ok(Self::Delayed { seconds }),
            ("hidden", None, Some(article), Some(until)) => Ok(Self::Hidden { article, until }),
            (kind, _, _, _) => Err(format!(
                "{kind:?} with these fields is no disclosure: write at-once alone, delayed with \
                 seconds, hidden with article and until"
            )),
        }
    }
}

impl TryFrom<String> for Consumer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no consumer: write client:…, group:… or class:…");
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        match kind {
            "client" => rest.parse().map(Self::Client).map_err(|_| wrong()),
            "group" => {
                let (instance, code) = rest.split_once('/').ok_or_else(wrong)?;
                GlobalGroupId::new(instance, code)
                    .map(Self::Group)
                    .map_err(|_| wrong())
            }
            "class" => {
                let (instance, class) = rest.split_once('/').ok_or_else(wrong)?;
                match instance.is_empty() || class.is_empty() || class.contains('/') {
                    true => Err(wrong()),
                    false => Ok(Self::Class {
                        instance: instance.to_owned(),
                        class: class.to_owned(),
                    }),
                }
            }
            _ => Err(wrong()),
        }
    }
}

impl From<Consumer> for String {
    fn from(consumer: Consumer) -> Self {
        match consumer {
            Consumer::Client(id) => format!("client:{}", id.to_rest()),
            Consumer::Group(id) => format!("group:{}/{}", id.instance(), id.code()),
            Consumer::Class { instance, class } => format!("class:{instance}/{class}"),
        }
    }
}
