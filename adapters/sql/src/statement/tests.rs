use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, dialect: Dialect, expected: Result<&[&str], Error>) {
    let names = Statement::parse(text, dialect).map(|s| s.names);
    let expected = expected.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
    assert_eq!(names, expected, "{text}");
}

#[test]
fn finds_each_name_once_in_order() {
    let text = "SELECT a FROM t WHERE b = :b AND (c=:c OR d=:b) LIMIT 1;\n";
    check(text, Dialect::Sqlite, Ok(&["b", "c"]));
    check("SELECT 1", Dialect::Sqlite, Ok(&[]));
}

#[test]
fn looks_past_strings_names_and_comments() {
    let text =
        "SELECT ':no', 'it''s :no', \":no\", [:no], `:no` -- :no\n /* :no */ FROM t WHERE a = :yes";
    check(text, Dialect::Sqlite, Ok(&["yes"]));
    let text = "SELECT E'\\':no', $$ :no $$, $q$ :no $$ $q$, /* /* */ :no */ a[1:2], b::text FROM t WHERE a = :yes";
    check(text, Dialect::Postgres, Ok(&["yes"]));
}

#[test]
fn refuses_any_other_way_to_write_a_parameter() {
    for text in [
        "SELECT ?",
        "SELECT ?1",
        "SELECT @a",
        "SELECT $a",
        "SELECT :1",
    ] {
        check(text, Dialect::Sqlite, Err(Error::ForeignParameter));
    }
    check("SELECT $1", Dialect::Postgres, Err(Error::ForeignParameter));
}

#[test]
fn refuses_what_is_not_one_statement() {
    check(" -- nothing\n", Dialect::Sqlite, Err(Error::Empty));
    check(
        "SELECT 1; DELETE FROM t",
        Dialect::Sqlite,
        Err(Error::SecondStatement),
    );
    check("SELECT 1; ;", Dialect::Sqlite, Err(Error::SecondStatement));
    check("SELECT 'a", Dialect::Sqlite, Err(Error::Unterminated));
    check("SELECT /* a", Dialect::Sqlite, Err(Error::Unterminated));
    check("SELECT $a$ b", Dialect::Postgres, Err(Error::Unterminated));
}

#[test]
fn numbers_and_casts_for_postgres() {
    let statement = Statement::parse(
        "SELECT ':fin' FROM t WHERE fin = :fin AND born > :day::date OR fin = :fin;",
        Dialect::Postgres,
    )
    .unwrap();
    let numbered = statement.numbered(|name| if name == "day" { "date" } else { "text" });
    assert_eq!(
        numbered,
        "SELECT ':fin' FROM t WHERE fin = $1::text AND born > $2::text::date::date OR fin = $1::text"
    );
}

#[test]
fn tells_a_query_from_a_command() {
    let query = |text| {
        Statement::parse(text, Dialect::Sqlite)
            .unwrap()
            .begins_as_query()
    };
    assert!(query("/* a */ select 1"));
    assert!(query("WITH a AS (SELECT 1) SELECT * FROM a"));
    assert!(!query("INSERT INTO t VALUES (1)"));
}

proptest! {
    #[test]
    fn never_loses_a_byte_of_the_operators_text(text in "[a-z':\"$/*\\[\\]ə0-9 \n?-]{0,40}") {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            if let Ok(statement) = Statement::parse(&text, dialect) {
                prop_assert_eq!(statement.text(), text.as_str());
            }
        }
    }
}
