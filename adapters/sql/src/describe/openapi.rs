//! OpenAPI 3.0.3 of the services that have a route.

use serde_json::{Map, Value, json};

use crate::{
    config::{Adapter, Effect, Parameter, ServiceDescription, Shape, Source},
    fin::Alphabet,
    rest::{JSON, PROBLEM_JSON},
    value::{DOCUMENT_LENGTH_MAX, Kind, TEXT_CHARACTERS_MAX},
};

/// The description of all endpoints of an adapter.
pub(crate) fn openapi(adapter: &Adapter) -> String {
    let mut paths: Map<String, Value> = Map::new();
    for service in &adapter.services {
        let Some(route) = &service.route else {
            continue;
        };
        let path = paths.entry(route.template()).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            let method = route.method.as_str().to_ascii_lowercase();
            methods.insert(method, operation(service, &adapter.fin_alphabet));
        }
    }
    let document = json!({
        "openapi": "3.0.3",
        "info": { "title": adapter.title, "version": "1" },
        "servers": [{ "url": adapter.base_url() }],
        "paths": paths,
        "components": { "schemas": { "Problem": problem() } },
    });
    format!("{document:#}\n")
}

fn operation(service: &ServiceDescription, alphabet: &Alphabet) -> Value {
    let mut parameters: Vec<Value> = service
        .inputs()
        .filter_map(|parameter| outside_body(parameter, alphabet))
        .collect();
    if service.idempotent {
        for (name, meaning) in IDEMPOTENCY_HEADERS {
            parameters.push(json!({
                "name": name, "in": "header", "required": true, "description": meaning,
                "schema": { "type": "string" },
            }));
        }
    }
    let mut operation = json!({
        "operationId": service.full_code(),
        "summary": service.title,
        "parameters": parameters,
        "responses": responses(service, alphabet),
    });
    if service.takes_body()
        && let Some(operation) = operation.as_object_mut()
    {
        let body: Vec<&Parameter> = service
            .inputs()
            .filter(|parameter| parameter.source == Source::Body)
            .collect();
        let required: Vec<&str> = body
            .iter()
            .filter(|p| p.required)
            .map(|p| p.name.as_str())
            .collect();
        let members: Map<String, Value> = body
            .iter()
            .map(|p| {
                (
                    p.name.clone(),
                    described(p.kind, p.title.as_deref(), alphabet, !p.required),
                )
            })
            .collect();
        let mut schema = json!({
            "type": "object", "properties": members, "additionalProperties": false,
        });
        if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
            schema.insert("required".to_owned(), json!(required));
        }
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": !required.is_empty(), "content": { JSON: { "schema": schema } } }),
        );
    }
    operation
}

fn outside_body(parameter: &Parameter, alphabet: &Alphabet) -> Option<Value> {
    let place = match parameter.source {
        Source::Path => "path",
        Source::Query => "query",
        Source::Body | Source::Client | Source::MessageId | Source::UserId | Source::Issue => {
            return None;
        }
    };
    Some(json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "description": parameter.title.as_deref().unwrap_or(&parameter.name),
        "schema": schema(parameter.kind, alphabet),
    }))
}

fn responses(service: &ServiceDescription, alphabet: &Alphabet) -> Value {
    let row = || {
        let columns = service.columns.iter();
        let members: Map<String, Value> = columns
            .map(|c| (c.name.clone(), stored(c.kind, c.title.as_deref(), alphabet)))
            .collect();
        json!({ "type": "object", "properties": members })
    };
    let result = match &service.shape {
        Shape::One => row(),
        Shape::Many { row: name } => json!({
            "type": "object", "required": [name],
            "properties": { name: { "type": "array", "items": row() } },
        }),
        Shape::Affected => json!({
            "type": "object", "required": ["affected"],
            "properties": { "affected": { "type": "integer", "format": "int64" } },
        }),
    };
    let problem = |meaning: &str| {
        json!({
            "description": meaning,
            "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    };
    let mut responses = json!({
        "200": { "description": service.title, "content": { JSON: { "schema": result } } },
        "400": problem("A value is missing or not of its type"),
        "500": problem("The register failed"),
        "503": problem("The register is busy"),
    });
    if let Some(responses) = responses.as_object_mut() {
        if !matches!(service.shape, Shape::Many { .. }) {
            responses.insert(
                "404".to_owned(),
                problem("Nothing is recorded under this key"),
            );
        }
        if service.effect == Effect::Command {
            responses.insert(
                "409".to_owned(),
                problem("The change contradicts what is recorded"),
            );
        }
    }
    responses
}

/// A value given out: nothing may stand for it, and keys go out as they are recorded.
fn stored(kind: Kind, title: Option<&str>, alphabet: &Alphabet) -> Value {
    let kind = match kind {
        Kind::Fin | Kind::Voen | Kind::Document | Kind::Text => Kind::Text,
        other => other,
    };
    let mut value = described(kind, title, alphabet, true);
    if let Some(value) = value.as_object_mut() {
        value.remove("maxLength");
    }
    value
}

fn described(kind: Kind, title: Option<&str>, alphabet: &Alphabet, nullable: bool) -> Value {
    let mut value = schema(kind, alphabet);
    if let Some(members) = value.as_object_mut() {
        if let Some(title) = title {
            members.insert("description".to_owned(), title.into());
        }
        if nullable {
            members.insert("nullable".to_owned(), true.into());
        }
    }
    value
}

fn schema(kind: Kind, alphabet: &Alphabet) -> Value {
    match kind {
        Kind::Fin => {
            let symbols = alphabet.as_str();
            json!({ "type": "string", "pattern": format!("^[{symbols}]{{7}}$") })
        }
        Kind::Voen => json!({ "type": "string", "pattern": "^[0-9]{10}$" }),
        Kind::Document => {
            json!({ "type": "string", "minLength": 1, "maxLength": DOCUMENT_LENGTH_MAX })
        }
        Kind::Text => json!({ "type": "string", "maxLength": TEXT_CHARACTERS_MAX }),
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::Decimal => json!({ "type": "string", "pattern": "^[-+]?[0-9]+([.][0-9]+)?$" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Datetime => json!({ "type": "string", "format": "date-time" }),
    }
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string" },
            "detail": { "type": "string" },
        },
    })
}

const IDEMPOTENCY_HEADERS: [(&str, &str); 2] = [
    ("X-Road-Client", "The consumer; the node sets it"),
    (
        "X-Road-Id",
        "The message id: the same message is applied once",
    ),
];
