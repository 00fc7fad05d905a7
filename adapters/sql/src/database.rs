//! The database behind an adapter: one call in, one result out, whatever the dialect.
//!
//! A call runs the statements of one service in one transaction. A query sees a connection that
//! cannot write. A command's result is durable when [`Database::run`] returns; when it returns an
//! error, nothing of it was kept. An idempotent command leaves a row in `karvan_applied`, in the
//! same transaction: the same message again gets the stored result and changes nothing. Whoever
//! can change that table can make a message be applied again.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    config::{Adapter, ServiceDescription, Shape, Target},
    error::{Error, Refusal},
    value::Value,
};

mod applied;
mod postgres;
mod sqlite;

pub(crate) use applied::MessageKey;

/// Connections to one database.
#[derive(Debug)]
pub(crate) struct Database {
    engine: Engine,
    calls: Arc<AtomicUsize>,
    calls_max: usize,
}

#[derive(Debug)]
enum Engine {
    Sqlite(sqlite::Pool),
    Postgres(Box<postgres::Pool>),
}

/// One call of a service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Arc<ServiceDescription>,
    /// In the order of the service's parameters.
    pub(crate) values: Vec<Value>,
    /// Present for an idempotent command.
    pub(crate) key: Option<MessageKey>,
    pub(crate) bounds: Bounds,
}

/// Bounds on a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rows_max: usize,
    pub(crate) bytes_max: usize,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rows of the last statement, in the order of the service's columns.
    pub(crate) rows: Vec<Vec<Value>>,
    /// How many rows the last statement changed.
    pub(crate) affected: i64,
}

impl Database {
    pub(crate) fn open(adapter: &Adapter, base: &Path) -> Result<Self, Error> {
        let services = &adapter.services;
        let engine = match &adapter.database.target {
            Target::Sqlite { path } => Engine::Sqlite(sqlite::Pool::open(
                &base.join(path),
                &adapter.database,
                services,
                base,
            )?),
            Target::Postgres { .. } => Engine::Postgres(Box::new(postgres::Pool::new(
                &adapter.database,
                services,
                base,
            )?)),
        };
        Ok(Self {
            engine,
            calls: Arc::default(),
            calls_max: adapter.limits.calls_max,
        })
    }

    pub(crate) async fn run(&self, call: Call) -> Result<Outcome, Refusal> {
        let _slot = Slot::take(&self.calls, self.calls_max).ok_or(Refusal::Busy)?;
        match &self.engine {
            Engine::Sqlite(pool) => pool.run(call).await,
            Engine::Postgres(pool) => pool.run(call).await,
        }
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), Refusal> {
        match &self.engine {
            Engine::Sqlite(pool) => pool.ping().await,
            Engine::Postgres(pool) => pool.ping().await,
        }
    }

    pub(crate) async fn probe(&self, services: &[Arc<ServiceDescription>]) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(pool) => pool.probe(services.to_vec()).await,
            Engine::Postgres(pool) => pool.probe(services).await,
        }
    }

    pub(crate) async fn script(&self, text: &str) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(pool) => pool.script(text.to_owned()).await,
            Engine::Postgres(pool) => pool.script(text).await,
        }
    }
}

impl Outcome {
    /// Whether this is what the service promises; judged before a command is made durable.
    fn expect(self, shape: &Shape) -> Result<Self, Refusal> {
        match shape {
            Shape::One if self.rows.is_empty() => Err(Refusal::NotFound),
            Shape::Affected if self.affected == 0 => Err(Refusal::NotFound),
            Shape::One | Shape::Many { .. } | Shape::Affected => Ok(self),
        }
    }
}

/// Collects rows up to the bounds.
struct Collector {
    bounds: Bounds,
    bytes: usize,
    rows: Vec<Vec<Value>>,
}

impl Collector {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            bytes: 0,
            rows: Vec::new(),
        }
    }

    fn push(&mut self, row: Vec<Value>) -> Result<(), Refusal> {
        let size = row.iter().map(Value::size).fold(0, usize::saturating_add);
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.bounds.bytes_max || self.rows.len() >= self.bounds.rows_max {
            return Err(Refusal::ResultTooLarge);
        }
        self.rows.push(row);
        Ok(())
    }
}

/// One of the calls that may be under way.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(calls: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let next = |now: usize| now.checked_add(1).filter(|next| *next <= max);
        calls
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
            .ok()?;
        Some(Self(Arc::clone(calls)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
