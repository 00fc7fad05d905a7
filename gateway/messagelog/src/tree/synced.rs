//! The file `synced`: from where a restart goes on.

use super::edge::Edge;
use crate::protection::sha256;

/// A signed state of the tree, made durable when its full tiles were written some time before.
///
/// ```text
/// magic[8] version:u32 length:u32 note[length] edge sha256[32]     numbers big-endian
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Synced {
    /// The signed checkpoint.
    pub(super) note: Vec<u8>,
    pub(super) edge: Edge,
}

impl Synced {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_be_bytes());
        let length = u32::try_from(self.note.len()).unwrap_or(u32::MAX);
        out.extend(length.to_be_bytes());
        out.extend(&self.note);
        self.edge.encode(&mut out);
        let digest = sha256(&out);
        out.extend(digest);
        out
    }

    /// `None`: it is not what was written.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, digest) = bytes.split_last_chunk::<32>()?;
        if sha256(body) != *digest {
            return None;
        }
        let rest = body.strip_prefix(&MAGIC)?;
        let rest = rest.strip_prefix(&VERSION.to_be_bytes())?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (note, rest) = rest.split_at_checked(length)?;
        Some(Self {
            note: note.to_vec(),
            edge: Edge::decode(rest)?,
        })
    }
}

const MAGIC: [u8; 8] = *b"KARVANTR";
const VERSION: u32 = 1;
