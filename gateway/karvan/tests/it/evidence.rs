//! Evidence as information systems fetch it: signed documents, the configuration to verify them
//! with, and what an outage of time-stamping does.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use certs_keys::Pin;
use gateway_asic::zip::{Archive, Limits, Names};
use gateway_asic::{container, verify};
use gateway_evidence::archive::openpgp::{self, SecretKey};
use gateway_globalconf::Snapshot;
use jiff::Timestamp;
use toml::{Table, Value};

use crate::country::{Country, Running, Service, eventually};
use crate::tls::{Pair, over_tls, write_pair};
use crate::wire::{self, Answer};

const PORTAL: &str = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000001181&subsystemCode=mygov";
const REGISTER: &str = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000000131&subsystemCode=iamas";

/// A founded country whose nodes stamp this often, and try again after a second.
pub(crate) fn country(interval_seconds: i64) -> Option<Country> {
    let country = Country::found()?;
    for node in ["din", "iria"] {
        edit(&country, node, |config| {
            let stamping = config["timestamping"].as_table_mut().unwrap();
            for (key, value) in [("interval_seconds", interval_seconds), ("retry_seconds", 1)] {
                stamping.insert(key.to_owned(), value.into());
            }
            for client in config["client"].as_array_mut().unwrap() {
                let client = client.as_table_mut().unwrap();
                if client["id"].as_str() == Some("AZ/COM/0000001201/kredit") {
                    client.insert("authentication".to_owned(), "https-no-auth".into());
                }
            }
        });
    }
    Some(country)
}

pub(crate) fn edit(country: &Country, node: &'static str, change: impl FnOnce(&mut Table)) {
    let path = country.config(Service::Node(node));
    let mut config: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    change(&mut config);
    std::fs::write(&path, config.to_string()).unwrap();
}

fn asic(address: SocketAddr, query: &str) -> Answer {
    wire::get(address, &format!("/asic?{query}"), &[])
}

#[track_caller]
fn refused(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text().as_str()), (status, text));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
}

/// A file that was handed out: its media type and what the client is to do with it.
#[track_caller]
fn file(answer: &Answer, content_type: &str, disposition: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("content-disposition"), Some(disposition));
}

fn files(zip: &[u8], names: Names) -> BTreeMap<String, Bytes> {
    let limits = Limits {
        names,
        ..Limits::ARCHIVE
    };
    let archive = Archive::open(Bytes::copy_from_slice(zip), &limits).unwrap();
    let file = |entry| archive.read(entry).unwrap();
    let entries = archive.entries().iter();
    entries
        .map(|entry| (entry.name().to_owned(), file(entry)))
        .collect()
}

/// The configuration as the node hands it out.
fn configuration(address: SocketAddr) -> BTreeMap<String, Vec<u8>> {
    handed_out(&wire::get(address, "/verificationconf", &[]))
}

fn handed_out(answer: &Answer) -> BTreeMap<String, Vec<u8>> {
    file(
        answer,
        "application/zip",
        "filename=\"verificationconf.zip\"",
    );
    files(&answer.body, Names::Folders)
        .into_iter()
        .map(|(name, bytes)| {
            let name = name.strip_prefix("verificationconf/").unwrap();
            (name.to_owned(), bytes.to_vec())
        })
        .collect()
}

pub(crate) fn snapshot(address: SocketAddr) -> Snapshot {
    // Long after the configuration expired: what was handed out has no expiry.
    let then = Timestamp::from_second(Timestamp::now().as_second() + 10 * 365 * 86_400).unwrap();
    Snapshot::from_files(&configuration(address), then).unwrap()
}

/// Verifies one container: whose signature it bears.
#[track_caller]
fn verified(octets: &[u8], conf: &Snapshot) -> String {
    let opened = container::open(Bytes::copy_from_slice(octets), &Limits::CONTAINER).unwrap();
    let report = verify::verify(&opened, conf).unwrap();
    assert!(
        report.uncovered.is_empty() && report.not_kept().next().is_none(),
        "{report:?}"
    );
    report.signer.id.member().to_string()
}

#[test]
fn refuses_a_download_with_the_status_and_the_words_of_deployed_servers() {
    let Some(country) = country(3600) else {
        return;
    };
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let iria = running.country.clients("iria");
    for (query, name) in [
        ("memberClass=GOV&memberCode=1", "xRoadInstance"),
        (
            "xRoadInstance=&memberClass=GOV&memberCode=1",
            "xRoadInstance",
        ),
        ("xRoadInstance=AZ&memberCode=1", "memberClass"),
        ("xRoadInstance=AZ&memberClass=GOV", "memberCode"),
        (PORTAL, "queryId"),
    ] {
        let text = format!("Parameter \"{name}\"  must be specified.");
        refused(&asic(iria, query), 400, &text);
    }
    refused(
        &asic(iria, "queryId=%zz"),
        400,
        "The parameters are not URL-encoded UTF-8.",
    );

    // Authorised before anything is looked for, as for a message.
    let stranger = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000001181&subsystemCode=none";
    let answer = asic(iria, stranger);
    assert_eq!(answer.status, 401);
    assert!(answer.text().starts_with("Client '"), "{}", answer.text());
    assert!(answer.text().ends_with("not found"), "{}", answer.text());
    let bank = "xRoadInstance=AZ&memberClass=COM&memberCode=0000001201&subsystemCode=kredit";
    let answer = asic(iria, bank);
    assert_eq!(answer.status, 401);
    assert!(
        answer.text().contains("must connect over HTTPS"),
        "{}",
        answer.text()
    );

    // Without a subsystem the member itself is meant, which is no client here.
    let member = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000001181&queryId=x";
    let text = "Client 'MEMBER:AZ/GOV/0000001181' not found";
    refused(&asic(iria, member), 401, text);

    let both = format!("{PORTAL}&queryId=x&requestOnly&responseOnly");
    let text = "Parameters \"requestOnly\" and \"responseOnly\" cannot be used at the same time.";
    refused(&asic(iria, &both), 400, text);
    let none = "No signed documents found";
    refused(&asic(iria, &format!("{PORTAL}&queryId=never")), 404, none);
    let long = "x".repeat(24 << 10);
    refused(&asic(iria, &format!("{PORTAL}&queryId={long}")), 404, none);
    for broken in ["a%ff", "%c3%28", "%00%", "%e2%82"] {
        let text = "The parameters are not URL-encoded UTF-8.";
        refused(
            &asic(iria, &format!("{PORTAL}&queryId={broken}")),
            400,
            text,
        );
    }
    // Octets that belong in no request line, and a line longer than is read.
    for id in [&b"a\xff\xfe"[..], &b"x".repeat(40 << 10)] {
        let begin = format!("GET /asic?{PORTAL}&queryId=");
        let end = format!(" HTTP/1.1\r\nHost: {iria}\r\nConnection: close\r\n\r\n");
        let request = [begin.as_bytes(), id, end.as_bytes()].concat();
        let answer = wire::parse(&wire::raw(iria, &request).unwrap()).unwrap();
        assert!((400..500).contains(&answer.status), "{}", answer.head);
    }

    // What others asked for is not found, even where it was logged.
    let asked = running
        .country
        .addresses()
        .person("0TEST01", "d/1")
        .unwrap();
    assert_eq!(asked.status, 200);
    let din = running.country.clients("din");
    let other = "xRoadInstance=AZ&memberClass=GOV&memberCode=0000000131&subsystemCode=cerime";
    let answer = asic(din, &format!("{other}&queryId=d%2F1"));
    assert!(matches!(answer.status, 401 | 404), "{}", answer.text());
    let waiting = "Message signature has not been timestamped yet!";
    for (node, party) in [(iria, PORTAL), (din, REGISTER)] {
        refused(&asic(node, &format!("{party}&queryId=d%2F1")), 500, waiting);
    }
    refused(
        &asic(iria, &format!("{PORTAL}&queryId=d%2F1&unique")),
        500,
        waiting,
    );
    let forced = asic(iria, &format!("{PORTAL}&queryId=d%2F1&unique&force"));
    let text = "Parameter \"unique\" not applicable without \"requestOnly\" or \"responseOnly\".";
    refused(&forced, 400, text);

    // Everything else on these ports is still a message, or none.
    for (method, path) in [
        ("POST", "/asic"),
        ("GET", "/asic/"),
        ("PUT", "/verificationconf"),
    ] {
        let request = wire::request(method, iria, path, &[], b"");
        let answer = wire::parse(&wire::raw(iria, &request).unwrap()).unwrap();
        assert!(
            answer.fault().is_some(),
            "{method} {path}: {}",
            answer.text()
        );
    }
    running.stop();
}

#[test]
fn hands_out_signed_documents_that_verify_with_the_configuration_it_hands_out() {
    let Some(country) = country(3600) else {
        return;
    };
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let (iria, din) = (
        running.country.clients("iria"),
        running.country.clients("din"),
    );
    let rest = running
        .country
        .addresses()
        .person("0TEST01", "d/1 ə")
        .unwrap();
    assert_eq!(rest.status, 200);
    let soap = wire::soap_person(&running.country, "d-2", "0TEST02");
    assert_eq!(soap.fault(), None);
    let conf = snapshot(iria);
    assert_eq!((conf.instance(), conf.expires_at()), ("AZ", None));
    assert!(conf.private().is_none());

    for (node, party) in [(iria, PORTAL), (din, REGISTER)] {
        // The first is forced; the second is stamped by then, or forced, too.
        let id = "d%2F1+%C9%99";
        let answer = asic(node, &format!("{party}&queryId={id}&force"));
        file(
            &answer,
            "application/zip",
            &format!("attachment; filename=\"{id}.zip\""),
        );
        let both = files(&answer.body, Names::Flat);
        let names: Vec<_> = both.keys().map(String::as_str).collect();
        let [request, response] = names.as_slice() else {
            panic!("{names:?}");
        };
        assert!(request.starts_with(&format!("{id}-request-")), "{request}");
        assert!(
            response.starts_with(&format!("{id}-response-")),
            "{response}"
        );
        assert_eq!(verified(&both[*request], &conf), "MEMBER:AZ/GOV/0000001181");
        assert_eq!(
            verified(&both[*response], &conf),
            "MEMBER:AZ/GOV/0000000131"
        );

        let answer = asic(node, &format!("{party}&queryId={id}&responseOnly"));
        let disposition = format!("attachment; filename=\"{id}-response.zip\"");
        file(&answer, "application/zip", &disposition);
        let one = files(&answer.body, Names::Flat);
        assert_eq!(one.keys().collect::<Vec<_>>(), [*response]);
        assert_eq!(one[*response], both[*response], "always the same octets");

        // A flag counts by being there.
        let answer = asic(
            node,
            &format!("{party}&queryId={id}&requestOnly=no&unique=0"),
        );
        let disposition = format!("attachment; filename=\"{request}\"");
        file(&answer, "application/vnd.etsi.asic-e+zip", &disposition);
        assert_eq!(answer.body, both[*request]);

        let answer = asic(
            node,
            &format!("{party}&queryId=d-2&force&responseOnly&unique"),
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(verified(&answer.body, &conf), "MEMBER:AZ/GOV/0000000131");
    }
    let country = running.stop();
    for node in ["iria", "din"] {
        crate::load::check_log(&country.data(node));
    }
}

#[test]
fn encrypts_documents_with_the_keys_of_archives_when_those_are_encrypted() {
    let Some(country) = country(3600) else {
        return;
    };
    let folder = country.node_folder("iria");
    let pair = |name: &str| {
        let pair = openpgp::generate(name, None, Timestamp::now()).unwrap();
        SecretKey::read(pair.secret.as_bytes(), None)
            .map(|key| (pair, key))
            .unwrap()
    };
    let ((server, own), (auditor, theirs)) = (pair("iria"), pair("auditor"));
    let secret = folder.join("keys/archive.asc");
    std::fs::write(&secret, server.secret.as_bytes()).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("keys/auditor.asc"), &auditor.public).unwrap();
    edit(&country, "iria", |config| {
        let keys = [
            ("signing_key_file", Value::from("keys/archive.asc")),
            ("default_recipients", vec!["keys/auditor.asc"].into()),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value));
        let archive = config["archive"].as_table_mut().unwrap();
        archive.insert("encryption".to_owned(), Table::from_iter(keys).into());
        // Records are sealed as well: a download shows nothing of that.
        let key = [("id", Value::from("2026")), ("file", "keys/records".into())];
        let key = Table::from_iter(key.map(|(key, value)| (key.to_owned(), value)));
        let log = config.entry("log").or_insert(Table::new().into());
        let log = log.as_table_mut().unwrap();
        log.insert("encryption_key".to_owned(), vec![key].into());
    });
    let records = folder.join("keys/records");
    std::fs::write(&records, "5e".repeat(32)).unwrap();
    std::fs::set_permissions(&records, Permissions::from_mode(0o600)).unwrap();
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    let iria = running.country.clients("iria");
    let asked = running
        .country
        .addresses()
        .person("0TEST01", "sealed")
        .unwrap();
    assert_eq!(asked.status, 200);
    let opened = |answer: &Answer| {
        let mut opened = Vec::new();
        openpgp::decrypt(
            answer.body.as_slice(),
            &mut opened,
            &theirs,
            &[own.public()],
        )
        .unwrap();
        opened
    };
    let all = asic(iria, &format!("{PORTAL}&queryId=sealed&force"));
    let disposition = "attachment; filename=\"sealed.zip.gpg\"";
    file(&all, "application/octet-stream", disposition);
    let all = files(&opened(&all), Names::Flat);
    assert_eq!(all.len(), 2);
    let one = asic(iria, &format!("{PORTAL}&queryId=sealed&requestOnly&unique"));
    let (name, octets) = all.first_key_value().unwrap();
    let disposition = format!("attachment; filename=\"{name}.gpg\"");
    file(&one, "application/octet-stream", &disposition);
    assert_eq!(opened(&one), octets.as_ref());
    verified(octets, &snapshot(iria));
    running.stop();
}

#[test]
fn hands_out_the_configuration_without_expiry_and_without_private_parts() {
    let Some(running) = Running::shared() else {
        return;
    };
    let iria = running.country.clients("iria");
    // Whoever hangs up before the answer costs nobody anything.
    for _ in 0..100 {
        let request = wire::request("GET", iria, "/verificationconf", &[], b"");
        let mut stream = wire::connect(iria).unwrap();
        stream.write_all(&request).unwrap();
    }
    // They are still being noticed, and one by one: there may be a place, and none again.
    let mut served = None;
    eventually("there is a place again", || {
        let answer = wire::get(iria, "/verificationconf", &[]);
        assert!(matches!(answer.status, 200 | 503), "{}", answer.head);
        let is_served = answer.status == 200;
        served = Some(answer);
        is_served
    });
    let files = handed_out(&served.unwrap());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AZ/karvan-rules.json",
            "AZ/shared-params.xml",
            "AZ/shared-params.xml.metadata",
            "AZ/signed-directory.metadata",
            "instance-identifier"
        ]
    );
    assert_eq!(files["instance-identifier"], b"AZ");
    let metadata = String::from_utf8_lossy(&files["AZ/shared-params.xml.metadata"]).into_owned();
    assert_eq!(metadata, "{\"configurationVersion\":\"6\"}");
    let on_disk = running.country.data("iria").join("globalconf");
    for name in ["AZ/shared-params.xml", "AZ/karvan-rules.json"] {
        assert_eq!(files[name], std::fs::read(on_disk.join(name)).unwrap());
    }
}

#[test]
fn hands_out_documents_to_the_systems_of_their_party_reduced_where_bodies_are_not_kept() {
    let Some(country) = country(3600) else {
        return;
    };
    let folder = country.node_folder("iria");
    let pin = Pin::new(std::fs::read_to_string(folder.join("pin")).unwrap());
    let (server, system, other) = (Pair::new("iria"), Pair::new("portal"), Pair::new("other"));
    let internal = write_pair(&folder, "internal", &server, &pin);
    write_pair(&folder, "portal", &system, &pin);
    let https = country.spare(0);
    // Without a certificate at first, so that there is something to ask for.
    edit(&country, "iria", |config| {
        let listen = config["listen"].as_table_mut().unwrap();
        listen.insert("clients_https".to_owned(), https.to_string().into());
        let token = config["token"].as_table_mut().unwrap();
        token.insert("internal_tls".to_owned(), internal.into());
    });
    let register = Value::from(vec![Value::from("AZ/GOV/0000000131/iamas")]);
    let bodies = Table::from_iter([("except_remote".to_owned(), register)]);
    country.configure("iria", "log", &[("bodies", bodies.into())]);
    let mut running = country.start_with(&["din", "iria"], &["iamas"]);
    let asked = running
        .country
        .addresses()
        .person("0TEST01", "tls-1")
        .unwrap();
    assert_eq!(asked.status, 200);
    let forced = format!("{PORTAL}&queryId=tls-1&force");
    assert_eq!(asic(running.country.clients("iria"), &forced).status, 200);

    running.take(Service::Node("iria")).stop();
    edit(&running.country, "iria", |config| {
        for client in config["client"].as_array_mut().unwrap() {
            let client = client.as_table_mut().unwrap();
            if client["id"].as_str() == Some("AZ/GOV/0000001181/mygov") {
                client.insert("authentication".to_owned(), "https".into());
                let certificates = vec![Value::from("keys/portal.cert.pem")];
                client.insert("certificates".to_owned(), certificates.into());
            }
        }
    });
    running.restart(Service::Node("iria"));
    let iria = running.country.clients("iria");
    let plain = asic(iria, &forced);
    assert_eq!(plain.status, 401, "{}", plain.text());
    for own in [None, Some(&other)] {
        let (status, text) = over_tls(https, &forced, own, &server);
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(status, 401, "{text}");
        assert!(text.contains("AZ/GOV/0000001181/mygov"), "{text}");
    }
    let (status, body) = over_tls(https, &forced, Some(&system), &server);
    assert_eq!(status, 200);

    // Here the documents show who asked what and when, and not the answer; there they are whole.
    let conf = snapshot(iria);
    let reduced = files(&body, Names::Flat);
    let din = asic(
        running.country.clients("din"),
        &format!("{REGISTER}&queryId=tls-1&force"),
    );
    let whole = files(&din.body, Names::Flat);
    assert_eq!((reduced.len(), whole.len()), (2, 2));
    for octets in whole.values() {
        verified(octets, &conf);
    }
    for (name, octets) in &reduced {
        let entries = files(octets, Names::Container);
        assert!(!entries.contains_key("attachment1"), "{name}");
        let message = String::from_utf8_lossy(&entries["message.xml"]).into_owned();
        assert!(message.contains("x-road-id:tls-1"), "{message}");
        assert!(!message.contains("0TEST01"), "{message}");
        let opened = container::open(octets.clone(), &Limits::CONTAINER).unwrap();
        let refused = verify::verify(&opened, &conf).unwrap_err();
        assert!(
            refused.explanation().contains("reduced before logging"),
            "{}",
            refused.explanation()
        );
    }

    // Without a configuration nothing is handed out, and it is said as to a message.
    running.take(Service::Node("iria")).stop();
    running.take(Service::Registry).stop();
    std::fs::remove_dir_all(running.country.data("iria").join("globalconf")).unwrap();
    let node = running.country.spawn(Service::Node("iria"));
    let answers = |path: &str| wire::try_get(iria, path, &[]);
    eventually("the node answers", || answers("/verificationconf").is_ok());
    for path in ["/verificationconf".to_owned(), format!("/asic?{forced}")] {
        let answer = answers(&path).unwrap();
        assert_eq!(answer.status, 200);
        let code = "server.clientproxy.global_conf_outdated";
        assert_eq!(answer.fault().as_deref(), Some(code));
        assert_eq!(
            answer.header("content-type"),
            Some("text/xml;charset=utf-8")
        );
    }
    drop(node);
    running.stop();
}

#[test]
fn exchanges_go_on_while_time_stamping_is_down_and_it_catches_up_when_it_is_back() {
    let Some(country) = country(1) else {
        return;
    };
    // OCSP responses and configuration are on the nodes' disks; nobody stamps from the beginning.
    let registry = country.start(Service::Registry);
    let adapter = country.start(Service::Adapter("iamas"));
    let nodes = ["din", "iria"].map(|node| country.start(Service::Node(node)));
    let ready = |node: &str| wire::get(country.health(node), "/readyz", &[]);
    for number in 0..10 {
        let answer = country
            .addresses()
            .person("0TEST01", &format!("outage-{number}"))
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for node in ["din", "iria"] {
        eventually("the outage is seen", || {
            let answer = ready(node);
            let text = answer.text();
            assert_eq!(answer.status, 200, "{text}");
            text.starts_with("ready\ndegraded: ")
                && text.contains("Failed to get time stamp from any time-stamping providers")
                && text.contains("time-stamping authority Sandbox TSA (http://")
        });
    }
    let forced = format!("{PORTAL}&queryId=outage-0&force");
    let answer = asic(country.clients("iria"), &forced);
    assert_eq!(answer.status, 500);
    let text = answer.text();
    assert!(
        text.starts_with("Failed to get time stamp from any"),
        "{text}"
    );

    let certs = country.start(Service::Certs);
    for node in ["din", "iria"] {
        eventually("all is stamped", || {
            let text = ready(node).text();
            text.starts_with("ready\n") && !text.contains("time stamp")
        });
    }
    let conf = snapshot(country.clients("iria"));
    for (node, party) in [("iria", PORTAL), ("din", REGISTER)] {
        for number in [0, 9] {
            let query = format!("{party}&queryId=outage-{number}");
            let answer = asic(country.clients(node), &query);
            assert_eq!(answer.status, 200, "{}", answer.text());
            for octets in files(&answer.body, Names::Flat).values() {
                verified(octets, &conf);
            }
        }
    }
    drop((nodes, adapter, registry, certs));
    for node in ["iria", "din"] {
        crate::load::check_log(&country.data(node));
    }
}
