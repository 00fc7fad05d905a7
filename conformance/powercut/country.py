"""A founded country of the sandbox, and those of its services that the run needs, each a process of its own."""

import http.client
import json
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import tomllib

PATIENCE_SECONDS = 120
# For one command over a log of the run.
COMMAND_SECONDS = 600
# Of one country.
PORTS = 50

PORTAL = "AZ/GOV/0000001181/mygov"
BANK = "AZ/COM/0000001201/kredit"


class Failed(Exception):
    """Something is not as it must be: the run has failed."""


class Unanswered(Exception):
    """Nobody answered."""


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.headers.get("x-road-error", "")

    def __str__(self):
        return f"{self.status} {self.error} {self.body[:300].decode(errors='replace')}"


class Http:
    """One connection to an address, kept open; for one thread."""

    def __init__(self, address, context=None):
        host, port = address.rsplit(":", 1)
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        more = {"context": context} if context else {}
        self.connection = kind(host, int(port), timeout=30, **more)

    def ask(self, method, path, headers=(), document=None):
        headers = dict(headers)
        body = None
        if document is not None:
            body = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, body=body, headers=headers)
            return Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Unanswered(str(error)) from error


class Service:
    """A process of the binary, from its configuration file alone."""

    def __init__(self, binary, kind, name, config, logs, ready):
        self.command = [binary, kind, "--config", config]
        self.name = name
        self.log = logs / f"{name}.log"
        self.ready = ready
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self):
        """Until it answers."""
        address, path, wanted = self.ready
        until(f"{self.name} answers", lambda: self.answers(address, path, wanted), said=self.said)

    def answers(self, address, path, wanted):
        self.check()
        try:
            return Http(address).ask("GET", path).status == wanted
        except Unanswered:
            return False

    def check(self):
        """It has not ended by itself."""
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}:\n{self.said()}")

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def is_frozen(self, but_for_the_disk):
        """Whether no thread of it runs, or none but those that wait for the disk, which never get to what is next."""
        self.check()
        try:
            tasks = pathlib.Path("/proc", str(self.process.pid), "task").iterdir()
            states = {(task / "stat").read_text().rpartition(") ")[2][0] for task in tasks}
        except OSError:
            # A thread has ended meanwhile.
            return False
        return states <= ({"T", "D"} if but_for_the_disk else {"T"})

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """At once."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        """In order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{self.name} does not end:\n{self.said()}") from error
        self.process = None
        if code:
            raise Failed(f"{self.name} ended with {code}:\n{self.said()}")

    def said(self):
        return self.log.read_text(errors="replace")[-4000:]


class Country:
    """Where everything of it is."""

    NODES = ("eesmn", "iria", "din")
    ADAPTERS = ("emas", "pensiya")

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder / "country"
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.services = {}

    def found(self):
        """Has the sandbox found it, and ends it before anything was asked."""
        log = self.logs / "founding.log"
        with open(log, "ab") as said:
            command = [self.binary, "sandbox", "--dir", self.folder, "--base-port", str(free_block())]
            founding = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            # The anchor comes last: with it the country is complete.
            until("the country is founded", lambda: (self.folder / "anchor.xml").exists() or founding.poll() is not None)
            if founding.poll() is not None:
                raise Failed(f"founding ended with {founding.returncode}: {log.read_text(errors='replace')}")
        finally:
            founding.kill()
            founding.wait()
        for node in self.NODES:
            path = self.folder / "nodes" / node / "node.toml"
            # Most bodies become files of their own, and news of the registry is heard soon.
            settle(path, content_memory_bytes_max=400, refresh_seconds=2, witness_seconds=1)
        settle(self.registry_file, publish_seconds=5)
        self.find_services()

    @property
    def registry_file(self):
        return self.folder / "registry" / "registry.toml"

    def node(self, name):
        return tomllib.loads((self.folder / "nodes" / name / "node.toml").read_text())

    def find_services(self):
        def add(kind, name, path, ready):
            self.services[name] = Service(self.binary, kind, name, path, self.logs, ready)

        certs = self.folder / "certs" / "certs.toml"
        add("certs", "certs", certs, (tomllib.loads(certs.read_text())["listen"], "/", 405))
        registry = tomllib.loads(self.registry_file.read_text())
        add("registry", "registry", self.registry_file, (registry["listen"], "/internalconf?version=6", 200))
        self.admin, self.desk = registry["admin"]["listen"], registry["desk"]["listen"]
        self.feed = registry["feed"]["listen"]
        for name in self.ADAPTERS:
            path = self.folder / "adapters" / f"{name}.toml"
            add("adapter", name, path, (tomllib.loads(path.read_text())["listen"], "/wsdl", 200))
        for name in self.NODES:
            path = self.folder / "nodes" / name / "node.toml"
            add("node", name, path, (self.node(name)["listen"]["health"], "/readyz", 200))

    def data(self, name):
        """The folder in which a service keeps what it must not lose."""
        folder = self.folder / "registry" if name == "registry" else self.folder / "nodes" / name
        return folder / "data"

    def clients(self, node):
        return self.node(node)["listen"]["clients_http"]

    def transparency(self, node):
        return self.node(node)["listen"]["transparency"]

    def start(self, names):
        for name in names:
            self.services[name].start()
            self.services[name].wait()

    def freeze(self, names, but_for_the_disk):
        for name in names:
            self.services[name].freeze()
        frozen = lambda: all(self.services[name].is_frozen(but_for_the_disk) for name in names)
        until(f"{', '.join(names)} are frozen", frozen, poll=0)

    def thaw(self, names):
        for name in names:
            self.services[name].thaw()

    def kill(self, names):
        for name in names:
            self.services[name].kill()

    def registrar_key(self):
        """A key of the registry's admin API."""
        made = self.karvan("registry", "key", "add", "powercut", "--role", "registrar", "--json", "--config",
                           self.registry_file)
        if made.returncode:
            raise Failed(f"no key of the admin API: {made.stderr}")
        return json.loads(made.stdout)["key"]

    def karvan(self, *arguments):
        said = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": COMMAND_SECONDS}
        try:
            return subprocess.run((self.binary, *arguments), check=False, **said)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"karvan {' '.join(arguments)}: no end after {COMMAND_SECONDS} s") from error


def settle(path, **values):
    """Sets values that stand in a configuration file."""
    text = path.read_text()
    for key, value in values.items():
        text, count = re.subn(rf"^{key} = \d+$", f"{key} = {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise Failed(f"{path} has {count} lines for {key}")
    path.write_text(text)


def free_block():
    """The first port of a block in which nothing listens, below those that the system gives to clients. Not always the
    same: others look for one at the same time."""

    def is_free(address, port):
        try:
            with socket.socket() as one:
                one.bind((address, port))
        except OSError:
            return False
        return True

    blocks = list(range(12_000, 31_000, PORTS))
    random.shuffle(blocks)
    addresses = ["127.0.0.1", *(f"127.0.0.{last}" for last in range(11, 16))]
    for base in blocks:
        if all(is_free(address, base + offset) for address in addresses for offset in range(PORTS)):
            return base
    raise Failed("no free block of ports")


def until(what, holds, poll=0.02, said=lambda: ""):
    last = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > last:
            raise Failed(f"in vain: {what}\n{said()}")
        time.sleep(poll)
