//! Checks a part as a whole: what no node could obey is an error, what never decides a warning.
//!
//! It stays fast with 10 000 rules: everything is looked up, and rules are compared only with rules
//! that name the same consumer, scope and purpose.

mod declared;
mod document;
mod overlap;
mod rule;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use gateway_proto::id::ClientId;

use super::part::{Category, Part, Purpose, Scope, Service, System};

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it may be published all the same.
    pub severity: Severity,
    /// Where: `rule bank-income`, `service AZ/GOV/1/sub/code`.
    pub place: String,
    /// What.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look: a shadowed rule, a purpose nobody uses.
    Warning,
    /// It cannot be published.
    Error,
}

/// Everything worth saying about the part; errors first.
#[must_use]
pub fn check(part: &Part) -> Vec<Finding> {
    let names = Names::of(part);
    let mut findings = Findings(Vec::new());
    document::check(part, &mut findings);
    declared::check(part, &names, &mut findings);
    rule::check(part, &names, &mut findings);
    // What is too long is not looked into pair by pair.
    if document::is_bounded(part) {
        overlap::check(part, &mut findings);
    }
    declared::check_use(part, &names, &mut findings);
    let mut all = findings.0;
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// What was found so far.
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, place: impl fmt::Display, text: impl Into<String>) {
        self.push(Severity::Error, place, text);
    }

    fn warning(&mut self, place: impl fmt::Display, text: impl Into<String>) {
        self.push(Severity::Warning, place, text);
    }

    fn push(&mut self, severity: Severity, place: impl fmt::Display, text: impl Into<String>) {
        self.0.push(Finding {
            severity,
            place: place.to_string().chars().take(PLACE_CHARS_MAX).collect(),
            text: text.into(),
        });
    }
}

/// What the part declares, by its names; of what stands twice, the first.
struct Names<'p> {
    purposes: HashMap<&'p str, &'p Purpose>,
    categories: HashMap<&'p str, &'p Category>,
    systems: HashMap<&'p str, &'p System>,
    services: HashMap<&'p ClientId, Provided<'p>>,
}

/// The services of a provider.
#[derive(Default)]
struct Provided<'p> {
    by_code: HashMap<&'p str, &'p Service>,
    /// All of them together, for rules about all of them.
    together: Declared<'p>,
}

/// The services that a scope holds.
enum InScope<'n, 'p> {
    One(&'p Service),
    All(&'n Declared<'p>),
}

/// What services declare together, and the first of them that stands out.
#[derive(Default)]
struct Declared<'p> {
    purposes: BTreeSet<&'p str>,
    categories: BTreeSet<&'p str>,
    personal: Option<&'p Service>,
    without_subjects: Option<&'p Service>,
}

impl<'p> Names<'p> {
    fn of(part: &'p Part) -> Self {
        let mut names = Self {
            purposes: HashMap::new(),
            categories: HashMap::new(),
            systems: HashMap::new(),
            services: HashMap::new(),
        };
        for purpose in &part.purposes {
            names.purposes.entry(&purpose.code).or_insert(purpose);
        }
        for category in &part.categories {
            names.categories.entry(&category.code).or_insert(category);
        }
        for system in &part.systems {
            names.systems.entry(&system.code).or_insert(system);
        }
        for service in &part.services {
            let provided = names.services.entry(&service.provider).or_default();
            provided.by_code.entry(&service.code).or_insert(service);
            provided.together.add(service);
        }
        names
    }

    /// The services of a scope; `None` when there are none.
    fn in_scope(&self, scope: &Scope) -> Option<InScope<'_, 'p>> {
        let provided = self.services.get(&scope.provider)?;
        match &scope.code {
            None => Some(InScope::All(&provided.together)),
            Some(code) => provided
                .by_code
                .get(code.as_str())
                .copied()
                .map(InScope::One),
        }
    }
}

impl<'p> InScope<'_, 'p> {
    /// A service that is about persons.
    fn personal(&self) -> Option<&'p Service> {
        match self {
            Self::One(service) => Some(*service).filter(|service| service.personal),
            Self::All(together) => together.personal,
        }
    }

    /// A service that does not say where its requests name persons.
    fn without_subjects(&self) -> Option<&'p Service> {
        match self {
            Self::One(service) => Some(*service).filter(|service| service.subjects.is_empty()),
            Self::All(together) => together.without_subjects,
        }
    }

    /// Purposes that the services declare.
    fn purposes(&self) -> Vec<&'p str> {
        match self {
            Self::One(service) => service.purposes.iter().map(String::as_str).collect(),
            Self::All(together) => together.purposes.iter().copied().collect(),
        }
    }

    /// Categories that the services give.
    fn categories(&self) -> Vec<&'p str> {
        match self {
            Self::One(service) => service.categories.iter().map(String::as_str).collect(),
            Self::All(together) => together.categories.iter().copied().collect(),
        }
    }
}

impl<'p> Declared<'p> {
    fn add(&mut self, service: &'p Service) {
        self.purposes
            .extend(service.purposes.iter().map(String::as_str));
        self.categories
            .extend(service.categories.iter().map(String::as_str));
        if service.personal {
            self.personal.get_or_insert(service);
        }
        if service.subjects.is_empty() {
            self.without_subjects.get_or_insert(service);
        }
    }
}

/// `AZ/GOV/1/sub/code`.
fn name_of(service: &Service) -> String {
    format!("{}/{}", service.provider.to_rest(), service.code)
}

/// Names may be of any length before they are checked. Characters.
const PLACE_CHARS_MAX: usize = 600;

#[cfg(test)]
mod tests;
