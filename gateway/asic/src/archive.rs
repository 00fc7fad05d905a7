//! Archive files: many containers in one ZIP file, with the linking information that binds them to
//! one another and to the file before; and downloads, which are the same without linking.
//!
//! An archive file is made in one pass: containers are streamed in, uncompressed, and
//! `linkinginfo` comes last. The same containers give the same octets.

mod error;
mod name;
mod read;
mod write;

pub use error::Error;
pub use name::{Grouping, file_name, group_name};
pub use read::{Archive, Linked, Report, Start, verify};
pub use write::{Finished, Writer};

#[cfg(test)]
mod tests;
