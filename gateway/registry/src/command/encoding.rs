//! How the parts of commands stand in JSON where their types do not say it themselves.

use gateway_policy::rules::{Basis, Consumer, Disclosure, Limits, Rule, Scope};
use serde::{Deserialize, Deserializer};

/// A rule whose version may be missing.
pub(super) fn rule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Rule>, D::Error> {
    let written = Written::deserialize(deserializer)?;
    Ok(Box::new(Rule {
        id: written.id,
        version: written.version,
        title: written.title,
        consumers: written.consumers,
        services: written.services,
        purposes: written.purposes,
        categories: written.categories,
        basis: written.basis,
        limits: written.limits,
        disclosure: written.disclosure,
    }))
}

/// As [`Rule`], field by field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(default)]
    version: u32,
    #[serde(default)]
    title: String,
    consumers: Vec<Consumer>,
    services: Vec<Scope>,
    purposes: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    basis: Basis,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    disclosure: Disclosure,
}

/// An anchor as its XML.
pub(super) mod anchor {
    use gateway_globalconf::Anchor;
    use serde::{Deserialize, Deserializer, Serializer, ser};

    pub(in crate::command) fn serialize<S: Serializer>(
        anchor: &Anchor,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let xml = String::from_utf8(anchor.to_xml()).map_err(ser::Error::custom)?;
        serializer.serialize_str(&xml)
    }

    pub(in crate::command) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Anchor, D::Error> {
        let xml = String::deserialize(deserializer)?;
        Anchor::from_xml(xml.as_bytes()).map_err(serde::de::Error::custom)
    }
}
