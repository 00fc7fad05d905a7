//! Approved trust services, and partners.

use certs_x509::profile::Profile;
use gateway_globalconf::Anchor;

use super::{check, dependents};
use crate::Refusal;
use crate::state::{Acme, Approved, Authority, Fingerprint, Responder, State, Timestamper};

pub(super) fn approve(state: &mut State, service: Approved) -> Result<(), Refusal> {
    check::text("the name of the certification service", &service.name)?;
    check_authority(&service.top)?;
    if Profile::from_class_name(&service.profile_class).is_none() {
        return Err(Refusal::invalid(
            format!("certificate profile {:?}", service.profile_class),
            "no such profile is known",
            "give the class name of one of the known profiles",
        ));
    }
    if let Some(acme) = &service.acme {
        check_acme(acme)?;
    }
    let fingerprint = Fingerprint::of(&service.top.certificate);
    if state.authorities.contains_key(&fingerprint) {
        return Err(Refusal::exists(
            format!("the certification service {fingerprint}"),
            "withdraw its approval first to change it",
        ));
    }
    state.authorities.insert(fingerprint, service);
    Ok(())
}

pub(super) fn add_intermediate(
    state: &mut State,
    service: &Fingerprint,
    authority: Authority,
) -> Result<(), Refusal> {
    check_authority(&authority)?;
    let approved = approved(state, service)?;
    let mut above = std::iter::once(&approved.top).chain(&approved.intermediates);
    if !above.any(|above| authority.certificate.is_signed_by(&above.certificate)) {
        return Err(Refusal::invalid(
            format!("the authority {}", Fingerprint::of(&authority.certificate)),
            "no authority of this certification service issued it",
            "add authorities from the top down",
        ));
    }
    let mut all = std::iter::once(&approved.top).chain(&approved.intermediates);
    if all.any(|other| other.certificate == authority.certificate) {
        return Err(Refusal::exists(
            format!("the authority {}", Fingerprint::of(&authority.certificate)),
            "nothing needs to be done",
        ));
    }
    approved.intermediates.push(authority);
    Ok(())
}

pub(super) fn set_responders(
    state: &mut State,
    service: &Fingerprint,
    of: &Fingerprint,
    responders: Vec<Responder>,
) -> Result<(), Refusal> {
    check_responders(&responders)?;
    let approved = approved(state, service)?;
    let mut all = std::iter::once(&mut approved.top).chain(&mut approved.intermediates);
    match all.find(|authority| Fingerprint::of(&authority.certificate) == *of) {
        Some(authority) => {
            authority.responders = responders;
            Ok(())
        }
        None => Err(authority_not_found(of)),
    }
}

pub(super) fn remove_intermediate(
    state: &mut State,
    service: &Fingerprint,
    intermediate: &Fingerprint,
) -> Result<(), Refusal> {
    let approved = approved(state, service)?;
    let before = approved.intermediates.len();
    approved
        .intermediates
        .retain(|authority| Fingerprint::of(&authority.certificate) != *intermediate);
    match approved.intermediates.len() < before {
        true => Ok(()),
        false => Err(authority_not_found(intermediate)),
    }
}

pub(super) fn remove(state: &mut State, service: &Fingerprint) -> Result<(), Refusal> {
    approved(state, service)?;
    state.authorities.remove(service);
    Ok(())
}

pub(super) fn approve_timestamper(
    state: &mut State,
    timestamper: Timestamper,
) -> Result<(), Refusal> {
    check::text("the name of the time-stamping service", &timestamper.name)?;
    check::url("the time-stamping address", &timestamper.url, HTTP)?;
    let fingerprint = Fingerprint::of(&timestamper.certificate);
    let same_url = state
        .timestampers
        .values()
        .any(|other| other.url == timestamper.url);
    if same_url || state.timestampers.contains_key(&fingerprint) {
        return Err(Refusal::exists(
            format!("the time-stamping service at {:?}", timestamper.url),
            "withdraw its approval first to change it",
        ));
    }
    state.timestampers.insert(fingerprint, timestamper);
    Ok(())
}

pub(super) fn remove_timestamper(
    state: &mut State,
    timestamper: &Fingerprint,
) -> Result<(), Refusal> {
    state
        .timestampers
        .remove(timestamper)
        .map(drop)
        .ok_or_else(|| {
            Refusal::not_found(
                format!("the time-stamping service {timestamper}"),
                "look at the approved services",
            )
        })
}

/// One for the own instance would let a partner speak for it.
pub(super) fn trust_partner(state: &mut State, anchor: &Anchor) -> Result<(), Refusal> {
    check::identifier("the partner's instance", &anchor.instance)?;
    if anchor.instance == state.instance {
        return Err(Refusal::invalid(
            format!("the anchor of {:?}", anchor.instance),
            "it is of this instance",
            "give the external anchor of another registry",
        ));
    }
    for source in &anchor.sources {
        check::url(
            "the download address in the anchor",
            &source.download_url,
            HTTP,
        )?;
    }
    let usable = !anchor.sources.is_empty()
        && anchor
            .sources
            .iter()
            .all(|source| !source.verification_certificates.is_empty());
    if !usable {
        return Err(Refusal::invalid(
            format!("the anchor of {:?}", anchor.instance),
            "it has no source, or a source without certificates",
            "ask the partner for a complete anchor",
        ));
    }
    let xml = String::from_utf8(anchor.to_xml()).map_err(|error| {
        Refusal::invalid(
            "the anchor",
            error.to_string(),
            "ask the partner for another anchor",
        )
    })?;
    state.trusted_anchors.insert(anchor.instance.clone(), xml);
    Ok(())
}

pub(super) fn distrust_partner(state: &mut State, instance: &str) -> Result<(), Refusal> {
    dependents::check_partner(state, instance)?;
    if state.trusted_anchors.remove(instance).is_none() {
        return Err(Refusal::not_found(
            format!("the partner {instance:?}"),
            "look at the trusted partners",
        ));
    }
    super::groups::forget(state, |client| client.instance() == instance);
    Ok(())
}

fn check_authority(authority: &Authority) -> Result<(), Refusal> {
    if !authority.certificate.is_ca() {
        return Err(Refusal::invalid(
            format!(
                "the certificate {}",
                Fingerprint::of(&authority.certificate)
            ),
            "it is not one of a certification authority",
            "give the certificate of the authority itself",
        ));
    }
    check_responders(&authority.responders)
}

fn check_responders(responders: &[Responder]) -> Result<(), Refusal> {
    responders
        .iter()
        .try_for_each(|responder| check::url("the OCSP responder's address", &responder.url, HTTP))
}

fn check_acme(acme: &Acme) -> Result<(), Refusal> {
    check::url(
        "the ACME directory",
        &acme.directory_url,
        &["https", "http"],
    )?;
    for address in acme.ip_address.iter().flat_map(|list| list.split(',')) {
        let address = address.trim();
        if address.parse::<std::net::IpAddr>().is_err() {
            return Err(Refusal::invalid(
                format!("the ACME server's IP address {address:?}"),
                "it is not an IP address",
                "give IP addresses separated by commas",
            ));
        }
    }
    let profiles = [&acme.authentication_profile_id, &acme.signing_profile_id];
    profiles
        .into_iter()
        .flatten()
        .try_for_each(|profile| check::text("the ACME profile", profile))
}

fn authority_not_found(fingerprint: &Fingerprint) -> Refusal {
    Refusal::not_found(
        format!("the authority {fingerprint}"),
        "look at the authorities of the certification service",
    )
}

fn approved<'s>(state: &'s mut State, service: &Fingerprint) -> Result<&'s mut Approved, Refusal> {
    state.authorities.get_mut(service).ok_or_else(|| {
        Refusal::not_found(
            format!("the certification service {service}"),
            "approve its top authority first",
        )
    })
}

const HTTP: &[&str] = &["http", "https"];
