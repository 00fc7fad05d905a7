//! Which services are published, and how that compares with what a law or decree lists.

use std::collections::BTreeSet;

use gateway_policy::rules::Status;
use gateway_proto::id::{ClientId, ServiceId};
use serde::Serialize;

use super::State;

/// A service as nodes know it from the rules in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedService {
    /// Whose service.
    pub provider: ClientId,
    /// Its code.
    pub code: String,
    /// The system it belongs to.
    pub system: String,
    /// Its system is registered: it is not switched off.
    pub active: bool,
    /// Its answers are about persons.
    pub personal: bool,
    /// Its provider is registered at a server, enabled.
    pub reachable: bool,
}

/// A list of services approved by law beside the published ones. Services are named without
/// version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Approved, published and active.
    pub published: Vec<ServiceId>,
    /// Approved and published, but switched off with its system.
    pub switched_off: Vec<ServiceId>,
    /// Approved and not published.
    pub missing: Vec<ServiceId>,
    /// Published and not approved.
    pub unapproved: Vec<ServiceId>,
}

impl State {
    /// The services of the rules in force, in the order of their identifiers; none before rules
    /// were published.
    #[must_use]
    pub fn published_services(&self) -> Vec<PublishedService> {
        let Some(published) = &self.published else {
            return Vec::new();
        };
        let part = published.part();
        let registered: BTreeSet<&str> = part
            .systems
            .iter()
            .filter(|system| system.status == Status::Registered)
            .map(|system| system.code.as_str())
            .collect();
        let reachable: BTreeSet<&ClientId> = self
            .servers
            .values()
            .flat_map(|server| &server.clients)
            .filter(|(_, registration)| registration.enabled)
            .map(|(client, _)| client)
            .collect();
        let services = part.services.iter();
        services
            .map(|service| PublishedService {
                provider: service.provider.clone(),
                code: service.code.clone(),
                system: service.system.clone(),
                active: registered.contains(service.system.as_str()),
                personal: service.personal,
                reachable: reachable.contains(&service.provider),
            })
            .collect()
    }

    /// Compares a list of approved services with the published ones.
    #[must_use]
    pub fn compare_services(&self, approved: &BTreeSet<ServiceId>) -> Comparison {
        let approved: BTreeSet<_> = approved.iter().filter_map(without_version).collect();
        let mut comparison = Comparison::default();
        let mut seen = BTreeSet::new();
        for service in self.published_services() {
            let Ok(id) = ServiceId::new(service.provider, &service.code, None) else {
                continue;
            };
            let list = match (approved.contains(&id), service.active) {
                (true, true) => &mut comparison.published,
                (true, false) => &mut comparison.switched_off,
                (false, _) => &mut comparison.unapproved,
            };
            list.push(id.clone());
            seen.insert(id);
        }
        comparison.missing = approved.difference(&seen).cloned().collect();
        comparison
    }
}

fn without_version(id: &ServiceId) -> Option<ServiceId> {
    ServiceId::new(id.provider().clone(), id.code(), None).ok()
}
