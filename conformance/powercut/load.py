"""Who uses the country while its disks fail, and what each of them was told is done: noted here, outside of the disks."""

import base64
import collections
import hashlib
import itertools
import random
import ssl
import threading

from country import BANK, PORTAL, Failed, Http, Unanswered

API = "/api/karvan/v1"
CONTRACTS = "/r1/AZ/GOV/0000000261/emas/labour"
INCOME = "/r1/AZ/GOV/0000000391/pensiya/income"
# Subsystems whose names the registrars change: nothing else of them matters here.
RENAMED = ("AZ/GOV/0000000411/ehdr", "AZ/GOV/0000000411/vva")
# A purpose whose title is changed before each publication.
DESCRIBED = "birth"
PERSON = {"kind": "fin", "value": "0TEST05"}


class Notes:
    """What was acknowledged; written by many threads, each key by one of them."""

    def __init__(self):
        # Message ids of exchanges that the caller got a provider's answer to.
        self.exchanges = set()
        # Entries of the audit trail, by number, as the registry answered them.
        self.entries = {}
        # Digests of published rules, by version.
        self.versions = {}
        # States of consents, by id, and their artefacts.
        self.consents = {}
        self.artefacts = {}
        # Consents for one use that were used, that were taken back unused, and that may be used still.
        self.used, self.revoked, self.unused = [], [], []
        # Chain hashes of the feed, by number.
        self.feed = {}
        # Checkpoints of each node, by what was signed: the note, with the cosignatures seen last.
        self.checkpoints = collections.defaultdict(dict)
        # The largest size cosigned: by witness and origin.
        self.cosigned = collections.defaultdict(int)
        # What was not acknowledged, by what was said.
        self.refused = collections.Counter()

    def copy(self):
        """As it is now."""
        now = Notes()
        for name, value in vars(self).items():
            # Copying is one step; what a thread adds meanwhile is there or is not.
            setattr(now, name, value.copy())
        now.checkpoints = {node: notes.copy() for node, notes in self.checkpoints.items()}
        return now


class Load:
    """The callers, each a thread."""

    def __init__(self, country, key, seed):
        self.country = country
        self.seed = seed
        self.notes = Notes()
        self.registrar = [("Authorization", f"X-Road-ApiKey token={key}")]
        # While set, everybody asks.
        self.open = threading.Event()
        self.over = threading.Event()
        self.failure = None
        # Distinct in every run of the callers.
        self.numbers = itertools.count(1)
        self.threads = []

    def begin(self):
        callers = [self.reads, self.reads, self.registers, self.consents, self.consents, self.publishes, self.hears]
        callers += [lambda _dice, node=node: self.watches(node) for node in self.country.NODES]
        callers += [lambda _dice, one=one: self.renames(one) for one in RENAMED]
        for number, caller in enumerate(callers):
            dice = random.Random(self.seed * 1000 + number)
            thread = threading.Thread(target=self.repeat, args=(caller(dice),), daemon=True)
            thread.start()
            self.threads.append(thread)
        self.open.set()

    def end(self):
        self.over.set()
        self.open.set()
        for thread in self.threads:
            thread.join()
        self.check()

    def check(self):
        """No caller met what it must not meet."""
        if self.failure:
            raise self.failure

    def repeat(self, steps):
        try:
            for pause in steps:
                self.over.wait(pause)
                self.open.wait()
                if self.over.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.failure = error if isinstance(error, Failed) else Failed(f"a caller: {type(error).__name__}: {error}")

    def attempt(self, step):
        """Takes a step; None where it was not acknowledged, which may be at any time."""
        try:
            return step()
        except Unanswered:
            self.notes.refused["nobody there"] += 1
            self.over.wait(0.02)
        return None

    def tell(self, answer):
        self.notes.refused[answer.error or f"HTTP {answer.status}"] += 1
        self.over.wait(0.02)

    # Exchanges, through both nodes

    def exchange(self, http, method, path, client, document=None, **headers):
        """The provider's answer, noted; None when there was none."""
        number = next(self.numbers)
        id = f"powercut-{self.seed}-{number}"
        headers = {"X-Road-Client": client, "X-Road-Id": id, "X-Road-UserId": "AZ-powercut", **headers}
        answer = self.attempt(lambda: http.ask(method, path, headers, document))
        if answer is None:
            return None
        if answer.error or answer.status >= 500:
            self.tell(answer)
            return answer
        self.notes.exchanges.add(id)
        return answer

    def reads(self, _dice):
        http = Http(self.country.clients("iria"))
        while True:
            self.exchange(http, "GET", f"{CONTRACTS}/persons/0TEST01/contracts", PORTAL)
            yield 0

    def registers(self, dice):
        """Bodies of different lengths: in the record, or in a file beside the log."""
        http = Http(self.country.clients("iria"))
        while True:
            contract = {
                "fin": "0TEST09",
                "employer_voen": "0000001461",
                "employer_name": "N" * dice.randint(1, 3000),
                "position": "Dülgər",
                "start_date": "2026-02-02",
                "monthly_salary": "650.00",
            }
            more = {"Karvan-Purpose": "employment"}
            self.exchange(http, "POST", f"{CONTRACTS}/contracts", PORTAL, contract, **more)
            yield 0

    def use(self, http, consent):
        more = {"Karvan-Purpose": "credit", "Karvan-Consent": self.notes.artefacts[consent]}
        return self.exchange(http, "GET", f"{INCOME}/persons/{PERSON['value']}/income", BANK, **more)

    # The registry

    def renames(self, subsystem):
        http = Http(self.country.admin)
        for number in itertools.count():
            self.change(http, {"command": "rename-subsystem", "subsystem": subsystem, "name": f"powercut {number}"})
            yield 0.01

    def change(self, http, command):
        return self.entry(http, "changes", command)

    def entry(self, http, path, document=None):
        """What the audit trail has of it, noted; None when it was not acknowledged."""
        answer = self.attempt(lambda: http.ask("POST", f"{API}/{path}", self.registrar, document))
        if answer is None:
            return None
        if answer.status != 201:
            self.tell(answer)
            return None
        entry = answer.json()
        self.notes.entries[entry["number"]] = entry
        return entry

    def publishes(self, dice):
        http = Http(self.country.admin)
        while True:
            yield dice.uniform(0.2, 0.6)
            title = {"az": "Doğum", "en": f"Birth {next(self.numbers)}"}
            self.change(http, {"command": "describe-purpose", "code": DESCRIBED, "title": title})
            entry = self.entry(http, "publication")
            if entry:
                [published] = [change["after"] for change in entry["changes"]]
                self.notes.versions[published["version"]] = published["digest"]

    # The consent desk, as the node in front of it passes on

    def desk(self, http, client, path, document=None):
        headers = {"X-Road-Client": client, "X-Road-Id": f"desk-{self.seed}-{next(self.numbers)}"}
        method = "GET" if document is None else "POST"
        answer = self.attempt(lambda: http.ask(method, f"/consents/requests{path}", headers, document))
        if answer is None:
            return None
        if answer.status not in (200, 201):
            self.tell(answer)
            return None
        return answer.json()

    def consents(self, dice):
        desk, node = Http(self.country.desk), Http(self.country.clients("iria"))
        notes = self.notes
        will = {"person": PERSON, "proof": {"kind": "attestation", "level": "asan-imza"}}
        # Nobody knows whether the person's answer to these came through. A person has few requests before him at a time.
        unknown = []
        while True:
            yield 0.02
            if unknown:
                id = unknown.pop()
                if self.desk(desk, PORTAL, f"/{id}/decline", will):
                    notes.consents[id] = "declined"
                yield 0
            asked = self.desk(desk, BANK, "", {
                "subject": PERSON,
                "provider": "AZ/GOV/0000000391/pensiya",
                "services": ["income"],
                "purpose": "credit",
                "categories": ["income"],
                "valid_seconds": 7200,
                "single_use": True,
            })
            if not asked:
                continue
            id = asked["id"]
            notes.consents[id] = "requested"
            yield 0
            if not self.desk(desk, PORTAL, f"/{id}/approve", will):
                unknown.append(id)
                continue
            notes.consents[id] = "active"
            yield 0
            stands = self.desk(desk, BANK, f"/{id}")
            if not stands:
                continue
            notes.artefacts[id] = stands["artefact"]
            become = dice.choice(("used", "revoked", "unused"))
            if become == "used":
                answer = self.use(node, id)
                if answer is not None and answer.status == 200 and not answer.error:
                    notes.used.append(id)
            elif become == "revoked":
                if self.desk(desk, PORTAL, f"/{id}/revoke", will):
                    notes.consents[id] = "revoked"
                    notes.revoked.append(id)
            else:
                notes.unused.append(id)

    def hears(self, _dice):
        """As a node does."""
        reader = FeedReader(self.country)
        number = 0
        while True:
            page = self.attempt(lambda: reader.page(number))
            if page is not None:
                number = page.number
                self.notes.feed[number] = page.hash
            yield 0.1

    def watches(self, node):
        """What anybody may hold against the node later."""
        http = Http(self.country.transparency(node))
        while True:
            answer = self.attempt(lambda: http.ask("GET", "/checkpoint"))
            if answer is not None and answer.status == 200:
                self.note_checkpoint(node, answer.body)
            yield 0.1

    def note_checkpoint(self, node, note):
        text, _, signatures = note.decode().partition("\n\n")
        self.notes.checkpoints[node][text] = note
        origin, size = text.split("\n")[:2]
        for line in signatures.splitlines():
            _, name, _ = line.split(" ")
            if name != origin:
                known = self.notes.cosigned[name, origin]
                self.notes.cosigned[name, origin] = max(known, int(size))


class FeedReader:
    """Reads the feed of the consent desk with the certificate of a node."""

    def __init__(self, country):
        folder = country.folder / "nodes" / "iria"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Whether it is the right one is for the nodes to check; here it is read only.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        keys = folder / "keys"
        pin = (folder / "pin").read_text().strip()
        context.load_cert_chain(keys / "auth.cert.pem", keys / "auth.key.pem", password=pin)
        self.http = Http(country.feed, context)

    def page(self, after):
        answer = self.http.ask("GET", f"/karvan/v1/feed?after={after}")
        if answer.status == 409:
            raise Failed(f"the feed has lost entries that it had told: {answer}")
        if answer.status != 200:
            raise Unanswered(str(answer))
        return Page(answer.body)

    def chain(self):
        """The chain hash behind each entry, by number, computed anew from the entries."""
        hash, number = hashlib.sha256(b"").digest(), 0
        hashes = {number: hash}
        while True:
            page = self.page(number)
            for line in page.lines:
                hash = hashlib.sha256(b"\x01" + hash + line).digest()
                number += 1
                hashes[number] = hash
            if hash != page.hash or number != page.number:
                raise Failed(f"the feed's head of entry {page.number} is not the chain of its entries")
            if page.complete:
                return hashes


class Page:
    """A page of the feed: a signed head, and entries of a line each."""

    def __init__(self, octets):
        head, _, rest = octets.partition(b"\n\n")
        _signature, _, entries = rest.partition(b"\n")
        _form, _instance, number, hash, _at, complete = head.decode().split("\n")
        self.number, self.hash = int(number), base64.b64decode(hash)
        self.complete = complete == "complete"
        self.lines = entries.split(b"\n")[:-1]

