//! From what is written to what is meant, collecting every problem on the way.

use std::{net::SocketAddr, ops::Range, time::Duration};

use gateway_proto::id::ClientId;
use toml::Spanned;

use super::{
    Adapter, Column, Database, Effect, Limits, Parameter, PostgresTls, Problem, Problems, Route,
    Segment, ServiceDescription, Shape, Source, Target, raw,
};
use crate::{
    fin::Alphabet,
    statement::{self, Dialect, Statement},
};

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
        let parsed = match raw.url.get_ref().parse::<tokio_postgres::Config>() {
            Ok(parsed) => parsed,
            Err(_) => {
                self.report(
                    raw.url.span(),
                    "this is no PostgreSQL address",
                    "write postgres://USER@HOST:PORT/DATABASE",
                );
                return None;
            }
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

    fn service(&mut self, raw: raw::Service, dialect: Dialect) -> Option<ServiceDescription> {
        self.expect_name(&raw.code);
        if let Some(version) = &raw.version {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            if version.get_ref().is_empty() || !version.get_ref().bytes().all(fits) {
                self.report(
                    version.span(),
                    "this is no version",
                    "use letters, digits, `-`, `.` and `_`, such as v1",
                );
            }
        }
        let route = raw.rest.as_ref().and_then(|rest| self.route(rest));
        let statements = self.statements(&raw, dialect);
        let parameters: Vec<_> = raw
            .parameter
            .iter()
            .map(|parameter| self.parameter(parameter, route.as_ref()))
            .collect();
        self.names_are_single(raw.parameter.iter().map(|parameter| &parameter.name));
        self.names_are_single(raw.column.iter().map(|column| &column.name));
        self.bindings(&raw, &statements);
        self.path_parameters(&raw, route.as_ref(), &parameters);
        let shape = self.shape(&raw);
        self.effect(&raw, &statements, shape.as_ref(), route.as_ref());
        for column in &raw.column {
            self.expect_name(&column.name);
        }
        Some(ServiceDescription {
            code: raw.code.into_inner(),
            version: raw.version.map(Spanned::into_inner),
            title: raw.title,
            effect: raw.kind,
            idempotent: raw.idempotent.is_some_and(Spanned::into_inner),
            statements,
            shape: shape?,
            parameters,
            columns: raw
                .column
                .into_iter()
                .map(|column| Column {
                    name: column.name.into_inner(),
                    kind: column.kind,
                    title: column.title,
                })
                .collect(),
            route,
        })
    }

    fn statements(&mut self, raw: &raw::Service, dialect: Dialect) -> Vec<Statement> {
        let texts: Vec<&Spanned<String>> = match (&raw.sql, &raw.steps) {
            (Some(text), None) => vec![text],
            (None, Some(steps)) => steps.get_ref().iter().collect(),
            (Some(_), Some(steps)) => {
                self.report(
                    steps.span(),
                    "both sql and steps are given",
                    "keep one of the two",
                );
                Vec::new()
            }
            (None, None) => {
                self.report(
                    raw.code.span(),
                    "the service has no statement",
                    "give sql, or steps for several",
                );
                Vec::new()
            }
        };
        if texts.is_empty()
            && raw.sql.is_none()
            && let Some(steps) = &raw.steps
        {
            self.report(
                steps.span(),
                "there is no step",
                "give at least one statement",
            );
        }
        texts
            .into_iter()
            .filter_map(|text| match Statement::parse(text.get_ref(), dialect) {
                Ok(statement) => Some(statement),
                Err(error) => {
                    let hint = match error {
                        statement::Error::Empty => "write the SQL of the service",
                        statement::Error::SecondStatement => {
                            "use steps = [\"…\", \"…\"] for several statements"
                        }
                        statement::Error::ForeignParameter => {
                            "write :name and list the name as a [[service.parameter]]"
                        }
                        statement::Error::Unterminated => "close the quote or the comment",
                    };
                    self.report(text.span(), error.to_string(), hint);
                    None
                }
            })
            .collect()
    }

    fn parameter(&mut self, raw: &raw::Parameter, route: Option<&Route>) -> Parameter {
        self.expect_name(&raw.name);
        let name = raw.name.get_ref();
        let default = match route {
            Some(route) if route.segments.contains(&Segment::Parameter(name.clone())) => {
                Source::Path
            }
            Some(route) if has_body(&route.method) => Source::Body,
            Some(_) => Source::Query,
            None => Source::Body,
        };
        Parameter {
            name: name.clone(),
            kind: raw.kind,
            required: raw
                .required
                .as_ref()
                .is_none_or(|required| *required.get_ref()),
            source: raw
                .source
                .as_ref()
                .map_or(default, |source| *source.get_ref()),
            title: raw.title.clone(),
        }
    }

    fn bindings(&mut self, raw: &raw::Service, statements: &[Statement]) {
        for name in statements.iter().flat_map(Statement::names) {
            if !raw
                .parameter
                .iter()
                .any(|parameter| parameter.name.get_ref() == name)
            {
                self.report(
                    raw.code.span(),
                    format!("the statement binds :{name}, which is no parameter"),
                    format!("add [[service.parameter]] name = \"{name}\""),
                );
            }
        }
        for parameter in &raw.parameter {
            let name = parameter.name.get_ref();
            if !statements.is_empty() && !statements.iter().any(|s| s.names().contains(name)) {
                self.report(
                    parameter.name.span(),
                    format!("no statement binds :{name}"),
                    "use it in the statement or remove it",
                );
            }
        }
    }

    fn path_parameters(
        &mut self,
        raw: &raw::Service,
        route: Option<&Route>,
        parameters: &[Parameter],
    ) {
        let (Some(rest), Some(route)) = (&raw.rest, route) else {
            return;
        };
        for segment in &route.segments {
            let Segment::Parameter(name) = segment else {
                continue;
            };
            match parameters.iter().find(|parameter| parameter.name == *name) {
                None => self.report(
                    rest.path.span(),
                    format!("{{{name}}} is no parameter"),
                    format!("add [[service.parameter]] name = \"{name}\""),
                ),
                Some(parameter) if parameter.source != Source::Path || !parameter.required => {
                    self.report(
                        rest.path.span(),
                        format!("{{{name}}} must be required and come from the path"),
                        "remove its source and required",
                    );
                }
                Some(_) => {}
            }
        }
        for (parameter, written) in parameters.iter().zip(&raw.parameter) {
            let in_path = route
                .segments
                .contains(&Segment::Parameter(parameter.name.clone()));
            if parameter.source == Source::Path && !in_path {
                self.report(
                    written.name.span(),
                    format!("{{{}}} is not in the path", parameter.name),
                    "write it into the path, or take another source",
                );
            }
            if parameter.source == Source::Body && !has_body(&route.method) {
                self.report(
                    written.name.span(),
                    format!("a {} request has no body", route.method),
                    "use source = \"query\", or POST, PUT or PATCH",
                );
            }
        }
    }

    fn shape(&mut self, raw: &raw::Service) -> Option<Shape> {
        if let Some(row) = &raw.row {
            self.expect_name(row);
        }
        match (raw.result.get_ref(), &raw.row) {
            (raw::Shape::Many, Some(row)) => Some(Shape::Many {
                row: row.get_ref().clone(),
            }),
            (raw::Shape::Many, None) => {
                self.report(
                    raw.result.span(),
                    "a list needs the name of its rows",
                    "add row = \"…\", such as \"contract\"",
                );
                None
            }
            (_, Some(row)) => {
                self.report(
                    row.span(),
                    "only a list names its rows",
                    "remove row, or use result = \"many\"",
                );
                None
            }
            (raw::Shape::One, None) => Some(Shape::One),
            (raw::Shape::Affected, None) => Some(Shape::Affected),
        }
    }

    fn effect(
        &mut self,
        raw: &raw::Service,
        statements: &[Statement],
        shape: Option<&Shape>,
        route: Option<&Route>,
    ) {
        let columns_wanted = !matches!(shape, Some(Shape::Affected));
        if columns_wanted && raw.column.is_empty() {
            self.report(
                raw.result.span(),
                "the result has no column",
                "add a [[service.column]] for each value of a row",
            );
        }
        if let (false, Some(column)) = (columns_wanted, raw.column.first()) {
            self.report(
                column.name.span(),
                "result = \"affected\" has no columns",
                "remove the columns, or use result = \"one\" with RETURNING",
            );
        }
        match raw.kind {
            Effect::Query => {
                if let Some(idempotent) = raw
                    .idempotent
                    .as_ref()
                    .filter(|idempotent| *idempotent.get_ref())
                {
                    self.report(
                        idempotent.span(),
                        "only a command can be idempotent",
                        "remove it: reading twice does no harm",
                    );
                }
                if statements.len() > 1
                    || shape == Some(&Shape::Affected)
                    || !statements.iter().all(Statement::begins_as_query)
                {
                    self.report(
                        raw.code.span(),
                        "a query is one SELECT",
                        "use kind = \"command\" for what changes data",
                    );
                }
                if let (Some(rest), Some(route)) = (&raw.rest, route)
                    && matches!(route.method.as_str(), "PUT" | "PATCH" | "DELETE")
                {
                    self.report(
                        rest.method.span(),
                        "a query is not behind a method that changes things",
                        "use GET, or POST for keys that must stay out of paths",
                    );
                }
            }
            Effect::Command => {
                if let (Some(rest), Some(&http::Method::GET)) =
                    (&raw.rest, route.map(|route| &route.method))
                {
                    self.report(
                        rest.method.span(),
                        "a command is not behind GET",
                        "use POST, PUT, PATCH or DELETE",
                    );
                }
            }
        }
    }

    fn route(&mut self, raw: &raw::Rest) -> Option<Route> {
        let method = match raw.method.get_ref().as_str() {
            "GET" => http::Method::GET,
            "POST" => http::Method::POST,
            "PUT" => http::Method::PUT,
            "PATCH" => http::Method::PATCH,
            "DELETE" => http::Method::DELETE,
            _ => {
                self.report(
                    raw.method.span(),
                    "this method is not served",
                    "use GET, POST, PUT, PATCH or DELETE",
                );
                return None;
            }
        };
        let path = raw.path.get_ref();
        let segments: Option<Vec<Segment>> = path
            .strip_prefix('/')
            .filter(|rest| !rest.is_empty())
            .and_then(|rest| rest.split('/').map(segment).collect());
        let Some(segments) = segments else {
            self.report(raw.path.span(), "this is no path template",
                "write segments of letters, digits, `-`, `.`, `_` and {name}, such as /persons/{fin}");
            return None;
        };
        if let [Segment::Literal(only)] = segments.as_slice()
            && RESERVED_PATHS.contains(&only.as_str())
        {
            self.report(
                raw.path.span(),
                "this path is the adapter's own",
                "take another one than /healthz, /wsdl and /openapi.json",
            );
        }
        Some(Route { method, segments })
    }

    fn services_are_single(&mut self, services: &[raw::Service]) {
        let version =
            |service: &raw::Service| service.version.as_ref().map(|v| v.get_ref().clone());
        let form = |rest: &raw::Rest| {
            let path = rest.path.get_ref().split('/');
            let path: Vec<&str> = path
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect();
            (rest.method.get_ref().clone(), path.join("/"))
        };
        for (at, service) in services.iter().enumerate() {
            let mut earlier = services.iter().take(at);
            if earlier.any(|other| {
                other.code.get_ref() == service.code.get_ref() && version(other) == version(service)
            }) {
                self.report(
                    service.code.span(),
                    "this service and version is there twice",
                    "give it another version",
                );
            }
            let mut earlier = services
                .iter()
                .take(at)
                .filter_map(|other| other.rest.as_ref());
            if let Some(rest) = &service.rest
                && earlier.any(|other| form(other) == form(rest))
            {
                self.report(
                    rest.path.span(),
                    "another service has this method and path",
                    "give each endpoint its own path",
                );
            }
        }
    }

    fn names_are_single<'r>(&mut self, names: impl Iterator<Item = &'r Spanned<String>>) {
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            match seen.contains(&name.get_ref().as_str()) {
                true => self.report(
                    name.span(),
                    format!("{} is there twice", name.get_ref()),
                    "give each its own name",
                ),
                false => seen.push(name.get_ref()),
            }
        }
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

fn segment(text: &str) -> Option<Segment> {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    match text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(name) => word(name).then(|| Segment::Parameter(name.to_owned())),
        None => {
            (word(text) && text != "." && text != "..").then(|| Segment::Literal(text.to_owned()))
        }
    }
}

fn has_body(method: &http::Method) -> bool {
    matches!(method.as_str(), "POST" | "PUT" | "PATCH")
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

const RESERVED_PATHS: [&str; 3] = ["healthz", "wsdl", "openapi.json"];
