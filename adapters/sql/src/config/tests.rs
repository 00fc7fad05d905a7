use super::*;

const GOOD: &str = r#"listen = "127.0.0.1:8101"
title = "Register"
namespace = "urn:test"
provider = "AZ/GOV/1/reg"

[database]
url = "sqlite:register.db"

[[service]]
code = "GetPerson"
version = "v1"
title = "A person"
kind = "query"
result = "one"
rest = { method = "GET", path = "/persons/{fin}" }
sql = "SELECT name FROM person WHERE fin = :fin"
parameter = [{ name = "fin", type = "fin" }]
column = [{ name = "name", type = "text" }]
"#;

/// One replacement in a good file gives one problem on this line, with these words.
#[track_caller]
fn check_problem(from: &str, to: &str, line: usize, words: &str) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let problems = check("a.toml", &text).expect_err(to);
    let found = problems.list.iter().find(|p| p.message.contains(words));
    let found = found.unwrap_or_else(|| panic!("no {words:?} in {problems}"));
    assert_eq!(found.line, line, "{problems}");
    assert!(!found.hint.is_empty());
}

#[test]
fn reads_a_description_with_its_defaults() {
    let adapter = check("a.toml", GOOD).unwrap();
    assert_eq!(adapter.listen.port(), 8101);
    assert_eq!(adapter.base_url(), "http://127.0.0.1:8101");
    assert_eq!(adapter.limits.rows_max, 1000);
    assert_eq!(adapter.database.connections_max, 4);
    assert_eq!(adapter.database.query_timeout, Duration::from_secs(5));
    let service = &adapter.services[0];
    assert_eq!(service.full_code(), "GetPerson.v1");
    assert_eq!(service.route.as_ref().unwrap().template(), "/persons/{fin}");
    assert_eq!(service.parameters[0].source, Source::Path);
    assert!(service.parameters[0].required);
}

#[test]
fn names_the_line_of_a_problem_and_gives_a_hint() {
    check_problem("127.0.0.1:8101", "localhost", 1, "no address to listen on");
    check_problem("urn:test", "", 3, "namespace is empty");
    check_problem("AZ/GOV/1/reg", "AZ/GOV/1", 4, "no subsystem");
    check_problem("sqlite:register.db", "mysql://x", 7, "no database address");
    check_problem("sqlite:register.db", "sqlite:", 7, "no database address");
    check_problem(
        "[[service]]",
        "[limits]\nrows_max = 0\n[[service]]",
        10,
        "out of bounds",
    );
    check_problem(
        "[[service]]",
        "[fin]\nalphabet = \"AA\"\n[[service]]",
        10,
        "repeated",
    );
    check_problem("\"GetPerson\"", "\"1Get\"", 10, "no name");
    check_problem("\"GetPerson\"", "\"xmlGet\"", 10, "no name");
    check_problem("\"GetPerson\"", "\"Get Person\"", 10, "no name");
    check_problem("\"v1\"", "\"v/1\"", 11, "no version");
    check_problem("\"GET\"", "\"FETCH\"", 15, "not served");
    check_problem("\"GET\"", "\"PUT\"", 15, "not behind a method");
    check_problem("/persons/{fin}", "persons/{fin}", 15, "no path template");
    check_problem("/persons/{fin}", "/a//{fin}", 15, "no path template");
    check_problem("/persons/{fin}", "/../{fin}", 15, "no path template");
    check_problem("/persons/{fin}", "/persons/{other}", 15, "no parameter");
    check_problem("/persons/{fin}", "/wsdl", 15, "the adapter's own");
    check_problem("fin = :fin", "fin = ?", 16, "not written as `:name`");
    check_problem(
        "fin = :fin",
        "fin = :fin; DELETE FROM person",
        16,
        "second statement",
    );
    check_problem("fin = :fin", "fin = :fin AND a = :b", 10, "binds :b");
    check_problem("fin = :fin", "fin = 1", 17, "no statement binds :fin");
    check_problem("SELECT name", "DELETE", 10, "a query is one SELECT");
    check_problem(
        "result = \"one\"",
        "result = \"many\"",
        14,
        "name of its rows",
    );
    check_problem(
        "result = \"one\"",
        "result = \"affected\"",
        18,
        "has no columns",
    );
    check_problem(
        "result = \"one\"",
        "result = \"one\"\nrow = \"a\"",
        15,
        "only a list",
    );
    check_problem(
        "kind = \"query\"",
        "kind = \"query\"\nidempotent = true",
        14,
        "only a command",
    );
    check_problem(
        "kind = \"query\"",
        "kind = \"command\"",
        15,
        "not behind GET",
    );
    check_problem(
        "column = [{ name = \"name\", type = \"text\" }]",
        "",
        14,
        "no column",
    );
    check_problem(
        "type = \"fin\" }",
        "type = \"fin\" }, { name = \"fin\", type = \"fin\" }",
        17,
        "twice",
    );
    check_problem(
        "type = \"fin\" }",
        "type = \"fin\", source = \"body\" }",
        17,
        "has no body",
    );
    check_problem(
        "type = \"fin\" }",
        "type = \"fin\", source = \"query\" }",
        15,
        "come from the path",
    );
}

#[test]
fn names_the_line_of_what_toml_itself_refuses() {
    check_problem("title = \"Register\"", "title = Register", 2, "");
    check_problem("title = \"Register\"\n", "", 1, "missing field `title`");
    check_problem(
        "\"v1\"",
        "\"v1\"\nauthor = \"me\"",
        12,
        "unknown field `author`",
    );
    check_problem(
        "type = \"text\"",
        "type = \"blob\"",
        18,
        "unknown variant `blob`",
    );
}

#[test]
fn gives_every_problem_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("127.0.0.1:8101", "x")
        .replace("\"GET\"", "\"FETCH\"")
        .replace("\"v1\"", "\"\"");
    let problems = check("a.toml", &text).unwrap_err();
    let lines: Vec<usize> = problems.list.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 11, 15]);
    assert!(
        problems.to_string().starts_with("a.toml:1:10: "),
        "{problems}"
    );
}

#[test]
fn refuses_the_same_service_or_endpoint_twice() {
    let (_, service) = GOOD.split_once("[[service]]").unwrap();
    let twice = format!("{GOOD}[[service]]{service}");
    let problems = check("a.toml", &twice).unwrap_err().to_string();
    assert!(problems.contains("version is there twice") && problems.contains("method and path"));
    let versions = format!(
        "{GOOD}[[service]]{}",
        service.replace("v1", "v2").replace("/persons", "/v2")
    );
    assert_eq!(check("a.toml", &versions).unwrap().services.len(), 2);
}

#[test]
fn wants_tls_to_a_database_on_another_machine() {
    let with = |url: &str, more: &str| {
        let text = GOOD.replace("\"sqlite:register.db\"", &format!("\"{url}\"\n{more}"));
        check("a.toml", &text).map(|adapter| adapter.database.target)
    };
    let tls = |target| match target {
        Ok(Target::Postgres { tls, .. }) => tls,
        other => panic!("{other:?}"),
    };
    let far = "postgres://reg@db.example/reg";
    assert!(
        with(far, "")
            .unwrap_err()
            .to_string()
            .contains("no TLS is configured")
    );
    assert_eq!(tls(with(far, "tls = false")), PostgresTls::Off);
    assert_eq!(
        tls(with("postgres://reg@127.0.0.1:5433/reg", "")),
        PostgresTls::Off
    );
    let verified = PostgresTls::Verified {
        ca_file: "ca.pem".to_owned(),
    };
    assert_eq!(tls(with(far, "tls_ca_file = \"ca.pem\"")), verified);
    assert!(with(far, "tls_ca_file = \"ca.pem\"\ntls = false").is_err());
    assert!(with(far, "tls = false\ncreate_with = \"a.sql\"").is_err());
    assert!(with("sqlite:a.db", "password_file = \"p\"").is_err());
}

#[test]
fn shows_no_address_of_a_server_when_debugged() {
    let text = GOOD.replace("sqlite:register.db", "postgres://reg:secret@127.0.0.1/reg");
    let shown = format!("{:?}", check("a.toml", &text).unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}
