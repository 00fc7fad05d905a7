//! Hash chains: how one signature, or one time stamp, covers many parts and many messages.
//!
//! Each step hashes a DER list of digests with their algorithms; the tree over several messages
//! splits as in RFC 6962, section 2.1 (at the largest power of two smaller than the number of
//! leaves) but without its prefixes. The documents are of the namespace `http://cyber.ee/hashchain`
//! (`hashchain.xsd` of the reference implementation).

mod build;
mod error;
mod leaves;
mod list;
mod verify;

pub use build::build;
pub use error::Error;
pub use leaves::Leaves;
pub use list::{step, step_with};
pub use verify::{data_references, verify, verify_present};
