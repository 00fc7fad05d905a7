//! Why a document was not accepted.

use std::fmt;

/// Why a document was not accepted.
///
/// Offsets count bytes of the document as it was handed in. No variant holds text of the document,
/// which may be personal; the one exception is the name of an encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The document is longer than allowed.
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Elements are nested deeper than allowed.
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// There are more elements, texts, comments and instructions than allowed.
    TooManyNodes {
        /// The limit.
        nodes_max: usize,
    },
    /// A start tag has more attributes and namespace declarations than allowed.
    TooManyAttributes {
        /// The limit.
        attributes_max: usize,
    },
    /// More namespace declarations are in scope at once than allowed.
    TooManyNamespaces {
        /// The limit.
        namespaces_max: usize,
    },
    /// The encoding, declared or seen from the byte order mark, is not one we read.
    UnsupportedEncoding {
        /// Its name, shortened.
        name: String,
    },
    /// The bytes are not valid in their encoding.
    InvalidEncoding {
        /// The first wrong byte.
        offset: usize,
    },
    /// A character that XML 1.0 does not allow.
    InvalidCharacter {
        /// Where it begins.
        offset: usize,
    },
    /// A document type declaration: never read, whatever it says.
    DocumentType {
        /// Where it begins.
        offset: usize,
    },
    /// A reference to an entity other than the five predefined ones.
    UnknownEntity {
        /// The start of the text or tag that holds it.
        offset: usize,
    },
    /// A character reference to no character of XML 1.0.
    InvalidReference {
        /// The start of the text or tag that holds it.
        offset: usize,
    },
    /// The document is not well-formed.
    NotWellFormed {
        /// What is wrong.
        reason: &'static str,
        /// Where.
        offset: usize,
    },
    /// A prefix is used that no declaration in scope binds.
    UndeclaredPrefix {
        /// The start of the tag.
        offset: usize,
    },
    /// Two attributes of one tag have the same name, literally or after resolving prefixes.
    DuplicateAttribute {
        /// The start of the tag.
        offset: usize,
    },
    /// A declaration that Namespaces in XML 1.0 forbids.
    InvalidNamespace {
        /// The start of the tag.
        offset: usize,
    },
    /// The canonicalisation method has no result for this element.
    NoCanonicalForm {
        /// Why not.
        reason: &'static str,
    },
    /// Two elements carry the same identifier.
    DuplicateId {
        /// The start of the second element.
        offset: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, bytes_max } => {
                write!(f, "document of {bytes} bytes, at most {bytes_max} are read")
            }
            Self::TooDeep { depth_max } => write!(f, "elements nested deeper than {depth_max}"),
            Self::TooManyNodes { nodes_max } => write!(f, "more than {nodes_max} nodes"),
            Self::TooManyAttributes { attributes_max } => {
                write!(f, "more than {attributes_max} attributes in one tag")
            }
            Self::TooManyNamespaces { namespaces_max } => {
                write!(
                    f,
                    "more than {namespaces_max} namespace declarations in scope"
                )
            }
            Self::UnsupportedEncoding { name } => write!(f, "encoding {name:?} is not supported"),
            Self::InvalidEncoding { offset } => {
                write!(
                    f,
                    "byte {offset} is not valid in the encoding of the document"
                )
            }
            Self::InvalidCharacter { offset } => {
                write!(
                    f,
                    "byte {offset} begins a character that XML does not allow"
                )
            }
            Self::DocumentType { offset } => {
                write!(
                    f,
                    "document type declaration at byte {offset} is not allowed"
                )
            }
            Self::UnknownEntity { offset } => {
                write!(f, "reference to an unknown entity at byte {offset}")
            }
            Self::InvalidReference { offset } => {
                write!(f, "invalid character reference at byte {offset}")
            }
            Self::NotWellFormed { reason, offset } => {
                write!(f, "not well-formed at byte {offset}: {reason}")
            }
            Self::UndeclaredPrefix { offset } => {
                write!(f, "undeclared namespace prefix in the tag at byte {offset}")
            }
            Self::DuplicateAttribute { offset } => {
                write!(f, "duplicate attribute in the tag at byte {offset}")
            }
            Self::InvalidNamespace { offset } => {
                write!(
                    f,
                    "forbidden namespace declaration in the tag at byte {offset}"
                )
            }
            Self::NoCanonicalForm { reason } => write!(f, "no canonical form: {reason}"),
            Self::DuplicateId { offset } => {
                write!(f, "the element at byte {offset} repeats an identifier")
            }
        }
    }
}

impl std::error::Error for Error {}
