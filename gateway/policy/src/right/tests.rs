use super::*;

struct Fixed;

impl Groups for Fixed {
    fn in_global_group(&self, client: &ClientId, group: &GlobalGroupId) -> bool {
        group.code() == "registers" && client.subsystem() == Some("vemtas")
    }

    fn in_local_group(&self, client: &ClientId, group: &str) -> bool {
        group == "partners" && client.subsystem() == Some("mygov")
    }
}

fn client(text: &str) -> ClientId {
    ClientId::from_rest(text).unwrap()
}

fn right(subject: Subject, method: Method, path: &str) -> AccessRight {
    let endpoint = Endpoint {
        method,
        path: PathPattern::new(path),
    };
    AccessRight {
        subject,
        service_code: "persons".to_owned(),
        endpoint,
        purposes: Vec::new(),
    }
}

#[track_caller]
fn check(right: AccessRight, caller: &str, rest: Option<(&str, &str)>, allowed: bool) {
    let client = client(caller);
    let path = rest.map(|(_, path)| ServicePath::normalize(path).unwrap());
    let query = Query {
        client: &client,
        service_code: "persons",
        rest: rest.map(|(method, _)| method).zip(path.as_ref()),
    };
    let decision = decide(&query, std::slice::from_ref(&right), &Fixed);
    assert_eq!(decision.is_ok(), allowed, "{right} {caller}");
    if let Ok(permit) = decision {
        assert_eq!(permit.rule(), right.to_string());
    }
}

#[test]
fn a_right_belongs_to_exactly_its_client() {
    let own = || right(Subject::Client(client("AZ/GOV/1/mygov")), Method::Any, "**");
    check(own(), "AZ/GOV/1/mygov", None, true);
    check(own(), "AZ/GOV/1", None, false);
    check(own(), "AZ/GOV/1/other", None, false);
}

#[test]
fn groups_are_asked_for_their_members() {
    let global = GlobalGroupId::new("AZ", "registers").unwrap();
    check(
        right(Subject::GlobalGroup(global.clone()), Method::Any, "**"),
        "AZ/GOV/2/vemtas",
        None,
        true,
    );
    check(
        right(Subject::GlobalGroup(global), Method::Any, "**"),
        "AZ/GOV/1/mygov",
        None,
        false,
    );
    let local = || Subject::LocalGroup("partners".to_owned());
    check(
        right(local(), Method::Any, "**"),
        "AZ/GOV/1/mygov",
        None,
        true,
    );
    check(
        right(local(), Method::Any, "**"),
        "AZ/GOV/2/vemtas",
        None,
        false,
    );
}

#[test]
fn an_endpoint_right_covers_its_method_and_path_only() {
    let own = || {
        right(
            Subject::Client(client("AZ/GOV/1/mygov")),
            Method::Is("GET".to_owned()),
            "/persons/*",
        )
    };
    check(own(), "AZ/GOV/1/mygov", Some(("GET", "/persons/7")), true);
    check(own(), "AZ/GOV/1/mygov", Some(("get", "/persons/%37")), true);
    check(own(), "AZ/GOV/1/mygov", Some(("POST", "/persons/7")), false);
    check(
        own(),
        "AZ/GOV/1/mygov",
        Some(("GET", "/persons/7/history")),
        false,
    );
    check(own(), "AZ/GOV/1/mygov", None, false);
}

#[test]
fn another_service_is_not_covered() {
    let client = client("AZ/GOV/1/mygov");
    let rights = [right(Subject::Client(client.clone()), Method::Any, "**")];
    let query = Query {
        client: &client,
        service_code: "fines",
        rest: None,
    };
    assert_eq!(decide(&query, &rights, &Fixed), Err(Denied));
}

#[track_caller]
fn check_purposes(rights: &[&[&str]], expected: &[&str]) {
    let client = client("AZ/GOV/1/mygov");
    let rights: Vec<AccessRight> = rights
        .iter()
        .map(|purposes| AccessRight {
            purposes: purposes.iter().map(|code| (*code).to_owned()).collect(),
            ..right(Subject::Client(client.clone()), Method::Any, "**")
        })
        .collect();
    let query = Query {
        client: &client,
        service_code: "persons",
        rest: None,
    };
    assert_eq!(
        decide(&query, &rights, &Fixed).unwrap().purposes(),
        expected
    );
}

#[test]
fn a_permit_names_the_purposes_of_all_rights_that_match() {
    check_purposes(&[&[]], &[]);
    check_purposes(&[&["aid"]], &["aid"]);
    check_purposes(
        &[&["aid", "income"], &["income", "tax"]],
        &["aid", "income", "tax"],
    );
}

#[test]
fn a_right_that_names_no_purpose_leaves_all_of_them_whatever_the_order() {
    check_purposes(&[&["aid"], &[]], &[]);
    check_purposes(&[&[], &["aid"]], &[]);
}
