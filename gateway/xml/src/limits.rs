//! Bounds on a document from outside.

/// Bounds on a document from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the document.
    pub bytes_max: usize,
    /// Nesting of elements; the root has depth 1.
    pub depth_max: usize,
    /// Elements, texts, comments and processing instructions together.
    pub nodes_max: usize,
    /// Attributes and namespace declarations of one tag.
    pub attributes_max: usize,
}

impl Default for Limits {
    /// 16 MiB, 128 levels, a million nodes, 128 attributes.
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            depth_max: 128,
            nodes_max: 1_000_000,
            attributes_max: 128,
        }
    }
}

/// Namespace declarations in scope at one element. Looking up a prefix walks them, so this bounds
/// the work per tag.
pub(crate) const NAMESPACES_MAX: usize = 256;
