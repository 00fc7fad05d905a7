//! From the state to the parts of the configuration, and to anchors.

use gateway_globalconf::params::{
    self, AcmeServer, ApprovedAuthority, ApprovedTimestamper, ConfigurationSource, CostType,
    CsrFormat, GlobalGroup, Maintenance, ManagementService, MemberClass, OcspResponder,
    PrivateParams, SecurityServer, SharedParams, Subsystem,
};
use gateway_globalconf::{Anchor, Source as AnchorSource};
use gateway_proto::id::GlobalGroupId;
use jiff::Timestamp;

use crate::keys::{Keys, Source};
use crate::state::{Acme, Approved, Authority, Cost, Server};
use crate::{Error, Refusal, State};

/// The anchor of a source: hand the internal one to the nodes of this instance, the external one to
/// partners; again after a change of address or keys. Its `http` address comes first, because some
/// readers derive the `https` one from it and drop all others.
pub fn anchor(state: &State, keys: &Keys, source: Source, now: Timestamp) -> Anchor {
    let certificates = keys.signer(source).certificates();
    let at = |scheme: &str| AnchorSource {
        download_url: format!("{scheme}://{}/{}", state.address, source.directory()),
        verification_certificates: certificates.clone(),
    };
    Anchor {
        instance: state.instance.clone(),
        generated_at: Some(now),
        sources: vec![at("http"), at("https")],
    }
}

pub(crate) fn shared(state: &State, keys: &Keys) -> Result<SharedParams, Error> {
    Ok(SharedParams {
        instance: state.instance.clone(),
        sources: vec![ConfigurationSource {
            address: state.address.clone(),
            internal_certificates: keys.internal.certificates(),
            external_certificates: keys.external.certificates(),
        }],
        authorities: state.authorities.values().map(approved).collect(),
        timestampers: state
            .timestampers
            .values()
            .map(|timestamper| ApprovedTimestamper {
                name: timestamper.name.clone(),
                url: timestamper.url.clone(),
                certificate: timestamper.certificate.clone(),
                cost: Some(cost(timestamper.cost)),
            })
            .collect(),
        members: state
            .members
            .iter()
            .map(|(id, entry)| member(state, id, entry))
            .collect(),
        servers: state
            .servers
            .iter()
            .map(|(id, entry)| server(id, entry))
            .collect(),
        groups: groups(state)?,
        member_classes: state
            .member_classes
            .iter()
            .map(|(code, description)| MemberClass {
                code: code.clone(),
                description: description.clone(),
            })
            .collect(),
        ocsp_freshness_seconds: state.settings.ocsp_freshness_seconds,
        left_out: Vec::new(),
    })
}

pub(crate) fn private(state: &State) -> Result<PrivateParams, Error> {
    let provider = state.management.provider.clone().ok_or(Error::NotReady {
        missing: "a provider of the management services",
        remedy: "set the management service provider to a registered subsystem",
    })?;
    let trusted_anchors = state
        .trusted_anchors
        .iter()
        .map(|(instance, xml)| {
            Anchor::from_xml(xml.as_bytes()).map_err(|error| Error::Anchor {
                instance: instance.clone(),
                source: Box::new(error),
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(PrivateParams {
        instance: state.instance.clone(),
        trusted_anchors,
        management_service: ManagementService {
            registration_address: state.management.registration_address.clone(),
            registration_certificate: state.management.registration_certificate.clone(),
            provider,
        },
        timestamping_interval_seconds: state.settings.timestamping_interval_seconds,
        left_out: Vec::new(),
    })
}

fn member(
    state: &State,
    id: &gateway_proto::id::MemberId,
    member: &crate::state::Member,
) -> params::Member {
    params::Member {
        id: id.clone(),
        name: member.name.clone(),
        class_description: state
            .member_classes
            .get(id.member_class())
            .cloned()
            .unwrap_or_default(),
        subsystems: member
            .subsystems
            .iter()
            .map(|(code, name)| Subsystem {
                code: code.clone(),
                name: name.clone(),
            })
            .collect(),
    }
}

/// A disabled registration is not published: nobody is routed there.
fn server(id: &gateway_proto::id::ServerId, server: &Server) -> SecurityServer {
    let enabled = server
        .clients
        .iter()
        .filter(|(_, registration)| registration.enabled);
    SecurityServer {
        id: id.clone(),
        address: Some(server.address.clone()),
        auth_certificate_hashes: server
            .auth_certificates
            .iter()
            .map(|certificate| certificate.sha256().as_bytes().to_vec())
            .collect(),
        clients: enabled.map(|(client, _)| client.clone()).collect(),
        maintenance: server.maintenance.as_ref().map(|message| Maintenance {
            message: (!message.is_empty()).then(|| message.clone()),
        }),
    }
}

fn groups(state: &State) -> Result<Vec<GlobalGroup>, Error> {
    state
        .groups
        .iter()
        .map(|(code, group)| {
            let id = GlobalGroupId::new(&state.instance, code).map_err(|error| {
                Refusal::invalid("a group code", error.to_string(), "remove the group")
            })?;
            Ok(GlobalGroup {
                id,
                description: group.description.clone(),
                members: group.members.iter().cloned().collect(),
            })
        })
        .collect()
}

fn approved(approved: &Approved) -> ApprovedAuthority {
    ApprovedAuthority {
        name: approved.name.clone(),
        authentication_only: approved.authentication_only,
        top: Some(authority(&approved.top)),
        intermediates: approved.intermediates.iter().map(authority).collect(),
        profile_class: approved.profile_class.clone(),
        default_csr_format: Some(match approved.der_requests {
            true => CsrFormat::Der,
            false => CsrFormat::Pem,
        }),
        acme: approved.acme.as_ref().map(acme),
    }
}

fn authority(authority: &Authority) -> params::Authority {
    params::Authority {
        certificate: authority.certificate.clone(),
        responders: authority
            .responders
            .iter()
            .map(|responder| OcspResponder {
                url: responder.url.clone(),
                certificate: responder.certificate.clone(),
                cost: Some(cost(responder.cost)),
            })
            .collect(),
    }
}

fn acme(acme: &Acme) -> AcmeServer {
    AcmeServer {
        directory_url: acme.directory_url.clone(),
        ip_address: acme.ip_address.clone(),
        authentication_profile_id: acme.authentication_profile_id.clone(),
        signing_profile_id: acme.signing_profile_id.clone(),
    }
}

fn cost(cost: Cost) -> CostType {
    match cost {
        Cost::Free => CostType::Free,
        Cost::Paid => CostType::Paid,
        Cost::Undefined => CostType::Undefined,
    }
}
