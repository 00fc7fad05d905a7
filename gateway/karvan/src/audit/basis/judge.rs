//! Whether what was noted of a basis may have been decided so, by the rules of that day.

use gateway_exchange::local::BuiltIn;
use gateway_messagelog::audit::Outcome;
use gateway_messagelog::{Basis, Direction, Disclosure, Ground, Protocol, Record, Side};
use gateway_policy::basis::{Decision, Directory as _, Ground as Decided, Refusal};
use gateway_policy::rules::{Basis as Kind, Consumer, Disclosure as Ruled, Rule, Rules};
use gateway_proto::id::ClientId;
use jiff::{SignedDuration, Timestamp};

use super::again::Body;
use super::{Again, Asked, Groups, InForce, Published, Unread};

/// Judges what was noted of the basis of a record, by the configurations of its day, the latest
/// first; `None`: nothing was noted, and nothing had to be.
pub(in crate::audit) fn judge(
    record: &Record,
    body: Body,
    in_force: &[InForce<'_>],
) -> Option<Outcome> {
    let Some(basis) = record.basis.as_deref() else {
        return must_have(record, in_force)
            .then(|| fails("there were rules that day, and no basis of it was noted".to_owned()));
    };
    if record.direction == Direction::Response {
        return Some(fails("a basis was noted of a response".to_owned()));
    }
    if in_force.is_empty() {
        let reason = "no configuration of that day was kept";
        return Some(Outcome::NotChecked(reason.to_owned()));
    }
    let mut judged = in_force.iter().filter_map(|one| match &one.published {
        Published::Rules(rules) if rules.part().version == basis.rules_version => {
            let judging = Judging {
                record,
                basis,
                rules,
                groups: Groups(one.snapshot),
            };
            Some(match judging.judge(body.clone()) {
                Ok(()) => Outcome::Holds,
                Err(outcome) => outcome,
            })
        }
        Published::Rules(_) | Published::Nothing | Published::Unreadable(_) => None,
    });
    let Some(latest) = judged.next() else {
        let version = basis.rules_version;
        return Some(fails(format!(
            "it was decided by the rules {version}, and the configuration of that day holds {}",
            held(in_force)
        )));
    };
    // Of the same rules, groups of clients may have changed meanwhile.
    match latest == Outcome::Holds || judged.any(|before| before == Outcome::Holds) {
        true => Some(Outcome::Holds),
        false => Some(latest),
    }
}

/// Judges a record without basis by one configuration that an anchor vouches for, whatever others
/// beside it say: whoever puts them together could add one from before there were rules.
pub(in crate::audit) fn demanded(record: &Record, vouched: &InForce<'_>) -> Option<Outcome> {
    let is_missing = record.basis.is_none() && must_have(record, std::slice::from_ref(vouched));
    is_missing.then(|| {
        fails(
            "a configuration that the registry signed has rules, and no basis was noted".to_owned(),
        )
    })
}

/// Whether a record without basis should have one: by every configuration of its day.
fn must_have(record: &Record, in_force: &[InForce<'_>]) -> bool {
    if record.direction == Direction::Response || in_force.is_empty() {
        return false;
    }
    // The node's own services need none.
    let code = record.service.code();
    if record.protocol == Protocol::Soap && BuiltIn::with_code(code).is_some() {
        return false;
    }
    in_force.iter().all(|one| {
        let instance = record.service.provider().instance();
        // Rules do not know services of other instances.
        let is_ours = record.side == Side::Provider || instance == one.snapshot.instance();
        is_ours && matches!(one.published, Published::Rules(_))
    })
}

/// What there is instead of the rules looked for.
fn held(in_force: &[InForce<'_>]) -> String {
    let mut held: Vec<String> = in_force
        .iter()
        .map(|one| match &one.published {
            Published::Nothing => "no rules".to_owned(),
            Published::Rules(rules) => format!("the rules {}", rules.part().version),
            Published::Unreadable(reason) => format!("rules that cannot be read ({reason})"),
        })
        .collect();
    held.dedup();
    held.join(", and before ")
}

struct Judging<'j> {
    record: &'j Record,
    basis: &'j Basis,
    rules: &'j Rules,
    groups: Groups<'j>,
}

impl Judging<'_> {
    fn judge(&self, body: Body) -> Result<(), Outcome> {
        self.rule().map_err(fails)?;
        let again = Again::read(self.record, body).map_err(|unread| self.unread(&unread))?;
        let asked = again
            .under(self.rules)
            .map_err(|unread| self.unread(&unread))?;
        self.said(&again).map_err(fails)?;
        let (found, noted) = (asked.persons(), self.basis.persons.len());
        if found != noted {
            return Err(fails(format!(
                "the message names {found} persons where the service has them, and {noted} were noted"
            )));
        }
        self.decision(&again, &asked).map_err(fails)
    }

    /// What was noted as said was said.
    fn said(&self, again: &Again) -> Result<(), String> {
        let (basis, stated) = (self.basis, again.stated());
        let same = [
            ("client", *again.client() == self.record.client),
            ("service", *again.service() == self.record.service),
            (
                "emergency",
                basis.emergency.is_none() || basis.emergency == stated.emergency,
            ),
            (
                "authentication",
                basis.authentication.is_none() || basis.authentication == stated.authentication,
            ),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((field, _)) => Err(format!("the message names another {field} than was noted")),
        }
    }

    /// What was noted is what stands in the rules: no message is needed to tell.
    fn rule(&self) -> Result<(), String> {
        let Basis {
            ground,
            law,
            consent,
            ..
        } = self.basis;
        let Some(id) = &self.basis.rule else {
            return match ground {
                Ground::NotPersonal | Ground::LeftToProvider
                    if law.is_none() && consent.is_none() =>
                {
                    self.at_once()
                }
                Ground::NotPersonal | Ground::LeftToProvider => {
                    Err("a law or a consent was noted, and no rule that asks for it".to_owned())
                }
                Ground::Open | Ground::Law | Ground::Consent | Ground::Vital => {
                    Err("no rule was noted that allowed it".to_owned())
                }
            };
        };
        let (version, rules) = (self.basis.rule_version, self.basis.rules_version);
        let mut all = self.rules.part().rules.iter();
        let mut about = self.rules.about(&self.record.service);
        let Some(rule) = about.find(|rule| rule.id == *id) else {
            return Err(match all.any(|rule| rule.id == *id) {
                true => format!("rule {id} of the rules {rules} is not about this service"),
                false => format!("there is no rule {id} in the rules {rules}"),
            });
        };
        if rule.version != version {
            return Err(format!(
                "rule {id} stands in the rules {rules} in version {}, not {version}",
                rule.version
            ));
        }
        let (kind, named) = ground_of(&rule.basis);
        if kind != *ground || named != law.as_ref().map(|(act, article)| (&**act, &**article)) {
            return Err(format!("rule {id} rests on another ground than was noted"));
        }
        if consent.is_some() != (*ground == Ground::Consent) {
            return Err("a consent is noted where the ground is one, and only there".to_owned());
        }
        if !rule.consumers.iter().any(|consumer| self.names(consumer)) {
            return Err(format!("rule {id} does not name this client"));
        }
        if let Some(purpose) = &self.basis.purpose
            && !rule.purposes.contains(purpose)
        {
            return Err(format!("rule {id} does not name the purpose {purpose}"));
        }
        self.disclosure(rule)
    }

    fn at_once(&self) -> Result<(), String> {
        match self.basis.disclosure {
            Disclosure::AtOnce => Ok(()),
            Disclosure::From(_) | Disclosure::Hidden { .. } => {
                Err("it is kept from the person, and no rule says so".to_owned())
            }
        }
    }

    fn names(&self, consumer: &Consumer) -> bool {
        let client: &ClientId = &self.record.client;
        match consumer {
            Consumer::Client(named) => named == client,
            Consumer::Group(group) => self.groups.in_global_group(client, group),
            Consumer::Class { instance, class } => {
                client.instance() == instance && client.member().member_class() == class
            }
        }
    }

    /// The person learns of it when the rule says.
    fn disclosure(&self, rule: &Rule) -> Result<(), String> {
        let is_so = match (&rule.disclosure, &self.basis.disclosure) {
            (Ruled::AtOnce, Disclosure::AtOnce) => true,
            (Ruled::Delayed { seconds }, Disclosure::From(from)) => {
                let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
                let delayed = |time: Timestamp| {
                    let delay = SignedDuration::from_secs(seconds);
                    time.checked_add(delay).unwrap_or(Timestamp::MAX)
                };
                (delayed(decided_earliest(self.record.time))..=delayed(self.record.time))
                    .contains(from)
            }
            (
                Ruled::Hidden { article, until },
                Disclosure::Hidden {
                    article: noted,
                    until: noted_until,
                },
            ) => article == noted && until == noted_until,
            (
                Ruled::AtOnce | Ruled::Delayed { .. } | Ruled::Hidden { .. },
                Disclosure::AtOnce | Disclosure::From(_) | Disclosure::Hidden { .. },
            ) => false,
        };
        match is_so {
            true => Ok(()),
            false => Err(format!(
                "rule {} tells the person at another time than was noted",
                rule.id
            )),
        }
    }

    /// What the request cannot be judged for.
    fn unread(&self, unread: &Unread) -> Outcome {
        match unread {
            Unread::NotKept(what) => Outcome::NotChecked(format!(
                "{what} was not kept, so {} cannot be read again; {}",
                match self.basis.consent {
                    Some(_) => "purpose, consent and persons",
                    None => "purpose and persons",
                },
                match &self.basis.rule {
                    Some(rule) => format!(
                        "rule {rule} stands in the rules of that day as noted, and names client, \
                         service and purpose"
                    ),
                    None => "no rule was noted".to_owned(),
                }
            )),
            Unread::Unreadable(reason) => fails(format!("the request cannot be read: {reason}")),
            Unread::Refused(error) => fails(format!(
                "by the rules of that day it is refused ({}): {error}",
                error.code()
            )),
        }
    }

    /// The same comes out when it is decided again.
    fn decision(&self, again: &Again, asked: &Asked) -> Result<(), String> {
        let basis = self.basis;
        let noted = basis.purpose.as_slice();
        let none_of_them = [String::new(), String::new()];
        let right = match (&again.stated().purpose, noted, basis.ground) {
            // It is stated: which others the right may name does not matter.
            (Some(_), _, _) | (None, [], Ground::LeftToProvider) => None,
            (None, [], Ground::NotPersonal) => None,
            // It was left open, so the right names several that rules do not.
            (None, [], Ground::Open | Ground::Law | Ground::Consent | Ground::Vital) => {
                Some(&none_of_them[..])
            }
            // The rules left this one alone, or the right names it: only the provider knows.
            (None, noted, _) => Some(noted),
        };
        let decided = self.decide(again, asked, right);
        match (basis.ground, decided) {
            (Ground::LeftToProvider, Err(Refusal::PurposeMissing))
                if self.record.side == Side::Consumer =>
            {
                Ok(())
            }
            (Ground::LeftToProvider, _) => Err(
                "it was left to the provider's node, but nothing was open that its access right \
                 could have named"
                    .to_owned(),
            ),
            (_, Err(refusal)) => Err(format!(
                "by the rules of that day it is refused ({}): {refusal}",
                refusal.code()
            )),
            (_, Ok(decision)) => self.same(&decision),
        }
    }

    /// Decides by the rule that was noted; it was decided shortly before it was logged.
    fn decide(
        &self,
        again: &Again,
        asked: &Asked,
        right: Option<&[String]>,
    ) -> Result<Decision, Refusal> {
        let by = self.basis.rule.as_deref();
        let (rules, logged) = (self.rules, self.record.time);
        let at = |time| again.decide(asked, right, rules, &self.groups, time, by);
        match at(logged) {
            Err(
                Refusal::RuleNotInForce { .. }
                | Refusal::OutsideHours { .. }
                | Refusal::ConsentExpired,
            ) => at(decided_earliest(logged)),
            decided => decided,
        }
    }

    fn same(&self, decision: &Decision) -> Result<(), String> {
        let basis = self.basis;
        if decision.purpose() != basis.purpose.as_deref() {
            return Err(format!(
                "the message is for the purpose {}, and {} was noted",
                decision.purpose().unwrap_or("of nobody's choice"),
                basis.purpose.as_deref().unwrap_or("none")
            ));
        }
        match (decision.ground(), basis.ground) {
            (Decided::NotPersonal, Ground::NotPersonal) => Ok(()),
            (Decided::Rule { consent, .. }, ground) if ground != Ground::NotPersonal => {
                let brought = consent.map(|consent| (consent.id, consent.digest));
                let noted = basis.consent.map(|consent| (consent.id, consent.digest));
                match brought == noted {
                    true => Ok(()),
                    false => Err("the message carries another consent than was noted".to_owned()),
                }
            }
            (Decided::Rule { id, .. }, _) => Err(format!(
                "it was noted as not about a person, but rule {id} is about it"
            )),
            (Decided::NotPersonal, _) => Err(
                "the service is not about persons, and no rule of that day is about it".to_owned(),
            ),
        }
    }
}

/// The ground of a rule, with act and article.
pub(in crate::audit) fn ground_of(kind: &Kind) -> (Ground, Option<(&str, &str)>) {
    match kind {
        Kind::Open => (Ground::Open, None),
        Kind::Consent => (Ground::Consent, None),
        Kind::Law { act, article } => (Ground::Law, Some((act, article))),
        Kind::Vital { act, article } => (Ground::Vital, Some((act, article))),
    }
}

fn fails(reason: String) -> Outcome {
    Outcome::Fails(reason)
}

/// When a message that was logged then was decided on, at the earliest.
fn decided_earliest(logged: Timestamp) -> Timestamp {
    logged
        .checked_sub(SignedDuration::from_secs(DECIDED_BEFORE_SECONDS_MAX))
        .unwrap_or(Timestamp::MIN)
}

/// Between decision and record a node only signs, and waits for its disk.
const DECIDED_BEFORE_SECONDS_MAX: i64 = 60;
