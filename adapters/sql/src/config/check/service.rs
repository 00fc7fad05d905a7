//! The part of the judgement that is about services: statements, parameters, shape, route.

use toml::Spanned;

use super::Judge;
use crate::{
    config::{Column, Effect, Parameter, Route, Segment, ServiceDescription, Shape, Source, raw},
    statement::{self, Dialect, Statement},
};

impl Judge<'_> {
    pub(super) fn service(
        &mut self,
        raw: raw::Service,
        dialect: Dialect,
    ) -> Option<ServiceDescription> {
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

    pub(super) fn services_are_single(&mut self, services: &[raw::Service]) {
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

const RESERVED_PATHS: [&str; 3] = ["healthz", "wsdl", "openapi.json"];
