//! A country with rules, as its officials and information systems use it: changes at the registry,
//! questions that say on what ground they are asked, consents asked for and given at the desk.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use certs_keys::{Ed25519Key, Pin};
use gateway_policy::{consent, json as canonical};
use jiff::Timestamp;
use serde_json::{Value, json};
use toml::Table;

use crate::country::{Country, Service, karvan, text};
use crate::wire::{self, Answer};

pub(crate) const PORTAL: &str = wire::PORTAL;
pub(crate) const BANK: &str = "AZ/COM/0000001201/kredit";
/// Another subsystem of the bank's member; [`second_bank`] makes it.
pub(crate) const OTHER_BANK: &str = "AZ/COM/0000001201/ipoteka";
pub(crate) const CLINIC: &str = "AZ/GOV/0000000541/dogum";
pub(crate) const SUPERVISOR: &str = "AZ/GOV/0000001181/nezaret";
pub(crate) const FUND: &str = "AZ/GOV/0000000391/pensiya";
pub(crate) const REGISTER: &str = "AZ/GOV/0000000131/iamas";
/// What stands in every FIN of the country, and nowhere else.
pub(crate) const ANY_FIN: &str = "TEST0";

/// Polls until something holds, for longer than `eventually` would.
#[track_caller]
pub(crate) fn within(patience: Duration, what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(POLL);
    }
}

/// Runs `karvan registry`, whether the registry runs or not; it must be done. Gives the answer.
#[track_caller]
pub(crate) fn registry(country: &Country, arguments: &[&str]) -> String {
    let mut command = karvan();
    command.arg("registry").args(arguments).arg("--config");
    let output = command
        .arg(country.config(Service::Registry))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The same with a document in a file.
#[track_caller]
pub(crate) fn registry_with(country: &Country, arguments: &[&str], document: &Value) {
    let file = country.folder().join("document.json");
    std::fs::write(&file, document.to_string()).unwrap();
    registry(
        country,
        &[arguments, &["--file", file.to_str().unwrap()]].concat(),
    );
}

/// For how long nodes believe the feed that they last heard. Seconds; in force with the next
/// publication.
#[track_caller]
pub(crate) fn believe_feed_for(country: &Country, seconds: u64) {
    let shown = registry(country, &["setting", "show", "--json"]);
    let mut settings: Value = serde_json::from_str(&shown).unwrap();
    let mut rules = settings["rules"].take();
    rules["feed_age_seconds_max"] = seconds.into();
    registry_with(country, &["setting", "rules"], &rules);
}

/// Changes a node's file.
pub(crate) fn edit(country: &Country, node: &'static str, change: impl FnOnce(&mut Table)) {
    let path = country.config(Service::Node(node));
    let mut file: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    change(&mut file);
    std::fs::write(&path, file.to_string()).unwrap();
}

/// Adds to a list of one of a node's clients: `right` or `service`.
pub(crate) fn add(country: &Country, node: &'static str, client: &str, list: &str, entry: &str) {
    edit(country, node, |file| {
        let clients = file["client"].as_array_mut().unwrap();
        let found = clients
            .iter_mut()
            .find(|found| found["id"].as_str() == Some(client));
        let found = found.expect("a client of the node").as_table_mut().unwrap();
        let entries = found
            .entry(list)
            .or_insert_with(|| Vec::<Table>::new().into());
        let entry: Table = entry.parse().unwrap();
        entries.as_array_mut().unwrap().push(entry.into());
    });
}

/// How soon a node sees what the registry publishes. Seconds.
pub(crate) fn refresh(country: &Country, node: &'static str, seconds: i64) {
    country.configure(node, "registry", &[("refresh_seconds", seconds.into())]);
}

/// A second subsystem of the bank's member, on the bank's node. For a registry that is stopped.
pub(crate) fn second_bank(country: &Country) {
    registry(country, &["subsystem", "add", OTHER_BANK]);
    registry(
        country,
        &["server", "add-client", "AZ/GOV/0000001181/iria", OTHER_BANK],
    );
    edit(country, "iria", |file| {
        let client = format!("id = \"{OTHER_BANK}\"\nauthentication = \"http\"");
        let client: Table = client.parse().unwrap();
        file["client"].as_array_mut().unwrap().push(client.into());
    });
}

/// A REST request of an information system.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    method: &'static str,
    /// From the provider on.
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Rest {
    pub(crate) fn get(client: &str, path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            headers: vec![("X-Road-Client".to_owned(), client.to_owned())],
            body: String::new(),
        }
    }

    pub(crate) fn post(client: &str, path: &str, body: &Value) -> Self {
        let mut request = Self::get(client, path).with("Content-Type", "application/json");
        request.method = "POST";
        request.body = body.to_string();
        request
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn id(self, id: &str) -> Self {
        self.with("X-Road-Id", id)
    }

    #[track_caller]
    pub(crate) fn ask(&self, node: SocketAddr) -> Answer {
        self.try_ask(node).unwrap()
    }

    pub(crate) fn try_ask(&self, node: SocketAddr) -> std::io::Result<Answer> {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let path = format!("/r1/{}", self.path);
        let request = wire::request(self.method, node, &path, &headers, self.body.as_bytes());
        wire::parse(&wire::raw(node, &request)?)
    }
}

/// A SOAP request of an information system.
#[derive(Clone, Debug)]
pub(crate) struct Soap<'s> {
    pub(crate) client: &'s str,
    pub(crate) provider: &'s str,
    pub(crate) code: &'s str,
    pub(crate) namespace: &'s str,
    pub(crate) id: &'s str,
    /// What stands in the body's one element, `b` being the prefix of its namespace.
    pub(crate) content: &'s str,
    /// Fields of the legal basis.
    pub(crate) basis: &'s [(&'s str, &'s str)],
}

impl Soap<'_> {
    #[track_caller]
    pub(crate) fn ask(&self, node: SocketAddr) -> Answer {
        self.try_ask(node).unwrap()
    }

    pub(crate) fn try_ask(&self, node: SocketAddr) -> std::io::Result<Answer> {
        let headers = [
            ("Content-Type", "text/xml; charset=UTF-8"),
            ("SOAPAction", "\"\""),
        ];
        let envelope = self.envelope();
        let request = wire::request("POST", node, "/", &headers, envelope.as_bytes());
        wire::parse(&wire::raw(node, &request)?)
    }

    fn envelope(&self) -> String {
        let client = identifier("client", "SUBSYSTEM", self.client, "");
        let code = format!(
            "<i:serviceCode>{}</i:serviceCode><i:serviceVersion>v1</i:serviceVersion>",
            self.code
        );
        let service = identifier("service", "SERVICE", self.provider, &code);
        let fields: String = self
            .basis
            .iter()
            .map(|(name, value)| format!("<k:{name}>{value}</k:{name}>"))
            .collect();
        let basis = match fields.is_empty() {
            true => String::new(),
            false => format!("<k:basis xmlns:k=\"urn:karvan:basis:1\">{fields}</k:basis>"),
        };
        format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" \
             xmlns:i=\"http://x-road.eu/xsd/identifiers\" xmlns:b=\"{namespace}\"><e:Header>\
             {client}{service}<x:id>{id}</x:id><x:protocolVersion>4.0</x:protocolVersion>{basis}\
             </e:Header><e:Body><b:{code}>{content}</b:{code}></e:Body></e:Envelope>",
            namespace = self.namespace,
            id = self.id,
            code = self.code,
            content = self.content,
        )
    }
}

fn identifier(element: &str, kind: &str, id: &str, more: &str) -> String {
    let parts: Vec<_> = id.split('/').collect();
    let [instance, class, code, subsystem] = parts.as_slice() else {
        panic!("not a subsystem: {id}");
    };
    format!(
        "<x:{element} i:objectType=\"{kind}\"><i:xRoadInstance>{instance}</i:xRoadInstance>\
         <i:memberClass>{class}</i:memberClass><i:memberCode>{code}</i:memberCode>\
         <i:subsystemCode>{subsystem}</i:subsystemCode>{more}</x:{element}>"
    )
}

/// A person as the desk takes one.
pub(crate) fn person(fin: &str) -> Value {
    json!({"kind": "fin", "value": fin})
}

/// What a person proves his will with in the portal.
pub(crate) fn will(fin: &str) -> Value {
    json!({"person": person(fin), "proof": {"kind": "attestation", "level": "asan-imza"}})
}

/// A question to the desk, over X-Road: `consents/…`, `notices/…`.
#[track_caller]
pub(crate) fn desk(country: &Country, client: &str, path: &str, body: &Value) -> Answer {
    let path = format!("AZ/GOV/0000001181/razilig/{path}");
    Rest::post(client, &path, body).ask(country.clients("iria"))
}

/// The bank asks a person for consent to the income certificate. Gives the id of the request.
#[track_caller]
pub(crate) fn ask_consent(country: &Country, fin: &str, more: &[(&str, Value)]) -> String {
    let mut body = json!({
        "subject": person(fin),
        "provider": FUND,
        "services": ["income"],
        "purpose": "credit",
        "categories": ["income"],
    });
    for (name, value) in more {
        body[*name] = value.clone();
    }
    let fields = body.as_object_mut().unwrap();
    if !fields.contains_key("valid_until") {
        fields.entry("valid_seconds").or_insert(json!(3600));
    }
    let answer = desk(country, BANK, "consents/requests", &body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let told = document(&answer);
    assert_eq!(told["state"], "requested", "{told}");
    told["id"].as_str().unwrap().to_owned()
}

/// What a person makes of a request or consent, through the portal; it must be done. Gives the
/// answer of the desk.
#[track_caller]
pub(crate) fn act(country: &Country, id: &str, action: &str, will: &Value) -> Value {
    let path = format!("consents/requests/{id}/{action}");
    let answer = desk(country, PORTAL, &path, will);
    assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    document(&answer)
}

/// A consent that a person gave. Its id and artefact.
#[track_caller]
pub(crate) fn consent(country: &Country, fin: &str, more: &[(&str, Value)]) -> (String, String) {
    let id = ask_consent(country, fin, more);
    let told = act(country, &id, "approve", &will(fin));
    assert_eq!(told["state"], "active", "{told}");
    let artefact = told["artefact"].as_str().expect("it holds");
    (id, artefact.to_owned())
}

/// The bank's question for a person's income, by REST.
pub(crate) fn income(client: &str, fin: &str, consent: Option<&str>) -> Rest {
    let path = format!("{FUND}/income/persons/{fin}/income");
    let asked = Rest::get(client, &path).with("Karvan-Purpose", "credit");
    match consent {
        Some(consent) => asked.with("Karvan-Consent", consent),
        None => asked,
    }
}

/// The JSON in an answer.
#[track_caller]
pub(crate) fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

/// Asks again and again until the outcome is as wanted: a fault code, or `None` for an answer.
#[track_caller]
pub(crate) fn becomes(what: &str, wanted: Option<&str>, ask: impl Fn() -> Answer) -> Answer {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let answer = ask();
        let fault = answer.fault();
        if fault.as_deref() == wanted && (fault.is_some() || answer.status == 200) {
            return answer;
        }
        let text = answer.text();
        assert!(
            Instant::now() < end,
            "{what}: not {wanted:?} but {fault:?}: {text}"
        );
        std::thread::sleep(POLL);
    }
}

/// The registry's key of consents, as whoever holds its folder and PIN can use it.
pub(crate) struct Sealer {
    key: Ed25519Key,
    kid: String,
}

impl Sealer {
    pub(crate) fn of(country: &Country) -> Self {
        let folder = country.folder().join("registry");
        let pem = std::fs::read_to_string(folder.join("data/consent.key.pem")).unwrap();
        let key = Ed25519Key::from_encrypted_pem(&pem, &pin(&folder)).unwrap();
        let shown = registry(country, &["setting", "show", "--json"]);
        let settings: Value = serde_json::from_str(&shown).unwrap();
        let kid = settings["consent"]["keys"][0]["kid"].as_str().unwrap();
        Self {
            key,
            kid: kid.to_owned(),
        }
    }

    /// Of whom nobody published a key.
    pub(crate) fn forger(kid: &str) -> Self {
        Self {
            key: Ed25519Key::generate().unwrap(),
            kid: kid.to_owned(),
        }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn header(&self, algorithm: &str) -> String {
        format!(
            "{{\"alg\":\"{algorithm}\",\"kid\":\"{}\",\"typ\":\"{}\"}}",
            self.kid,
            consent::MEDIA_TYPE
        )
    }

    pub(crate) fn seal(&self, artefact: &Value) -> String {
        let payload = canonical::canonical(artefact).unwrap();
        self.seal_raw(&self.header("EdDSA"), &payload)
    }

    /// Any octets, under any header.
    pub(crate) fn seal_raw(&self, header: &str, payload: &[u8]) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload));
        format!("{signed}.{}", encode(&self.key.sign(signed.as_bytes())))
    }
}

/// A consent of this person to the bank, for both services of the fund; it holds for an hour.
pub(crate) fn artefact(fin: &str) -> Value {
    let id = hex::encode(certs_keys::random_bytes::<16>());
    let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    json!({
        "format": consent::FORMAT,
        "instance": "AZ",
        "id": id,
        "subject": person(fin),
        "consumer": BANK,
        "provider": FUND,
        "services": ["income", "GetPension"],
        "purpose": "credit",
        "categories": ["income", "pension"],
        "issued_at": at(-60),
        "valid_from": at(-60),
        "valid_until": at(3600),
        "single_use": false,
        "proof": {"kind": "attestation", "portal": PORTAL, "level": "asan-imza", "at": at(-60)},
    })
}

/// So many seconds from now.
pub(crate) fn at(seconds: i64) -> String {
    let second = Timestamp::now().as_second() + seconds;
    Timestamp::from_second(second).unwrap().to_string()
}

pub(crate) fn pin(folder: &Path) -> Pin {
    let text = std::fs::read_to_string(folder.join("pin")).unwrap();
    Pin::new(text.trim_end().to_owned())
}

/// No person's key stands in what is said, but for those asked about by name.
#[track_caller]
pub(crate) fn names_nobody(answer: &Answer) {
    let text = answer.text();
    assert!(!text.contains(ANY_FIN), "{text}");
    assert!(!answer.head.contains(ANY_FIN), "{}", answer.head);
}

/// Looks through a whole country: no person's key stands in what processes said, in names of files,
/// or as it is in what they keep beside the messages themselves.
#[track_caller]
pub(crate) fn nobody_is_named(country: &Country) {
    let (mut logs, mut stores) = (0, 0);
    let mut folders = vec![country.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.contains(ANY_FIN), "{}", path.display());
            let (is_log, is_store) = (name.ends_with(".log"), name.ends_with(".redb"));
            if path.is_dir() {
                folders.push(path);
            } else if is_log || is_store {
                let bytes = std::fs::read(&path).unwrap();
                logs += usize::from(is_log && !bytes.is_empty());
                stores += usize::from(is_store);
                assert_eq!(around_a_fin(&bytes), None, "{}", path.display());
            }
        }
    }
    assert!(logs >= 3, "only {logs} said something");
    assert!(stores >= 6, "only {stores} are there");
}

fn around_a_fin(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (before, behind) = text.split_once(ANY_FIN)?;
    let before: String = before.chars().rev().take(200).collect();
    let before: String = before.chars().rev().collect();
    let behind: String = behind.chars().take(200).collect();
    Some(format!("{before}{ANY_FIN}{behind}"))
}

/// The feed has reached both nodes: what rests on it is open.
#[track_caller]
pub(crate) fn feed_is_heard(country: &Country, consent: &str) {
    let ask = || income(BANK, "0TEST01", Some(consent)).ask(country.clients("iria"));
    becomes("the feed is heard", None, ask);
}

const POLL: Duration = Duration::from_millis(50);
