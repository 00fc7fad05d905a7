//! SQLite: a lane of connections that cannot write, and one connection that can.
//!
//! Blocking work runs on the runtime's blocking threads and is bounded by the lanes. A call whose
//! time is over, or whose caller went away, is stopped by the progress handler; what it had begun
//! is rolled back.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params,
    types::ValueRef,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Call, Collector, Outcome};
use crate::{
    config::{self, Effect, ServiceDescription, Shape},
    error::{Error, Refusal},
    statement::Statement,
    value::{Kind, Value},
};

#[derive(Debug)]
pub(super) struct Pool {
    readers: Lane,
    /// Only there when a service writes.
    writer: Option<Lane>,
    query_timeout: Duration,
    applied_days: u32,
}

/// Connections of one kind, as many at a time as there are permits.
#[derive(Clone, Debug)]
struct Lane {
    settings: Arc<Settings>,
    permits: Arc<Semaphore>,
    /// Connections that nobody uses.
    idle: Arc<Mutex<Vec<Connection>>>,
}

#[derive(Debug)]
struct Settings {
    path: PathBuf,
    writes: bool,
    busy_timeout: Duration,
}

/// Stops the work it was made for when it is dropped.
#[derive(Debug, Default)]
struct Cancel(Arc<AtomicBool>);

impl Pool {
    pub(super) fn open(
        path: &Path,
        database: &config::Database,
        services: &[ServiceDescription],
        base: &Path,
    ) -> Result<Self, Error> {
        if let Some(script) = &database.create_with {
            let script =
                std::fs::read_to_string(base.join(script)).map_err(|source| Error::File {
                    key: "create_with",
                    source,
                })?;
            create(path, &script, database.busy_timeout)?;
        }
        let lane = |writes, connections| {
            let settings = Settings {
                path: path.to_owned(),
                writes,
                busy_timeout: database.busy_timeout,
            };
            Lane::open(settings, connections)
        };
        let writes = services
            .iter()
            .any(|service| service.effect == Effect::Command);
        let writer = writes.then(|| lane(true, 1)).transpose()?;
        if let Some(writer) = &writer
            && services.iter().any(|service| service.idempotent)
        {
            writer.with(|connection| {
                connection
                    .execute_batch(APPLIED_TABLE)
                    .map_err(during("making karvan_applied"))
            })?;
        }
        Ok(Self {
            readers: lane(false, database.connections_max)?,
            writer,
            query_timeout: database.query_timeout,
            applied_days: database.applied_days,
        })
    }

    pub(super) async fn run(&self, call: Call) -> Result<Outcome, Refusal> {
        let lane = match call.service.effect {
            Effect::Query => &self.readers,
            Effect::Command => self.writer.as_ref().ok_or(Refusal::Database)?,
        };
        let permit = tokio::time::timeout(self.query_timeout, lane.permit())
            .await
            .map_err(|_| Refusal::Busy)?
            .ok_or(Refusal::Busy)?;

        let cancel = Cancel::default();
        let stop = Arc::clone(&cancel.0);
        let (lane, days) = (lane.clone(), self.applied_days);
        let mut work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            lane.call(&call, stop, days)
        });
        // A command that was stopped too late has been applied: only its own word counts.
        let ended = match tokio::time::timeout(self.query_timeout, &mut work).await {
            Ok(ended) => ended,
            Err(_) => {
                drop(cancel);
                work.await
            }
        };
        ended.unwrap_or(Err(Refusal::Database))
    }

    pub(super) async fn ping(&self) -> Result<(), Refusal> {
        let lane = self.readers.clone();
        let work = async move {
            let permit = lane.permit().await.ok_or(Refusal::Busy)?;
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let connection = lane.take().map_err(|_| Refusal::Database)?;
                let answer = connection
                    .query_row(PING, [], |_| Ok(()))
                    .map_err(|_| Refusal::Database);
                lane.put_back(connection);
                answer
            });
            work.await.unwrap_or(Err(Refusal::Database))
        };
        tokio::time::timeout(self.query_timeout, work)
            .await
            .unwrap_or(Err(Refusal::Timeout))
    }

    pub(super) async fn probe(&self, services: Vec<Arc<ServiceDescription>>) -> Result<(), Error> {
        let lane = self.writer.as_ref().unwrap_or(&self.readers).clone();
        let permit = lane.permit().await.ok_or(Error::Stopped)?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            lane.with(|connection| {
                services
                    .iter()
                    .try_for_each(|service| probe(connection, service))
            })
        })
        .await
        .map_err(|_| Error::Stopped)?
    }

    pub(super) async fn script(&self, text: String) -> Result<(), Error> {
        let lane = self.writer.as_ref().unwrap_or(&self.readers).clone();
        let permit = lane.permit().await.ok_or(Error::Stopped)?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            lane.with(|connection| run_script(connection, &text))
        })
        .await
        .map_err(|_| Error::Stopped)?
    }
}

impl Lane {
    fn open(settings: Settings, connections: usize) -> Result<Self, Error> {
        let first = settings.connect().map_err(during("opening the database"))?;
        Ok(Self {
            settings: Arc::new(settings),
            permits: Arc::new(Semaphore::new(connections)),
            idle: Arc::new(Mutex::new(vec![first])),
        })
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.settings.connect(),
        }
    }

    fn put_back(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.take().map_err(during("opening the database"))?;
        let result = work(&mut connection);
        self.put_back(connection);
        result
    }

    fn call(
        &self,
        call: &Call,
        stop: Arc<AtomicBool>,
        applied_days: u32,
    ) -> Result<Outcome, Refusal> {
        let service = call.service.as_ref();
        let mut connection = self.take().map_err(|error| refusal(&error, service))?;
        connection
            .progress_handler(
                INSTRUCTIONS_PER_CHECK,
                Some(move || stop.load(Ordering::Acquire)),
            )
            .map_err(|error| refusal(&error, service))?;
        let result = match service.effect {
            Effect::Query => steps(&connection, call),
            Effect::Command => command(&mut connection, call, applied_days),
        };
        // A connection that keeps a stale handler would be stopped at its next call: drop it.
        if connection.progress_handler(0, None::<fn() -> bool>).is_ok()
            && connection.is_autocommit()
        {
            self.put_back(connection);
        }
        result
    }
}

impl Settings {
    fn connect(&self) -> rusqlite::Result<Connection> {
        let access = match self.writes {
            true => OpenFlags::SQLITE_OPEN_READ_WRITE,
            false => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let connection =
            Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        match self.writes {
            true => {
                connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
                connection.pragma_update(None, "synchronous", "full")?;
            }
            false => connection.pragma_update(None, "query_only", true)?,
        }
        Ok(connection)
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn command(
    connection: &mut Connection,
    call: &Call,
    applied_days: u32,
) -> Result<Outcome, Refusal> {
    let service = call.service.as_ref();
    let refused = |error: rusqlite::Error| refusal(&error, service);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(refused)?;

    if let Some(key) = &call.key {
        let stored: Option<String> = transaction
            .prepare_cached(APPLIED_FIND)
            .and_then(|mut statement| {
                statement
                    .query_row(
                        params![key.client, key.service, key.message_id, key.content],
                        |row| row.get(0),
                    )
                    .optional()
            })
            .map_err(refused)?;
        if let Some(stored) = stored {
            return Outcome::from_stored(&stored).ok_or(Refusal::Result);
        }
    }

    let outcome = steps(&transaction, call)?;

    if let Some(key) = &call.key {
        transaction
            .prepare_cached(APPLIED_FORGET)
            .and_then(|mut statement| statement.execute(params![format!("-{applied_days} days")]))
            .and_then(|_| transaction.prepare_cached(APPLIED_ADD))
            .and_then(|mut statement| {
                statement.execute(params![
                    key.client,
                    key.service,
                    key.message_id,
                    key.content,
                    outcome.to_stored()
                ])
            })
            .map_err(refused)?;
    }
    transaction.commit().map_err(refused)?;
    Ok(outcome)
}

fn steps(connection: &Connection, call: &Call) -> Result<Outcome, Refusal> {
    let mut outcome = Outcome {
        rows: Vec::new(),
        affected: 0,
    };
    for (at, statement) in call.service.statements.iter().enumerate() {
        let last = at.saturating_add(1) == call.service.statements.len();
        outcome = step(connection, call, statement, last)?;
    }
    outcome.expect(&call.service.shape)
}

fn step(
    connection: &Connection,
    call: &Call,
    statement: &Statement,
    last: bool,
) -> Result<Outcome, Refusal> {
    let service = call.service.as_ref();
    let refused = |error: rusqlite::Error| refusal(&error, service);
    let mut prepared = connection
        .prepare_cached(statement.text())
        .map_err(refused)?;
    for (parameter, value) in service.parameters.iter().zip(&call.values) {
        if let Some(at) = prepared
            .parameter_index(&format!(":{}", parameter.name))
            .map_err(refused)?
        {
            bind(&mut prepared, at, value).map_err(refused)?;
        }
    }
    let wanted = match last && service.shape != Shape::Affected {
        true => service.columns.as_slice(),
        false => &[],
    };
    let places: Vec<usize> = wanted
        .iter()
        .map(|column| prepared.column_index(&column.name))
        .collect::<rusqlite::Result<_>>()
        .map_err(refused)?;

    let mut collected = Collector::new(call.bounds);
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(refused)? {
        if !last {
            continue;
        }
        let values = wanted.iter().zip(&places).map(|(column, place)| {
            let raw = row.get_ref(*place).map_err(refused)?;
            read(raw, column.kind).ok_or_else(|| {
                tracing::error!(
                    service = service.full_code(),
                    column = column.name,
                    "the register holds a value that is not of the column's type"
                );
                Refusal::Result
            })
        });
        collected.push(values.collect::<Result<_, _>>()?)?;
        if service.shape == Shape::One {
            break; // SQLite makes every change of a statement before it gives the first row
        }
    }
    drop(rows);
    let affected = i64::try_from(connection.changes()).unwrap_or(i64::MAX);
    Ok(Outcome {
        rows: collected.rows,
        affected,
    })
}

fn bind(prepared: &mut rusqlite::Statement<'_>, at: usize, value: &Value) -> rusqlite::Result<()> {
    match value {
        Value::Null => prepared.raw_bind_parameter(at, rusqlite::types::Null),
        Value::Text(text) => prepared.raw_bind_parameter(at, text),
        Value::Integer(number) => prepared.raw_bind_parameter(at, number),
        Value::Boolean(yes) => prepared.raw_bind_parameter(at, yes),
    }
}

/// `None` when the value cannot be of the kind.
fn read(raw: ValueRef<'_>, kind: Kind) -> Option<Value> {
    match raw {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(number) => match kind {
            Kind::Integer => Some(Value::Integer(number)),
            Kind::Boolean => match number {
                0 => Some(Value::Boolean(false)),
                1 => Some(Value::Boolean(true)),
                _ => None,
            },
            Kind::Date | Kind::Datetime => None,
            Kind::Decimal | Kind::Text | Kind::Fin | Kind::Voen | Kind::Document => {
                Some(Value::Text(number.to_string()))
            }
        },
        ValueRef::Real(number) => match kind {
            Kind::Decimal if number.is_finite() => Some(Value::Text(number.to_string())),
            _ => None,
        },
        ValueRef::Text(bytes) => kind.read_stored(std::str::from_utf8(bytes).ok()?),
        ValueRef::Blob(_) => None,
    }
}

fn probe(connection: &Connection, service: &ServiceDescription) -> Result<(), Error> {
    let name = service.full_code();
    for (at, statement) in service.statements.iter().enumerate() {
        let prepared = connection
            .prepare(statement.text())
            .map_err(during(format!(
                "preparing statement {} of {name}",
                at.saturating_add(1)
            )))?;
        if service.effect == Effect::Query && !prepared.readonly() {
            return Err(Error::Statement {
                service: name,
                message: "a query changes data".to_owned(),
            });
        }
        let last = at.saturating_add(1) == service.statements.len();
        for column in service.columns.iter().filter(|_| last) {
            if prepared.column_index(&column.name).is_err() {
                let message = format!("the statement gives no column {}", column.name);
                return Err(Error::Statement {
                    service: name,
                    message,
                });
            }
        }
    }
    Ok(())
}

/// Makes the tables of a database that has none.
fn create(path: &Path, script: &str, busy_timeout: Duration) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(during("making the database"))?;
    connection
        .busy_timeout(busy_timeout)
        .map_err(during("making the database"))?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(during("making the database"))?;
    let empty: bool = transaction
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)",
            [],
            |row| row.get(0),
        )
        .map_err(during("making the database"))?;
    if empty {
        transaction
            .execute_batch(script)
            .map_err(during("running create_with"))?;
        transaction
            .commit()
            .map_err(during("running create_with"))?;
    }
    Ok(())
}

fn run_script(connection: &mut Connection, text: &str) -> Result<(), Error> {
    let doing = "running a script";
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(during(doing))?;
    transaction.execute_batch(text).map_err(during(doing))?;
    transaction.commit().map_err(during(doing))
}

/// What the caller is told; the log gets SQLite's code, never its text, which may quote data.
fn refusal(error: &rusqlite::Error, service: &ServiceDescription) -> Refusal {
    let refusal = match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Refusal::Conflict,
        Some(ErrorCode::OperationInterrupted) => Refusal::Timeout,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Refusal::Busy,
        Some(ErrorCode::TooBig) => Refusal::ResultTooLarge,
        _ => Refusal::Database,
    };
    if refusal == Refusal::Database {
        let code = error.sqlite_error().map(|e| e.extended_code);
        tracing::error!(
            service = service.full_code(),
            sqlite_code = code,
            "the database failed"
        );
    }
    refusal
}

fn during(doing: impl Into<String>) -> impl FnOnce(rusqlite::Error) -> Error {
    let doing = doing.into();
    move |source| Error::Sqlite { doing, source }
}

/// How many steps of SQLite's machine lie between two looks at the clock's verdict.
const INSTRUCTIONS_PER_CHECK: std::ffi::c_int = 1000;
const STATEMENTS_CACHED_MAX: usize = 128;

/// Reads the file, unlike a bare constant.
const PING: &str = "SELECT count(*) FROM sqlite_master";
const APPLIED_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS karvan_applied (
        client TEXT NOT NULL,
        service TEXT NOT NULL,
        message_id TEXT NOT NULL,
        content TEXT NOT NULL,
        applied_at TEXT NOT NULL DEFAULT (datetime('now')),
        result TEXT NOT NULL,
        PRIMARY KEY (client, service, message_id, content)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS karvan_applied_by_time ON karvan_applied (applied_at);";
const APPLIED_FIND: &str = "SELECT result FROM karvan_applied
    WHERE client = ?1 AND service = ?2 AND message_id = ?3 AND content = ?4";
const APPLIED_ADD: &str =
    "INSERT INTO karvan_applied (client, service, message_id, content, result)
    VALUES (?1, ?2, ?3, ?4, ?5)";
const APPLIED_FORGET: &str = "DELETE FROM karvan_applied WHERE applied_at < datetime('now', ?1)";
