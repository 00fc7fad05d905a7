//! How information systems connect: plain, TLS, TLS with a registered certificate (client
//! authentication of PR-MESS's security server: HTTP, HTTPS NO AUTH, HTTPS).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use certs_keys::{KeyKind, Pin, SigningKey, SoftKey};
use certs_x509::builder::Builder;
use certs_x509::{Certificate, Name};
use gateway_net::{Client, ClientOptions, Identity, ServerTrust};
use jiff::{SignedDuration, Timestamp};
use toml::{Table, Value};

use crate::country::{Country, Service};
use crate::wire;

/// A client's own key and certificate, self-signed as information systems have them.
pub(crate) struct Pair {
    key: Arc<SoftKey>,
    pub(crate) certificate: Certificate,
}

impl Pair {
    pub(crate) fn new(name: &str) -> Self {
        let key = SoftKey::generate(KeyKind::P256).unwrap();
        let now = Timestamp::now();
        let until = now + SignedDuration::from_hours(1);
        let name = Name::from_attributes(&[("2.5.4.3", name)]).unwrap();
        let builder = Builder::tls(name, key.public_key()).validity(now, until);
        let certificate = builder.self_sign(&key).unwrap();
        Self {
            key: Arc::new(key),
            certificate,
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        let key: Arc<dyn SigningKey> = Arc::clone(&self.key) as _;
        Identity {
            key,
            chain: vec![self.certificate.clone()],
            ocsp_staple: None,
        }
    }
}

/// What the portal's node says to a client of it: status and fault.
fn ask(
    address: SocketAddr,
    scheme: &str,
    client: &str,
    service: &str,
    identity: Option<Identity>,
    trust: &ServerTrust,
) -> Result<(u16, Option<String>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let http = Client::new(ClientOptions {
            identity,
            ..ClientOptions::default()
        })
        .unwrap();
        let request = http::Request::get(format!("{scheme}://{address}/r1/AZ/{service}"))
            .header("host", address.to_string())
            .header("x-road-client", format!("AZ/{client}"))
            .body(gateway_net::empty())
            .unwrap();
        let answer = http
            .request(request, trust, None)
            .await
            .map_err(|error| error.to_string())?;
        let fault = answer.headers().get("x-road-error");
        let fault = fault.map(|code| code.to_str().unwrap().to_owned());
        Ok((answer.status().as_u16(), fault))
    })
}

pub(crate) fn write_pair(folder: &Path, name: &str, pair: &Pair, pin: &Pin) -> Table {
    let (key, certificate) = (
        format!("keys/{name}.key.pem"),
        format!("keys/{name}.cert.pem"),
    );
    std::fs::write(folder.join(&key), pair.key.to_encrypted_pem(pin).unwrap()).unwrap();
    std::fs::write(folder.join(&certificate), pair.certificate.to_pem()).unwrap();
    Table::from_iter([
        ("key".to_owned(), Value::String(key)),
        ("certificate".to_owned(), Value::String(certificate)),
    ])
}

#[test]
fn each_client_connects_as_its_registration_demands_and_not_otherwise() {
    let Some(country) = Country::found() else {
        return;
    };
    let folder = country.node_folder("iria");
    let pin = Pin::new(std::fs::read_to_string(folder.join("pin")).unwrap());
    let (server, system, stranger) = (
        Pair::new("iria"),
        Pair::new("clinic"),
        Pair::new("somebody"),
    );
    let internal = write_pair(&folder, "internal", &server, &pin);
    write_pair(&folder, "clinic", &system, &pin);

    // The portal stays on HTTP, the bank on TLS, the clinic on TLS with its certificate.
    let path = country.config(Service::Node("iria"));
    let mut config: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let https = country.spare(0);
    let listen = config["listen"].as_table_mut().unwrap();
    listen.insert("clients_https".to_owned(), Value::String(https.to_string()));
    config["token"]
        .as_table_mut()
        .unwrap()
        .insert("internal_tls".to_owned(), internal.into());
    for client in config["client"].as_array_mut().unwrap() {
        let client = client.as_table_mut().unwrap();
        let mode = match client["id"].as_str().unwrap() {
            "AZ/GOV/0000000541/dogum" => {
                let certificates = vec!["keys/clinic.cert.pem".into()];
                client.insert("certificates".to_owned(), Value::Array(certificates));
                "https"
            }
            "AZ/COM/0000001201/kredit" => "https-no-auth",
            _ => "http",
        };
        client.insert("authentication".to_owned(), mode.into());
    }
    std::fs::write(&path, config.to_string()).unwrap();
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    running.serves();

    let http = running.country.clients("iria");
    let pinned = ServerTrust::OneOf(vec![server.certificate.clone()]);
    let person = "GOV/0000000131/iamas/persons/0TEST01";
    let (portal, bank, clinic) = (
        "GOV/0000001181/mygov",
        "COM/0000001201/kredit",
        "GOV/0000000541/dogum",
    );
    // Whoever gets past the door of its own node is judged by the rules: none lets the bank or the
    // clinic ask for this.
    let through = Ok((500, Some("server.clientproxy.basis.no_rule".to_owned())));
    let refused = Ok((
        500,
        Some("server.clientproxy.ssl_authentication_failed".to_owned()),
    ));
    let plain = |client| ask(http, "http", client, person, None, &pinned);
    let tls = |client, identity| ask(https, "https", client, person, identity, &pinned);

    assert_eq!(plain(portal), Ok((200, None)));
    assert_eq!(tls(portal, None), Ok((200, None)));
    assert_eq!(plain(bank), refused);
    assert_eq!(tls(bank, None), through);
    assert_eq!(tls(bank, Some(stranger.identity())), through);
    assert_eq!(plain(clinic), refused);
    assert_eq!(tls(clinic, None), refused);
    assert_eq!(tls(clinic, Some(stranger.identity())), refused);
    assert_eq!(tls(clinic, Some(system.identity())), through);
    // The node's own certificate serves tools on the node itself.
    assert_eq!(tls(clinic, Some(server.identity())), through);

    let other = ServerTrust::OneOf(vec![stranger.certificate]);
    let outcome = ask(https, "https", portal, person, None, &other);
    assert!(
        outcome.is_err(),
        "the node presents another certificate: {outcome:?}"
    );
    // Plain HTTP on the TLS port gets nowhere and harms nobody.
    let request = wire::request("GET", https, "/", &[], b"");
    let answer = wire::raw(https, &request).unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 2"));
    assert_eq!(tls(portal, None), Ok((200, None)));
    running.stop();
}

/// What a system with this certificate is told: status and body.
pub(crate) fn over_tls(
    address: SocketAddr,
    query: &str,
    own: Option<&Pair>,
    server: &Pair,
) -> (u16, Bytes) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let http = Client::new(ClientOptions {
            identity: own.map(Pair::identity),
            ..ClientOptions::default()
        })
        .unwrap();
        let request = http::Request::get(format!("https://{address}/asic?{query}"))
            .header("host", address.to_string())
            .body(gateway_net::empty())
            .unwrap();
        let trust = ServerTrust::OneOf(vec![server.certificate.clone()]);
        let answer = http.request(request, &trust, None).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = gateway_net::collect(body, 1 << 24).await.unwrap();
        (head.status.as_u16(), body)
    })
}
