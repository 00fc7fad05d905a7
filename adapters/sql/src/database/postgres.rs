//! PostgreSQL: a bounded set of sessions, each call in a transaction of its own.
//!
//! Values are bound as text and cast by the server (see `Statement::numbered`); results are decoded
//! by their own type (see `decode`). Statement and lock timeouts are the server's, so a statement ends
//! there too when its time is over. A session that failed in any other way is thrown away.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::TryStreamExt;
use tokio::sync::Semaphore;
use tokio_postgres::{
    Client, Config, NoTls, Transaction,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{Call, Collector, Outcome};
use crate::{
    config::{self, Effect, PostgresTls, ServiceDescription, Shape, Target},
    error::{Error, Refusal},
    statement::Statement,
    value::Kind,
};

mod decode;
mod tls;

#[derive(Debug)]
pub(super) struct Pool {
    config: Config,
    tls: Option<tls::Connector>,
    permits: Semaphore,
    idle: Mutex<Vec<Session>>,
    query_timeout: Duration,
    applied_days: u32,
    keeps_applied: bool,
}

/// A connection and what was prepared on it, by the numbered text.
struct Session {
    client: Client,
    prepared: HashMap<String, tokio_postgres::Statement>,
}

impl Pool {
    pub(super) fn new(
        database: &config::Database,
        services: &[ServiceDescription],
        base: &Path,
    ) -> Result<Self, Error> {
        let Target::Postgres {
            url,
            password_file,
            tls,
        } = &database.target
        else {
            return Err(Error::Tls {
                reason: "the database is not a server".to_owned(),
            });
        };
        let mut config: Config = url.parse().map_err(during("reading its address"))?;
        if let Some(file) = password_file {
            let password =
                std::fs::read_to_string(base.join(file)).map_err(|source| Error::File {
                    key: "password_file",
                    source,
                })?;
            config.password(password.trim_end_matches(['\r', '\n']));
        }
        config.application_name("karvan");
        config.connect_timeout(database.query_timeout);
        config.options(format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
            database.query_timeout.as_millis(),
            database.busy_timeout.as_millis(),
            database.query_timeout.as_millis().saturating_mul(2),
        ));
        let tls = match tls {
            PostgresTls::Off => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                None
            }
            PostgresTls::Verified { ca_file } => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                Some(tls::Connector::from_pem_file(&base.join(ca_file))?)
            }
        };
        Ok(Self {
            config,
            tls,
            permits: Semaphore::new(database.connections_max),
            idle: Mutex::default(),
            query_timeout: database.query_timeout,
            applied_days: database.applied_days,
            keeps_applied: services.iter().any(|service| service.idempotent),
        })
    }

    pub(super) async fn run(&self, call: Call) -> Result<Outcome, Refusal> {
        let waited = tokio::time::timeout(self.query_timeout, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = waited else {
            return Err(Refusal::Busy);
        };
        let service = Arc::clone(&call.service);
        let mut session = self.take().await.map_err(|error| {
            tracing::error!(service = service.full_code(), %error, "the database is out of reach");
            Refusal::Database
        })?;
        // The server stops a statement that is late; twice the time means that it is not answering.
        let patience = self.query_timeout.saturating_mul(2);
        let result = tokio::time::timeout(patience, self.call(&mut session, &call)).await;
        match result {
            Ok(Ok(outcome)) => {
                self.put_back(session);
                Ok(outcome)
            }
            Ok(Err(refusal)) => {
                if !matches!(refusal, Refusal::Database | Refusal::Timeout) {
                    self.put_back(session);
                }
                Err(refusal)
            }
            Err(_) => Err(Refusal::Timeout),
        }
    }

    pub(super) async fn ping(&self) -> Result<(), Refusal> {
        let work = async {
            let _permit = self.permits.acquire().await.map_err(|_| Refusal::Busy)?;
            let session = self.take().await.map_err(|_| Refusal::Database)?;
            session
                .client
                .simple_query("")
                .await
                .map_err(|_| Refusal::Database)?;
            self.put_back(session);
            Ok(())
        };
        tokio::time::timeout(self.query_timeout, work)
            .await
            .unwrap_or(Err(Refusal::Timeout))
    }

    pub(super) async fn probe(&self, services: &[Arc<ServiceDescription>]) -> Result<(), Error> {
        let mut session = self.take().await?;
        for service in services {
            probe(&mut session, service).await?;
        }
        self.put_back(session);
        Ok(())
    }

    pub(super) async fn script(&self, text: &str) -> Result<(), Error> {
        let mut session = self.take().await?;
        let doing = "running a script";
        let transaction = session.client.transaction().await.map_err(during(doing))?;
        transaction
            .batch_execute(text)
            .await
            .map_err(during(doing))?;
        transaction.commit().await.map_err(during(doing))?;
        self.put_back(session);
        Ok(())
    }

    async fn take(&self) -> Result<Session, Error> {
        loop {
            let idle = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            match idle {
                Some(session) if session.client.is_closed() => {}
                Some(session) => return Ok(session),
                None => return self.connect().await,
            }
        }
    }

    fn put_back(&self, session: Session) {
        if !session.client.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(session);
        }
    }

    async fn connect(&self) -> Result<Session, Error> {
        let doing = "connecting";
        let client = match &self.tls {
            None => {
                let (client, connection) =
                    self.config.connect(NoTls).await.map_err(during(doing))?;
                tokio::spawn(connection);
                client
            }
            Some(connector) => {
                let (client, connection) = self
                    .config
                    .connect(connector.make())
                    .await
                    .map_err(during(doing))?;
                tokio::spawn(connection);
                client
            }
        };
        if self.keeps_applied {
            let table = client.batch_execute(APPLIED_TABLE).await;
            table.map_err(during("making karvan_applied"))?;
        }
        Ok(Session {
            client,
            prepared: HashMap::new(),
        })
    }

    async fn call(&self, session: &mut Session, call: &Call) -> Result<Outcome, Refusal> {
        let service = call.service.as_ref();
        let refused = |error: tokio_postgres::Error| refusal(&error, service);
        let statements = session.prepare(service).await.map_err(refused)?;
        let transaction = session
            .client
            .build_transaction()
            .read_only(service.effect == Effect::Query)
            .start()
            .await
            .map_err(refused)?;

        if let Some(key) = &call.key {
            let place: [&(dyn ToSql + Sync); 4] =
                [&key.client, &key.service, &key.message_id, &key.content];
            transaction
                .execute(APPLIED_FORGET, &[&f64::from(self.applied_days)])
                .await
                .map_err(refused)?;
            // Of two equal messages at once, the second waits here for the first.
            let mine = transaction
                .execute(APPLIED_ADD, &place)
                .await
                .map_err(refused)?;
            if mine == 0 {
                let row = transaction
                    .query_one(APPLIED_FIND, &place)
                    .await
                    .map_err(refused)?;
                let stored: String = row.try_get(0).map_err(refused)?;
                return Outcome::from_stored(&stored).ok_or(Refusal::Result);
            }
        }

        let mut outcome = Outcome {
            rows: Vec::new(),
            affected: 0,
        };
        for (at, (statement, prepared)) in service.statements.iter().zip(&statements).enumerate() {
            let last = at.saturating_add(1) == service.statements.len();
            outcome = step(&transaction, call, statement, prepared, last).await?;
        }
        let outcome = outcome.expect(&service.shape)?;

        if let Some(key) = &call.key {
            let stored = outcome.to_stored();
            let values: [&(dyn ToSql + Sync); 5] = [
                &key.client,
                &key.service,
                &key.message_id,
                &key.content,
                &stored,
            ];
            transaction
                .execute(APPLIED_SET, &values)
                .await
                .map_err(refused)?;
        }
        transaction.commit().await.map_err(refused)?;
        Ok(outcome)
    }
}

impl Session {
    async fn prepare(
        &mut self,
        service: &ServiceDescription,
    ) -> Result<Vec<tokio_postgres::Statement>, tokio_postgres::Error> {
        let mut statements = Vec::with_capacity(service.statements.len());
        for statement in &service.statements {
            let text = statement.numbered(|name| sql_type(service, name));
            let prepared = match self.prepared.get(&text) {
                Some(prepared) => prepared.clone(),
                None => {
                    let types = vec![Type::TEXT; statement.names().len()];
                    let prepared = self.client.prepare_typed(&text, &types).await?;
                    self.prepared.insert(text, prepared.clone());
                    prepared
                }
            };
            statements.push(prepared);
        }
        Ok(statements)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

async fn step(
    transaction: &Transaction<'_>,
    call: &Call,
    statement: &Statement,
    prepared: &tokio_postgres::Statement,
    last: bool,
) -> Result<Outcome, Refusal> {
    let service = call.service.as_ref();
    let refused = |error: tokio_postgres::Error| refusal(&error, service);
    let values = statement.names().iter().map(|name| {
        let given = service
            .parameters
            .iter()
            .zip(&call.values)
            .find(|(p, _)| p.name == *name);
        given.and_then(|(_, value)| value.to_text())
    });
    let values: Vec<Option<String>> = values.map(|v| v.map(Into::into)).collect();

    let mut stream = std::pin::pin!(
        transaction
            .query_raw(prepared, &values)
            .await
            .map_err(refused)?
    );
    let mut collected = Collector::new(call.bounds);
    while let Some(row) = stream.try_next().await.map_err(refused)? {
        let full = service.shape == Shape::One && !collected.rows.is_empty();
        if !last || service.shape == Shape::Affected || full {
            continue;
        }
        let values = service.columns.iter().map(|column| {
            decode::column(&row, &column.name, column.kind).ok_or_else(|| {
                tracing::error!(
                    service = service.full_code(),
                    column = column.name,
                    "the register holds a value that is not of the column's type"
                );
                Refusal::Result
            })
        });
        collected.push(values.collect::<Result<_, _>>()?)?;
    }
    let affected = stream.rows_affected().unwrap_or_default();
    Ok(Outcome {
        rows: collected.rows,
        affected: i64::try_from(affected).unwrap_or(i64::MAX),
    })
}

async fn probe(session: &mut Session, service: &ServiceDescription) -> Result<(), Error> {
    let name = service.full_code();
    let statements = session
        .prepare(service)
        .await
        .map_err(during(format!("preparing {name}")))?;
    let Some(last) = statements.last() else {
        return Ok(());
    };
    for column in &service.columns {
        let found = last
            .columns()
            .iter()
            .find(|found| found.name() == column.name);
        let message = match found {
            Some(found) if decode::understands(found.type_()) => continue,
            Some(found) => {
                format!(
                    "column {} is of type {}: cast it to text",
                    column.name,
                    found.type_()
                )
            }
            None => format!("the statement gives no column {}", column.name),
        };
        return Err(Error::Statement {
            service: name,
            message,
        });
    }
    Ok(())
}

fn sql_type(service: &ServiceDescription, name: &str) -> &'static str {
    let kind = service
        .parameters
        .iter()
        .find(|p| p.name == name)
        .map(|p| p.kind);
    match kind {
        Some(Kind::Integer) => "bigint",
        Some(Kind::Decimal) => "numeric",
        Some(Kind::Boolean) => "boolean",
        Some(Kind::Date) => "date",
        Some(Kind::Datetime) => "timestamptz",
        Some(Kind::Fin | Kind::Voen | Kind::Document | Kind::Text) | None => "text",
    }
}

/// What the caller is told; the log gets the SQLSTATE, never the server's text, which quotes data.
fn refusal(error: &tokio_postgres::Error, service: &ServiceDescription) -> Refusal {
    let state = error.code();
    let refusal = match state {
        Some(&SqlState::QUERY_CANCELED) => Refusal::Timeout,
        Some(
            &SqlState::LOCK_NOT_AVAILABLE
            | &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED,
        ) => Refusal::Busy,
        // Class 22: a value that the column cannot hold. Class 23: a constraint.
        Some(state)
            if ["22", "23"]
                .iter()
                .any(|class| state.code().starts_with(class)) =>
        {
            Refusal::Conflict
        }
        _ => Refusal::Database,
    };
    if refusal == Refusal::Database {
        let state = state.map(SqlState::code);
        tracing::error!(
            service = service.full_code(),
            sqlstate = state,
            "the database failed"
        );
    }
    refusal
}

fn during(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = doing.into();
    move |source| Error::Postgres { doing, source }
}

const APPLIED_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS karvan_applied (
        client text NOT NULL,
        service text NOT NULL,
        message_id text NOT NULL,
        content text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        result text,
        PRIMARY KEY (client, service, message_id, content)
    );
    CREATE INDEX IF NOT EXISTS karvan_applied_by_time ON karvan_applied (applied_at);";
const APPLIED_FORGET: &str = "DELETE FROM karvan_applied WHERE applied_at < now() - make_interval(secs => $1::float8 * 86400)";
const APPLIED_ADD: &str = "INSERT INTO karvan_applied (client, service, message_id, content)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const APPLIED_FIND: &str = "SELECT coalesce(result, '') FROM karvan_applied
    WHERE client = $1 AND service = $2 AND message_id = $3 AND content = $4";
const APPLIED_SET: &str = "UPDATE karvan_applied SET result = $5
    WHERE client = $1 AND service = $2 AND message_id = $3 AND content = $4";
