//! Rights, their subjects, and the decision.

use std::fmt;

use gateway_proto::id::{ClientId, GlobalGroupId};

use crate::path::ServicePath;
use crate::pattern::PathPattern;

/// Who has a right.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Exactly this client; a member does not stand for its subsystems, nor the reverse.
    Client(ClientId),
    /// The clients listed in a global group of that instance.
    GlobalGroup(GlobalGroupId),
    /// The clients listed in a group of the provider.
    LocalGroup(String),
}

/// The method of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `*`
    Any,
    /// One method, compared without regard to case.
    Is(String),
}

/// Method and path of a service. SOAP services have only the base endpoint (`*` `**`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The method that may be used.
    pub method: Method,
    /// The paths that may be used.
    pub path: PathPattern,
}

/// One right: this subject may use this endpoint of this service code, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRight {
    /// Who.
    pub subject: Subject,
    /// The service code.
    pub service_code: String,
    /// What of it.
    pub endpoint: Endpoint,
    /// For which purposes, of those the registry declares; empty: it names none, and leaves that to
    /// the rules.
    pub purposes: Vec<String>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Query<'q> {
    /// The caller as signed in the message.
    pub client: &'q ClientId,
    /// The service code called.
    pub service_code: &'q str,
    /// Method and path for REST; `None` for SOAP, which only a base endpoint can match.
    pub rest: Option<(&'q str, &'q ServicePath)>,
}

/// What the groups hold, by the configuration in force.
pub trait Groups {
    /// Exactly this client is listed in that global group.
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool;
    /// Exactly this client is listed in that local group of the provider.
    fn in_local_group(&self, client: &ClientId, group: &str) -> bool;
}

/// Leave to call, naming the right that gave it. Only [`decide`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    rule: String,
    purposes: Vec<String>,
}

impl Permit {
    /// The deciding right, for the log: `GLOBALGROUP:AZ/registers GetPersonByFin * **`.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Purposes for which the rights that match are given; empty when one of them names none.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.purposes
    }
}

/// No right matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied;

/// Finds a right that allows the call.
///
/// A right that names no purposes decides before those that do, whatever their order; of several that
/// do, the first gives its name and each its purposes: the caller may use any of them.
///
/// # Errors
/// [`Denied`] when none does.
pub fn decide(
    query: &Query<'_>,
    rights: &[AccessRight],
    groups: &impl Groups,
) -> Result<Permit, Denied> {
    let matching = rights
        .iter()
        .filter(|right| right.service_code == query.service_code)
        .filter(|right| right.endpoint.covers(query.rest))
        .filter(|right| right.subject.includes(query.client, groups));
    let mut found: Option<Permit> = None;
    for right in matching {
        if right.purposes.is_empty() {
            return Ok(Permit {
                rule: right.to_string(),
                purposes: Vec::new(),
            });
        }
        let permit = found.get_or_insert_with(|| Permit {
            rule: right.to_string(),
            purposes: Vec::new(),
        });
        for purpose in &right.purposes {
            if !permit.purposes.contains(purpose) {
                permit.purposes.push(purpose.clone());
            }
        }
    }
    found.ok_or(Denied)
}

impl Subject {
    fn includes(&self, client: &ClientId, groups: &impl Groups) -> bool {
        match self {
            Self::Client(id) => id == client,
            Self::GlobalGroup(group) => groups.in_global_group(client, group),
            Self::LocalGroup(code) => groups.in_local_group(client, code),
        }
    }
}

impl Endpoint {
    /// `*` `**`: the whole service.
    #[must_use]
    pub fn base() -> Self {
        Self {
            method: Method::Any,
            path: PathPattern::any(),
        }
    }

    /// The endpoint of this method and path; missing: each.
    pub(crate) fn of(method: Option<&str>, path: Option<&str>) -> Self {
        Self {
            method: match method {
                None | Some("*") => Method::Any,
                Some(method) => Method::Is(method.to_owned()),
            },
            path: path.map_or_else(PathPattern::any, PathPattern::new),
        }
    }

    /// It is the whole service.
    pub(crate) fn is_base(&self) -> bool {
        self.method == Method::Any && self.path.is_any()
    }

    /// Whether a request with this method and path is for it; `None` is one by SOAP.
    pub(crate) fn covers(&self, rest: Option<(&str, &ServicePath)>) -> bool {
        match rest {
            Some((method, path)) => self.method.covers(method) && self.path.matches(path.as_str()),
            None => self.is_base(),
        }
    }
}

impl Method {
    fn covers(&self, method: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(own) => own.eq_ignore_ascii_case(method),
        }
    }
}

impl fmt::Display for AccessRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.subject, self.service_code, self.endpoint.method, self.endpoint.path
        )
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "{id}"),
            Self::GlobalGroup(id) => write!(f, "{id}"),
            Self::LocalGroup(code) => write!(f, "LOCALGROUP:{code}"),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Is(method) => f.write_str(method),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no access right matches")
    }
}

impl std::error::Error for Denied {}

#[cfg(test)]
mod tests;
