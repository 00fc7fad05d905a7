//! What services declare: their system, data, purposes, and where they expect the key of a person.

use gateway_policy::rules::Service;
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;

use super::{check, dependents, publish, purposes, systems};
use crate::Refusal;
use crate::state::State;

pub(super) fn declare(state: &mut State, service: Service, now: Timestamp) -> Result<(), Refusal> {
    let id = check_content(state, &service, now)?;
    if state.services.contains_key(&id) {
        return Err(Refusal::exists(
            format!("service {}", id.to_rest()),
            "nothing needs to be done, or change it",
        ));
    }
    state.services.insert(id, service.into());
    Ok(())
}

pub(super) fn change(state: &mut State, service: Service, now: Timestamp) -> Result<(), Refusal> {
    let id = check_content(state, &service, now)?;
    if !state.services.contains_key(&id) {
        return Err(not_found(&id));
    }
    state.services.insert(id, service.into());
    Ok(())
}

pub(super) fn remove(state: &mut State, provider: &ClientId, code: &str) -> Result<(), Refusal> {
    let id = service_id(provider, code)?;
    if !state.services.contains_key(&id) {
        return Err(not_found(&id));
    }
    dependents::check_service(state, provider, code)?;
    state.services.remove(&id);
    Ok(())
}

/// A service belongs to a system of its member, and takes its purposes from those declared there.
fn check_content(state: &State, service: &Service, now: Timestamp) -> Result<ServiceId, Refusal> {
    let provider = &service.provider;
    check::identifier("the service code", &service.code)?;
    let id = service_id(provider, &service.code)?;
    let what = format!("service {}/{}", provider.to_rest(), service.code);
    check_provider(state, provider)?;
    let system = systems::check_registered(state, &service.system)?;
    purposes::check_all(state, &what, &service.purposes)?;
    purposes::check_all_categories(state, &what, &service.categories)?;
    if system.owner != *provider.member() {
        return Err(Refusal::invalid(
            &what,
            format!("its system {:?} belongs to {}", system.code, system.owner),
            "name a system of the member that provides it",
        ));
    }
    let undeclared = service
        .purposes
        .iter()
        .find(|purpose| !system.purposes.contains(purpose));
    if let Some(purpose) = undeclared {
        return Err(Refusal::invalid(
            format!("purpose {purpose:?} of {what}"),
            format!("its system {:?} has not declared that purpose", system.code),
            "have the system declare it first, or leave it out",
        ));
    }
    let mut part = state.declarations(now);
    part.services = vec![service.clone()];
    publish::check(&part, &what, |place| place == what)?;
    Ok(id)
}

/// Only subsystems of this instance provide services whose rules are ours.
pub(super) fn check_provider(state: &State, provider: &ClientId) -> Result<(), Refusal> {
    if provider.subsystem().is_none() || provider.instance() != state.instance {
        return Err(Refusal::invalid(
            format!("the provider {provider}"),
            "it is not a subsystem of this instance",
            "name the subsystem as INSTANCE/CLASS/MEMBER/SUBSYSTEM",
        ));
    }
    match state.has_client(provider) {
        true => Ok(()),
        false => Err(Refusal::not_found(
            provider.to_string(),
            "add the subsystem first",
        )),
    }
}

fn service_id(provider: &ClientId, code: &str) -> Result<ServiceId, Refusal> {
    ServiceId::new(provider.clone(), code, None).map_err(|error| {
        Refusal::invalid(
            format!("the service code {code:?}"),
            error.to_string(),
            "choose another code",
        )
    })
}

fn not_found(id: &ServiceId) -> Refusal {
    Refusal::not_found(
        format!("service {}", id.to_rest()),
        "declare the service first",
    )
}
