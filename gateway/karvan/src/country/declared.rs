//! What the registry of a country declares beyond the protocol, from one JSON document: purposes,
//! categories, systems, services, rules. Each goes through a command of the registry, as by hand.

use gateway_policy::rules::{Category, Purpose, Rule, Service, Settings, System};
use gateway_registry::Command;
use serde::Deserialize;

use super::found::{Error, failed};

/// The document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    /// For readers.
    #[serde(rename = "about")]
    _about: String,
    settings: Settings,
    purposes: Vec<Purpose>,
    categories: Vec<Category>,
    systems: Vec<System>,
    services: Vec<Service>,
    rules: Vec<Rule>,
}

/// The commands that declare it, in an order in which each finds what it names; published last.
pub(super) fn commands(json: &str) -> Result<Vec<Command>, Error> {
    let declared: Declared =
        serde_json::from_str(json).map_err(|error| failed("the declarations", error))?;
    let purposes = declared
        .purposes
        .into_iter()
        .map(|purpose| Command::AddPurpose {
            code: purpose.code,
            title: purpose.title,
        });
    let categories = declared
        .categories
        .into_iter()
        .map(|category| Command::AddCategory {
            code: category.code,
            title: category.title,
            special: category.special,
        });
    let systems = declared
        .systems
        .into_iter()
        .map(|system| Command::RegisterSystem {
            code: system.code,
            owner: system.owner,
            name: system.name,
            register: system.register,
            entry: system.entry,
            purposes: system.purposes,
        });
    let services = declared
        .services
        .into_iter()
        .map(|service| Command::DeclareService { service });
    let rules = declared.rules.into_iter().map(|rule| Command::PutRule {
        rule: Box::new(rule),
    });
    let settings = Command::ChangeRuleSettings {
        settings: declared.settings,
    };
    Ok(purposes
        .chain(categories)
        .chain(systems)
        .chain(services)
        .chain([settings])
        .chain(rules)
        .chain([Command::PublishRules {}])
        .collect())
}
