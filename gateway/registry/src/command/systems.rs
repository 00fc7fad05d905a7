//! Information systems. A system that ceased to be registered stays on record: its services are
//! switched off, not forgotten.

use gateway_policy::rules::{Status, System};
use gateway_proto::id::MemberId;
use jiff::Timestamp;

use super::{check, members, publish, purposes};
use crate::Refusal;
use crate::state::State;

pub(super) fn register(state: &mut State, system: System) -> Result<(), Refusal> {
    check::code("the system code", &system.code)?;
    check_content(state, &system)?;
    if state.systems.contains_key(&system.code) {
        return Err(Refusal::exists(
            format!("system {:?}", system.code),
            "choose another code, or change or register it again",
        ));
    }
    state.systems.insert(system.code.clone(), system);
    Ok(())
}

pub(super) fn change(state: &mut State, mut system: System) -> Result<(), Refusal> {
    system.status = registered(state, &system.code)?.status;
    check_content(state, &system)?;
    let lost = state.services.values().find_map(|service| {
        let purpose = service
            .purposes
            .iter()
            .find(|purpose| !system.purposes.contains(purpose));
        purpose
            .filter(|_| service.system == system.code)
            .map(|purpose| (service, purpose))
    });
    if let Some((service, purpose)) = lost {
        return Err(Refusal::in_use(
            format!("purpose {purpose:?} of system {:?}", system.code),
            format!(
                "service {}/{} declares it",
                service.provider.to_rest(),
                service.code
            ),
            "change the service first",
        ));
    }
    let stranger = state.services.values().find(|service| {
        service.system == system.code && *service.provider.member() != system.owner
    });
    if let Some(service) = stranger {
        return Err(Refusal::in_use(
            format!("system {:?}", system.code),
            format!("{} provides its service {}", service.provider, service.code),
            "remove the services of the former owner first",
        ));
    }
    state.systems.insert(system.code.clone(), system);
    Ok(())
}

/// Published at once: what is no longer registered must not be asked anywhere.
pub(super) fn deregister(state: &mut State, code: &str, now: Timestamp) -> Result<(), Refusal> {
    let system = registered(state, code)?;
    if system.status == Status::Deregistered {
        return Err(Refusal::not_found(
            format!("the registration of system {code:?}"),
            "nothing needs to be done",
        ));
    }
    system.status = Status::Deregistered;
    publish::at_once(state, now, |part| {
        let named = part.systems.iter_mut().filter(|system| system.code == code);
        named.for_each(|system| system.status = Status::Deregistered);
    })
}

pub(super) fn reregister(state: &mut State, code: &str) -> Result<(), Refusal> {
    let system = registered(state, code)?;
    if system.status == Status::Registered {
        return Err(Refusal::exists(
            format!("the registration of system {code:?}"),
            "nothing needs to be done",
        ));
    }
    system.status = Status::Registered;
    let owner = system.owner.clone();
    check_owner(state, &owner)
}

/// What a service may be declared for.
pub(super) fn check_registered<'s>(state: &'s State, code: &str) -> Result<&'s System, Refusal> {
    match state.systems.get(code) {
        Some(system) if system.status == Status::Registered => Ok(system),
        Some(_) => Err(Refusal::invalid(
            format!("system {code:?}"),
            "it is no longer registered, so its services are switched off",
            "register the system again first",
        )),
        None => Err(not_found(code)),
    }
}

fn check_content(state: &State, system: &System) -> Result<(), Refusal> {
    check::text("the name of the system", &system.name)?;
    check::text("the number in the state register", &system.entry)?;
    check_owner(state, &system.owner)?;
    purposes::check_all(
        state,
        &format!("system {:?}", system.code),
        &system.purposes,
    )?;
    let same_entry = state.systems.values().find(|other| {
        other.code != system.code
            && other.register == system.register
            && other.entry == system.entry
    });
    match same_entry {
        None => Ok(()),
        Some(other) => Err(Refusal::exists(
            format!("entry {:?} of the state register", system.entry),
            format!(
                "it is that of system {:?}; look the number up again",
                other.code
            ),
        )),
    }
}

fn check_owner(state: &State, owner: &MemberId) -> Result<(), Refusal> {
    members::check_own(state, owner)?;
    match state.members.contains_key(owner) {
        true => Ok(()),
        false => Err(Refusal::not_found(
            owner.to_string(),
            "add the member first",
        )),
    }
}

fn registered<'s>(state: &'s mut State, code: &str) -> Result<&'s mut System, Refusal> {
    state.systems.get_mut(code).ok_or_else(|| not_found(code))
}

fn not_found(code: &str) -> Refusal {
    Refusal::not_found(format!("system {code:?}"), "register the system first")
}
