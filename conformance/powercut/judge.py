"""Whether what was acknowledged is there: asked of the disks before anything runs on them, and of the services after."""

import hashlib
import json

from country import BANK, Failed, Http, until
from load import API, FeedReader

SIDES = {"iria": "consumer", "eesmn": "provider"}
# What may become of a consent, in this order.
STATES = ("requested", "active", "revoked", "declined")
# Consents of each kind that are tried after a cut.
TRIED = 3


class Judge:
    """Compares, and counts what is there. The first thing that is missing ends the run."""

    def __init__(self, country, load):
        self.country = country
        self.load = load
        # How much was there when it was looked for last.
        self.found = {}
        self.records = {}
        # Checkpoints that a cut had left unreadable.
        self.unread = 0
        # Consents that stood as they had to.
        self.standing = {}
        # Consents that were tried, by what they are.
        self.tried = {"used": 0, "revoked": 0, "unused": 0}

    # On the disk

    def raw_log(self, node, noted, with_checkpoint):
        """Before the node has seen it again: all records are whole and there. The tree is not synced while exchanges go
        on, for the node makes it anew from the records: where the file system did not care for it, its checkpoint may
        be unreadable."""
        verdict = self.verify(node)
        unread = f"{self.country.data(node)}/log/tree/checkpoint is no checkpoint"
        if not all(unread in failure and not with_checkpoint for failure in verdict["failures"]):
            raise Failed(f"audit verify {node}, before it was started: {verdict}")
        self.unread += len(verdict["failures"])
        self.exchanges(node, noted)

    def log(self, node, noted):
        """Every record holds, the tree is the one that was signed, every exchange is in the log, both ways."""
        verdict = self.verify(node)
        [tree] = [item["tree"] for item in verdict["items"]]
        if not (verdict["ok"] and tree and tree["holds"]):
            raise Failed(f"audit verify {node}: {verdict}")
        self.records[node] = verdict["tally"]["records"]
        self.exchanges(node, noted)

    def verify(self, node):
        verified = self.country.karvan("audit", "verify", self.country.data(node), "--json")
        if verified.returncode not in (0, 1):
            raise Failed(f"audit verify {node}: exit code {verified.returncode}: {verified.stdout}{verified.stderr}")
        verdict = json.loads(verified.stdout)
        if verdict["ok"] != (verified.returncode == 0) or verdict["tally"]["failed"]:
            raise Failed(f"audit verify {node}: exit code {verified.returncode}: {verdict}")
        return verdict

    def exchanges(self, node, noted):
        """Request and response of each, on the side that the node was on."""
        found = self.country.karvan("audit", "find", self.country.data(node), "--whole", "--json")
        if found.returncode:
            raise Failed(f"audit find {node}: exit code {found.returncode}: {found.stdout[-2000:]}{found.stderr}")
        ids = {"request": set(), "response": set()}
        for line in found.stdout.splitlines():
            entry = json.loads(line)
            if (entry["kind"], entry.get("side")) == ("message", SIDES[node]):
                ids[entry["direction"]].add(entry["message_id"])
        there = noted.exchanges & ids["request"] & ids["response"]
        self.count(f"exchanges in the log of {node}", noted.exchanges, there)

    # Of what runs again

    def tree(self, node, notes):
        """The log goes on from each checkpoint that somebody has seen of it."""
        held = self.country.folder / "held.checkpoint"
        for note in notes:
            held.write_bytes(note)
            proved = self.country.karvan("audit", "consistency", held, self.country.data(node))
            if proved.returncode:
                raise Failed(f"{node} has forked:\n{note.decode()}\n{proved.stdout}{proved.stderr}")
        return len(notes)

    def witness(self, node, noted):
        """It remembers what it has cosigned; so it cannot be made to cosign another tree."""
        http = Http(self.country.transparency(node))
        own = f"/{node}/witness"
        for (witness, origin), size in noted.cosigned.items():
            if not witness.endswith(own):
                continue
            path = f"/witness/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
            answer = http.ask("GET", path)
            remembered = int(answer.body.split(b"\n")[1]) if answer.status == 200 else 0
            if remembered < size:
                raise Failed(f"{witness} has cosigned {size} entries of {origin} and remembers {remembered}")

    def registry(self, noted):
        """Changes, publications, consents and the feed."""
        http = Http(self.country.admin)

        def asked(path):
            answer = http.ask("GET", f"{API}{path}", self.load.registrar)
            if answer.status != 200:
                raise Failed(f"GET {path}: {answer}")
            return answer.json()

        trail = asked("/trail/verification")
        if not trail["intact"]:
            raise Failed(f"the audit trail of the registry: {trail}")
        entries, below = {}, ""
        while below is not None and noted.entries.keys() - entries.keys():
            page = asked(f"/trail?count=500{below}")
            entries |= {entry["number"]: entry for entry in page["items"]}
            below = f"&below={page['below']}" if page["below"] else None
        self.compare("changes of the registry", noted.entries, entries)
        self.names(noted, asked)
        versions = {version: asked(f"/publication/versions/{version}")["digest"] for version in noted.versions}
        self.compare("publications", noted.versions, versions)
        if noted.versions and asked("/publication")["version"] < max(noted.versions):
            raise Failed("older rules are in force than were before")
        self.desk(noted)
        self.compare("heads of the feed", noted.feed, FeedReader(self.country).chain())

    def names(self, noted, asked):
        """The state is what the entries of the trail have made of it."""
        listed = {one["id"]: number_in(one["name"]) for one in asked("/subsystems")["items"]}
        for entry in noted.entries.values():
            if entry["command"] != "rename-subsystem":
                continue
            [change] = entry["changes"]
            member = change["row"].removeprefix("members/")
            for code, name in change["after"]["subsystems"].items():
                # Later ones may have been done, also some that were not acknowledged.
                if listed[f"{member}/{code}"] < number_in(name):
                    raise Failed(f"{member}/{code} was named {name} once, and is behind that")

    def desk(self, noted):
        http = Http(self.country.desk)
        for id, state in noted.consents.items():
            if self.standing.get(id) == state:
                continue
            headers = {"X-Road-Client": BANK, "X-Road-Id": f"judge-{id}"}
            answer = http.ask("GET", f"/consents/requests/{id}", headers)
            now = answer.json().get("state") if answer.status == 200 else None
            # What was under way may have been done.
            if now in STATES and STATES.index(now) >= STATES.index(state):
                self.standing[id] = state
        self.compare("consents", noted.consents, self.standing)

    def consents(self, noted):
        """Nodes judge by what was acknowledged: none is used twice, none that was taken back is used."""
        http = Http(self.country.clients("iria"))

        def is_judged(id, kind, code, asked):
            answer = self.load.use(http, id)
            asked.append(answer)
            if answer is None:
                return False
            if code is None:
                # An answer to the first use may have been lost.
                is_second = len(asked) > 1 and answer.error.endswith(".basis.consent_used_up")
                return is_second or answer.status == 200 and not answer.error
            if not answer.error:
                raise Failed(f"consent {id} is {kind}, and was taken: {answer}")
            return answer.error.endswith(f".basis.{code}")

        for kind, code in (("used", "consent_used_up"), ("revoked", "consent_revoked"), ("unused", None)):
            for id in getattr(noted, kind)[-TRIED:]:
                asked = []
                until(
                    f"the nodes' word on consent {id}, which is {kind}",
                    lambda: is_judged(id, kind, code, asked),
                    said=lambda: str(asked[-1]),
                )
                self.tried[kind] += 1
                if kind == "unused":
                    self.load.notes.unused.remove(id)
                    self.load.notes.used.append(id)

    # What is common

    def compare(self, what, acknowledged, there):
        """Each value is there, under its key, and the same."""
        same = {key for key, value in acknowledged.items() if key in there and there[key] == value}
        self.count(what, acknowledged.keys(), same)

    def count(self, what, acknowledged, found):
        self.found[what] = len(acknowledged), len(found)
        if lost := set(acknowledged) - found:
            raise Failed(f"{what}: of {len(acknowledged)} acknowledged ones {len(lost)} are lost: {sorted(lost)[:10]}")


def number_in(name):
    """The number that the load has put into a subsystem's name; -1 where it has put none."""
    prefix, _, number = (name or "").partition(" ")
    return int(number) if prefix == "powercut" else -1
