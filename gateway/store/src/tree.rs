//! Named trees of bytes over redb, in one file owned by one process.
//!
//! What [`Store::write`] did is durable, whole, when it returns `Ok`; otherwise nothing of it
//! happened. Readers see the state of the moment they began and never wait for a writer. Whoever can
//! change the file changes the state: nothing in it is signed.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;

use redb::{
    Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError, WriteTransaction,
};

use crate::{Error, file};

/// The name of a tree. Make one constant per tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tree(&'static str);

impl Tree {
    /// A tree of this name. Names that begin with `_` belong to the store.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }

    const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.0)
    }
}

/// One step of the schema: brings the state from the version before to its own.
///
/// It runs in one transaction together with the note of the new version, so that a crash or an error
/// in the middle leaves the state as it was.
pub type Step = fn(&WriteTx<'_>) -> Result<(), Error>;

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Memory for pages.
    pub cache_bytes_max: usize,
    /// All steps that ever were, oldest first; step *n* makes version *n* + 1 of what was *n*.
    /// Only append to this list.
    pub steps: &'a [Step],
    /// For databases of gigabytes: after a crash they open at once, for a little more work at each
    /// write. Without it the whole file is read then.
    pub repairs_quickly: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            cache_bytes_max: CACHE_BYTES_MAX,
            steps: &[],
            repairs_quickly: false,
        }
    }
}

/// An open database; cheap to clone. The file is released when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    repairs_quickly: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or creates the database at `path`, without schema steps.
    ///
    /// # Errors
    /// The file is no database, is owned by another process, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, Options::default())
    }

    /// Opens or creates the database at `path` and takes the schema steps it has not taken yet.
    ///
    /// # Errors
    /// As [`Self::open`]; also when the state is newer than `options.steps` or a step fails. Then
    /// the state is as the last completed step left it.
    pub fn open_with(path: &Path, options: Options<'_>) -> Result<Self, Error> {
        let is_new = !path.exists();
        let database = Builder::new()
            .set_cache_size(options.cache_bytes_max)
            .create(path)
            .map_err(|source| Error::database("open", source))?;
        if is_new {
            // The database syncs its file, not the folder entry.
            file::sync_parent(path)?;
        }
        let store = Self {
            database: Arc::new(database),
            repairs_quickly: options.repairs_quickly,
        };
        store.take_steps(options.steps)?;
        Ok(store)
    }

    /// The schema version the state has: the number of steps taken.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn schema_version(&self) -> Result<u32, Error> {
        self.read(|tx| version_of(tx.get(META, SCHEMA_KEY)?))
    }

    /// Looks at one consistent state.
    ///
    /// # Errors
    /// The database cannot be read, or `f` returned an error.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, Error>) -> Result<T, Error> {
        self.try_read(f)
    }

    /// As [`Self::read`], with the caller's own error.
    ///
    /// # Errors
    /// The database cannot be read, or `f` returned an error.
    pub fn try_read<T, E: From<Error>>(
        &self,
        f: impl FnOnce(&ReadTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self
            .database
            .begin_read()
            .map_err(|source| Error::database("begin reading", source))?;
        f(&ReadTx { inner })
    }

    /// Changes any number of trees at once. Durable and visible when this returns `Ok`; undone when
    /// `f` returns an error. Writers wait for each other. It blocks: on an executor, call it off
    /// the executor's threads.
    ///
    /// # Errors
    /// The database cannot be written, or `f` returned an error.
    pub fn write<T>(&self, f: impl FnOnce(&WriteTx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.try_write(f)
    }

    /// As [`Self::write`], with the caller's own error.
    ///
    /// # Errors
    /// The database cannot be written, or `f` returned an error.
    pub fn try_write<T, E: From<Error>>(
        &self,
        f: impl FnOnce(&WriteTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self
            .database
            .begin_write()
            .map_err(|source| Error::database("begin writing", source))?;
        inner.set_quick_repair(self.repairs_quickly);
        // When `f` fails, dropping the transaction undoes it.
        let value = f(&WriteTx { inner: &inner })?;
        inner
            .commit()
            .map_err(|source| Error::database("commit", source))?;
        Ok(value)
    }

    fn take_steps(&self, steps: &[Step]) -> Result<(), Error> {
        let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let found = self.schema_version()?;
        if found > known {
            return Err(Error::SchemaTooNew { found, known });
        }
        let taken = usize::try_from(found).unwrap_or(usize::MAX);
        for (step, version) in steps.iter().skip(taken).zip(found.saturating_add(1)..) {
            self.write(|tx| {
                step(tx)?;
                tx.put(META, SCHEMA_KEY, version.to_be_bytes())
            })
            .map_err(|source| Error::StepFailed {
                version,
                source: Box::new(source),
            })?;
        }
        Ok(())
    }
}

/// A database opened by somebody who only looks, while nobody writes it.
pub struct ReadStore {
    database: ReadOnlyDatabase,
}

impl fmt::Debug for ReadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadStore").finish_non_exhaustive()
    }
}

impl ReadStore {
    /// Opens the database at `path`; the file stays as it is.
    ///
    /// # Errors
    /// There is no database, a process is writing it, or the last one that did was cut off.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES_MAX)
            .open_read_only(path)
            .map_err(|source| Error::database("open", source))?;
        Ok(Self { database })
    }

    /// Looks at one consistent state.
    ///
    /// # Errors
    /// The database cannot be read, or `f` returned an error.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, Error>) -> Result<T, Error> {
        let inner = self
            .database
            .begin_read()
            .map_err(|source| Error::database("begin reading", source))?;
        f(&ReadTx { inner })
    }
}

/// A consistent state, being looked at.
pub struct ReadTx {
    inner: ReadTransaction,
}

impl fmt::Debug for ReadTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadTx")
    }
}

impl ReadTx {
    /// The value under a key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn get(&self, tree: Tree, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        match self.inner.open_table(tree.definition()) {
            Ok(table) => get(&table, key.as_ref()),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(source) => Err(Error::database("open a tree", source)),
        }
    }

    /// Whether the key has a value.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn contains(&self, tree: Tree, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(tree, key)?.is_some())
    }

    /// All pairs whose key lies in `range`, in the order of keys.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn range<'k>(&self, tree: Tree, range: impl RangeBounds<&'k [u8]>) -> Result<Pairs, Error> {
        match self.inner.open_table(tree.definition()) {
            Ok(table) => {
                let inner = table
                    .range::<&[u8]>((range.start_bound().cloned(), range.end_bound().cloned()))
                    .map_err(|source| Error::database("read a tree", source))?;
                Ok(Pairs { inner: Some(inner) })
            }
            Err(TableError::TableDoesNotExist(_)) => Ok(Pairs { inner: None }),
            Err(source) => Err(Error::database("open a tree", source)),
        }
    }

    /// All pairs whose key begins with `prefix`, in the order of keys.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn prefix(&self, tree: Tree, prefix: impl AsRef<[u8]>) -> Result<Pairs, Error> {
        let prefix = prefix.as_ref();
        let end = prefix_end(prefix);
        self.range(tree, (Bound::Included(prefix), as_bound(end.as_deref())))
    }

    /// All pairs, in the order of keys.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn iter(&self, tree: Tree) -> Result<Pairs, Error> {
        self.range(tree, ..)
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Pairs of a tree in the order of keys, read as they are asked for, from either end.
pub struct Pairs {
    inner: Option<redb::Range<'static, &'static [u8], &'static [u8]>>,
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pairs")
    }
}

impl Iterator for Pairs {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.as_mut()?.next().map(owned)
    }
}

impl DoubleEndedIterator for Pairs {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.inner.as_mut()?.next_back().map(owned)
    }
}

/// A change being made; it sees what it has written itself.
pub struct WriteTx<'a> {
    inner: &'a WriteTransaction,
}

impl fmt::Debug for WriteTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteTx")
    }
}

impl WriteTx<'_> {
    /// The value under a key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn get(&self, tree: Tree, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        get(&self.table(tree)?, key.as_ref())
    }

    /// Whether the key has a value.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn contains(&self, tree: Tree, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(tree, key)?.is_some())
    }

    /// Sets the value under a key.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put(
        &self,
        tree: Tree,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.table(tree)?
            .insert(key.as_ref(), value.as_ref())
            .map_err(|source| Error::database("write a tree", source))?;
        Ok(())
    }

    /// Sets many pairs of one tree: cheaper than one by one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_all<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        tree: Tree,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let mut table = self.table(tree)?;
        for (key, value) in pairs {
            table
                .insert(key.as_ref(), value.as_ref())
                .map_err(|source| Error::database("write a tree", source))?;
        }
        Ok(())
    }

    /// Removes a key; tells whether it was there.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn delete(&self, tree: Tree, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let mut table = self.table(tree)?;
        let removed = table
            .remove(key.as_ref())
            .map_err(|source| Error::database("write a tree", source))?;
        Ok(removed.is_some())
    }

    /// Removes many keys of one tree: cheaper than one by one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn delete_all<K: AsRef<[u8]>>(
        &self,
        tree: Tree,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<(), Error> {
        let mut table = self.table(tree)?;
        for key in keys {
            table
                .remove(key.as_ref())
                .map_err(|source| Error::database("write a tree", source))?;
        }
        Ok(())
    }

    /// All pairs whose key lies in `range`, in the order of keys, as they stand now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn range<'k>(
        &self,
        tree: Tree,
        range: impl RangeBounds<&'k [u8]>,
    ) -> Result<Vec<Pair>, Error> {
        self.table(tree)?
            .range::<&[u8]>((range.start_bound().cloned(), range.end_bound().cloned()))
            .map_err(|source| Error::database("read a tree", source))?
            .map(owned)
            .collect()
    }

    /// All pairs whose key begins with `prefix`, as they stand now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn prefix(&self, tree: Tree, prefix: impl AsRef<[u8]>) -> Result<Vec<Pair>, Error> {
        let prefix = prefix.as_ref();
        let end = prefix_end(prefix);
        self.range(tree, (Bound::Included(prefix), as_bound(end.as_deref())))
    }

    /// Removes a whole tree; tells whether it was there.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clear(&self, tree: Tree) -> Result<bool, Error> {
        self.inner
            .delete_table(tree.definition())
            .map_err(|source| Error::database("remove a tree", source))
    }

    fn table(&self, tree: Tree) -> Result<redb::Table<'_, &'static [u8], &'static [u8]>, Error> {
        self.inner
            .open_table(tree.definition())
            .map_err(|source| Error::database("open a tree", source))
    }
}

fn get(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let found = table
        .get(key)
        .map_err(|source| Error::database("read a tree", source))?;
    Ok(found.map(|value| value.value().to_vec()))
}

type Guard<'a> = redb::AccessGuard<'a, &'static [u8]>;

fn owned(pair: Result<(Guard<'_>, Guard<'_>), redb::StorageError>) -> Result<Pair, Error> {
    let (key, value) = pair.map_err(|source| Error::database("read a tree", source))?;
    Ok((key.value().to_vec(), value.value().to_vec()))
}

fn version_of(value: Option<Vec<u8>>) -> Result<u32, Error> {
    match value {
        None => Ok(0),
        Some(value) => <[u8; 4]>::try_from(value.as_slice())
            .map(u32::from_be_bytes)
            .map_err(|_| Error::StateNotUnderstood {
                reason: "the schema version is no number",
            }),
    }
}

/// The first key after all that begin with `prefix`; `None` when there is no such key.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn as_bound(end: Option<&[u8]>) -> Bound<&[u8]> {
    end.map_or(Bound::Unbounded, Bound::Excluded)
}

const CACHE_BYTES_MAX: usize = 16 << 20;
const META: Tree = Tree::new("_meta");
const SCHEMA_KEY: &str = "schema";

#[cfg(test)]
mod tests;
