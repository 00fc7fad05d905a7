//! The state as rows: one per member, server, rule and so on, and one per single value.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::state::{Published, RuleKey, RuleVersion, Shared};
use crate::trail::Change;
use crate::{Error, State};

/// The state as rows.
pub(crate) type Rows = BTreeMap<String, Value>;

type Versions = BTreeMap<RuleKey, Shared<RuleVersion>>;

/// What a command changed: rows as they are stored, and as the trail shows them.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// New values; `None`: the row is gone.
    pub(crate) stored: Vec<(String, Option<Value>)>,
    /// In the order of the rows.
    pub(crate) shown: Vec<Change>,
}

/// The rows that differ. Only these are written out: equal values are told by comparing them, and
/// shared ones without looking into them.
pub(crate) fn differences(before: &State, after: &State) -> Result<Differences, Error> {
    // All fields by name: a new one does not compile until it has its rows.
    let State {
        instance,
        address,
        settings,
        management,
        member_classes,
        members,
        servers,
        groups,
        authorities,
        timestampers,
        trusted_anchors,
        purposes,
        categories,
        systems,
        services,
        rules,
        rule_settings,
        consent,
        published,
        api_keys,
    } = after;
    let mut found = Differences::default();
    found.whole("instance", &before.instance, instance)?;
    found.whole("address", &before.address, address)?;
    found.whole("settings", &before.settings, settings)?;
    found.whole("management", &before.management, management)?;
    found.whole("rule_settings", &before.rule_settings, rule_settings)?;
    found.optional("consent", before.consent.as_ref(), consent.as_ref())?;
    let mark = |state: &State| state.published.as_deref().map(Mark::of);
    if before.published != *published {
        let (old, new) = (mark(before), mark(after));
        found.optional(PUBLISHED, old.as_ref(), new.as_ref())?;
    }
    found.keyed("member_classes", &before.member_classes, member_classes)?;
    found.keyed("members", &before.members, members)?;
    found.keyed("servers", &before.servers, servers)?;
    found.keyed("groups", &before.groups, groups)?;
    found.keyed("authorities", &before.authorities, authorities)?;
    found.keyed("timestampers", &before.timestampers, timestampers)?;
    found.keyed("trusted_anchors", &before.trusted_anchors, trusted_anchors)?;
    found.keyed("purposes", &before.purposes, purposes)?;
    found.keyed("categories", &before.categories, categories)?;
    found.keyed("systems", &before.systems, systems)?;
    found.keyed("services", &before.services, services)?;
    found.rules(&before.rules, rules)?;
    found.keyed(API_KEYS, &before.api_keys, api_keys)?;
    found.shown.sort_by(|one, other| one.row.cmp(&other.row));
    Ok(found)
}

/// What stands in the rows of published rules; their octets have a tree of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) version: u64,
    pub(crate) digest: String,
    pub(crate) at: Timestamp,
}

impl Mark {
    fn of(published: &Published) -> Self {
        Self {
            version: published.version(),
            digest: published.digest().to_owned(),
            at: published.at(),
        }
    }
}

impl Differences {
    fn whole<V: PartialEq + Serialize>(
        &mut self,
        section: &str,
        before: &V,
        after: &V,
    ) -> Result<(), Error> {
        match before == after {
            true => Ok(()),
            false => self.push(section.to_owned(), Some(before), Some(after)),
        }
    }

    fn optional<V: PartialEq + Serialize>(
        &mut self,
        section: &str,
        before: Option<&V>,
        after: Option<&V>,
    ) -> Result<(), Error> {
        match before == after {
            true => Ok(()),
            false => self.push(section.to_owned(), before, after),
        }
    }

    fn keyed<K: Ord + Serialize, V: PartialEq + Serialize>(
        &mut self,
        section: &str,
        before: &BTreeMap<K, V>,
        after: &BTreeMap<K, V>,
    ) -> Result<(), Error> {
        for (key, was, is) in changed(before, after) {
            self.push(row(section, key)?, was, is)?;
        }
        Ok(())
    }

    /// What a rule says and what has become of it are rows apart: the one is written once.
    fn rules(&mut self, before: &Versions, after: &Versions) -> Result<(), Error> {
        for (key, was, is) in changed(before, after) {
            let rules = [was, is].map(|version| version.map(|version| &version.rule));
            if rules[0] != rules[1] {
                self.push(row(RULES, key)?, rules[0], rules[1])?;
            }
            let stages = [was, is].map(|version| version.map(|version| &version.stage));
            if stages[0] != stages[1] {
                self.push(row(STAGES, key)?, stages[0], stages[1])?;
            }
        }
        Ok(())
    }

    fn push<V: Serialize>(
        &mut self,
        row: String,
        before: Option<&V>,
        after: Option<&V>,
    ) -> Result<(), Error> {
        let value = |value: Option<&V>| match value {
            Some(value) => serde_json::to_value(value)
                .map(Some)
                .map_err(|source| broken(&row, source)),
            None => Ok(None),
        };
        let (before, after) = (value(before)?, value(after)?);
        self.shown.push(Change {
            row: row.clone(),
            before: before.map(|value| shown(&row, value)),
            after: after.clone().map(|value| shown(&row, value)),
        });
        self.stored.push((row, after));
        Ok(())
    }
}

/// Entries that differ, with what they were and are. Walks both maps side by side.
fn changed<'m, K: Ord, V: PartialEq>(
    before: &'m BTreeMap<K, V>,
    after: &'m BTreeMap<K, V>,
) -> impl Iterator<Item = (&'m K, Option<&'m V>, Option<&'m V>)> {
    let mut old = before.iter().peekable();
    let mut new = after.iter().peekable();
    let pairs = std::iter::from_fn(move || {
        let first = match (old.peek(), new.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let was = old.next_if(|_| first.is_le());
        let is = new.next_if(|_| first.is_ge());
        let (key, _) = was.or(is)?;
        Some((key, was.map(|(_, was)| was), is.map(|(_, is)| is)))
    });
    pairs.filter(|(_, was, is)| was != is)
}

/// The trail says which key with which role, not the hash of its secret.
fn shown(row: &str, mut value: Value) -> Value {
    if row
        .split_once('/')
        .is_some_and(|(section, _)| section == API_KEYS)
        && let Value::Object(fields) = &mut value
    {
        fields.remove("sha256");
    }
    value
}

/// The state that rows say, and what they say was published.
pub(crate) fn from_rows(rows: Rows) -> Result<(State, Option<Mark>), Error> {
    let mut mark = None;
    let mut sections = Map::new();
    for (row, value) in rows {
        match row.split_once('/') {
            Some((section, key)) => {
                let entries = sections
                    .entry(section)
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(entries) = entries {
                    entries.insert(key.to_owned(), value);
                }
            }
            None if row == PUBLISHED => {
                mark = serde_json::from_value(value).map_err(|source| broken(&row, source))?;
            }
            None => {
                sections.insert(row, value);
            }
        }
    }
    join_versions(&mut sections);
    let state = serde_json::from_value(Value::Object(sections));
    Ok((state.map_err(|source| broken("state", source))?, mark))
}

/// Puts together what stands in rows apart; what has no rule or no stage is no version.
fn join_versions(sections: &mut Map<String, Value>) {
    let Some(Value::Object(mut stages)) = sections.remove(STAGES) else {
        return;
    };
    if let Some(Value::Object(rules)) = sections.get_mut(RULES) {
        for (key, rule) in rules {
            let stage = stages.remove(key).unwrap_or_default();
            *rule = json!({"stage": stage, "rule": rule.take()});
        }
    }
    if !stages.is_empty() {
        sections.insert(RULES.to_owned(), Value::Null);
    }
}

/// Keys are identifiers and codes: as JSON they are strings.
fn row<K: Serialize>(section: &str, key: &K) -> Result<String, Error> {
    let text = serde_json::to_value(key).and_then(serde_json::from_value::<String>);
    match text {
        Ok(text) => Ok(format!("{section}/{text}")),
        Err(source) => Err(broken(section, source)),
    }
}

pub(super) fn broken(row: &str, source: serde_json::Error) -> Error {
    Error::Row {
        row: row.to_owned(),
        source,
    }
}

const PUBLISHED: &str = "published";
const API_KEYS: &str = "api_keys";
const RULES: &str = "rules";
const STAGES: &str = "rule_stages";
