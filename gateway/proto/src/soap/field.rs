//! The header fields of the protocol, and the components of those that are identifiers.

use gateway_xml::Element;

use super::{Error, namespace};
use crate::id::{ClientId, MemberId};

/// Header fields the protocol knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Client,
    Service,
    SecurityServer,
    UserId,
    Issue,
    Id,
    RequestHash,
    ProtocolVersion,
    RepresentedParty,
}

/// Elements whose text is kept, one level below a field or a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    Instance,
    MemberClass,
    MemberCode,
    SubsystemCode,
    ServiceCode,
    ServiceVersion,
    ServerCode,
    PartyClass,
    PartyCode,
    FaultCode,
    FaultString,
    FaultActor,
    FaultDetail,
}

/// Components of the identifier or party being read, by [`Component`].
#[derive(Default)]
pub(super) struct Parts([Option<String>; 9]);

impl Field {
    pub(super) fn of(element: Element<'_>) -> Option<Self> {
        let field = match element.local_name() {
            "client" => Self::Client,
            "service" => Self::Service,
            "securityServer" => Self::SecurityServer,
            "userId" => Self::UserId,
            "issue" => Self::Issue,
            "id" => Self::Id,
            "requestHash" => Self::RequestHash,
            "protocolVersion" => Self::ProtocolVersion,
            "representedParty" => Self::RepresentedParty,
            _ => return None,
        };
        let expected = match field {
            Self::RepresentedParty => namespace::REPRESENTATION,
            _ => namespace::XROAD,
        };
        (element.namespace() == expected).then_some(field)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
            Self::SecurityServer => "securityServer",
            Self::UserId => "userId",
            Self::Issue => "issue",
            Self::Id => "id",
            Self::RequestHash => "requestHash",
            Self::ProtocolVersion => "protocolVersion",
            Self::RepresentedParty => "representedParty",
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Service => 1,
            Self::SecurityServer => 2,
            Self::UserId => 3,
            Self::Issue => 4,
            Self::Id => 5,
            Self::RequestHash => 6,
            Self::ProtocolVersion => 7,
            Self::RepresentedParty => 8,
        }
    }

    /// The object types an identifier may have; empty for fields that are none.
    pub(super) const fn object_types(self) -> &'static [&'static str] {
        match self {
            Self::Client => &["MEMBER", "SUBSYSTEM"],
            Self::Service => &["SERVICE"],
            Self::SecurityServer => &["SERVER"],
            Self::UserId
            | Self::Issue
            | Self::Id
            | Self::RequestHash
            | Self::ProtocolVersion
            | Self::RepresentedParty => &[],
        }
    }

    pub(super) const fn is_text(self) -> bool {
        matches!(
            self,
            Self::UserId | Self::Issue | Self::Id | Self::RequestHash | Self::ProtocolVersion
        )
    }
}

impl Component {
    /// The component an element is within a field; elements of other fields are not looked at.
    pub(super) fn of(field: Field, element: Element<'_>) -> Option<Self> {
        let component = match (field, element.local_name()) {
            (Field::RepresentedParty, "partyClass") => Self::PartyClass,
            (Field::RepresentedParty, "partyCode") => Self::PartyCode,
            (Field::Client | Field::Service | Field::SecurityServer, "xRoadInstance") => {
                Self::Instance
            }
            (Field::Client | Field::Service | Field::SecurityServer, "memberClass") => {
                Self::MemberClass
            }
            (Field::Client | Field::Service | Field::SecurityServer, "memberCode") => {
                Self::MemberCode
            }
            (Field::Client | Field::Service, "subsystemCode") => Self::SubsystemCode,
            (Field::Service, "serviceCode") => Self::ServiceCode,
            (Field::Service, "serviceVersion") => Self::ServiceVersion,
            (Field::SecurityServer, "serverCode") => Self::ServerCode,
            _ => return None,
        };
        let expected = match field {
            Field::RepresentedParty => namespace::REPRESENTATION,
            _ => namespace::IDENTIFIERS,
        };
        (element.namespace() == expected).then_some(component)
    }

    /// Children of a fault are found by local name alone: services write them in all ways.
    pub(super) fn of_fault(local_name: &str) -> Option<Self> {
        match local_name {
            "faultcode" => Some(Self::FaultCode),
            "faultstring" => Some(Self::FaultString),
            "faultactor" => Some(Self::FaultActor),
            "detail" => Some(Self::FaultDetail),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Instance => "xRoadInstance",
            Self::MemberClass => "memberClass",
            Self::MemberCode => "memberCode",
            Self::SubsystemCode => "subsystemCode",
            Self::ServiceCode => "serviceCode",
            Self::ServiceVersion => "serviceVersion",
            Self::ServerCode => "serverCode",
            Self::PartyClass => "partyClass",
            Self::PartyCode => "partyCode",
            Self::FaultCode => "faultcode",
            Self::FaultString => "faultstring",
            Self::FaultActor => "faultactor",
            Self::FaultDetail => "detail",
        }
    }

    /// The place in [`Parts`]; parts of a fault have none.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Instance => 0,
            Self::MemberClass => 1,
            Self::MemberCode => 2,
            Self::SubsystemCode => 3,
            Self::ServiceCode => 4,
            Self::ServiceVersion => 5,
            Self::ServerCode => 6,
            Self::PartyClass => 7,
            Self::PartyCode => 8,
            Self::FaultCode | Self::FaultString | Self::FaultActor | Self::FaultDetail => {
                usize::MAX
            }
        }
    }
}

impl Parts {
    pub(super) fn get(&self, component: Component) -> Option<&str> {
        self.0.get(component.index()).and_then(Option::as_deref)
    }

    /// The text, "" when it is absent: constructors of identifiers refuse both.
    pub(super) fn text(&self, component: Component) -> &str {
        self.get(component).unwrap_or_default()
    }

    pub(super) fn take(&mut self, component: Component) -> Option<String> {
        self.0.get_mut(component.index()).and_then(Option::take)
    }

    pub(super) fn set(&mut self, component: Component, text: String) {
        if let Some(part) = self.0.get_mut(component.index()) {
            *part = Some(text);
        }
    }

    pub(super) fn member(&self) -> Result<MemberId, Error> {
        Ok(MemberId::new(
            self.text(Component::Instance),
            self.text(Component::MemberClass),
            self.text(Component::MemberCode),
        )?)
    }

    pub(super) fn client(&self) -> Result<ClientId, Error> {
        Ok(ClientId::new(
            self.member()?,
            self.get(Component::SubsystemCode),
        )?)
    }
}
