//! From what is written to what is meant, collecting every problem on the way.

use std::{net::SocketAddr, ops::Range, time::Duration};

use gateway_proto::id::ClientId;
use toml::Spanned;

use super::{Adapter, Database, Limits, PostgresTls, Problem, Problems, Target, raw};
use crate::{fin::Alphabet, statement::Dialect};

mod service;

/// Reads and judges a description; `file` names it in the problems.
///
/// # Errors
/// All problems of the text.
pub fn check(file: &str, text: &str) -> Result<Adapter, Problems> {
    let mut judge = Judge {
        text,
        problems: Vec::new(),
    };
    let adapter = match toml::from_str::<raw::Adapter>(text) {
        Ok(raw) => judge.adapter(raw),
        Err(error) => {
            judge.report(
                error.span().unwrap_or_default(),
                error.message().lines().collect::<Vec<_>>().join("; "),
                "see the reference of the adapter file: every key there has its type and default",
            );
            None
        }
    };
    judge
        .problems
        .sort_by_key(|problem| (problem.line, problem.column));
    match adapter {
        Some(adapter) if judge.problems.is_empty() => Ok(adapter),
        _ => Err(Problems {
            file: file.to_owned(),
            list: judge.problems,
        }),
    }
}

struct Judge<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl Judge<'_> {
    fn adapter(&mut self, raw: raw::Adapter) -> Option<Adapter> {
        let listen = self.listen(&raw.listen);
        let target = self.target(&raw.database);
        let database = self.database(raw.database, target.clone());
        let alphabet = self.alphabet(raw.fin.alphabet.as_ref());
        if let Some(url) = &raw.public_url {
            self.expect_url(url);
        }
        if raw.namespace.get_ref().trim().is_empty()
            || raw.namespace.get_ref().contains(char::is_whitespace)
        {
            self.report(
                raw.namespace.span(),
                "the namespace is empty or has white space",
                "use a URN or URL of your own, such as urn:az:iamas:1",
            );
        }
        let provider = raw.provider.and_then(|provider| self.provider(&provider));
        let dialect = target.as_ref().map_or(Dialect::Sqlite, Target::dialect);
        let services_span = raw.service.span();
        self.services_are_single(raw.service.get_ref());
        let services: Vec<_> = raw
            .service
            .into_inner()
            .into_iter()
            .map(|service| self.service(service, dialect))
            .collect();
        if services.is_empty() {
            self.report(
                services_span,
                "there is no service",
                "add a [[service]] table",
            );
        }
        Some(Adapter {
            listen: listen?,
            public_url: raw.public_url.map(Spanned::into_inner),
            title: raw.title,
            namespace: raw.namespace.into_inner(),
            provider,
            database: database?,
            limits: self.limits(&raw.limits),
            fin_alphabet: alphabet,
            services: services.into_iter().collect::<Option<_>>()?,
        })
    }

    fn listen(&mut self, raw: &Spanned<String>) -> Option<SocketAddr> {
        let address = raw.get_ref().parse().ok();
        if address.is_none() {
            self.report(
                raw.span(),
                "this is no address to listen on",
                "write IP:PORT, such as 127.0.0.1:8101",
            );
        }
        address
    }

    fn provider(&mut self, raw: &Spanned<String>) -> Option<ClientId> {
        let provider = ClientId::from_rest(raw.get_ref())
            .ok()
            .filter(|id| id.subsystem().is_some());
        if provider.is_none() {
            self.report(
                raw.span(),
                "this is no subsystem",
                "write INSTANCE/CLASS/MEMBER/SUBSYSTEM, such as AZ/GOV/0000000131/iamas",
            );
        }
        provider
    }

    fn alphabet(&mut self, raw: Option<&Spanned<String>>) -> Alphabet {
        let Some(raw) = raw else {
            return Alphabet::default();
        };
        Alphabet::new(raw.get_ref()).unwrap_or_else(|error| {
            self.report(
                raw.span(),
                error.to_string(),
                "list each permitted symbol once: digits and capitals A to Z",
            );
            Alphabet::default()
        })
    }

    fn target(&mut self, raw: &raw::Database) -> Option<Target> {
        let url = raw.url.get_ref();
        let sqlite = url.strip_prefix("sqlite:").filter(|path| !path.is_empty());
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        match sqlite {
            Some(path) => {
                for extra in [raw.password_file.as_ref(), raw.tls_ca_file.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    self.report(
                        extra.span(),
                        "this key belongs to PostgreSQL only",
                        "remove it, or give a postgres:// address as url",
                    );
                }
                Some(Target::Sqlite {
                    path: path.to_owned(),
                })
            }
            None if postgres => self.postgres(raw),
            None => {
                self.report(
                    raw.url.span(),
                    "this is no database address",
                    "write sqlite:PATH or postgres://USER@HOST/DATABASE",
                );
                None
            }
        }
    }

    fn postgres(&mut self, raw: &raw::Database) -> Option<Target> {
        let Ok(parsed) = raw.url.get_ref().parse::<tokio_postgres::Config>() else {
            self.report(
                raw.url.span(),
                "this is no PostgreSQL address",
                "write postgres://USER@HOST:PORT/DATABASE",
            );
            return None;
        };
        if let Some(script) = &raw.create_with {
            self.report(
                script.span(),
                "only a SQLite database is made by its adapter",
                "remove create_with and make the tables with your own tools",
            );
        }
        let off = raw.tls.as_ref().is_some_and(|tls| !tls.get_ref());
        let tls = match &raw.tls_ca_file {
            Some(_) if off => {
                self.report(
                    raw.url.span(),
                    "tls = false contradicts tls_ca_file",
                    "keep one of the two",
                );
                return None;
            }
            Some(file) => PostgresTls::Verified {
                ca_file: file.get_ref().clone(),
            },
            None if off || stays_on_this_machine(&parsed) => PostgresTls::Off,
            None => {
                self.report(raw.url.span(), "this database is on another machine and no TLS is configured",
                    "give tls_ca_file, or tls = false when the way there is protected by other means");
                return None;
            }
        };
        Some(Target::Postgres {
            url: raw.url.get_ref().clone(),
            password_file: raw
                .password_file
                .as_ref()
                .map(|file| file.get_ref().clone()),
            tls,
        })
    }

    fn database(&mut self, raw: raw::Database, target: Option<Target>) -> Option<Database> {
        let millis = |value: u64| Duration::from_millis(value);
        Some(Database {
            connections_max: self.bounded(raw.connections_max.as_ref(), 4, 1..=256),
            busy_timeout: millis(self.bounded(raw.busy_timeout_ms.as_ref(), 2_000, 0..=60_000)),
            query_timeout: millis(self.bounded(raw.query_timeout_ms.as_ref(), 5_000, 1..=600_000)),
            applied_days: self.bounded(raw.applied_days.as_ref(), 30, 1..=36_500),
            create_with: raw.create_with.map(Spanned::into_inner),
            target: target?,
        })
    }

    fn limits(&mut self, raw: &raw::Limits) -> Limits {
        let default = Limits::default();
        Limits {
            request_bytes_max: self.bounded(
                raw.request_bytes_max.as_ref(),
                default.request_bytes_max,
                1024..=104_857_600,
            ),
            response_bytes_max: self.bounded(
                raw.response_bytes_max.as_ref(),
                default.response_bytes_max,
                1024..=104_857_600,
            ),
            rows_max: self.bounded(raw.rows_max.as_ref(), default.rows_max, 1..=1_000_000),
            calls_max: self.bounded(raw.calls_max.as_ref(), default.calls_max, 1..=100_000),
        }
    }

    fn bounded<N>(
        &mut self,
        raw: Option<&Spanned<N>>,
        default: N,
        range: std::ops::RangeInclusive<N>,
    ) -> N
    where
        N: Copy + PartialOrd + std::fmt::Display,
    {
        let Some(raw) = raw else {
            return default;
        };
        if !range.contains(raw.get_ref()) {
            self.report(
                raw.span(),
                format!("{} is out of bounds", raw.get_ref()),
                format!(
                    "give a number from {} to {}; the default is {default}",
                    range.start(),
                    range.end()
                ),
            );
        }
        *raw.get_ref()
    }

    /// Names become XML elements, JSON members and SQL parameters.
    fn expect_name(&mut self, raw: &Spanned<String>) {
        let name = raw.get_ref();
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !starts
            || !fits
            || name.len() > 64
            || name
                .get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("xml"))
        {
            self.report(raw.span(), "this is no name",
                "start with a Latin letter (not xml), go on with letters, digits and `_`, at most 64");
        }
    }

    fn expect_url(&mut self, raw: &Spanned<String>) {
        let url = raw.get_ref().parse::<http::Uri>().ok();
        let fits = url.is_some_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https")) && url.query().is_none()
        });
        if !fits {
            self.report(
                raw.span(),
                "this is no address of a service",
                "write http://HOST:PORT or https://HOST:PORT",
            );
        }
    }

    fn report(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        self.problems.push(Problem {
            line: before.matches('\n').count().saturating_add(1),
            column: column.saturating_add(1),
            message: message.into(),
            hint: hint.into(),
        });
    }
}

fn stays_on_this_machine(config: &tokio_postgres::Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        tokio_postgres::config::Host::Unix(_) => true,
        tokio_postgres::config::Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        }
    })
}
