//! The structure of the documents, as strict as their schemas: which elements, in which order, how
//! many, from which version on (PR-GCONF, annexes with the schemas of versions 2 to 5; version 6
//! adds cost types and the default request format).
//!
//! The schemas leave local elements unqualified: the root is in the X-Road namespace, all below it
//! in none, save the components of identifiers, which are in the namespace of identifiers.

use gateway_xml::{Document, Limits, Node};

use super::{Error, PART_BYTES_MAX, value};

/// The namespace of the root elements.
pub(crate) const XROAD: &str = "http://x-road.eu/xsd/xroad.xsd";
/// The namespace of identifier components.
pub(crate) const IDENTIFIERS: &str = "http://x-road.eu/xsd/identifiers";

/// A place for elements of one name in a sequence.
#[derive(Debug)]
pub(crate) struct Slot {
    name: &'static str,
    /// The first version with this element.
    since: u8,
    occurs: Occurs,
    content: Content,
}

/// How often an element of a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occurs {
    Once,
    Optional,
    Many,
    Some,
}

/// What an element may hold.
#[derive(Clone, Copy, Debug)]
enum Content {
    /// Any text, no elements.
    Text,
    /// White space apart, canonical base64.
    Base64,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// A whole number, not negative: every number of these documents counts seconds.
    Seconds,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Exactly these elements.
    Sequence(&'static [Slot]),
    /// Components of a client or service identifier.
    Identifier,
}

/// A document kind: its root and what stands in it.
#[derive(Debug)]
pub(crate) struct Schema {
    root: &'static str,
    sequence: &'static [Slot],
    /// From this version on, elements of any name may follow the known ones.
    extensible_since: Option<u8>,
}

impl Schema {
    /// Reads a document and checks its whole structure; afterwards readers may pick by name.
    pub(crate) fn parse(&self, bytes: &[u8], version: u8) -> Result<Document, Error> {
        let document = Document::parse(bytes, LIMITS)?;
        let root = document.root();
        if !root.is(XROAD, self.root) {
            return Err(Error::Root {
                found: root.local_name().to_owned(),
            });
        }
        let extensible = self.extensible_since.is_some_and(|since| version >= since);
        check_sequence(root, self.sequence, version, extensible)?;
        Ok(document)
    }
}

/// Walks the slots and the child elements side by side.
fn check_sequence(
    parent: Node<'_>,
    slots: &[Slot],
    version: u8,
    extensible: bool,
) -> Result<(), Error> {
    if !parent.text().trim().is_empty() {
        return Err(Error::StrayText {
            parent: parent.local_name().to_owned(),
        });
    }
    let mut children = parent.children().peekable();
    let mut slots_left = slots.iter().filter(|slot| slot.since <= version);
    while let Some(slot) = slots_left.next() {
        let mut seen = false;
        while let Some(child) = children.next_if(|child| child.is("", slot.name)) {
            check_content(child, slot.content, version)?;
            seen = true;
            if matches!(slot.occurs, Occurs::Once | Occurs::Optional) {
                break;
            }
        }
        if !seen && matches!(slot.occurs, Occurs::Once | Occurs::Some) {
            return Err(match children.peek() {
                // A misplaced element says more than the one that is missing because of it.
                Some(found) if !slots_left.any(|slot| found.is("", slot.name)) => {
                    unexpected(parent, *found)
                }
                _ => Error::Missing {
                    parent: parent.local_name().to_owned(),
                    element: slot.name,
                },
            });
        }
    }
    match children.next() {
        Some(found) if !extensible => Err(unexpected(parent, found)),
        Some(found) if slots.iter().any(|slot| found.is("", slot.name)) => {
            Err(unexpected(parent, found))
        }
        _ => Ok(()),
    }
}

fn check_content(node: Node<'_>, content: Content, version: u8) -> Result<(), Error> {
    match content {
        Content::Sequence(slots) => check_sequence(node, slots, version, false),
        Content::Identifier => check_identifier(node),
        Content::Text => check_leaf(node),
        Content::Base64 => check_leaf(node).and_then(|()| value::base64(node).map(drop)),
        Content::Boolean => check_leaf(node).and_then(|()| value::boolean(node).map(drop)),
        Content::Seconds => check_leaf(node).and_then(|()| value::seconds(node).map(drop)),
        Content::Word(words) => {
            check_leaf(node)?;
            match words.contains(&node.text().as_str()) {
                true => Ok(()),
                false => Err(value::wrong(node, "one of the words its type allows")),
            }
        }
    }
}

fn check_leaf(node: Node<'_>) -> Result<(), Error> {
    match node.children().next() {
        Some(child) => Err(unexpected(node, child)),
        None => Ok(()),
    }
}

/// An identifier: `objectType`, then components in the one order all kinds share.
fn check_identifier(node: Node<'_>) -> Result<(), Error> {
    if node.attribute(IDENTIFIERS, "objectType").is_none() {
        return Err(Error::MissingAttribute {
            element: node.local_name().to_owned(),
            attribute: "objectType",
        });
    }
    let mut components = COMPONENTS.iter();
    for child in node.children() {
        check_leaf(child)?;
        if !components.any(|component| child.is(IDENTIFIERS, component)) {
            return Err(unexpected(node, child));
        }
    }
    Ok(())
}

fn unexpected(parent: Node<'_>, found: Node<'_>) -> Error {
    Error::Unexpected {
        parent: parent.local_name().to_owned(),
        found: found.local_name().to_owned(),
    }
}

const fn slot(name: &'static str, since: u8, occurs: Occurs, content: Content) -> Slot {
    Slot {
        name,
        since,
        occurs,
        content,
    }
}

/// The bytes were signed before they are read, so these are generous.
const LIMITS: Limits = Limits {
    bytes_max: PART_BYTES_MAX,
    depth_max: 16,
    nodes_max: 8_000_000,
    attributes_max: 16,
};

const COMPONENTS: &[&str] = &[
    "xRoadInstance",
    "memberClass",
    "memberCode",
    "subsystemCode",
    "serviceCode",
    "serviceVersion",
];

const COST: Content = Content::Word(&["FREE", "PAID", "UNDEFINED"]);

const ANCHOR_SLOTS: &[Slot] = &[
    slot("generatedAt", 2, Occurs::Optional, Content::Text),
    slot("instanceIdentifier", 2, Occurs::Once, Content::Text),
    slot("source", 2, Occurs::Some, Content::Sequence(ANCHOR_SOURCE)),
];

const ANCHOR_SOURCE: &[Slot] = &[
    slot("downloadURL", 2, Occurs::Once, Content::Text),
    slot("verificationCert", 2, Occurs::Some, Content::Base64),
];

/// A configuration anchor: one schema for all versions.
pub(crate) const ANCHOR: Schema = Schema {
    root: "configurationAnchor",
    sequence: ANCHOR_SLOTS,
    extensible_since: None,
};

/// private-params.xml.
pub(crate) const PRIVATE: Schema = Schema {
    root: "conf",
    sequence: &[
        slot("instanceIdentifier", 2, Occurs::Once, Content::Text),
        slot(
            "configurationAnchor",
            2,
            Occurs::Many,
            Content::Sequence(ANCHOR_SLOTS),
        ),
        slot(
            "managementService",
            2,
            Occurs::Once,
            Content::Sequence(MANAGEMENT_SERVICE),
        ),
        slot(
            "timeStampingIntervalSeconds",
            2,
            Occurs::Once,
            Content::Seconds,
        ),
    ],
    extensible_since: Some(3),
};

const MANAGEMENT_SERVICE: &[Slot] = &[
    slot("authCertRegServiceAddress", 2, Occurs::Once, Content::Text),
    slot(
        "authCertRegServiceCert",
        2,
        Occurs::Optional,
        Content::Base64,
    ),
    slot(
        "managementRequestServiceProviderId",
        2,
        Occurs::Once,
        Content::Identifier,
    ),
];

/// shared-params.xml.
pub(crate) const SHARED: Schema = Schema {
    root: "conf",
    sequence: &[
        slot("instanceIdentifier", 2, Occurs::Once, Content::Text),
        slot(
            "source",
            3,
            Occurs::Some,
            Content::Sequence(CONFIGURATION_SOURCE),
        ),
        slot(
            "approvedCA",
            2,
            Occurs::Many,
            Content::Sequence(APPROVED_CA),
        ),
        slot(
            "approvedTSA",
            2,
            Occurs::Many,
            Content::Sequence(APPROVED_TSA),
        ),
        slot("member", 2, Occurs::Many, Content::Sequence(MEMBER)),
        slot(
            "securityServer",
            2,
            Occurs::Many,
            Content::Sequence(SECURITY_SERVER),
        ),
        slot(
            "globalGroup",
            2,
            Occurs::Many,
            Content::Sequence(GLOBAL_GROUP),
        ),
        slot(
            "centralService",
            2,
            Occurs::Many,
            Content::Sequence(CENTRAL_SERVICE),
        ),
        slot(
            "globalSettings",
            2,
            Occurs::Once,
            Content::Sequence(GLOBAL_SETTINGS),
        ),
    ],
    extensible_since: Some(3),
};

const CONFIGURATION_SOURCE: &[Slot] = &[
    slot("address", 3, Occurs::Once, Content::Text),
    slot("internalVerificationCert", 3, Occurs::Many, Content::Base64),
    slot("externalVerificationCert", 3, Occurs::Many, Content::Base64),
];

const APPROVED_CA: &[Slot] = &[
    slot("name", 2, Occurs::Once, Content::Text),
    slot("authenticationOnly", 2, Occurs::Optional, Content::Boolean),
    slot("topCA", 2, Occurs::Once, Content::Sequence(CA_INFO)),
    slot(
        "intermediateCA",
        2,
        Occurs::Many,
        Content::Sequence(CA_INFO),
    ),
    slot("certificateProfileInfo", 2, Occurs::Once, Content::Text),
    slot(
        "defaultCsrFormat",
        6,
        Occurs::Optional,
        Content::Word(&["PEM", "DER"]),
    ),
    slot(
        "acmeServer",
        3,
        Occurs::Optional,
        Content::Sequence(ACME_SERVER),
    ),
];

const CA_INFO: &[Slot] = &[
    slot("cert", 2, Occurs::Once, Content::Base64),
    slot("ocsp", 2, Occurs::Many, Content::Sequence(OCSP)),
];

const OCSP: &[Slot] = &[
    slot("url", 2, Occurs::Once, Content::Text),
    slot("cert", 2, Occurs::Optional, Content::Base64),
    slot("costType", 6, Occurs::Optional, COST),
];

const ACME_SERVER: &[Slot] = &[
    slot("directoryURL", 3, Occurs::Once, Content::Text),
    slot("ipAddress", 3, Occurs::Optional, Content::Text),
    slot(
        "authenticationCertificateProfileId",
        4,
        Occurs::Optional,
        Content::Text,
    ),
    slot(
        "signingCertificateProfileId",
        4,
        Occurs::Optional,
        Content::Text,
    ),
];

const APPROVED_TSA: &[Slot] = &[
    slot("name", 2, Occurs::Once, Content::Text),
    slot("url", 2, Occurs::Once, Content::Text),
    slot("cert", 2, Occurs::Once, Content::Base64),
    slot("costType", 6, Occurs::Optional, COST),
];

const MEMBER: &[Slot] = &[
    slot(
        "memberClass",
        2,
        Occurs::Once,
        Content::Sequence(MEMBER_CLASS),
    ),
    slot("memberCode", 2, Occurs::Once, Content::Text),
    slot("name", 2, Occurs::Once, Content::Text),
    slot("subsystem", 2, Occurs::Many, Content::Sequence(SUBSYSTEM)),
];

const MEMBER_CLASS: &[Slot] = &[
    slot("code", 2, Occurs::Once, Content::Text),
    slot("description", 2, Occurs::Once, Content::Text),
];

const SUBSYSTEM: &[Slot] = &[
    slot("subsystemCode", 2, Occurs::Once, Content::Text),
    slot("subsystemName", 5, Occurs::Optional, Content::Text),
];

const SECURITY_SERVER: &[Slot] = &[
    slot("owner", 2, Occurs::Once, Content::Text),
    slot("serverCode", 2, Occurs::Once, Content::Text),
    slot("address", 2, Occurs::Optional, Content::Text),
    slot("authCertHash", 2, Occurs::Many, Content::Base64),
    slot("client", 2, Occurs::Many, Content::Text),
    slot(
        "inMaintenanceMode",
        5,
        Occurs::Optional,
        Content::Sequence(MAINTENANCE),
    ),
];

const MAINTENANCE: &[Slot] = &[slot("message", 5, Occurs::Optional, Content::Text)];

const GLOBAL_GROUP: &[Slot] = &[
    slot("groupCode", 2, Occurs::Once, Content::Text),
    slot("description", 2, Occurs::Once, Content::Text),
    slot("groupMember", 2, Occurs::Many, Content::Identifier),
];

const CENTRAL_SERVICE: &[Slot] = &[
    slot("serviceCode", 2, Occurs::Once, Content::Text),
    slot(
        "implementingService",
        2,
        Occurs::Optional,
        Content::Identifier,
    ),
];

const GLOBAL_SETTINGS: &[Slot] = &[
    slot(
        "memberClass",
        2,
        Occurs::Many,
        Content::Sequence(MEMBER_CLASS),
    ),
    slot("ocspFreshnessSeconds", 2, Occurs::Once, Content::Seconds),
];

/// fetchinterval-params.xml.
pub(crate) const FETCH_INTERVAL: Schema = Schema {
    root: "conf",
    sequence: &[slot("ocspFetchInterval", 2, Occurs::Once, Content::Seconds)],
    extensible_since: None,
};

/// nextupdate-params.xml.
pub(crate) const NEXT_UPDATE: Schema = Schema {
    root: "conf",
    sequence: &[slot("verifyNextUpdate", 2, Occurs::Once, Content::Boolean)],
    extensible_since: None,
};

/// monitoring-params.xml.
pub(crate) const MONITORING: Schema = Schema {
    root: "conf",
    sequence: &[slot(
        "monitoringClient",
        2,
        Occurs::Once,
        Content::Sequence(&[slot(
            "monitoringClientId",
            2,
            Occurs::Optional,
            Content::Identifier,
        )]),
    )],
    extensible_since: None,
};
