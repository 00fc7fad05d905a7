//! Identifiers of members, subsystems, services, servers and groups (PR-MESS 2.1, identifiers.xsd).
//!
//! Comparison is exact and case-sensitive on every component, including whether an optional one is
//! there. `Display` is the form of logs and fault texts, `TYPE:part/part/…` without escaping; the
//! REST form (`to_rest`, `from_rest`, `FromStr`, serde) is percent-encoded and unambiguous.
//!
//! The documents restrict the characters of identifiers (PR-MESS 2.7), but deployed servers do not
//! refuse others on the wire, so neither do we here; registering them is the registry's decision.

mod error;
mod percent;
mod text;

pub use error::Error;
pub(crate) use percent::decode as decode_component;

/// A member of an instance: the organisation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct MemberId {
    instance: Box<str>,
    member_class: Box<str>,
    member_code: Box<str>,
}

/// A member or one of its subsystems.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClientId {
    member: MemberId,
    subsystem: Option<Box<str>>,
}

/// A service of a client, with an optional version.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ServiceId {
    provider: ClientId,
    code: Box<str>,
    version: Option<Box<str>>,
}

/// A security server (node) of a member.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ServerId {
    owner: MemberId,
    code: Box<str>,
}

/// A group of clients defined by the registry of an instance.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct GlobalGroupId {
    instance: Box<str>,
    code: Box<str>,
}

impl MemberId {
    /// A member from its components.
    ///
    /// # Errors
    /// When a component is blank.
    pub fn new(instance: &str, member_class: &str, member_code: &str) -> Result<Self, Error> {
        Ok(Self {
            instance: filled("xRoadInstance", instance)?,
            member_class: filled("memberClass", member_class)?,
            member_code: filled("memberCode", member_code)?,
        })
    }

    /// The instance the member belongs to.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The member class, e.g. `GOV`.
    pub fn member_class(&self) -> &str {
        &self.member_class
    }

    /// The code of the member within its class.
    pub fn member_code(&self) -> &str {
        &self.member_code
    }
}

impl ClientId {
    /// A member (`None`) or one of its subsystems.
    ///
    /// # Errors
    /// When the subsystem is there and blank.
    pub fn new(member: MemberId, subsystem: Option<&str>) -> Result<Self, Error> {
        let subsystem = subsystem
            .map(|code| filled("subsystemCode", code))
            .transpose()?;
        Ok(Self { member, subsystem })
    }

    /// The member, or the member whose subsystem this is.
    pub fn member(&self) -> &MemberId {
        &self.member
    }

    /// The subsystem code, when this is a subsystem.
    pub fn subsystem(&self) -> Option<&str> {
        self.subsystem.as_deref()
    }

    /// The instance of the member.
    pub fn instance(&self) -> &str {
        self.member.instance()
    }
}

impl From<MemberId> for ClientId {
    fn from(member: MemberId) -> Self {
        Self {
            member,
            subsystem: None,
        }
    }
}

impl ServiceId {
    /// A service of `provider`. `Some("")` is a version of its own, different from no version.
    ///
    /// # Errors
    /// When the service code is blank.
    pub fn new(provider: ClientId, code: &str, version: Option<&str>) -> Result<Self, Error> {
        Ok(Self {
            provider,
            code: filled("serviceCode", code)?,
            version: version.map(Box::from),
        })
    }

    /// The client that offers the service.
    pub fn provider(&self) -> &ClientId {
        &self.provider
    }

    /// The service code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The version, when the identifier has one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl ServerId {
    /// The server `code` of the member that owns it.
    ///
    /// # Errors
    /// When the server code is blank.
    pub fn new(owner: MemberId, code: &str) -> Result<Self, Error> {
        Ok(Self {
            owner,
            code: filled("serverCode", code)?,
        })
    }

    /// The member that owns the server.
    pub fn owner(&self) -> &MemberId {
        &self.owner
    }

    /// The server code.
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl GlobalGroupId {
    /// The group `code` of an instance.
    ///
    /// # Errors
    /// When a component is blank.
    pub fn new(instance: &str, code: &str) -> Result<Self, Error> {
        Ok(Self {
            instance: filled("xRoadInstance", instance)?,
            code: filled("groupCode", code)?,
        })
    }

    /// The instance that defines the group.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The group code.
    pub fn code(&self) -> &str {
        &self.code
    }
}

/// Mandatory components must hold more than white space.
fn filled(component: &'static str, value: &str) -> Result<Box<str>, Error> {
    match value.trim().is_empty() {
        true => Err(Error::Blank { component }),
        false => Ok(value.into()),
    }
}

#[cfg(test)]
mod tests;
