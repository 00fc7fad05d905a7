//! From a service and a consumer to the rules that name them, without looking at the others.

use std::collections::HashMap;

use gateway_proto::id::{ClientId, GlobalGroupId, ServiceId};

use super::super::part::{Consumer, Part};

/// By provider.
#[derive(Clone, Debug)]
pub(super) struct Index(HashMap<ClientId, Provider>);

/// A rule and one of its scopes, by their positions in the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) rule: usize,
    pub(super) scope: usize,
}

#[derive(Clone, Debug, Default)]
struct Provider {
    /// Rules about all of its services.
    any: Bucket,
    /// By service code.
    services: HashMap<String, Named>,
}

#[derive(Clone, Debug, Default)]
struct Named {
    /// Position of its declaration.
    declared: Option<usize>,
    bucket: Bucket,
}

/// Rules by whom they name.
#[derive(Clone, Debug, Default)]
struct Bucket {
    clients: HashMap<ClientId, Vec<Entry>>,
    groups: HashMap<GlobalGroupId, Vec<Entry>>,
    /// By class, then by instance, of which there are few.
    classes: HashMap<String, Vec<(String, Vec<Entry>)>>,
    /// Positions of all these rules, each once, in order.
    rules: Vec<usize>,
}

impl Index {
    pub(super) fn new(part: &Part) -> Self {
        let mut providers: HashMap<ClientId, Provider> = HashMap::new();
        for (position, service) in part.services.iter().enumerate() {
            let provider = providers.entry(service.provider.clone()).or_default();
            let named = provider.services.entry(service.code.clone()).or_default();
            named.declared = Some(position);
        }
        for (position, rule) in part.rules.iter().enumerate() {
            for (scope_position, scope) in rule.services.iter().enumerate() {
                let provider = providers.entry(scope.provider.clone()).or_default();
                let bucket = match &scope.code {
                    None => &mut provider.any,
                    Some(code) => &mut provider.services.entry(code.clone()).or_default().bucket,
                };
                let entry = Entry {
                    rule: position,
                    scope: scope_position,
                };
                bucket.add(entry, &rule.consumers);
            }
        }
        Self(providers)
    }

    /// Where the service is declared.
    pub(super) fn declared(&self, service: &ServiceId) -> Option<usize> {
        self.0
            .get(service.provider())?
            .services
            .get(service.code())?
            .declared
    }

    /// Positions of the rules with a scope that holds this service.
    pub(super) fn about(&self, service: &ServiceId) -> Vec<usize> {
        let mut rules: Vec<usize> = self
            .buckets(service)
            .flat_map(|bucket| bucket.rules.iter().copied())
            .collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Rules and scopes that name this consumer and this service, in the order of the rules.
    pub(super) fn candidates(
        &self,
        client: &ClientId,
        service: &ServiceId,
        in_group: impl Fn(&GlobalGroupId) -> bool,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for bucket in self.buckets(service) {
            bucket.collect(client, &in_group, &mut entries);
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }

    fn buckets(&self, service: &ServiceId) -> impl Iterator<Item = &Bucket> {
        let provider = self.0.get(service.provider());
        let named = provider.and_then(|provider| provider.services.get(service.code()));
        let any = provider.map(|provider| &provider.any);
        named.map(|named| &named.bucket).into_iter().chain(any)
    }
}

impl Bucket {
    fn add(&mut self, entry: Entry, consumers: &[Consumer]) {
        if self.rules.last() != Some(&entry.rule) {
            self.rules.push(entry.rule);
        }
        for consumer in consumers {
            match consumer {
                Consumer::Client(id) => self.clients.entry(id.clone()).or_default().push(entry),
                Consumer::Group(id) => self.groups.entry(id.clone()).or_default().push(entry),
                Consumer::Class { instance, class } => {
                    let instances = self.classes.entry(class.clone()).or_default();
                    match instances.iter_mut().find(|(known, _)| known == instance) {
                        Some((_, entries)) => entries.push(entry),
                        None => instances.push((instance.clone(), vec![entry])),
                    }
                }
            }
        }
    }

    fn collect(
        &self,
        client: &ClientId,
        in_group: &impl Fn(&GlobalGroupId) -> bool,
        entries: &mut Vec<Entry>,
    ) {
        entries.extend(self.clients.get(client).into_iter().flatten());
        for (instance, of_class) in self
            .classes
            .get(client.member().member_class())
            .into_iter()
            .flatten()
        {
            if instance == client.instance() {
                entries.extend(of_class);
            }
        }
        for (group, of_group) in &self.groups {
            if in_group(group) {
                entries.extend(of_group);
            }
        }
    }
}
