//! Signed documents: ASiC-E containers and archives of them, made and verified.
//!
//! A container holds one message with its signature and time stamp, an archive many containers and
//! the digests that link them. Plain functions on octets and files: no clock, no sockets, and no
//! knowledge of where the messages are stored.
//!
//! | module | subject |
//! |---|---|
//! | [`zip`] | the ZIP format: a writer whose output is the same for the same input, a strict reader |
//! | [`make`] | containers from a message, its signature and its time stamp |
//! | `manifest` | the two manifests inside a container |
//! | [`names`] | names of containers and of downloads |
//! | [`stamping`] | what a time stamp covers, and where its token goes |
//! | [`container`] | the files of one container, read |
//! | [`verify`] | whether a container holds, judged at the time of its time stamp |
//! | [`report`] | what a container proves |
//! | [`linking`] | the digests that link containers and archive files |
//! | [`archive`] | archive files and downloads: many containers in one ZIP file |

pub mod archive;
pub mod container;
mod error;
pub mod linking;
pub mod make;
mod manifest;
pub mod names;
pub mod report;
#[cfg(test)]
mod sealed;
pub mod stamping;
pub mod verify;
pub mod zip;

pub use error::Error;
pub use make::{Signed, Stamped};
