//! Rules that meet: those that contradict each other, and those behind another that never decide.
//!
//! Rules are held against each other only where they name the same consumer, scope and purpose, so
//! the work grows with the number of such meetings and not with the square of the rules.

use std::collections::{HashMap, HashSet};

use gateway_proto::id::{ClientId, GlobalGroupId};
use jiff::Timestamp;

use super::Findings;
use super::rule::place;
use crate::rules::hours::Opening;
use crate::rules::part::{Basis, Consumer, Limits, Part, Rule, Scope};

pub(super) fn check(part: &Part, findings: &mut Findings) {
    let mut earlier = Earlier(HashMap::new());
    for rule in &part.rules {
        let contradicted = earlier.contradicted(rule);
        for other in &contradicted {
            let text = format!(
                "it contradicts the rule {}: for the same consumer, service, purpose and basis their \
                 limits, categories or disclosure differ",
                other.id
            );
            findings.error(place(rule), text);
        }
        if contradicted.is_empty()
            && let Some(other) = earlier.shadow(rule)
        {
            let text = format!(
                "it never decides: the rule {} before it always does",
                other.id
            );
            findings.warning(place(rule), text);
        }
        earlier.add(rule);
    }
}

/// The rules before, by where they can be met.
struct Earlier<'p>(HashMap<Meeting<'p>, Vec<&'p Rule>>);

impl<'p> Earlier<'p> {
    fn at<'e>(&'e self, meeting: &Meeting<'p>) -> impl Iterator<Item = &'p Rule> + use<'e, 'p> {
        self.0.get(meeting).into_iter().flatten().copied()
    }

    fn add(&mut self, rule: &'p Rule) {
        for meeting in Meeting::all(rule) {
            self.0.entry(meeting).or_default().push(rule);
        }
    }

    /// Those that say of the same exchanges something else, each once.
    fn contradicted(&self, rule: &'p Rule) -> Vec<&'p Rule> {
        let mut found: Vec<&Rule> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for meeting in Meeting::all(rule) {
            let new = |other: &&Rule| !seen.contains(other.id.as_str());
            let other = self
                .at(&meeting)
                .filter(new)
                .find(|other| contradict(other, rule));
            if let Some(other) = other {
                seen.insert(&other.id);
                found.push(other);
            }
        }
        found
    }

    /// One that decides whenever this one could.
    fn shadow(&self, rule: &'p Rule) -> Option<&'p Rule> {
        before(rule)
            .flat_map(|meeting| self.at(&meeting).take(COMPARED_MAX))
            .find(|other| shadows(other, rule))
    }
}

/// A consumer, a scope and a purpose as a rule names them, and how a request must come to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Meeting<'p> {
    consumer: Caller<'p>,
    provider: &'p ClientId,
    code: Option<&'p str>,
    method: Option<&'p str>,
    path: Option<&'p str>,
    purpose: &'p str,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Caller<'p> {
    Client(&'p ClientId),
    Group(&'p GlobalGroupId),
    Class(&'p str, &'p str),
}

/// With what a request has to come for the rule to be asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    Plain,
    Consent,
    Emergency,
}

impl<'p> Meeting<'p> {
    fn new(consumer: Caller<'p>, scope: &'p Scope, purpose: &'p str, basis: &Basis) -> Self {
        Self {
            consumer,
            provider: &scope.provider,
            code: scope.code.as_deref(),
            method: scope.method.as_deref().filter(|method| *method != "*"),
            path: scope.path.as_deref().filter(|path| *path != "**"),
            purpose,
            way: match basis {
                Basis::Open | Basis::Law { .. } => Way::Plain,
                Basis::Consent => Way::Consent,
                Basis::Vital { .. } => Way::Emergency,
            },
        }
    }

    fn all(rule: &'p Rule) -> impl Iterator<Item = Self> {
        rule.consumers.iter().flat_map(move |consumer| {
            rule.services.iter().flat_map(move |scope| {
                rule.purposes
                    .iter()
                    .map(move |purpose| Self::new(consumer.into(), scope, purpose, &rule.basis))
            })
        })
    }
}

impl<'p> From<&'p Consumer> for Caller<'p> {
    fn from(consumer: &'p Consumer) -> Self {
        match consumer {
            Consumer::Client(id) => Self::Client(id),
            Consumer::Group(id) => Self::Group(id),
            Consumer::Class { instance, class } => Self::Class(instance, class),
        }
    }
}

/// Whether two rules that meet differ in what they grant while both could decide. Rules for other
/// times, or with and without a case, are steps of a ladder and no contradiction.
fn contradict(a: &Rule, b: &Rule) -> bool {
    let (one, other) = (&a.limits, &b.limits);
    a.basis == b.basis
        && one.case == other.case
        && times_meet(one, other)
        && hours_meet(one, other)
        && (one.frequency != other.frequency
            || one.data_life_seconds != other.data_life_seconds
            || one.single_use != other.single_use
            || !same_set(&a.categories, &b.categories)
            || a.disclosure != b.disclosure)
}

fn times_meet(a: &Limits, b: &Limits) -> bool {
    let begins = |from: Option<Timestamp>, until: Option<Timestamp>| match (from, until) {
        (Some(from), Some(until)) => from < until,
        (None, _) | (_, None) => true,
    };
    begins(a.valid_from, b.valid_until) && begins(b.valid_from, a.valid_until)
}

fn hours_meet(a: &Limits, b: &Limits) -> bool {
    match (opening(a), opening(b)) {
        (Some(a), Some(b)) => a.meets(b),
        (None, _) | (_, None) => true,
    }
}

fn opening(limits: &Limits) -> Option<Opening> {
    let hours = limits.hours.as_ref();
    hours.map(|hours| Opening::read(hours).unwrap_or(Opening::NEVER))
}

/// Where an earlier rule would stand that covers this one: it covers its first consumer, scope and
/// purpose too.
fn before(rule: &Rule) -> impl Iterator<Item = Meeting<'_>> {
    let first = Meeting::all(rule).next();
    first.into_iter().flat_map(|first| {
        let class = match first.consumer {
            Caller::Client(id) => Some(Caller::Class(id.instance(), id.member().member_class())),
            Caller::Group(_) | Caller::Class(..) => None,
        };
        let consumers = [Some(first.consumer), class].into_iter().flatten();
        consumers.flat_map(move |consumer| {
            wider(first.code).flat_map(move |code| {
                wider(first.method).flat_map(move |method| {
                    wider(first.path).map(move |path| Meeting {
                        consumer,
                        code,
                        method,
                        path,
                        ..first
                    })
                })
            })
        })
    })
}

/// The value itself, and no bound.
fn wider(value: Option<&str>) -> impl Iterator<Item = Option<&str>> {
    let bound = value.is_some();
    std::iter::once(value).chain(bound.then_some(None))
}

/// Whether the earlier rule decides whenever the later one could.
fn shadows(earlier: &Rule, later: &Rule) -> bool {
    let (wide, narrow) = (&earlier.limits, &later.limits);
    let in_time = match (wide.valid_from, narrow.valid_from) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide <= narrow,
        (Some(_), None) => false,
    } && match (wide.valid_until, narrow.valid_until) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => narrow <= wide,
        (Some(_), None) => false,
    };
    let in_hours = match (opening(wide), opening(narrow)) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => wide.covers(narrow),
        (Some(wide), None) => wide.is_always(),
    };
    // Ordered from no demand to the strictest.
    let in_case = wide.case <= narrow.case;
    in_time
        && in_hours
        && in_case
        && (later.basis != Basis::Consent || same_set(&earlier.categories, &later.categories))
        && covers_purposes(earlier, later)
        && covers_consumers(earlier, later)
        && covers_scopes(earlier, later)
}

fn covers_purposes(earlier: &Rule, later: &Rule) -> bool {
    let known: HashSet<&String> = earlier.purposes.iter().collect();
    later.purposes.iter().all(|purpose| known.contains(purpose))
}

fn covers_consumers(earlier: &Rule, later: &Rule) -> bool {
    let known: HashSet<Caller<'_>> = earlier.consumers.iter().map(Caller::from).collect();
    later.consumers.iter().map(Caller::from).all(|consumer| {
        known.contains(&consumer)
            || match consumer {
                Caller::Client(id) => {
                    known.contains(&Caller::Class(id.instance(), id.member().member_class()))
                }
                Caller::Group(_) | Caller::Class(..) => false,
            }
    })
}

fn covers_scopes(earlier: &Rule, later: &Rule) -> bool {
    let open = |bound: Option<&str>| bound.is_none_or(|bound| matches!(bound, "*" | "**"));
    let covers = |wide: Option<&String>, narrow: Option<&String>| {
        open(wide.map(String::as_str)) || wide == narrow
    };
    later.services.iter().all(|narrow| {
        earlier.services.iter().any(|wide| {
            wide.provider == narrow.provider
                && (wide.code.is_none() || wide.code == narrow.code)
                && covers(wide.method.as_ref(), narrow.method.as_ref())
                && covers(wide.path.as_ref(), narrow.path.as_ref())
        })
    })
}

fn same_set(a: &[String], b: &[String]) -> bool {
    let set = |list: &[String]| list.iter().cloned().collect::<HashSet<_>>();
    a == b || set(a) == set(b)
}

/// Earlier rules at one place that a rule is held against in search of a shadow: a warning that is
/// missed among more of them does no harm.
const COMPARED_MAX: usize = 64;
