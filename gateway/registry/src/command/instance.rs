//! The registry itself: instance, address, numbers, management services.

use certs_x509::Certificate;
use gateway_proto::id::ClientId;

use super::check;
use crate::Refusal;
use crate::refusal::Kind;
use crate::state::{Group, OWNERS_GROUP, Settings, State};

pub(super) fn check_initialised(state: &State) -> Result<(), Refusal> {
    match state.instance.is_empty() {
        false => Ok(()),
        true => Err(Refusal::new(
            Kind::NotInitialised,
            "the registry",
            "it has no instance yet",
            "initialise it with an instance code and its address first",
        )),
    }
}

pub(super) fn initialise(
    state: &mut State,
    instance: String,
    address: String,
) -> Result<(), Refusal> {
    if !state.instance.is_empty() {
        return Err(Refusal::exists(
            format!("the instance {:?}", state.instance),
            "an instance code cannot be changed; begin a new registry for another one",
        ));
    }
    check::identifier("the instance code", &instance)?;
    change_address(state, address)?;
    let owners = Group {
        description: "Security server owners".to_owned(),
        ..Group::default()
    };
    state.groups.insert(OWNERS_GROUP.to_owned(), owners);
    state.instance = instance;
    Ok(())
}

/// A registration address that was derived from the registry's follows it.
pub(super) fn change_address(state: &mut State, address: String) -> Result<(), Refusal> {
    check::authority("the registry's address", &address)?;
    if state.management.registration_address == registration_address(&state.address)
        || state.management.registration_address.is_empty()
    {
        state.management.registration_address = registration_address(&address);
    }
    state.address = address;
    Ok(())
}

/// The port is that of the registration service, whatever the configuration is served on.
fn registration_address(address: &str) -> String {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        Some(_) | None => address,
    };
    format!("https://{host}:4001/managementservice/")
}

pub(super) fn change_settings(state: &mut State, settings: Settings) -> Result<(), Refusal> {
    check::seconds(
        "the OCSP freshness",
        settings.ocsp_freshness_seconds,
        60,
        WEEK,
    )?;
    check::seconds(
        "the time-stamping interval",
        settings.timestamping_interval_seconds,
        1,
        WEEK,
    )?;
    let validity = settings.configuration_validity_seconds;
    check::seconds("the configuration's validity", validity, 120, WEEK)?;
    if let Some(interval) = settings.ocsp_fetch_interval_seconds {
        check::seconds("the OCSP fetch interval", interval, 60, WEEK)?;
        if interval >= settings.ocsp_freshness_seconds {
            return Err(Refusal::invalid(
                "the OCSP fetch interval",
                "responses would be too old before new ones are fetched",
                "choose an interval below the OCSP freshness",
            ));
        }
    }
    state.settings = settings;
    Ok(())
}

pub(super) fn set_provider(state: &mut State, provider: ClientId) -> Result<(), Refusal> {
    if provider.subsystem().is_none() {
        return Err(Refusal::invalid(
            format!("the management service provider {provider}"),
            "it is a member",
            "name one of its subsystems",
        ));
    }
    if !state.has_client(&provider) {
        return Err(Refusal::not_found(
            provider.to_string(),
            "add the subsystem first",
        ));
    }
    state.management.provider = Some(provider);
    Ok(())
}

pub(super) fn set_registration_address(
    state: &mut State,
    url: String,
    certificate: Option<Certificate>,
) -> Result<(), Refusal> {
    check::url("the registration address", &url, &["https"])?;
    state.management.registration_address = url;
    state.management.registration_certificate = certificate;
    Ok(())
}

const WEEK: u64 = 7 * 24 * 3600;
