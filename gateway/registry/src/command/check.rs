//! Values the registry takes: identifiers, names, addresses, numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use crate::Refusal;

/// A component of an identifier: the characters that every node accepts.
pub(super) fn identifier(what: &str, value: &str) -> Result<(), Refusal> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "'()+,-.=?".contains(character);
    if value.is_empty() || value.len() > TEXT_BYTES_MAX {
        return Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it must have 1 to 255 characters",
            "choose a code of that length",
        ));
    }
    match value.chars().all(allowed) && !matches!(value, "." | "..") {
        true => Ok(()),
        false => Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it holds a character that identifiers cannot have everywhere",
            "use letters a-z and A-Z, digits, and ' ( ) + , - . = ? only",
        )),
    }
}

/// A name or description: text that can stand in the configuration.
pub(super) fn text(what: &str, value: &str) -> Result<(), Refusal> {
    optional_text(what, value)?;
    match value.trim().is_empty() {
        true => Err(Refusal::invalid(what, "it is blank", "give it some text")),
        false => Ok(()),
    }
}

/// The same, and it may be empty.
pub(super) fn optional_text(what: &str, value: &str) -> Result<(), Refusal> {
    let unfit = |character: char| {
        character.is_control() || matches!(character, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if value.len() > TEXT_BYTES_MAX.saturating_mul(4) {
        return Err(Refusal::invalid(
            what,
            "it is too long",
            "use at most 255 characters",
        ));
    }
    match value.chars().any(unfit) {
        true => Err(Refusal::invalid(
            what,
            "it holds control characters",
            "use one line of ordinary text",
        )),
        false => Ok(()),
    }
}

/// A code that stands in headers, logs and addresses: of a purpose, a category, a system, a rule.
pub(super) fn code(what: &str, value: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let valid = (1..=CODE_BYTES_MAX).contains(&value.len())
        && value.bytes().all(allowed)
        && value.bytes().any(|byte| byte.is_ascii_alphanumeric());
    match valid {
        true => Ok(()),
        false => Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it is not a code",
            "use 1 to 64 of the letters a-z and A-Z, digits, and - _ .",
        )),
    }
}

/// Texts by language.
pub(super) fn title(what: &str, value: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (language, words) in value {
        code("the language", language)?;
        text(&format!("{what} in {language:?}"), words)?;
    }
    Ok(())
}

/// Nothing stands twice in a list.
pub(super) fn no_repeats(what: &str, values: &[String]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match values.iter().find(|value| !seen.insert(value.as_str())) {
        None => Ok(()),
        Some(value) => Err(Refusal::invalid(
            what,
            format!("{value:?} stands there twice"),
            "name it once",
        )),
    }
}

/// A host name or an IP address, without port.
pub(super) fn host(what: &str, value: &str) -> Result<(), Refusal> {
    match value.parse::<IpAddr>().is_ok() || is_host_name(value) {
        true => Ok(()),
        false => Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it is neither an IP address nor a host name",
            "give a host name such as node.example.az (international ones in their xn-- form) or \
             an IP address, without scheme, port or path",
        )),
    }
}

/// A host and, if need be, a port: what stands in an address of the configuration.
pub(super) fn authority(what: &str, value: &str) -> Result<(), Refusal> {
    let bracketed = |text: &str| {
        let inner = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
    };
    let (host_part, port) = match value.rsplit_once(':') {
        Some((before, port)) if !port.contains(']') => (before, Some(port)),
        Some(_) | None => (value, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    match (bracketed(host_part) || host(what, host_part).is_ok() && !host_part.contains(':'))
        && port_fits
    {
        true => Ok(()),
        false => Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it is not a host name or IP address, with or without a port",
            "give for instance registry.example.az, 192.0.2.1 or [2001:db8::1]:8080",
        )),
    }
}

/// An address with one of these schemes.
pub(super) fn url(what: &str, value: &str, schemes: &[&str]) -> Result<(), Refusal> {
    let valid = value.split_once("://").is_some_and(|(scheme, rest)| {
        let authority_part = rest.split(['/', '?', '#']).next().unwrap_or_default();
        schemes.contains(&scheme) && authority(what, authority_part).is_ok()
    });
    let printable = value.chars().all(|character| character.is_ascii_graphic());
    match valid && printable && value.len() <= URL_BYTES_MAX {
        true => Ok(()),
        false => Err(Refusal::invalid(
            format!("{what} {value:?}"),
            "it is not an address that can be asked",
            format!(
                "give an address that begins with {}://",
                schemes.join(":// or ")
            ),
        )),
    }
}

/// A number within bounds.
pub(super) fn seconds(what: &str, value: u64, min: u64, max: u64) -> Result<(), Refusal> {
    match (min..=max).contains(&value) {
        true => Ok(()),
        false => Err(Refusal::invalid(
            what,
            format!("{value} seconds is out of bounds"),
            format!("choose {min} to {max} seconds"),
        )),
    }
}

/// Letters, digits and hyphens in labels of 1 to 63, together at most 253 (RFC 1123, 2.1).
fn is_host_name(value: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric_end = value
        .rsplit('.')
        .next()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    value.len() <= 253 && value.split('.').all(label) && !numeric_end
}

const CODE_BYTES_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 255;
const URL_BYTES_MAX: usize = 2000;
