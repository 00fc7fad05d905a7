//! Durable state: typed trees over redb, append-only segment files with group commit, atomic file replacement. The one floor-0 crate with files.

use std::path::Path;

#[derive(Debug)]
pub enum Error { Todo }

/// Typed trees over redb (cache size set); one process owns the file.
pub mod tree { /* Store::open(path) ; get/put/delete/range/transaction on named trees of bytes ; schema version & migrations */ }

/// Append-only segments (design §4): length, CRC-32C, hash chain over records; one committer thread, group commit with one `fdatasync` for all that wait.
pub mod segment {
    use super::*;
    use bytes::Bytes;
    #[derive(Clone, Debug)]
    pub struct Options { pub segment_bytes_max: u64, pub record_bytes_max: usize, pub linger_max: std::time::Duration, pub queue_max: usize }
    impl Default for Options { fn default() -> Self { todo!() } }
    /// Where a record lies: ordinal (1, 2, 3 …) and place.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Position { pub ordinal: u64, pub segment: u64, pub offset: u64 }
    /// A handle; cheap to clone; the committer stops when the last is dropped.
    #[derive(Clone, Debug)]
    pub struct Log(());
    impl Log {
        /// Recovers: a torn tail is cut off, damage elsewhere is an error naming segment and offset.
        pub fn open(dir: &Path, options: Options) -> Result<Self, Error> { todo!() }
        /// Durable when the future is ready. A full disk or failed sync refuses this and all later appends until `recover` succeeds (tried on each append, no restart needed).
        pub async fn append(&self, record: Bytes) -> Result<Position, Error> { todo!() }
        pub fn read(&self, position: Position) -> Result<Bytes, Error> { todo!() }
    }
    /// Reads a log directory without owning it (audit): every record checked, in order; a flipped byte is named and the rest is served.
    #[derive(Debug)]
    pub struct Scan(());
    impl Scan { pub fn open(dir: &Path) -> Result<Self, Error> { todo!() } }
    impl Iterator for Scan { type Item = Result<(Position, Bytes), Error>; fn next(&mut self) -> Option<Self::Item> { todo!() } }
}

/// Files: write to a temporary name in the same directory, fsync, rename, fsync the directory. Mode 0600 for secrets.
pub mod file {
    use super::*;
    pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> { todo!() }
    pub fn replace_secret(path: &Path, bytes: &[u8]) -> Result<(), Error> { todo!() }
    /// All regular files below `dir` as (relative path with '/', bytes), bounded.
    pub fn read_tree(dir: &Path, bytes_max: u64) -> Result<std::collections::BTreeMap<String, Vec<u8>>, Error> { todo!() }
}
