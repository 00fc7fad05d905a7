//! What must not be taken away because rules, services or systems stand on it. Rules in force and
//! drafts count alike.

use gateway_policy::rules::{Consumer, Rule, Status};
use gateway_proto::id::{ClientId, MemberId};

use crate::Refusal;
use crate::state::State;

/// A member whose systems are registered, or that rules or services name.
pub(super) fn check_member(state: &State, member: &MemberId) -> Result<(), Refusal> {
    let system = state
        .systems
        .values()
        .find(|system| system.status == Status::Registered && system.owner == *member);
    if let Some(system) = system {
        return Err(Refusal::in_use(
            member.to_string(),
            format!("it owns system {:?}", system.code),
            "deregister the system or give it to another owner first",
        ));
    }
    check_clients(state, &member.to_string(), |client| {
        client.member() == member
    })
}

/// A subsystem that rules or services name.
pub(super) fn check_subsystem(state: &State, subsystem: &ClientId) -> Result<(), Refusal> {
    check_clients(state, &subsystem.to_string(), |client| client == subsystem)
}

/// A member class that rules name.
pub(super) fn check_class(state: &State, code: &str) -> Result<(), Refusal> {
    let names = |consumer: &Consumer| match consumer {
        Consumer::Class { instance, class } => *instance == state.instance && class == code,
        Consumer::Client(_) | Consumer::Group(_) => false,
    };
    check_consumers(state, format!("member class {code:?}"), names)
}

/// A global group that rules name.
pub(super) fn check_group(state: &State, code: &str) -> Result<(), Refusal> {
    let names = |consumer: &Consumer| match consumer {
        Consumer::Group(group) => group.instance() == state.instance && group.code() == code,
        Consumer::Client(_) | Consumer::Class { .. } => false,
    };
    check_consumers(state, format!("group {code:?}"), names)
}

/// A partner that rules name somebody of.
pub(super) fn check_partner(state: &State, partner: &str) -> Result<(), Refusal> {
    let names = |consumer: &Consumer| instance_of(consumer) == partner;
    check_consumers(state, format!("the partner {partner:?}"), names)
}

/// A purpose that systems, services or rules name.
pub(super) fn check_purpose(state: &State, code: &str) -> Result<(), Refusal> {
    let what = || format!("purpose {code:?}");
    let has = |codes: &[String]| codes.iter().any(|other| other == code);
    if let Some(system) = state.systems.values().find(|system| has(&system.purposes)) {
        return Err(Refusal::in_use(
            what(),
            format!("system {:?} declares it", system.code),
            "change the system first",
        ));
    }
    check_declared(state, what(), |service| has(&service.purposes))?;
    check_rules(state, what(), |rule| has(&rule.purposes))
}

/// A category that services or rules name.
pub(super) fn check_category(state: &State, code: &str) -> Result<(), Refusal> {
    let what = || format!("category {code:?}");
    let has = |codes: &[String]| codes.iter().any(|other| other == code);
    check_declared(state, what(), |service| has(&service.categories))?;
    check_rules(state, what(), |rule| has(&rule.categories))
}

/// A service that rules name. One that names all services of its provider does not stand on it.
pub(super) fn check_service(state: &State, provider: &ClientId, code: &str) -> Result<(), Refusal> {
    let what = format!("service {}/{code}", provider.to_rest());
    let supervisor = state.rule_settings.supervisor.as_ref();
    if supervisor.is_some_and(|id| id.provider() == provider && id.code() == code) {
        return Err(takes_notice(what));
    }
    check_rules(state, what, |rule| {
        let mut scopes = rule.services.iter();
        scopes.any(|scope| scope.provider == *provider && scope.code.as_deref() == Some(code))
    })
}

/// The instance a consumer is of.
pub(super) fn instance_of(consumer: &Consumer) -> &str {
    match consumer {
        Consumer::Client(client) => client.instance(),
        Consumer::Group(group) => group.instance(),
        Consumer::Class { instance, .. } => instance,
    }
}

fn check_clients(state: &State, what: &str, is: impl Fn(&ClientId) -> bool) -> Result<(), Refusal> {
    check_declared(state, what.to_owned(), |service| is(&service.provider))?;
    check_rules(state, what.to_owned(), |rule| {
        let consumed = rule.consumers.iter().any(|consumer| match consumer {
            Consumer::Client(client) => is(client),
            Consumer::Group(_) | Consumer::Class { .. } => false,
        });
        consumed || rule.services.iter().any(|scope| is(&scope.provider))
    })?;
    let settings = &state.rule_settings;
    if settings.portals.iter().any(&is) {
        return Err(Refusal::in_use(
            what,
            "it is a portal",
            "take it out of the portals in the rule settings first",
        ));
    }
    match &settings.supervisor {
        Some(service) if is(service.provider()) => Err(takes_notice(what.to_owned())),
        Some(_) | None => Ok(()),
    }
}

fn check_declared(
    state: &State,
    what: String,
    names: impl Fn(&gateway_policy::rules::Service) -> bool,
) -> Result<(), Refusal> {
    match state.services.values().find(|service| names(service)) {
        None => Ok(()),
        Some(service) => Err(Refusal::in_use(
            what,
            format!(
                "the declaration of service {}/{} names it",
                service.provider.to_rest(),
                service.code
            ),
            "change or remove that declaration first",
        )),
    }
}

fn check_consumers(
    state: &State,
    what: String,
    names: impl Fn(&Consumer) -> bool,
) -> Result<(), Refusal> {
    check_rules(state, what, |rule| rule.consumers.iter().any(&names))
}

fn check_rules(state: &State, what: String, names: impl Fn(&Rule) -> bool) -> Result<(), Refusal> {
    match state.live_rules().find(|rule| names(rule)) {
        None => Ok(()),
        Some(rule) => Err(Refusal::in_use(
            what,
            format!("version {} of rule {:?} names it", rule.version, rule.id),
            "withdraw that version of the rule first",
        )),
    }
}

fn takes_notice(what: String) -> Refusal {
    Refusal::in_use(
        what,
        "it takes notice of break-glass uses",
        "name another service in the rule settings first",
    )
}
