//! `karvan registry …`: the same commands while the registry is stopped and while it runs; and what its
//! file may not say.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use certs_keys::{KeyKind, Pin, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_net::{Client, ClientOptions, Identity, ServerTrust};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use toml::Table;

use crate::country::karvan;
use crate::registry_place::{CLIENT, DESK, MEMBER, Place, rule};
use crate::wire;

/// The newest entries of the audit trail: who did what.
fn trail(place: &Place, count: usize) -> Vec<(String, String)> {
    let trail = place.asked(&["trail", "--max", &count.to_string()]);
    let entries = trail["items"].as_array().unwrap().iter();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    entries
        .map(|entry| (text(entry, "who"), text(entry, "command")))
        .collect()
}

/// The same answer, but for what says when and where.
#[track_caller]
fn same(place: &Place, arguments: &[&str], expected: &str) {
    assert_eq!(place.done(arguments), expected, "{arguments:?}");
}

#[test]
fn does_the_same_while_the_registry_is_stopped_and_while_it_runs() {
    let Some(place) = Place::founded() else {
        return;
    };
    let said = |arguments: &[&str]| place.done(arguments);
    let stopped = said(&["member", "add", "AZ/GOV/2", "--name", "Bir"]);
    let (listed, shown) = (
        said(&["member", "list"]),
        said(&["member", "show", "AZ/GOV/2"]),
    );
    let refused = place.refused(&["member", "add", "AZ/GOV/2", "--name", "Bir"], 1);
    let (who, command) = trail(&place, 1).remove(0);
    let user = who
        .strip_prefix("store:")
        .expect("changed in the store")
        .to_owned();
    assert_eq!(command, "add-member");

    let _running = place.start();
    assert_eq!(said(&["member", "list"]), listed);
    assert_eq!(said(&["member", "show", "AZ/GOV/2"]), shown);
    assert_eq!(
        place.refused(&["member", "add", "AZ/GOV/2", "--name", "Bir"], 1),
        refused
    );
    said(&["member", "remove", "AZ/GOV/2"]);
    let again = said(&["member", "add", "AZ/GOV/2", "--name", "Bir"]);
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&again), lines(&stopped));
    let local = |command: &str| (format!("local:{user}"), command.to_owned());
    assert_eq!(
        trail(&place, 2),
        [local("add-member"), local("remove-member")]
    );

    let key = place.folder().join("data/admin.key");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_new_key_is_all_that_is_printed_and_opens_the_door() {
    let Some(place) = Place::founded() else {
        return;
    };
    let printed = place.done(&["key", "add", "ci", "--role", "auditor"]);
    let key = printed.strip_suffix('\n').unwrap();
    assert!(
        key.len() >= 40 && !key.contains(char::is_whitespace),
        "{key}"
    );
    let said = place.refused(&["key", "add", "other", "--role", "king"], 2);
    assert!(
        said.contains("[possible values: registrar, auditor]"),
        "{said}"
    );
    let _running = place.start();
    let user = place.call("GET", "/user", Some(key), b"");
    assert_eq!(user.text(), r#"{"name":"ci","role":"auditor"}"#);
    place.done(&["key", "remove", "ci"]);
    assert_eq!(place.call("GET", "/user", Some(key), b"").status, 401);
}

#[test]
fn the_local_key_is_another_at_each_start_and_nobody_else_names_a_user() {
    let Some(place) = Place::founded() else {
        return;
    };
    let made = place.asked(&["key", "add", "clerk", "--role", "registrar"]);
    let clerk = made["key"].as_str().unwrap().to_owned();
    let path = place.folder().join("data/admin.key");
    let first = place.start();
    let old = std::fs::read_to_string(&path).unwrap();
    first.stop();
    let _running = place.start();
    let new = std::fs::read_to_string(&path).unwrap();
    assert_ne!(old, new);
    let user = |key: &str, named: &str| {
        let key = format!("Bearer {}", key.trim());
        let headers = [("Authorization", key.as_str()), ("Karvan-User", named)];
        let answer = wire::get(place.admin(), "/api/karvan/v1/user", &headers);
        let who: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let name = who.and_then(|who| who["name"].as_str().map(str::to_owned));
        (answer.status, name.unwrap_or_default())
    };
    let expected = |status, name: &str| (status, name.to_owned());
    assert_eq!(user(&old, "aysel"), expected(401, ""));
    assert_eq!(user(&new, "aysel"), expected(200, "local:aysel"));
    assert_eq!(user(&new, "aysel: x"), expected(200, "local"));
    assert_eq!(user(&clerk, "aysel"), expected(200, "clerk"));
}

#[test]
fn declares_checks_and_publishes_rules() {
    let Some(place) = Place::founded() else {
        return;
    };
    place.declare();
    let file = place.json("rule.json", &rule());
    let file = file.to_str().unwrap();

    // A rule that waits for open cases needs somebody who says which are open.
    let said = place.refused(&["rule", "put", "--file", file], 1);
    assert!(
        said.contains("it asks for an open case, and no consent service is set"),
        "{said}"
    );
    same(
        &place,
        &["rule", "check"],
        "warning: service AZ/GOV/0000001181/razilig/income: it gives personal data and no rule is \
         about it: it is denied to all\n\
         version 1 would have 0 rules about 1 services of 1 systems\n",
    );
    place.done(&["setting", "consent-service"]);
    place.done(&["rule", "put", "--file", file]);
    same(
        &place,
        &["rule", "list"],
        "id   in force  draft  basis  title\naid  -         1      law    Social aid\n",
    );
    let said = place.refused(&["rule", "published"], 1);
    let expected = "karvan: no rules were published yet; `karvan registry rule publish` switches \
        them on (not_published)\n";
    assert_eq!(said, expected);
    let preview = place.folder().join("part.json");
    place.done(&["rule", "check", "--part-out", preview.to_str().unwrap()]);
    place.done(&["rule", "publish"]);
    same(
        &place,
        &["rule", "list"],
        "id   in force  draft  basis  title\naid  1         -      law    Social aid\n",
    );
    let published = place.folder().join("published.json");
    place.done(&[
        "rule",
        "published",
        "--part-out",
        published.to_str().unwrap(),
    ]);
    let part = |path: &Path| -> Value {
        let mut part: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        part.as_object_mut().unwrap().remove("published");
        part
    };
    assert_eq!(part(&preview), part(&published));
    assert_eq!(part(&published)["rules"][0]["id"], "aid");

    // A second version waits for the next publication; a withdrawal does not.
    let mut second = rule();
    second["title"] = "Social aid, again".into();
    place.json("rule.json", &second);
    place.done(&["rule", "put", "--file", file]);
    same(
        &place,
        &["rule", "list"],
        "id   in force  draft  basis  title\naid  1         2      law    Social aid, again\n",
    );
    place.done(&["rule", "withdraw", "aid"]);
    let part = place.asked(&["rule", "published"])["part"].clone();
    assert_eq!((&part["version"], &part["rules"]), (&json!(2), &json!([])));
    let said = place.refused(&["rule", "publish"], 1);
    assert!(said.contains("nothing was changed since"), "{said}");
    let first = place.asked(&["rule", "published", "--version", "1"]);
    assert_eq!(first["part"]["rules"][0]["id"], "aid");
    assert_eq!(part["previous"], first["digest"]);

    place.done(&["system", "deregister", "pensions"]);
    same(
        &place,
        &["system", "list"],
        "code      status        owner              register       entry  name\n\
         pensions  deregistered  AZ/GOV/0000001181  personal-data  17     Pensiya\n",
    );
    same(
        &place,
        &["service", "published"],
        "provider                   code    system    active  reachable\n\
         AZ/GOV/0000001181/razilig  income  pensions  no      no\n",
    );
    let approved = place.folder().join("approved.txt");
    std::fs::write(
        &approved,
        format!("# by decree\n{DESK}/income\n\n{CLIENT}/none\n"),
    )
    .unwrap();
    same(
        &place,
        &[
            "service",
            "compare",
            "--approved",
            approved.to_str().unwrap(),
        ],
        "approved and published: 0\n\
         approved, published, switched off: 1\n  AZ/GOV/0000001181/razilig/income\n\
         approved, not published: 1\n  AZ/GOV/0000001181/mygov/none\n\
         published, not approved: 0\n",
    );
}

#[test]
fn lists_what_is_registered() {
    let Some(place) = Place::founded() else {
        return;
    };
    place.done(&["group", "add", "aid", "--description", "Yardım"]);
    place.done(&["group", "add-member", "aid", CLIENT]);
    place.done(&[
        "category",
        "add",
        "health",
        "--special",
        "--title",
        "az=Səhhət",
    ]);
    place.done(&[
        "purpose",
        "add",
        "aid",
        "--title",
        "az=Yardım",
        "--title",
        "en=Aid",
    ]);
    for (arguments, expected) in [
        (
            &["class", "list"][..],
            "code  description\nGOV   Dövlət qurumları\n",
        ),
        (
            &["member", "list", "--class", "GOV"],
            "id                 name  subsystems\nAZ/GOV/0000001181  İRİA  mygov, razilig\n",
        ),
        (
            &["subsystem", "list", "--member", MEMBER],
            "id                         name  servers\n\
             AZ/GOV/0000001181/mygov    -     -\n\
             AZ/GOV/0000001181/razilig  -     -\n",
        ),
        (&["server", "list"], "id  address  clients\n"),
        (
            &["group", "show", "aid"],
            "code: aid\ndescription: Yardım\nmembers: AZ/GOV/0000001181/mygov\n",
        ),
        (
            &["category", "list"],
            "code    special  title\nhealth  yes      az=Səhhət\n",
        ),
        (
            &["purpose", "list"],
            "code  title\naid   az=Yardım; en=Aid\n",
        ),
        (&["rule", "list"], "id  in force  draft  basis  title\n"),
    ] {
        same(&place, arguments, expected);
    }
    let change = json!({ "command": "describe-group", "code": "aid", "description": "Kömək" });
    let change = place.json("change.json", &change);
    place.done(&["change", "--file", change.to_str().unwrap()]);
    assert_eq!(
        place.asked(&["group", "show", "aid"])["description"],
        "Kömək"
    );
    assert!(
        place
            .done(&["trail", "--verify"])
            .starts_with("the audit trail is whole: ")
    );
}

#[test]
fn says_what_is_wrong_and_tells_refusals_from_misuse() {
    let Some(place) = Place::founded() else {
        return;
    };
    let said = place.refused(&["member", "add", "AZ/COM/1", "--name", "x"], 1);
    let expected = "karvan: member class \"COM\": it is not registered; add the class first \
        (not_found)\n";
    assert_eq!(said, expected);
    let output = place.run(&["member", "show", "AZ/GOV/9", "--json"]);
    let problem: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &problem["code"]),
        (Some(1), &json!("not_found"))
    );

    let said = place.refused(&["member", "add", "AZ/COM", "--name", "x"], 2);
    assert!(
        said.contains("invalid value 'AZ/COM' for '<MEMBER>'"),
        "{said}"
    );
    let said = place.refused(&["rule", "put", "--file", "none.json"], 2);
    assert!(
        said.starts_with("karvan: none.json: No such file"),
        "{said}"
    );
    let file = place.folder().join("twice.json");
    std::fs::write(&file, r#"{"id":"a","id":"b"}"#).unwrap();
    let said = place.refused(&["rule", "put", "--file", file.to_str().unwrap()], 2);
    assert!(
        said.ends_with("a key stands twice in one object\n"),
        "{said}"
    );
    let output = karvan()
        .args(["registry", "member", "list"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = "karvan: --config FILE names the registry\n".to_owned();
    assert_eq!((output.status.code(), said), (Some(2), expected));

    // It runs, and there is no way in.
    let mut file = place.file();
    file.remove("admin");
    place.write(&file);
    let running = place.start();
    let said = place.refused(&["member", "list"], 2);
    assert!(
        said.contains("the registry runs and has no admin API"),
        "{said}"
    );
    running.stop();
    place.done(&["member", "list"]);
}

#[test]
fn refuses_plain_doors_that_others_can_reach() {
    let Some(place) = Place::founded() else {
        return;
    };
    let check = |change: &dyn Fn(&mut Table), expected: &str| {
        let mut file = place.file();
        change(&mut file);
        place.write(&file);
        let said = place.refused(&["--check"], 2);
        let prefix = format!("karvan: {}: ", place.config().display());
        assert_eq!(
            said.strip_prefix(&prefix),
            Some(format!("{expected}\n").as_str()),
            "{said}"
        );
        // What --check finds stops the start as well.
        let said = place.spawn().fails();
        assert!(said.contains(expected), "{said}");
    };
    fn set(file: &mut Table, section: &str, key: &str, value: toml::Value) {
        let section = file[section].as_table_mut().unwrap();
        section.insert(key.to_owned(), value);
    }
    check(
        &|file| set(file, "admin", "listen", "0.0.0.0:0".into()),
        "admin.listen: 0.0.0.0:0 is not a loopback address, and plain HTTP is for those only: \
         listen on 127.0.0.1, or set admin.tls with key and certificate",
    );
    check(
        &|file| set(file, "desk", "listen", "192.0.2.1:80".into()),
        "desk.listen: 192.0.2.1:80 is not a loopback address, and plain HTTP is for those only: \
         listen on 127.0.0.1, or set desk.tls with key and certificate",
    );
    check(
        &|file| set(file, "desk", "certificates", vec!["node.pem"].into()),
        "desk.certificates: these are compared in TLS only: set desk.tls, or take them out",
    );
    check(
        &|file| set(file, "desk", "supervisors", vec![MEMBER].into()),
        "desk.supervisors: AZ/GOV/0000001181 is no subsystem",
    );
    check(
        &|file| drop(file.remove("feed")),
        "feed: it is missing, and without it no node would hear of a consent taken back: add [feed] \
         with listen, an address that all nodes reach",
    );
    check(
        &|file| drop(file.remove("desk")),
        "feed: there is no consent desk whose feed it could be: add [desk], or take [feed] out",
    );
    check(
        &|file| set(file, "feed", "listen", "127.0.0.1:0".into()),
        "feed.listen: nodes have to be told the port: name one",
    );
    check(
        &|file| set(file, "feed", "waiting_max", 0.into()),
        "feed.waiting_max: it must be at least 1",
    );
    let tls: Table = "key = \"desk.key.pem\"\ncertificate = \"desk.cert.pem\""
        .parse()
        .unwrap();
    Pair::new("desk").write(&place, "desk");
    check(
        &|file| set(file, "desk", "tls", tls.clone().into()),
        "desk.certificates: whoever reached the desk could name any client as the caller: name the \
         certificates of the internal TLS of the nodes in front",
    );
}

/// A key and its certificate.
struct Pair {
    key: Arc<SoftKey>,
    certificate: Certificate,
}

impl Pair {
    fn new(name: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let now = Timestamp::now();
        let name = Name::from_attributes(&[("2.5.4.3", name)]).unwrap();
        let builder = Builder::tls(name, key.public_key());
        let builder = builder.validity(now, now + SignedDuration::from_hours(1));
        let certificate = builder.self_sign(&key).unwrap();
        Self {
            key: Arc::new(key),
            certificate,
        }
    }

    fn write(&self, place: &Place, name: &str) {
        let pem = self
            .key
            .to_encrypted_pem(&Pin::new("1234".to_owned()))
            .unwrap();
        let file = |kind: &str| place.folder().join(format!("{name}.{kind}.pem"));
        std::fs::write(file("key"), pem).unwrap();
        std::fs::write(file("cert"), self.certificate.to_pem()).unwrap();
    }

    fn identity(&self) -> Identity {
        let key: Arc<dyn SigningKey> = Arc::clone(&self.key) as _;
        Identity {
            key,
            chain: vec![self.certificate.clone()],
            ocsp_staple: None,
        }
    }
}

#[test]
fn with_tls_only_known_nodes_reach_the_desk_and_the_command_line_knows_its_registry() {
    let Some(place) = Place::with_rules() else {
        return;
    };
    let (server, node, stranger) = (Pair::new("registry"), Pair::new("node"), Pair::new("other"));
    server.write(&place, "server");
    node.write(&place, "node");
    let tls: Table = "key = \"server.key.pem\"\ncertificate = \"server.cert.pem\""
        .parse()
        .unwrap();
    let mut file = place.file();
    for section in ["admin", "desk"] {
        let section = file[section].as_table_mut().unwrap();
        section.insert("tls".to_owned(), tls.clone().into());
    }
    let desk = file["desk"].as_table_mut().unwrap();
    desk.insert("certificates".to_owned(), vec!["node.cert.pem"].into());
    place.write(&file);
    let running = place.start();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ask = |identity: Option<Identity>| {
        let options = ClientOptions {
            identity,
            ..ClientOptions::default()
        };
        let request = http::Request::post(format!("https://{}/cases/open", place.desk()))
            .header("X-Road-Client", CLIENT)
            .header("X-Road-Id", "1")
            .body(gateway_net::full(
                r#"{"case":"7","persons":[{"kind":"fin","value":"1TEST01"}],"valid_seconds":60}"#,
            ))
            .unwrap();
        let trust = ServerTrust::OneOf(vec![server.certificate.clone()]);
        runtime.block_on(async {
            let client = Client::new(options).unwrap();
            let answer = client.request(request, &trust, None).await;
            answer.map(|answer| answer.status().as_u16()).ok()
        })
    };
    assert_eq!(ask(None), None);
    assert_eq!(ask(Some(stranger.identity())), None);
    assert_eq!(ask(Some(node.identity())), Some(200));

    assert_eq!(place.asked(&["member", "list"])["items"][0]["id"], MEMBER);
    // What does not show the certificate of the file gets no key.
    stranger.write(&place, "server");
    let said = place.refused(&["member", "list"], 2);
    assert!(
        said.contains("the running registry could not be asked: https://"),
        "{said}"
    );
    running.stop();
}
