//! Why a document is not what its schema says.

use std::fmt;

use gateway_proto::id;

/// Why an anchor or a parameters part is not what its schema says.
#[derive(Debug)]
pub enum Error {
    /// Not well-formed, or beyond the limits.
    Xml(gateway_xml::Error),
    /// The root element is another one.
    Root {
        /// What was found.
        found: String,
    },
    /// An element that the schema of this version does not allow in this place.
    Unexpected {
        /// The element around it.
        parent: String,
        /// What was found.
        found: String,
    },
    /// A mandatory element is missing.
    Missing {
        /// The element it should be in.
        parent: String,
        /// Its name.
        element: &'static str,
    },
    /// Text where only elements are allowed.
    StrayText {
        /// The element that holds it.
        parent: String,
    },
    /// A mandatory attribute is missing.
    MissingAttribute {
        /// The element it should be on.
        element: String,
        /// Its name.
        attribute: &'static str,
    },
    /// A value is not of its type.
    Value {
        /// The element that holds it.
        element: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Two elements have the same identifier.
    DuplicateId {
        /// The identifier.
        id: String,
    },
    /// A reference to no member or subsystem.
    Reference {
        /// The element that refers.
        element: &'static str,
        /// The identifier nothing has.
        id: String,
    },
    /// A registered identifier with a blank component.
    Identifier {
        /// The element it stands in.
        element: &'static str,
        /// What is wrong with it.
        source: id::Error,
    },
    /// A certificate that cannot be read.
    Certificate {
        /// The element it stands in.
        element: &'static str,
        /// Why not.
        source: certs_x509::Error,
    },
    /// The document is of another instance than its directory entry or folder says.
    Instance {
        /// What the entry or folder says.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// A version of the global configuration we do not read.
    Version {
        /// That version.
        found: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(_) => f.write_str("it is not an XML document we accept"),
            Self::Root { found } => write!(f, "its root element is {found:?}"),
            Self::Unexpected { parent, found } => {
                write!(
                    f,
                    "element {found:?} is not allowed at its place in {parent:?}"
                )
            }
            Self::Missing { parent, element } => write!(f, "{parent:?} lacks {element:?}"),
            Self::StrayText { parent } => write!(f, "{parent:?} holds text between its elements"),
            Self::MissingAttribute { element, attribute } => {
                write!(f, "{element:?} lacks the attribute {attribute:?}")
            }
            Self::Value { element, expected } => write!(f, "{element:?} is not {expected}"),
            Self::DuplicateId { id } => write!(f, "identifier {id:?} is given twice"),
            Self::Reference { element, id } => {
                write!(f, "{element:?} refers to {id:?}, which it cannot")
            }
            Self::Identifier { element, .. } => write!(f, "{element:?} is not an identifier"),
            Self::Certificate { element, .. } => {
                write!(f, "the certificate in {element:?} cannot be read")
            }
            Self::Instance { expected, found } => {
                write!(f, "it is of instance {found:?}, announced as {expected:?}")
            }
            Self::Version { found } => write!(f, "version {found:?} is not one of 2 to 6"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Xml(error) => Some(error),
            Self::Identifier { source, .. } => Some(source),
            Self::Certificate { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<gateway_xml::Error> for Error {
    fn from(error: gateway_xml::Error) -> Self {
        Self::Xml(error)
    }
}
