use super::*;

#[track_caller]
fn check(method: &Method, path: &str, expected: Result<&str, u16>) {
    let found = find(method, path);
    let found = found.as_ref().map(|found| found.route.path);
    assert_eq!(found.map_err(|problem| problem.status.as_u16()), expected);
}

#[test]
fn finds_calls_by_method_and_path_and_takes_parameters_out() {
    check(&Method::GET, "/members", Ok("/members"));
    check(&Method::GET, "/members/AZ:GOV:1", Ok("/members/{member}"));
    check(&Method::GET, "/members/", Err(404));
    check(&Method::GET, "/members/AZ/GOV/1", Err(404));
    check(&Method::POST, "/members", Err(405));
    check(&Method::GET, "", Err(404));
    check(&Method::GET, "/members/%", Err(400));
    let found = find(&Method::GET, "/services/AZ%2FGOV%2F1%2Fsub/code").unwrap();
    let expected = [
        ("provider", "AZ/GOV/1/sub".to_owned()),
        ("code", "code".to_owned()),
    ];
    assert_eq!(found.parameters, expected);
}

#[test]
fn tells_which_methods_a_path_takes() {
    let problem = find(&Method::PATCH, "/publication").unwrap_err();
    assert_eq!(problem.allow.as_deref(), Some("GET, POST"));
}

#[test]
fn a_path_in_the_table_is_found_as_itself() {
    for route in ROUTES {
        let method = match route.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        };
        let found = find(&method, route.path).unwrap();
        assert_eq!(
            (found.route.path, found.route.verb),
            (route.path, route.verb)
        );
    }
}
