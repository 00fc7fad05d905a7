//! The ZIP format (PKWARE APPNOTE 6.3): a writer whose output is the same for the same input, and
//! a strict reader.
//!
//! Readers in the field disagree about ZIP files that are not quite regular: some look from the
//! front, some from the back, some believe the local headers, some the central directory. Evidence
//! must read the same everywhere, so the reader here accepts only what all of them read alike:
//! entries without gaps, each described alike in both places, then the central directory, then the
//! end. What it does not care for is compression, order and times.
//!
//! | module | subject |
//! |---|---|
//! | `archive` | [`Archive`], [`Entry`]: opening |
//! | `end` | the end records |
//! | `directory` | the central directory |
//! | `layout` | the local headers: without gaps, and as the central directory says |
//! | `content` | [`Content`]: the octets of an entry as a stream |
//! | `writer` | [`Writer`], [`EntryWriter`] |
//! | `source` | [`Source`]: a file or octets, read by position |
//! | `limits` | [`Limits`], [`Names`] |
//! | `time` | times of entries |
//! | `format` | numbers and fields of records |

mod archive;
mod content;
mod directory;
mod end;
mod error;
mod format;
mod layout;
mod limits;
mod source;
mod time;
mod writer;

pub use archive::{Archive, Entry};
pub use content::Content;
pub use error::Error;
pub use limits::{Limits, Names};
pub use source::Source;
pub use writer::{EntryWriter, Options, Writer};
