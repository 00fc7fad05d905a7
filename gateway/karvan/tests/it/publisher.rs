//! What the holder of a registry's keys could publish: its configuration with other rules in it, or
//! none. And whoever answers HTTP on a port.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use certs_keys::SoftKey;
use certs_x509::Certificate;
use gateway_globalconf::directory::{self, Boundaries, Directory, Part};
use gateway_globalconf::params::{self, Version};
use jiff::{SignedDuration, Timestamp};

use crate::country::Country;
use crate::{legal, wire};

/// A configuration of the internal source, and the key to sign it.
pub(crate) struct Configuration {
    /// Content identifier and octets.
    parts: Vec<(String, Vec<u8>)>,
    key: SoftKey,
    certificate: Certificate,
}

impl Configuration {
    /// What the running registry publishes now.
    pub(crate) fn of(country: &Country) -> Self {
        let folder = country.folder().join("registry");
        let read = |name: &str| std::fs::read_to_string(folder.join("data").join(name)).unwrap();
        let certificate = Certificate::from_pem(&read("internalconf.cert.pem")).unwrap();
        let pem = read("internalconf.key.pem");
        let key = SoftKey::from_encrypted_pem(&pem, &legal::pin(&folder)).unwrap();
        let signed = wire::get(country.registry(), "/internalconf?version=6", &[]);
        let certificates = [certificate.clone()];
        let verified = directory::verify(&signed.body, &certificates, Timestamp::now()).unwrap();
        let parts = verified.parts().iter().map(|part| {
            let bytes = wire::get(country.registry(), part.location(), &[]).body;
            assert!(part.matches(&bytes), "{}", part.identifier());
            (part.identifier().to_owned(), bytes)
        });
        Self {
            parts: parts.collect(),
            key,
            certificate,
        }
    }

    /// The rules in it.
    pub(crate) fn rules(&self) -> &[u8] {
        let found = self.parts.iter().find(|(name, _)| name == params::RULES);
        &found.expect("there are rules").1
    }

    /// The same with other rules, or none.
    pub(crate) fn put_rules(&mut self, rules: Option<&[u8]>) {
        self.parts.retain(|(name, _)| name != params::RULES);
        if let Some(rules) = rules {
            self.parts.push((params::RULES.to_owned(), rules.to_vec()));
        }
    }

    /// The same, said to be at another address.
    pub(crate) fn move_to(&mut self, from: SocketAddr, to: SocketAddr) {
        for (name, bytes) in &mut self.parts {
            if name == params::SHARED_PARAMETERS {
                let text = String::from_utf8(std::mem::take(bytes)).unwrap();
                *bytes = text.replace(&from.to_string(), &to.to_string()).into();
            }
        }
    }

    /// As it is served: paths and octets; signed anew.
    fn signed(&self) -> Vec<File> {
        let now = Timestamp::now();
        let folder = format!("/V6/{}", now.as_nanosecond());
        let path = |name: &str| format!("{folder}/{name}");
        let directory = Directory {
            version: Version::CURRENT,
            expires_at: now + SignedDuration::from_secs(600),
            parts: self
                .parts
                .iter()
                .map(|(name, bytes)| Part::new(name, "AZ", &path(file_name(name)), bytes))
                .collect(),
        };
        let boundaries = Boundaries::new(certs_keys::random_bytes());
        let signed = directory.sign(&self.key, &self.certificate, &boundaries);
        let parts = self.parts.iter();
        let parts = parts.map(|(name, bytes)| File {
            path: path(file_name(name)),
            bytes: bytes.clone(),
        });
        let directory = File {
            path: "/internalconf".to_owned(),
            bytes: signed.unwrap(),
        };
        std::iter::once(directory).chain(parts).collect()
    }
}

/// The names that registries give to parts.
fn file_name(identifier: &str) -> &'static str {
    match identifier {
        params::SHARED_PARAMETERS => "shared-params.xml",
        params::PRIVATE_PARAMETERS => "private-params.xml",
        params::RULES => "karvan-rules.json",
        other => panic!("{other}"),
    }
}

/// What is served at a path.
struct File {
    path: String,
    bytes: Vec<u8>,
}

/// Publishes what it is given, in the place of a registry.
pub(crate) struct Publisher {
    served: Arc<Mutex<Vec<File>>>,
    _serving: Serving,
}

impl Publisher {
    pub(crate) fn start(at: SocketAddr, configuration: &Configuration) -> Self {
        let served = Arc::new(Mutex::new(configuration.signed()));
        let shared = Arc::clone(&served);
        let serving = Serving::start(at, move |path, _| {
            let path = path.split('?').next().unwrap_or_default();
            let served = shared.lock().unwrap();
            let found = served.iter().find(|file| file.path == path);
            found.map(|file| file.bytes.clone())
        });
        Self {
            served,
            _serving: serving,
        }
    }

    /// From now on this.
    pub(crate) fn publish(&self, configuration: &Configuration) {
        *self.served.lock().unwrap() = configuration.signed();
    }
}

/// Answers HTTP on a port of its own, one connection after another, until it is dropped.
pub(crate) struct Serving {
    address: SocketAddr,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Path and body give the octets of an answer, or nothing: 404.
    pub(crate) fn start(
        address: SocketAddr,
        answer: impl Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                // Who breaks off gets nothing.
                let _answered = stream.and_then(|stream| serve(stream, &answer));
            }
        });
        Self {
            address,
            done,
            thread: Some(thread),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        // It waits for somebody to come.
        let _woken = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &impl Fn(&str, &[u8]) -> Option<Vec<u8>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut more = |request: &mut Vec<u8>| {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..read]);
        Ok::<_, std::io::Error>(read > 0)
    };
    let head_end = loop {
        // Whoever begins with TLS is sent away at once, so that it tries without.
        if !more(&mut request)? || request.first() == Some(&TLS_HANDSHAKE) {
            return Ok(());
        }
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..head_end]).to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let length = header("content-length:").and_then(|length| length.trim().parse().ok());
    let length: usize = length.unwrap_or(0);
    let chunked = header("transfer-encoding:").is_some();
    while request.len() < head_end + length || chunked && !request.ends_with(b"\r\n0\r\n\r\n") {
        if !more(&mut request)? {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&request[..head_end]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match answer(path, &request[head_end..]) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// The first octet of a TLS record that opens a connection.
const TLS_HANDSHAKE: u8 = 0x16;
