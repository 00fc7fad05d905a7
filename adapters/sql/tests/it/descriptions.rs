//! WSDL and OpenAPI: well-formed, complete in themselves, and true to what is served.

use std::collections::BTreeSet;

use gateway_xml::{Document, Limits, Node};

use crate::support::Register;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const WSDL_SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

fn named<'d>(node: Node<'d>, namespace: &str, name: &str) -> Vec<Node<'d>> {
    let mut found: Vec<Node<'d>> = Vec::new();
    for child in node.children() {
        if child.is(namespace, name) {
            found.push(child);
        }
        found.extend(named(child, namespace, name));
    }
    found
}

fn names(nodes: &[Node<'_>]) -> Vec<String> {
    nodes
        .iter()
        .map(|node| node.attribute("", "name").unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn serves_the_wsdl_where_clients_look() {
    let register = Register::new();
    let wsdl = register.get("/wsdl").await;
    assert_eq!(wsdl.content_type, "text/xml; charset=utf-8");
    assert_eq!(wsdl.text().as_bytes(), register.service.wsdl());
    assert_eq!(register.get("/soap?wsdl").await.text(), wsdl.text());
    assert_eq!(register.get("/?WSDL").await.text(), wsdl.text());
}

#[test]
fn the_wsdl_describes_every_service() {
    let register = Register::new();
    let document = Document::parse(register.service.wsdl(), Limits::default()).unwrap();
    let root = document.root();
    assert!(root.is(WSDL, "definitions"));

    let codes: Vec<_> = register
        .service
        .adapter()
        .services
        .iter()
        .map(|service| service.code.clone())
        .collect();
    for part in ["portType", "binding"] {
        let found = named(root.child(WSDL, part).unwrap(), WSDL, "operation");
        assert_eq!(names(&found), codes, "{part}");
    }
    let binding = root.child(WSDL, "binding").unwrap();
    for version in named(binding, "http://x-road.eu/xsd/xroad.xsd", "version") {
        assert_eq!(version.text(), "v1");
    }
    let address = named(root, WSDL_SOAP, "address");
    assert_eq!(
        address[0].attribute("", "location"),
        Some("http://127.0.0.1:1/soap")
    );
}

#[test]
fn the_wsdl_resolves_by_itself() {
    let register = Register::new();
    let document = Document::parse(register.service.wsdl(), Limits::default()).unwrap();
    let root = document.root();
    let schemas = named(root, SCHEMA, "schema");
    let mut defined = BTreeSet::new();
    for schema in &schemas {
        let namespace = schema.attribute("", "targetNamespace").unwrap();
        for child in schema
            .children()
            .filter(|child| child.attribute("", "name").is_some())
        {
            defined.insert((
                namespace.to_owned(),
                child.attribute("", "name").unwrap().to_owned(),
            ));
        }
    }
    let namespace_of = |prefix: &str| match prefix {
        "tns" => "urn:test:letters",
        "xrd" => "http://x-road.eu/xsd/xroad.xsd",
        "id" => "http://x-road.eu/xsd/identifiers",
        "xs" => SCHEMA,
        other => panic!("prefix {other}"),
    };
    let mut references = 0;
    for node in ["element", "attribute", "restriction", "extension"]
        .iter()
        .flat_map(|name| named(root, SCHEMA, name))
        .chain(named(root, WSDL, "part"))
    {
        for attribute in ["type", "ref", "base", "element"] {
            let Some(name) = node.attribute("", attribute) else {
                continue;
            };
            let (prefix, local) = name.split_once(':').unwrap();
            let namespace = namespace_of(prefix);
            if namespace != SCHEMA {
                references += 1;
                assert!(
                    defined.contains(&(namespace.to_owned(), local.to_owned())),
                    "{name}"
                );
            }
        }
    }
    assert!(references > 20);
    for import in named(root, SCHEMA, "import") {
        assert_eq!(import.attribute("", "schemaLocation"), None);
    }
}

#[test]
fn the_wsdl_names_what_the_messages_have() {
    let register = Register::new();
    let document = Document::parse(register.service.wsdl(), Limits::default()).unwrap();
    let schemas = named(document.root(), SCHEMA, "schema");
    let own = schemas
        .iter()
        .find(|s| s.attribute("", "targetNamespace") == Some("urn:test:letters"));
    for service in &register.service.adapter().services {
        let element = |name: &str| {
            let found = own
                .unwrap()
                .children()
                .find(|c| c.attribute("", "name") == Some(name));
            names(&named(found.unwrap(), SCHEMA, "element"))
        };
        let inputs: Vec<_> = service.inputs().map(|input| input.name.clone()).collect();
        assert_eq!(element(&service.code), inputs);
        let columns: Vec<_> = service
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        let answer = element(&format!("{}Response", service.code));
        assert!(
            answer.ends_with(&columns),
            "{answer:?} for {}",
            service.code
        );
    }
}

#[tokio::test]
async fn the_openapi_describes_every_endpoint() {
    let register = Register::new();
    let document = register.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:1");
    for service in &register.service.adapter().services {
        let route = service.route.as_ref().unwrap();
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.template()][method];
        assert_eq!(operation["operationId"], service.full_code());
        let described: BTreeSet<String> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .filter(|name| !name.starts_with("X-Road"))
            .chain(
                operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
                    .as_object()
                    .into_iter()
                    .flat_map(|members| members.keys().cloned()),
            )
            .collect();
        let inputs: BTreeSet<String> = service.inputs().map(|input| input.name.clone()).collect();
        assert_eq!(described, inputs, "{}", service.code);
    }
    let person = &document["paths"]["/persons/{fin}"]["get"];
    assert_eq!(person["parameters"][0]["in"], "path");
    let pattern = "^[0123456789ABCDEFGHJKLMNPQRSTUVWXYZ]{7}$";
    assert_eq!(person["parameters"][0]["schema"]["pattern"], pattern);
    let letter = &document["paths"]["/persons/{fin}/letters"]["post"];
    let body = &letter["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], serde_json::json!(["subject"]));
}

#[test]
fn descriptions_escape_what_titles_hold() {
    let toml = crate::support::TOML.replace("\"A person\"", "'<Şəxs> & \"ad\"'");
    let register = Register::with(&toml);
    let document = Document::parse(register.service.wsdl(), Limits::default()).unwrap();
    let titles = named(document.root(), "http://x-road.eu/xsd/xroad.xsd", "title");
    assert_eq!(titles[0].text(), "<Şəxs> & \"ad\"");
}
