//! A country founded for a test, and its services as processes of their own.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use toml::{Table, Value};

use crate::originals::{self, Loan};
use crate::wire;

pub(crate) const NODES: [&str; 5] = ["din", "eesmn", "en", "iria", "din2"];
pub(crate) const ADAPTERS: [&str; 6] = ["iamas", "emas", "pensiya", "muavinet", "ehdr", "vva"];

/// A founded country; nothing of it runs.
pub(crate) struct Country {
    dir: TempDir,
    base_port: u16,
    /// Its ports are lent to it and to its processes.
    loan: Option<Arc<Loan>>,
    /// From which level on services say what they do, when not as they would by themselves.
    level: Option<&'static str>,
}

/// A service of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Certs,
    Registry,
    Adapter(&'static str),
    Node(&'static str),
}

/// A running process; it ends with its owner.
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    /// Where in its log this run begins.
    begins: u64,
    /// The next borrower gets the ports when this process has ended.
    _loan: Option<Arc<Loan>>,
}

/// A country whose services run: authority, registry, adapters and nodes, each a process.
pub(crate) struct Running {
    // They end before their folder goes.
    pub(crate) services: Vec<(Service, Process)>,
    pub(crate) country: Country,
}

impl Country {
    /// A founded country in which the story was told once. `None`, and a word about it, where the
    /// system has no further loopback addresses.
    pub(crate) fn found() -> Option<Self> {
        Some(Self::told()?.0)
    }

    /// The same, and the document that the sandbox printed of it.
    pub(crate) fn told() -> Option<(Self, serde_json::Value)> {
        has_addresses().then(originals::told)
    }

    /// A founded country and no more: nothing was asked in it yet.
    pub(crate) fn unasked() -> Option<Self> {
        has_addresses().then(originals::founded)
    }

    /// An empty folder and a free block of ports.
    pub(crate) fn place() -> Option<Self> {
        has_addresses().then(|| Self::new(tempfile::tempdir().unwrap(), free_block(), None))
    }

    pub(crate) fn new(dir: TempDir, base_port: u16, loan: Option<Arc<Loan>>) -> Self {
        Self {
            dir,
            base_port,
            loan,
            level: None,
        }
    }

    /// Services say from this level on what they do.
    pub(crate) fn saying(mut self, level: &'static str) -> Self {
        self.level = Some(level);
        self
    }

    /// Runs `karvan sandbox` here and waits for its end.
    pub(crate) fn sandbox(&self, more: &[&str]) -> Output {
        self.sandbox_command(more).output().unwrap()
    }

    pub(crate) fn sandbox_command(&self, more: &[&str]) -> Command {
        let mut command = karvan();
        command.arg("sandbox").arg("--dir").arg(self.folder());
        command.args(["--base-port", &self.base_port.to_string()]);
        command.args(more);
        command
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn into_folder(self) -> TempDir {
        self.dir
    }

    pub(crate) fn node_folder(&self, name: &str) -> PathBuf {
        self.folder().join("nodes").join(name)
    }

    pub(crate) fn data(&self, node: &str) -> PathBuf {
        self.node_folder(node).join("data")
    }

    pub(crate) fn config(&self, service: Service) -> PathBuf {
        match service {
            Service::Certs => self.folder().join("certs/certs.toml"),
            Service::Registry => self.folder().join("registry/registry.toml"),
            Service::Adapter(name) => self.folder().join(format!("adapters/{name}.toml")),
            Service::Node(name) => self.node_folder(name).join("node.toml"),
        }
    }

    /// Where information systems connect to a node.
    pub(crate) fn clients(&self, node: &str) -> SocketAddr {
        self.local(10 + index(&NODES, node))
    }

    pub(crate) fn health(&self, node: &str) -> SocketAddr {
        self.local(20 + index(&NODES, node))
    }

    pub(crate) fn adapter(&self, name: &str) -> SocketAddr {
        self.local(30 + index(&ADAPTERS, name))
    }

    pub(crate) fn registry(&self) -> SocketAddr {
        self.local(0)
    }

    pub(crate) fn certs(&self) -> SocketAddr {
        self.local(1)
    }

    /// The message port of a node.
    pub(crate) fn messages(&self, node: &str) -> SocketAddr {
        self.of_node(node, 2)
    }

    /// The OCSP port of a node.
    pub(crate) fn ocsp(&self, node: &str) -> SocketAddr {
        self.of_node(node, 3)
    }

    /// The transparency log of a node.
    pub(crate) fn transparency(&self, node: &str) -> SocketAddr {
        self.of_node(node, 4)
    }

    /// A port of the block that no service has.
    pub(crate) fn spare(&self, number: u16) -> SocketAddr {
        self.local(40 + number)
    }

    /// The portal's way in, for threads of their own.
    pub(crate) fn addresses(&self) -> Portal {
        Portal(self.clients("iria"))
    }

    /// Sets values in a section of a node's file.
    pub(crate) fn configure(&self, node: &'static str, section: &str, values: &[(&str, Value)]) {
        let path = self.config(Service::Node(node));
        let mut config: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let section = config.entry(section).or_insert(Table::new().into());
        let section = section.as_table_mut().unwrap();
        for (key, value) in values {
            section.insert((*key).to_owned(), value.clone());
        }
        std::fs::write(&path, config.to_string()).unwrap();
    }

    /// These nodes sign their trees, and have them cosigned, as fast as a test wants it.
    pub(crate) fn hurry_trees(&self, nodes: &[&'static str]) {
        let values = [
            ("checkpoint_milliseconds", 50.into()),
            ("witness_seconds", 1.into()),
        ];
        for node in nodes {
            self.configure(node, "transparency", &values);
        }
    }

    fn of_node(&self, node: &str, offset: u16) -> SocketAddr {
        let last = u8::try_from(11 + index(&NODES, node)).unwrap();
        SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), self.base_port + offset))
    }

    fn local(&self, offset: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.base_port + offset))
    }

    /// Starts a service from its file alone and waits until it answers.
    pub(crate) fn start(&self, service: Service) -> Process {
        let mut process = self.spawn(service);
        self.answers(service, &mut process);
        process
    }

    /// Waits until a service that was started answers.
    fn answers(&self, service: Service, process: &mut Process) {
        let (address, path) = match service {
            Service::Certs => (self.certs(), "/"),
            Service::Registry => (self.registry(), "/internalconf?version=6"),
            Service::Adapter(name) => (self.adapter(name), "/wsdl"),
            Service::Node(name) => (self.health(name), "/readyz"),
        };
        let wanted = if service == Service::Certs { 405 } else { 200 };
        process.until(|| {
            wire::try_get(address, path, &[]).is_ok_and(|answer| answer.status == wanted)
        });
    }

    /// Starts a service from its file alone.
    pub(crate) fn spawn(&self, service: Service) -> Process {
        let (command, name) = match service {
            Service::Certs => ("certs", "certs".to_owned()),
            Service::Registry => ("registry", "registry".to_owned()),
            Service::Adapter(name) => ("adapter", format!("adapter-{name}")),
            Service::Node(name) => ("node", format!("node-{name}")),
        };
        let mut program = karvan();
        program
            .args([command, "--config"])
            .arg(self.config(service));
        if let Some(level) = self.level {
            program.args(["--log", level]);
        }
        self.run(program, name)
    }

    /// Starts the whole country in one process, to stay up.
    pub(crate) fn spawn_sandbox(&self) -> Process {
        self.run(self.sandbox_command(&[]), "sandbox".to_owned())
    }

    fn run(&self, mut program: Command, name: String) -> Process {
        let log = self.folder().join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let begins = file.metadata().unwrap().len();
        let child = program
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Process {
            child,
            name,
            log,
            begins,
            _loan: self.loan.clone(),
        }
    }

    /// Starts authority, registry, and some of the rest.
    pub(crate) fn start_with(self, nodes: &[&'static str], adapters: &[&'static str]) -> Running {
        let services = [Service::Certs, Service::Registry]
            .into_iter()
            .chain(adapters.iter().map(|name| Service::Adapter(name)))
            .chain(nodes.iter().map(|name| Service::Node(name)));
        let services: Vec<_> = services.collect();
        self.start_all(&services)
    }

    /// Starts just these: the nodes when all that they ask answers.
    pub(crate) fn start_all(self, services: &[Service]) -> Running {
        let (nodes, others): (Vec<_>, Vec<_>) =
            services.iter().partition(|service| service.is_node());
        let mut started = Vec::new();
        for together in [others, nodes] {
            let spawned = together.into_iter().map(|one| (one, self.spawn(one)));
            let mut spawned: Vec<_> = spawned.collect();
            for (service, process) in &mut spawned {
                self.answers(*service, process);
            }
            started.append(&mut spawned);
        }
        Running {
            country: self,
            services: started,
        }
    }
}

impl Service {
    fn is_node(self) -> bool {
        matches!(self, Self::Node(_))
    }
}

/// The portal's node, to ask it without the country at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portal(SocketAddr);

impl Portal {
    pub(crate) fn person(self, fin: &str, id: &str) -> std::io::Result<wire::Answer> {
        wire::person_at(self.0, fin, &[("X-Road-Id", id)])
    }
}

impl Running {
    /// The country that tests share who change nothing in it. It ends with the last of them.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());
        let mut shared = SHARED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let running = Arc::new(Country::found()?.start_with(&["din", "iria"], &["iamas", "emas"]));
        *shared = Arc::downgrade(&running);
        Some(running)
    }

    /// Takes a service out, to end it.
    pub(crate) fn take(&mut self, service: Service) -> Process {
        let at = self.services.iter().position(|(one, _)| *one == service);
        self.services.remove(at.expect("it runs")).1
    }

    /// Starts a service again.
    pub(crate) fn restart(&mut self, service: Service) {
        let process = self.country.start(service);
        self.services.push((service, process));
    }

    pub(crate) fn process(&self, service: Service) -> &Process {
        let found = self.services.iter().find(|(one, _)| *one == service);
        &found.expect("it runs").1
    }

    /// Asks all services to end, nodes first, and waits for it.
    pub(crate) fn stop(self) -> Country {
        let (nodes, others): (Vec<_>, Vec<_>) = self
            .services
            .into_iter()
            .partition(|(service, _)| service.is_node());
        for together in [nodes, others] {
            for (_, process) in &together {
                process.ask_to_end();
            }
            for (_, process) in together {
                process.ends();
            }
        }
        self.country
    }

    /// One question that must be answered: the node behind the bad input still serves.
    #[track_caller]
    pub(crate) fn serves(&self) {
        let answer = wire::person(&self.country, "0TEST01");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains("0TEST01"), "{}", answer.text());
    }
}

impl Process {
    /// Polls until something holds; the process must live as long.
    #[track_caller]
    fn until(&mut self, holds: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status}: {}", self.name, self.log());
            }
            assert!(
                Instant::now() < end,
                "{} does not answer: {}",
                self.name,
                self.log()
            );
            std::thread::sleep(POLL);
        }
    }

    /// Kills it at once, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end; it must do so in order. Gives what it said.
    pub(crate) fn stop(self) -> String {
        self.ask_to_end();
        self.ends()
    }

    fn ask_to_end(&self) {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(asked.success());
    }

    /// Waits until it has ended in order.
    fn ends(mut self) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(
                    status.success(),
                    "{} ended with {status}: {}",
                    self.name,
                    self.log()
                );
                return self.log();
            }
            assert!(
                Instant::now() < end,
                "{} does not end: {}",
                self.name,
                self.log()
            );
            std::thread::sleep(POLL);
        }
    }

    /// It must end by itself, and not in order. Gives what it said.
    #[track_caller]
    pub(crate) fn fails(mut self) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(2), "{}: {}", self.name, self.log());
                return self.log();
            }
            assert!(
                Instant::now() < end,
                "{} goes on: {}",
                self.name,
                self.log()
            );
            std::thread::sleep(POLL);
        }
    }

    /// Memory the process has in use now, and at most so far. Bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let value = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib * 1024
        };
        (value("VmRSS:"), value("VmHWM:"))
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        let said = said
            .get(usize::try_from(self.begins).unwrap()..)
            .unwrap_or_default();
        String::from_utf8_lossy(said).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The binary under test, with nothing from the environment in its way.
pub(crate) fn karvan() -> Command {
    let built = env!("CARGO_BIN_EXE_karvan");
    let binary = std::env::var("KARVAN_TEST_BINARY").unwrap_or_else(|_| built.to_owned());
    let mut command = Command::new(binary);
    command
        .env_remove("KARVAN_LOG")
        .env_remove("KARVAN_LOG_FORMAT");
    command
}

/// Everything a process said.
pub(crate) fn text(output: &Output) -> String {
    let mut text = String::new();
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(bytes)).unwrap();
    }
    text
}

/// Polls until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(POLL);
    }
}

/// Whether nodes can have addresses of their own.
fn has_addresses() -> bool {
    let found = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 11), 0)).is_ok();
    if !found {
        println!("not run: this system has no loopback address 127.0.0.11");
    }
    found
}

/// A block of ports in which nothing listens, given out once.
pub(crate) fn free_block() -> u16 {
    // Below the system's ephemeral ports, so that no client socket takes one; tests that run at the
    // same time in other processes begin elsewhere.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() % BLOCKS;
    for _ in 0..BLOCKS {
        let number = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let base = 12_000 + u16::try_from((first + number) % BLOCKS).unwrap() * 50;
        if are_free(base) {
            return base;
        }
    }
    panic!("no free block of ports");
}

/// Nothing listens in the block of ports from here on.
pub(crate) fn are_free(base_port: u16) -> bool {
    let mut ports = base_port..base_port + 50;
    ports.all(|port| {
        let mut addresses = [1, 11, 12, 13, 14, 15].iter();
        addresses.all(|last| TcpListener::bind((Ipv4Addr::new(127, 0, 0, *last), port)).is_ok())
    })
}

fn index(names: &[&str], name: &str) -> u16 {
    let at = names.iter().position(|one| *one == name);
    u16::try_from(at.expect("there is one")).unwrap()
}

/// Held while a bench with nodes runs.
pub(crate) static BENCH: Mutex<()> = Mutex::new(());
const BLOCKS: u32 = 380;
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
