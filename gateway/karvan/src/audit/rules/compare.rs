//! One request under two sets of rules, and the counts of all.

use std::collections::BTreeMap;

use gateway_exchange::local::BuiltIn;
use gateway_globalconf::Snapshot;
use gateway_messagelog::{Protocol, Record};
use gateway_policy::basis::{Decision, Ground, Refusal};
use gateway_policy::rules::{Registration, Rules};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::basis::{self, Again, Groups, Unread, body_of};

/// A request that is decided twice.
pub(super) struct Question {
    again: Again,
    time: Timestamp,
    /// What the access right names as far as that is known: what a node decided for, that was not
    /// stated.
    noted: Option<String>,
    /// A service of the node itself may have this code: where nobody declares it, it needs no rule.
    maybe_built_in: bool,
    is_ours: bool,
}

/// What rules make of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There are none, or they are not asked.
    WithoutRules,
    NotPersonal,
    Rule {
        id: String,
        version: u32,
        ground: &'static str,
        purpose: Option<String>,
    },
    Refused {
        code: &'static str,
        /// The rule that came nearest, where the refusal names one.
        rule: Option<String>,
    },
    Unknown(String),
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    NewlyRefused,
    NewlyAllowed,
    OtherRule,
    OtherRefusal,
    Same,
    Unknown,
}

/// A request under both.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    change: Change,
    row: Row,
    message_id: String,
    unknown: Option<String>,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    client: String,
    service: String,
    purpose: Option<String>,
    then: String,
    tried: String,
    /// The code, where it would be refused.
    code: Option<&'static str>,
}

/// The counts of all.
#[derive(Debug, Default)]
pub(super) struct Counted {
    by_change: BTreeMap<Change, u64>,
    rows: BTreeMap<(Change, Row), (u64, String)>,
    unknown: BTreeMap<String, u64>,
}

impl Question {
    /// The inner error: why it cannot be decided again.
    pub(super) fn of(record: &Record, snapshot: &Snapshot) -> Result<Self, String> {
        let again = match Again::read(record, body_of(record)) {
            Ok(again) => again,
            Err(Unread::NotKept(what)) => return Err(format!("{what} was not kept")),
            Err(Unread::Unreadable(_)) => return Err("the request cannot be read".to_owned()),
            Err(Unread::Refused(error)) => return Err(error.to_string()),
        };
        let noted = record
            .basis
            .as_deref()
            .and_then(|basis| basis.purpose.clone());
        let code = record.service.code();
        Ok(Self {
            noted: noted.filter(|_| again.stated().purpose.is_none()),
            again,
            time: record.time,
            maybe_built_in: record.protocol == Protocol::Soap && BuiltIn::with_code(code).is_some(),
            is_ours: record.service.provider().instance() == snapshot.instance(),
        })
    }
}

/// Decides by these rules.
pub(super) fn answer(question: &Question, rules: &Rules, groups: &Groups<'_>) -> Answer {
    let Question {
        again, time, noted, ..
    } = question;
    let registration = rules.registration(again.service());
    let is_unregistered = matches!(registration, Registration::Unregistered);
    // Services of other instances, and of the node itself.
    if !question.is_ours || question.maybe_built_in && is_unregistered {
        return Answer::WithoutRules;
    }
    let asked = match again.under(rules) {
        Ok(asked) => asked,
        Err(Unread::NotKept(what)) => return Answer::Unknown(format!("{what} was not kept")),
        Err(Unread::Unreadable(_)) => {
            return Answer::Unknown("the request cannot be read".to_owned());
        }
        Err(Unread::Refused(error)) => {
            return Answer::Refused {
                code: error.code(),
                rule: None,
            };
        }
    };
    let decide = |right| again.decide(&asked, right, rules, groups, *time, None);
    // Rules settle it by themselves, or the access right names what was noted.
    let decided = match (decide(None), noted) {
        (Err(Refusal::PurposeMissing), Some(noted)) => decide(Some(std::slice::from_ref(noted))),
        (decided, _) => decided,
    };
    Answer::of(decided)
}

impl Answer {
    fn of(decided: Result<Decision, Refusal>) -> Self {
        match decided {
            Ok(decision) => match decision.ground() {
                Ground::NotPersonal => Self::NotPersonal,
                Ground::Rule {
                    id,
                    version,
                    basis: kind,
                    ..
                } => Self::Rule {
                    id: id.clone(),
                    version: *version,
                    ground: basis::ground(basis::ground_of(kind).0),
                    purpose: decision.purpose().map(str::to_owned),
                },
            },
            Err(refusal) => Self::Refused {
                code: refusal.code(),
                rule: match refusal {
                    Refusal::RuleNotInForce { rule }
                    | Refusal::OutsideHours { rule }
                    | Refusal::CaseMissing { rule }
                    | Refusal::CaseNotOpen { rule }
                    | Refusal::CaseOtherPersons { rule } => Some(rule),
                    _ => None,
                },
            },
        }
    }

    fn text(&self) -> String {
        match self {
            Self::WithoutRules => "without rules".to_owned(),
            Self::NotPersonal => "not personal".to_owned(),
            Self::Rule {
                id,
                version,
                ground,
                ..
            } => format!("{id}/{version} ({ground})"),
            Self::Refused {
                code,
                rule: Some(rule),
            } => format!("refused: {code} ({rule})"),
            Self::Refused { code, rule: None } => format!("refused: {code}"),
            Self::Unknown(reason) => format!("unknown: {reason}"),
        }
    }
}

impl Change {
    const ALL: [Self; 6] = [
        Self::NewlyRefused,
        Self::NewlyAllowed,
        Self::OtherRule,
        Self::OtherRefusal,
        Self::Same,
        Self::Unknown,
    ];

    fn of(then: &Answer, tried: &Answer) -> Self {
        match (then, tried) {
            (Answer::Unknown(_), _) | (_, Answer::Unknown(_)) => Self::Unknown,
            (then, tried) if then == tried => Self::Same,
            (Answer::Refused { .. }, Answer::Refused { .. }) => Self::OtherRefusal,
            (_, Answer::Refused { .. }) => Self::NewlyRefused,
            (Answer::Refused { .. }, _) => Self::NewlyAllowed,
            (
                Answer::WithoutRules | Answer::NotPersonal | Answer::Rule { .. },
                Answer::WithoutRules | Answer::NotPersonal | Answer::Rule { .. },
            ) => Self::OtherRule,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::NewlyRefused => "newly-refused",
            Self::NewlyAllowed => "newly-allowed",
            Self::OtherRule => "other-rule",
            Self::OtherRefusal => "other-refusal",
            Self::Same => "same",
            Self::Unknown => "not-tried",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::NewlyRefused => "NEWLY REFUSED",
            Self::NewlyAllowed => "newly allowed",
            Self::OtherRule => "other rule",
            Self::OtherRefusal => "other refusal",
            Self::Same => "same",
            Self::Unknown => "not tried",
        }
    }
}

impl Compared {
    pub(super) fn of(record: &Record, question: &Question, then: Answer, tried: Answer) -> Self {
        let stated = question.again.stated().purpose.as_ref();
        let unknown = match (&then, &tried) {
            (Answer::Unknown(reason), _) | (_, Answer::Unknown(reason)) => Some(reason.clone()),
            _ => None,
        };
        let settled = |answer: &Answer| match answer {
            Answer::Rule { purpose, .. } => purpose.clone(),
            Answer::WithoutRules
            | Answer::NotPersonal
            | Answer::Refused { .. }
            | Answer::Unknown(_) => None,
        };
        let purpose = stated.or(question.noted.as_ref()).cloned();
        Self {
            change: Change::of(&then, &tried),
            row: Row {
                client: record.client.to_string(),
                service: record.service.to_string(),
                purpose: purpose
                    .or_else(|| settled(&then))
                    .or_else(|| settled(&tried)),
                then: then.text(),
                tried: tried.text(),
                code: match tried {
                    Answer::Refused { code, .. } => Some(code),
                    Answer::WithoutRules
                    | Answer::NotPersonal
                    | Answer::Rule { .. }
                    | Answer::Unknown(_) => None,
                },
            },
            message_id: record.message_id.clone(),
            unknown,
        }
    }

    pub(super) fn unknown(record: &Record, reason: &str) -> Self {
        let text = Answer::Unknown(reason.to_owned()).text();
        Self {
            change: Change::Unknown,
            row: Row {
                client: record.client.to_string(),
                service: record.service.to_string(),
                purpose: None,
                then: text.clone(),
                tried: text,
                code: None,
            },
            message_id: record.message_id.clone(),
            unknown: Some(reason.to_owned()),
        }
    }
}

impl Counted {
    pub(super) fn count(&mut self, compared: Compared) {
        let Compared {
            change,
            row,
            message_id,
            unknown,
        } = compared;
        let count = self.by_change.entry(change).or_default();
        *count = count.saturating_add(1);
        if let Some(reason) = unknown {
            let count = self.unknown.entry(reason).or_default();
            *count = count.saturating_add(1);
        }
        if !matches!(change, Change::Same | Change::Unknown) {
            let counted = self.rows.entry((change, row)).or_insert((0, message_id));
            counted.0 = counted.0.saturating_add(1);
        }
    }

    pub(super) fn newly_refused(&self) -> u64 {
        self.of(Change::NewlyRefused)
    }

    fn of(&self, change: Change) -> u64 {
        self.by_change.get(&change).copied().unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for ((change, row), (count, example)) in &self.rows {
            let purpose = row.purpose.as_deref().unwrap_or("no purpose");
            text.push_str(&format!(
                "{:<16} {count:>6}  {} → {} for {purpose}: {} → {}; e.g. {example}\n",
                change.title(),
                row.client,
                row.service,
                row.then,
                row.tried,
            ));
        }
        for (reason, count) in &self.unknown {
            let title = Change::Unknown.title();
            text.push_str(&format!("{title:<16} {count:>6}  {reason}\n"));
        }
        let all: u64 = self.by_change.values().sum();
        let of = |change: Change| format!("{} {}", self.of(change), change.title().to_lowercase());
        let counts: Vec<String> = Change::ALL.into_iter().map(of).collect();
        text.push_str(&format!("{all} requests: {}\n", counts.join(", ")));
        text
    }

    pub(super) fn counts(&self) -> Value {
        let counts = Change::ALL.into_iter();
        counts
            .map(|change| (change.name().to_owned(), Value::from(self.of(change))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    pub(super) fn changes(&self) -> Vec<Value> {
        let rows = self.rows.iter();
        rows.map(|((change, row), (count, example))| {
            json!({
                "change": change.name(),
                "client": row.client,
                "service": row.service,
                "purpose": row.purpose,
                "then": row.then,
                "tried": row.tried,
                "code": row.code,
                "count": count,
                "example": example,
            })
        })
        .collect()
    }

    pub(super) fn unknown(&self) -> &BTreeMap<String, u64> {
        &self.unknown
    }
}
