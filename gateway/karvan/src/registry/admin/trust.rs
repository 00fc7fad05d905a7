//! Certification and time-stamping services, and partners: whom the instance believes.

use gateway_registry::state::{Authority, Fingerprint};
use serde_json::{Value, json};

use super::answer::{Answer, Problem};
use super::call::Call;

pub(super) fn certification_services(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(state.authorities.iter().map(|(fingerprint, approved)| {
        json!({
            "fingerprint": fingerprint,
            "name": approved.name,
            "authentication_only": approved.authentication_only,
            "profile_class": approved.profile_class,
            "top": authority(&approved.top),
            "intermediates": approved.intermediates.iter().map(authority).collect::<Vec<_>>(),
        })
    }))
}

pub(super) fn timestamping_services(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    Answer::list(state.timestampers.iter().map(|(fingerprint, timestamper)| {
        json!({
            "fingerprint": fingerprint,
            "name": timestamper.name,
            "url": timestamper.url,
            "cost": timestamper.cost,
        })
    }))
}

pub(super) fn trusted_anchors(call: &Call<'_>) -> Result<Answer, Problem> {
    let state = call.state();
    let anchors = state.trusted_anchors.iter();
    Answer::list(
        anchors.map(|(instance, anchor)| json!({ "instance": instance, "anchor": anchor })),
    )
}

fn authority(authority: &Authority) -> Value {
    let responders = authority.responders.iter();
    json!({
        "fingerprint": Fingerprint::of(&authority.certificate),
        "subject": authority.certificate.subject().to_string(),
        "responders": responders
            .map(|responder| json!({ "url": responder.url, "cost": responder.cost }))
            .collect::<Vec<_>>(),
    })
}
