//! One request, judged: the purpose settled, then rule by rule.

use jiff::{SignedDuration, Timestamp};

use super::{
    AHEAD_SECONDS_MAX, Ask, ConsentRef, Decision, Ground, Quota, QuotaOf, REASON_CHARS_MIN, Refusal,
};
use crate::consent::Verified;
use crate::feed::{self, CaseStanding, Standing, State};
use crate::person::PersonKey;
use crate::rules::{Basis, Candidate, CaseLimit, Frequency, Limits, Rules, Service};

/// Everything a judgement needs.
#[derive(Clone, Copy)]
pub(super) struct Judge<'j> {
    pub(super) ask: &'j Ask<'j>,
    pub(super) rules: &'j Rules,
    pub(super) feed: &'j State,
    pub(super) now: Timestamp,
    /// What the service declares.
    pub(super) declared: &'j Service,
    pub(super) way: Way<'j>,
}

/// On which kind of ground the request puts itself.
#[derive(Clone, Copy)]
pub(super) enum Way<'j> {
    /// It breaks the glass, for this reason; a consent that came along too is not looked at.
    Emergency(&'j str),
    /// It brings a consent.
    Consent(&'j Verified),
    /// It brings nothing.
    Plain,
}

impl<'j> Way<'j> {
    pub(super) fn of(ask: &Ask<'j>) -> Self {
        match (ask.emergency, ask.consent) {
            (Some(reason), _) => Self::Emergency(reason),
            (None, Some(consent)) => Self::Consent(consent),
            (None, None) => Self::Plain,
        }
    }
}

impl Judge<'_> {
    /// Decides by the rules that name this consumer, service and endpoint.
    pub(super) fn decide(&self, candidates: &[Candidate<'_>]) -> Result<Decision, Refusal> {
        let grounds: Vec<&Candidate<'_>> = candidates
            .iter()
            .filter(|candidate| self.takes(&candidate.rule.basis))
            .collect();
        if grounds.is_empty() && !self.needs_no_rule() {
            return Err(self.groundless(candidates));
        }
        let purpose = self.purpose(&grounds)?;
        let matching: Vec<&Candidate<'_>> = grounds
            .into_iter()
            .filter(|candidate| purpose.is_none_or(|purpose| names(candidate, purpose)))
            .collect();
        if matching.is_empty() {
            return match purpose {
                purpose if self.needs_no_rule() => Ok(Decision::without_rule(purpose)),
                Some(purpose) if self.consent_would_do(candidates, purpose) => {
                    Err(Refusal::ConsentRequired)
                }
                _ => Err(Refusal::PurposeNotDeclared),
            };
        }
        self.check_reason()?;
        self.check_persons()?;
        let mut furthest: Option<Refusal> = None;
        for candidate in matching {
            let refusal = match self.judge(candidate, purpose) {
                Ok(consent) => return Ok(self.decision(candidate, consent, purpose)),
                Err(refusal) => refusal,
            };
            if furthest
                .as_ref()
                .is_none_or(|known| known.step() < refusal.step())
            {
                furthest = Some(refusal);
            }
        }
        Err(furthest.unwrap_or(Refusal::NoRule))
    }

    /// Whether a rule of this basis may decide. An `open` rule says nothing of persons, so it never
    /// decides about a service that is.
    fn takes(&self, basis: &Basis) -> bool {
        match (self.way, basis) {
            (Way::Emergency(_), Basis::Vital { .. })
            | (Way::Consent(_), Basis::Consent)
            | (Way::Plain, Basis::Law { .. }) => true,
            (Way::Plain, Basis::Open) => !self.declared.personal,
            (
                Way::Emergency(_) | Way::Consent(_) | Way::Plain,
                Basis::Open | Basis::Law { .. } | Basis::Consent | Basis::Vital { .. },
            ) => false,
        }
    }

    fn needs_no_rule(&self) -> bool {
        !self.declared.personal && matches!(self.way, Way::Plain)
    }

    /// Why there is no rule on this ground.
    fn groundless(&self, candidates: &[Candidate<'_>]) -> Refusal {
        match self.way {
            Way::Emergency(_) => Refusal::EmergencyNotAllowed,
            Way::Consent(_) if candidates.is_empty() && self.declared.personal => Refusal::NoRule,
            Way::Consent(_) => Refusal::ConsentNotTaken,
            Way::Plain => {
                let by_consent = |candidate: &Candidate<'_>| candidate.rule.basis == Basis::Consent;
                match (self.ask.purpose, candidates.iter().any(by_consent)) {
                    (_, false) => Refusal::NoRule,
                    (None, true) => Refusal::ConsentRequired,
                    // To ask the person for a purpose that nobody may have would be in vain.
                    (Some(purpose), true) => match self.is_possible(purpose)
                        && self.consent_would_do(candidates, purpose)
                    {
                        true => Refusal::ConsentRequired,
                        false => Refusal::PurposeNotDeclared,
                    },
                }
            }
        }
    }

    /// Whether the request lacks only the person's consent for this purpose.
    fn consent_would_do(&self, candidates: &[Candidate<'_>], purpose: &str) -> bool {
        matches!(self.way, Way::Plain)
            && candidates.iter().any(|candidate| {
                candidate.rule.basis == Basis::Consent && names(candidate, purpose)
            })
    }

    /// Settles the purpose; `None` only where no rule is needed.
    fn purpose<'p>(&'p self, grounds: &[&'p Candidate<'_>]) -> Result<Option<&'p str>, Refusal> {
        let said = match (self.ask.purpose, self.right_purposes()) {
            (Some(stated), _) => Some(stated),
            (None, Some([only])) => Some(only.as_str()),
            (None, _) => None,
        };
        if let Some(purpose) = said {
            return match self.is_possible(purpose) {
                true => Ok(Some(purpose)),
                false => Err(Refusal::PurposeNotDeclared),
            };
        }
        let mut possible: Vec<&str> = grounds
            .iter()
            .flat_map(|candidate| candidate.rule.purposes.iter().map(String::as_str))
            .filter(|purpose| self.is_possible(purpose))
            .collect();
        possible.sort_unstable();
        possible.dedup();
        if let Way::Consent(consent) = self.way
            && possible.len() > 1
        {
            let agreed = consent.artefact().purpose.as_str();
            possible.retain(|purpose| *purpose == agreed);
            if possible.is_empty() {
                return Err(Refusal::PurposeMissing);
            }
        }
        match possible.as_slice() {
            [only] => Ok(Some(only)),
            _ if self.needs_no_rule() => Ok(None),
            [] => Err(Refusal::PurposeNotDeclared),
            _ => Err(Refusal::PurposeMissing),
        }
    }

    /// The service declares the purpose, and the access right does not exclude it. A service without
    /// personal data that declares none may be asked for any.
    fn is_possible(&self, purpose: &str) -> bool {
        let among = |purposes: &[String]| purposes.iter().any(|known| known == purpose);
        let any = !self.declared.personal && self.declared.purposes.is_empty();
        (any || among(&self.declared.purposes)) && self.right_purposes().is_none_or(among)
    }

    /// Purposes of the access right, if it names any.
    fn right_purposes(&self) -> Option<&[String]> {
        self.ask
            .right_purposes
            .filter(|purposes| !purposes.is_empty())
    }

    fn check_reason(&self) -> Result<(), Refusal> {
        match self.way {
            Way::Emergency(reason) if reason.trim().chars().count() < REASON_CHARS_MIN => {
                Err(Refusal::ReasonMissing)
            }
            Way::Emergency(_) | Way::Consent(_) | Way::Plain => Ok(()),
        }
    }

    fn check_persons(&self) -> Result<(), Refusal> {
        let needed = self.declared.personal || !matches!(self.way, Way::Plain);
        match needed && self.ask.persons.is_empty() {
            true => Err(Refusal::PersonMissing),
            false => Ok(()),
        }
    }

    /// Whether this rule's limits hold; gives the consent it rests on, if it is of that kind.
    fn judge(
        &self,
        candidate: &Candidate<'_>,
        purpose: Option<&str>,
    ) -> Result<Option<&Verified>, Refusal> {
        let rule = || candidate.rule.id.clone();
        let limits = &candidate.rule.limits;
        if !holds(limits, self.now) {
            return Err(Refusal::RuleNotInForce { rule: rule() });
        }
        let offset = self.rules.part().settings.utc_offset_minutes;
        if candidate
            .hours
            .is_some_and(|hours| !hours.holds(self.now, offset))
        {
            return Err(Refusal::OutsideHours { rule: rule() });
        }
        let case = self.ask.case.filter(|case| !case.trim().is_empty());
        if limits.case != CaseLimit::Any && case.is_none() {
            return Err(Refusal::CaseMissing { rule: rule() });
        }
        let consent = match self.way {
            Way::Consent(consent) => Some(consent),
            Way::Emergency(_) | Way::Plain => None,
        };
        if let Some(consent) = consent {
            self.check_consent(consent, candidate, purpose)?;
        }
        if let (CaseLimit::Open, Some(case)) = (limits.case, case) {
            self.check_feed()?;
            match self
                .feed
                .case(self.ask.client, case, self.ask.persons, self.now)
            {
                CaseStanding::Open => {}
                CaseStanding::NotOpen => return Err(Refusal::CaseNotOpen { rule: rule() }),
                CaseStanding::OtherPersons => {
                    return Err(Refusal::CaseOtherPersons { rule: rule() });
                }
            }
        }
        if let Some(consent) = consent {
            self.check_feed()?;
            match self.feed.consent(consent.artefact().id) {
                Standing::Holds => {}
                Standing::Paused => return Err(Refusal::ConsentPaused),
                Standing::Revoked => return Err(Refusal::ConsentRevoked),
            }
        }
        Ok(consent)
    }

    /// What can be said of a consent by itself.
    fn check_consent(
        &self,
        consent: &Verified,
        candidate: &Candidate<'_>,
        purpose: Option<&str>,
    ) -> Result<(), Refusal> {
        let (artefact, ask) = (consent.artefact(), self.ask);
        if artefact.consumer != *ask.client {
            return Err(Refusal::ConsentOtherConsumer);
        }
        if artefact.provider != *ask.service.provider() {
            return Err(Refusal::ConsentOtherProvider);
        }
        if !artefact
            .services
            .iter()
            .any(|code| code == ask.service.code())
        {
            return Err(Refusal::ConsentOtherService);
        }
        if ask.persons.iter().any(|person| *person != artefact.subject) {
            return Err(Refusal::ConsentOtherPerson);
        }
        if purpose != Some(artefact.purpose.as_str()) {
            return Err(Refusal::ConsentOtherPurpose);
        }
        if self
            .given(candidate)
            .any(|code| !artefact.categories.contains(code))
        {
            return Err(Refusal::ConsentOtherCategories);
        }
        let ahead = artefact.issued_at.duration_since(self.now);
        if ahead > SignedDuration::from_secs(AHEAD_SECONDS_MAX) {
            return Err(Refusal::ConsentFromFuture);
        }
        if self.now < artefact.valid_from {
            return Err(Refusal::ConsentNotYetValid);
        }
        if self.now >= artefact.valid_until {
            return Err(Refusal::ConsentExpired);
        }
        Ok(())
    }

    /// Categories of data that may come back. A rule about an endpoint says what that one gives; a
    /// rule about the whole service cannot make it give less than it declares.
    fn given<'c>(&'c self, candidate: &'c Candidate<'_>) -> impl Iterator<Item = &'c String> {
        let named = &candidate.rule.categories;
        let narrowed = !candidate.whole && !named.is_empty();
        self.declared
            .categories
            .iter()
            .filter(move |code| !narrowed || named.contains(code))
    }

    /// The feed is young enough to say what no longer holds.
    fn check_feed(&self) -> Result<(), Refusal> {
        let seconds_max = self.rules.part().settings.feed_age_seconds_max;
        let age_max = SignedDuration::from_secs(i64::try_from(seconds_max).unwrap_or(i64::MAX));
        // A clock that was set back would find it young for as long.
        let age_min = SignedDuration::from_secs(feed::AHEAD_SECONDS_MAX.saturating_neg());
        let age = self
            .feed
            .as_of()
            .map(|as_of| self.now.duration_since(as_of));
        match age.is_some_and(|age| (age_min..=age_max).contains(&age)) {
            true => Ok(()),
            false => Err(Refusal::FeedStale),
        }
    }

    fn decision(
        &self,
        candidate: &Candidate<'_>,
        consent: Option<&Verified>,
        purpose: Option<&str>,
    ) -> Decision {
        let rule = candidate.rule;
        let agreed = consent.and_then(|consent| consent.artefact().data_life_seconds);
        let life = rule.limits.data_life_seconds;
        Decision {
            ground: Ground::Rule {
                id: rule.id.clone(),
                version: rule.version,
                rules_version: self.rules.part().version,
                basis: rule.basis.clone(),
                consent: consent.map(|consent| ConsentRef {
                    id: consent.artefact().id,
                    digest: *consent.digest(),
                }),
            },
            purpose: purpose.map(str::to_owned),
            quotas: match consent {
                Some(consent) => quotas_of_consent(consent, &rule.limits),
                None => self.quotas_of_persons(candidate),
            },
            disclosure: rule.disclosure.clone(),
            data_life_seconds: match (life, agreed) {
                (Some(rule), Some(consent)) => Some(rule.min(consent)),
                (one, other) => one.or(other),
            },
        }
    }

    fn quotas_of_persons(&self, candidate: &Candidate<'_>) -> Vec<Quota> {
        let limits = &candidate.rule.limits;
        let of = |person: &PersonKey, case: Option<&str>| QuotaOf::Person {
            rule: candidate.rule.id.clone(),
            client: self.ask.client.clone(),
            person: person.clone(),
            case: case.map(str::to_owned),
        };
        // Where no case is asked for, a caller could name another each time.
        let case = self.ask.case.filter(|_| limits.case != CaseLimit::Any);
        let mut quotas = Vec::new();
        for person in self.ask.persons {
            if let Some(frequency) = limits.frequency {
                quotas.push(frequent(of(person, None), frequency));
            }
            if limits.single_use {
                quotas.push(once(of(person, case)));
            }
        }
        quotas
    }
}

/// The bounds of the rule and those that the person set: both count, so the stricter one decides.
fn quotas_of_consent(consent: &Verified, limits: &Limits) -> Vec<Quota> {
    let artefact = consent.artefact();
    let of = || QuotaOf::Consent(artefact.id);
    let mut quotas: Vec<Quota> = [limits.frequency, artefact.frequency]
        .into_iter()
        .flatten()
        .map(|frequency| frequent(of(), frequency))
        .collect();
    quotas.dedup();
    if limits.single_use || artefact.single_use {
        quotas.push(once(of()));
    }
    quotas
}

fn frequent(of: QuotaOf, frequency: Frequency) -> Quota {
    Quota {
        of,
        count: frequency.count,
        seconds: Some(frequency.seconds),
    }
}

fn once(of: QuotaOf) -> Quota {
    Quota {
        of,
        count: 1,
        seconds: None,
    }
}

fn names(candidate: &Candidate<'_>, purpose: &str) -> bool {
    candidate.rule.purposes.iter().any(|known| known == purpose)
}

fn holds(limits: &Limits, now: Timestamp) -> bool {
    limits.valid_from.is_none_or(|from| from <= now)
        && limits.valid_until.is_none_or(|until| now < until)
}
