//! Whether what a consumer asks could ever be used under the rules in force: a person is not
//! bothered in vain.

use gateway_policy::basis::Directory;
use gateway_policy::rules::{Basis, Consumer, Registration, Rule, Rules, Service};
use gateway_proto::id::{ClientId, ServiceId};
use jiff::Timestamp;

use super::Row;
use crate::Refusal;

/// Refuses what no node would let pass, and categories that nobody gives.
pub(super) fn check(
    row: &Row,
    rules: &Rules,
    directory: &dyn Directory,
    now: Timestamp,
) -> Result<(), Refusal> {
    let purposes = &rules.part().purposes;
    if !purposes.iter().any(|purpose| purpose.code == row.purpose) {
        return Err(Refusal::PurposeUnknown);
    }
    let mut given: Vec<&String> = Vec::new();
    for (code, position) in row.services.iter().zip(1_usize..) {
        let not_registered = Refusal::ServiceNotRegistered { position };
        let Ok(service) = ServiceId::new(row.provider.clone(), code, None) else {
            return Err(not_registered);
        };
        let Registration::Registered(declared, _) = rules.registration(&service) else {
            return Err(not_registered);
        };
        given.extend(&declared.categories);
        check_service(row, &service, declared, rules, directory, now, position)?;
    }
    let mut asked = row.categories.iter().zip(1_usize..);
    match asked.find(|(code, _)| !given.contains(code)) {
        Some((_, position)) => Err(Refusal::CategoryNotDeclared { position }),
        None => Ok(()),
    }
}

/// One rule must do for the service as a whole: purpose and categories.
fn check_service(
    row: &Row,
    service: &ServiceId,
    declared: &Service,
    rules: &Rules,
    directory: &dyn Directory,
    now: Timestamp,
    position: usize,
) -> Result<(), Refusal> {
    let mut furthest = Refusal::NoConsentRule { position };
    if !declared.purposes.contains(&row.purpose) {
        return Err(furthest);
    }
    let by_consent = rules.about(service).filter(|rule| {
        rule.basis == Basis::Consent
            && rule.purposes.contains(&row.purpose)
            && names(&rule.consumers, &row.consumer, directory)
            && rule.limits.valid_until.is_none_or(|until| now < until)
    });
    for rule in by_consent {
        match missing(row, service, declared, rule) {
            None => return Ok(()),
            Some(category) => {
                furthest = Refusal::CategoryMissing {
                    position,
                    category: category.clone(),
                };
            }
        }
    }
    Err(furthest)
}

/// A category that the service gives under this rule and that is not asked for. A rule about some
/// endpoints says what those give; one about the whole service cannot make it give less than it
/// declares.
fn missing<'s>(
    row: &Row,
    service: &ServiceId,
    declared: &'s Service,
    rule: &Rule,
) -> Option<&'s String> {
    let about = rule.services.iter().filter(|scope| {
        scope.provider == *service.provider()
            && scope
                .code
                .as_deref()
                .is_none_or(|code| code == service.code())
    });
    let whole = about.clone().any(|scope| {
        scope.method.is_none() && scope.path.as_deref().is_none_or(|path| path == "**")
    });
    let narrowed = !whole && !rule.categories.is_empty();
    declared
        .categories
        .iter()
        .filter(|code| !narrowed || rule.categories.contains(code))
        .find(|code| !row.categories.contains(code))
}

/// Whether a rule names this consumer.
pub(crate) fn names(consumers: &[Consumer], client: &ClientId, directory: &dyn Directory) -> bool {
    consumers.iter().any(|consumer| match consumer {
        Consumer::Client(id) => id == client,
        Consumer::Group(group) => directory.in_global_group(client, group),
        Consumer::Class { instance, class } => {
            client.instance() == instance && client.member().member_class() == class
        }
    })
}
