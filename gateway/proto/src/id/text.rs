//! Identifiers as text: `Display` for people, the REST form for the wire, TOML and JSON.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{ClientId, Error, GlobalGroupId, MemberId, ServerId, ServiceId, percent};

impl MemberId {
    /// Reads `instance/class/code`, each component percent-encoded (PR-REST 4.2).
    ///
    /// # Errors
    /// When there are not three components, one is blank, or the encoding is wrong.
    pub fn from_rest(text: &str) -> Result<Self, Error> {
        match *pieces::<3>(text, "3")? {
            [instance, class, code] => Self::decoded(instance, class, code),
            ref other => Err(wrong("3", other.len())),
        }
    }

    /// `instance/class/code`, percent-encoded.
    pub fn to_rest(&self) -> String {
        joined(&self.parts())
    }

    fn decoded(instance: &str, class: &str, code: &str) -> Result<Self, Error> {
        Self::new(
            &percent::decode(instance)?,
            &percent::decode(class)?,
            &percent::decode(code)?,
        )
    }

    fn parts(&self) -> [&str; 3] {
        [self.instance(), self.member_class(), self.member_code()]
    }
}

impl ClientId {
    /// Reads `instance/class/code[/subsystem]`, each component percent-encoded by the strict rule
    /// (PR-REST 4.2). The form of the `X-Road-Client` header and of our configuration files.
    ///
    /// # Errors
    /// When there are not three or four components, one is blank, or the encoding is wrong.
    pub fn from_rest(text: &str) -> Result<Self, Error> {
        match *pieces::<4>(text, "3 or 4")? {
            [instance, class, code] => Self::new(MemberId::decoded(instance, class, code)?, None),
            [instance, class, code, subsystem] => {
                let member = MemberId::decoded(instance, class, code)?;
                Self::new(member, Some(&percent::decode(subsystem)?))
            }
            ref other => Err(wrong("3 or 4", other.len())),
        }
    }

    /// `instance/class/code[/subsystem]`, percent-encoded; an absent subsystem is skipped.
    pub fn to_rest(&self) -> String {
        let mut out = self.member().to_rest();
        push_component(&mut out, self.subsystem());
        out
    }
}

impl ServiceId {
    /// Reads the five components `instance/class/code/subsystem/service` of a REST service
    /// (the `x-road-service` header). REST services have no version.
    ///
    /// # Errors
    /// When there are not five components, one is blank, or the encoding is wrong.
    pub fn from_rest(text: &str) -> Result<Self, Error> {
        match *pieces::<5>(text, "5")? {
            [instance, class, code, subsystem, service] => {
                let member = MemberId::decoded(instance, class, code)?;
                let provider = ClientId::new(member, Some(&percent::decode(subsystem)?))?;
                Self::new(provider, &percent::decode(service)?, None)
            }
            ref other => Err(wrong("5", other.len())),
        }
    }

    /// The components that are there, percent-encoded and joined with `/`.
    pub fn to_rest(&self) -> String {
        let mut out = self.provider().to_rest();
        push_component(&mut out, Some(self.code()));
        push_component(&mut out, self.version());
        out
    }

    /// The form of configuration files and stores: as [`Self::to_rest`], but an absent subsystem
    /// leaves its place empty, so that the text says which component is which.
    fn to_text(&self) -> String {
        let mut out = self.provider().member().to_rest();
        push_component(
            &mut out,
            Some(self.provider().subsystem().unwrap_or_default()),
        );
        push_component(&mut out, Some(self.code()));
        push_component(&mut out, self.version());
        out
    }
}

impl ServerId {
    /// Reads `instance/class/code/server`, each component percent-encoded (the
    /// `X-Road-Security-Server` header).
    ///
    /// # Errors
    /// When there are not four components, one is blank, or the encoding is wrong.
    pub fn from_rest(text: &str) -> Result<Self, Error> {
        match *pieces::<4>(text, "4")? {
            [instance, class, code, server] => {
                let owner = MemberId::decoded(instance, class, code)?;
                Self::new(owner, &percent::decode(server)?)
            }
            ref other => Err(wrong("4", other.len())),
        }
    }

    /// `instance/class/code/server`, percent-encoded.
    pub fn to_rest(&self) -> String {
        let mut out = self.owner().to_rest();
        push_component(&mut out, Some(self.code()));
        out
    }
}

impl GlobalGroupId {
    /// Reads `instance/group`, each component percent-encoded.
    ///
    /// # Errors
    /// When there are not two components, one is blank, or the encoding is wrong.
    pub fn from_rest(text: &str) -> Result<Self, Error> {
        match *pieces::<2>(text, "2")? {
            [instance, code] => Self::new(&percent::decode(instance)?, &percent::decode(code)?),
            ref other => Err(wrong("2", other.len())),
        }
    }

    /// `instance/group`, percent-encoded.
    pub fn to_rest(&self) -> String {
        joined(&[self.instance(), self.code()])
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instance, class, code] = self.parts();
        write!(f, "MEMBER:{instance}/{class}/{code}")
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instance, class, code] = self.member().parts();
        match self.subsystem() {
            None => write!(f, "MEMBER:{instance}/{class}/{code}"),
            Some(subsystem) => write!(f, "SUBSYSTEM:{instance}/{class}/{code}/{subsystem}"),
        }
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instance, class, code] = self.provider().member().parts();
        write!(f, "SERVICE:{instance}/{class}/{code}")?;
        let optional = [
            self.provider().subsystem(),
            Some(self.code()),
            self.version(),
        ];
        optional
            .into_iter()
            .flatten()
            .try_for_each(|part| write!(f, "/{part}"))
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [instance, class, code] = self.owner().parts();
        write!(f, "SERVER:{instance}/{class}/{code}/{}", self.code())
    }
}

impl fmt::Display for GlobalGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GLOBALGROUP:{}/{}", self.instance(), self.code())
    }
}

/// The configuration form `instance/class/code/[subsystem]/service[/version]`; an empty fourth
/// component means a service of the member itself.
impl FromStr for ServiceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (instance, class, code, subsystem, service, version) =
            match *pieces::<6>(text, "5 or 6")? {
                [instance, class, code, subsystem, service] => {
                    (instance, class, code, subsystem, service, None)
                }
                [instance, class, code, subsystem, service, version] => {
                    (instance, class, code, subsystem, service, Some(version))
                }
                ref other => return Err(wrong("5 or 6", other.len())),
            };
        let member = MemberId::decoded(instance, class, code)?;
        let subsystem = percent::decode(subsystem)?;
        let provider = ClientId::new(member, Some(&*subsystem).filter(|text| !text.is_empty()))?;
        let version = version.map(percent::decode).transpose()?;
        Self::new(provider, &percent::decode(service)?, version.as_deref())
    }
}

/// One textual form per identifier: what `FromStr` reads, serde writes, and the other way round.
macro_rules! text_form {
    ($type:ident, $write:ident, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.$write())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

/// `FromStr` reads the REST form.
macro_rules! from_rest {
    ($($type:ident)*) => {$(
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::from_rest(text)
            }
        }
    )*};
}

from_rest!(MemberId ClientId ServerId GlobalGroupId);
text_form!(
    MemberId,
    to_rest,
    "a member identifier `instance/class/code`"
);
text_form!(
    ClientId,
    to_rest,
    "a client identifier `instance/class/code[/subsystem]`"
);
text_form!(
    ServerId,
    to_rest,
    "a server identifier `instance/class/code/server`"
);
text_form!(
    GlobalGroupId,
    to_rest,
    "a global group identifier `instance/group`"
);
text_form!(
    ServiceId,
    to_text,
    "a service identifier `instance/class/code/[subsystem]/service[/version]`"
);

/// Splits at `/` into at most `MAX` pieces; the slice-like list keeps its length.
fn pieces<'t, const MAX: usize>(
    text: &'t str,
    expected: &'static str,
) -> Result<Box<[&'t str]>, Error> {
    let found = text.split('/').count();
    match found <= MAX {
        true => Ok(text.split('/').collect()),
        false => Err(wrong(expected, found)),
    }
}

const fn wrong(expected: &'static str, found: usize) -> Error {
    Error::Components { expected, found }
}

fn joined(parts: &[&str]) -> String {
    let mut out = String::new();
    for part in parts {
        push_component(&mut out, Some(part));
    }
    out
}

fn push_component(out: &mut String, component: Option<&str>) {
    let Some(component) = component else { return };
    if !out.is_empty() {
        out.push('/');
    }
    // Writing to a String cannot fail.
    let _infallible = percent::encode(component, out);
}
