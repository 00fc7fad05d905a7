//! The OpenAPI document, made of the table of calls.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Problem};
use super::call::Call;
use super::routes::{Need, ROUTES, Route, parameter};

pub(super) fn document(_call: &Call<'_>) -> Result<Answer, Problem> {
    Answer::ok(openapi())
}

/// OpenAPI 3.0.3: paths, methods, roles, and schemas by name.
fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let calls = paths
            .entry(route.path)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(calls) = calls {
            calls.insert(route.verb.name().to_owned(), operation(route));
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Karvan registry, admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A role includes those below it: registrar, auditor.",
        },
        "servers": [{ "url": super::BASE }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "X-Road-ApiKey token=…, or Bearer …",
                }
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    set("summary", route.summary.into());
    set("x-role", route.need.name().into());
    if route.need != Need::Nobody {
        set("security", json!([{ "key": [] }]));
    }
    let in_path = route.path.split('/').filter_map(parameter).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let in_query = route.query.iter().map(|(name, description)| {
        json!({
            "name": name,
            "in": "query",
            "description": description,
            "schema": { "type": "string" },
        })
    });
    set("parameters", in_path.chain(in_query).collect());
    if !route.takes.is_empty() {
        set(
            "requestBody",
            json!({ "required": true, "content": content(route.takes) }),
        );
    }
    let refused = json!({ "description": "refused", "content": content(PROBLEM) });
    let done = json!({ "description": "done", "content": content(route.gives) });
    set(
        "responses",
        json!({ route.status.as_str(): done, "default": refused }),
    );
    Value::Object(operation)
}

fn content(schema: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "application/json": { "schema": schema } })
}

fn schemas() -> Map<String, Value> {
    let named = ROUTES.iter().flat_map(|route| [route.takes, route.gives]);
    let named = named.filter(|name| !name.is_empty());
    let mut schemas: Map<String, Value> = named
        .map(|name| (name.to_owned(), json!({ "type": "object" })))
        .collect();
    let text = json!({ "type": "string" });
    let problem = json!({
        "type": "object",
        "required": ["code", "message", "id"],
        "properties": { "code": text, "message": text, "id": text },
    });
    schemas.insert(PROBLEM.to_owned(), problem);
    schemas
}

const PROBLEM: &str = "Problem";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_call_once_with_its_role_and_schemas_that_exist() {
        let document = openapi();
        let mut calls = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (verb, operation) in operations.as_object().unwrap() {
                calls += 1;
                let role = operation["x-role"].as_str().unwrap();
                assert_eq!(
                    role == "none",
                    operation["security"].is_null(),
                    "{verb} {path}"
                );
            }
        }
        assert_eq!(calls, ROUTES.len());
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }

    #[test]
    fn each_parameter_of_a_path_is_described() {
        let document = openapi();
        let described = &document["paths"]["/members/{member}"]["get"]["parameters"];
        assert_eq!(described[0]["name"], "member");
        assert_eq!(described[0]["in"], "path");
    }
}
