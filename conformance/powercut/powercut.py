"""Cuts the power of running machines, again and again, and compares what is left with what was acknowledged.

See README.md. Prints a line for each cut and a report; exit code 0 only when nothing was lost and nothing has forked.
Where this machine does not let us cut, it says `not run` and why, and ends with 0.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from country import Country, Failed, until
from disk import MOUNTED, Disk, Refused
from judge import Judge
from load import Load

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Set for the process that has mounts and processes of its own.
INSIDE = "KARVAN_POWERCUT_INSIDE"
NODES = ("eesmn", "iria")
MACHINES = ("registry", *NODES)
# What loses power at once. The first cut is of all.
TOGETHER = (MACHINES, MACHINES, ("eesmn",), ("iria",), NODES, ("registry",))
# Exchanges, and changes of the registry, since the last cut.
UNDER_LOAD = (40, 10)
# How probable it is that power fails again before everything runs.
AGAIN = 0.25
# How probable it is that a machine dies with its disk, rather than a moment later.
AT_ONCE = 0.6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("cuts", type=int, nargs="?", default=40, help="how many (default 40)")
    parser.add_argument("--seed", type=int, help="repeats the dice of a run")
    parser.add_argument("--keep", type=pathlib.Path, help="where disks and logs of a failed run are copied")
    arguments = parser.parse_args()
    if arguments.cuts < 1:
        parser.error("at least one cut")
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, ended)
    if INSIDE not in os.environ:
        if reason := unable():
            print(f"not run: {reason}")
            return 0
        return outside()
    end_with_parent()
    seed = random.SystemRandom().randrange(1 << 31) if arguments.seed is None else arguments.seed
    return inside(arguments.cuts, seed, arguments.keep)


def ended(number, _frame):
    # Once: what cleans up behind is not to be disturbed.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    sys.exit(128 + number)


def unable():
    """Why no power can be cut here, as far as can be told without trying."""
    if not sys.platform.startswith("linux"):
        return "this is no Linux"
    if sys.version_info < (3, 11):
        return "python3 is older than 3.11"
    if os.geteuid() != 0:
        return "only root can mount a file system"
    for tool in ("mkfs.ext4", "mount", "umount", "truncate", "unshare"):
        if not shutil.which(tool):
            return f"{tool} is missing"
    if not os.path.exists("/dev/loop-control"):
        return "this system has no loop devices"
    try:
        with socket.socket() as one:
            one.bind(("127.0.0.11", 0))
    except OSError:
        return "this system has no loopback address 127.0.0.11"
    return None


def outside():
    """Starts the run with mounts and processes of its own: whatever ends it, none of them stays."""
    binary = os.environ.get("KARVAN_BIN")
    if not binary:
        subprocess.run(("cargo", "build", "--release", "--locked", "--package", "karvan"), cwd=ROOT, check=True)
        binary = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "karvan"
    environment = {**os.environ, INSIDE: "1", "KARVAN_BIN": str(pathlib.Path(binary).resolve())}
    for name in ("KARVAN_LOG", "KARVAN_LOG_FORMAT"):
        environment.pop(name, None)
    own = ("unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=SIGTERM")
    if subprocess.run((*own, "true"), check=False).returncode:
        print("not run: this system gives no mounts of one's own")
        return 0
    command = (*own, sys.executable, __file__, *sys.argv[1:])
    # However this process ends, the pipe ends with it, and the run with the pipe.
    run = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    try:
        return run.wait()
    finally:
        run.stdin.close()
        run.wait()


def end_with_parent():
    """Ends this process in order when the one outside is no more."""

    def wait():
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def inside(cuts, seed, keep):
    with tempfile.TemporaryDirectory(prefix="karvan-powercut-") as folder:
        folder = pathlib.Path(folder)
        run = Run(folder, cuts, seed)
        try:
            if reason := probe(folder):
                print(f"not run: {reason}")
                return 0
            run.run()
        except (Failed, Refused) as error:
            print(f"\n{error}\n\nFAILED after {run.done} of {cuts} cuts, seed {seed}", flush=True)
            run.keep(keep)
            return 1
        finally:
            run.end()
    return 0


def probe(folder):
    """One cut of an idle disk: it must take what was not synced and nothing else. Why there can be none, if so."""
    place = folder / "probe"
    place.mkdir()
    disk = Disk("probe", place, folder)
    synced, unsynced = place / "synced", place / "unsynced"
    synced.write_bytes(b"synced")
    try:
        disk.take_over(MOUNTED[0])
        unsynced.write_bytes(b"unsynced")
        disk.cut()
    except Refused as reason:
        disk.unmount()
        return str(reason)
    try:
        disk.come_back(MOUNTED[0])
        if synced.read_bytes() != b"synced":
            raise Failed("a cut takes what was synced, too")
        if unsynced.exists() and unsynced.read_bytes() == b"unsynced":
            raise Failed("a cut takes nothing")
    finally:
        disk.unmount()
        disk.image.unlink()
    return None


class Run:
    """All of it."""

    def __init__(self, folder, cuts, seed):
        self.folder = folder
        self.cuts = cuts
        self.seed = seed
        self.dice = random.Random(seed)
        self.country = Country(os.environ["KARVAN_BIN"], folder)
        self.disks = {}
        self.load = None
        self.done = 0
        # Lines written and lines found, for each disk of each cut.
        self.controls = []
        self.checkpoints = 0
        self.cut_while_starting = 0
        self.cut_of = dict.fromkeys(MACHINES, 0)

    def run(self):
        began = time.monotonic()
        self.country.found()
        key = self.country.registrar_key()
        for name in MACHINES:
            data = self.country.data(name)
            # A node that never ran has nothing yet.
            data.mkdir(mode=0o700, exist_ok=True)
            self.disks[name] = Disk(name, data, self.folder)
            self.disks[name].take_over(MOUNTED[0])
        self.country.start(name for name in self.country.services if name not in NODES and name != "din")
        # Already the first start may be cut short.
        self.start(NODES, MOUNTED[0])
        self.country.start(("din",))
        self.load = Load(self.country, key, self.seed)
        judge = Judge(self.country, self.load)
        self.load.begin()
        print(f"power cuts under load, seed {self.seed}", flush=True)
        while self.done < self.cuts:
            self.cut(judge)
            self.done += 1
        self.under_load()
        self.finish(judge)
        self.report(judge, time.monotonic() - began)

    def under_load(self):
        """Waits until much was acknowledged since, and a moment."""
        notes = self.load.notes
        before = len(notes.exchanges), len(notes.entries)

        def enough():
            self.load.check()
            now = len(notes.exchanges), len(notes.entries)
            return all(b - a >= wanted for a, b, wanted in zip(before, now, UNDER_LOAD))

        until("exchanges and changes under load", enough)
        time.sleep(self.dice.uniform(0, 2))

    def cut(self, judge):
        machines = MACHINES if self.done == 0 else self.dice.choice(TOGETHER)
        options = self.dice.choice(MOUNTED)
        self.controls_begin(machines)
        self.under_load()
        was_mounted = {name: self.disks[name].options for name in machines}
        self.lose_power(machines, options)
        noted = self.load.notes.copy()
        nodes = [name for name in machines if name in NODES]
        for node in nodes:
            judge.raw_log(node, noted, with_checkpoint=was_mounted[node] == MOUNTED[0])
        again = self.start(machines, options)
        if "registry" in machines:
            judge.registry(noted)
        for node in nodes:
            judge.log(node, noted)
            judge.witness(node, noted)
            judge.tree(node, list(noted.checkpoints[node].values())[-1:])
        judge.consents(noted)
        self.load.open.set()
        for name in machines:
            self.cut_of[name] += 1
        print(
            f"cut {self.done + 1}: {', '.join(machines)}{f', {again} more while starting' if again else ''} ({options}): "
            f"{len(noted.exchanges)} exchanges, {len(noted.entries)} changes, {len(noted.consents)} consents so far, all found; "
            f"controls lost {', '.join(str(written - left) for written, left in self.controls[-len(machines):])} lines",
            flush=True,
        )

    def start(self, machines, options):
        """Until they answer; sometimes the power fails again before they do. How often it did."""
        again = 0
        while self.dice.random() < AGAIN:
            again += 1
            self.controls_begin(machines)
            for name in machines:
                self.country.services[name].start()
            time.sleep(self.dice.uniform(0.05, 1))
            self.lose_power(machines, options)
        self.cut_while_starting += again
        self.country.start(machines)
        return again

    def controls_begin(self, machines):
        for name in machines:
            self.disks[name].control.begin()

    def lose_power(self, machines, options):
        """At once, in the middle of whatever is being written; or the disks first, and what the processes acknowledge
        then they will be held to, too."""
        at_once = self.dice.random() < AT_ONCE
        # A sync that is under way while the file system is shut down may report success for what is lost. So nothing
        # runs at that moment, and whoever is in such a sync never comes out of it.
        self.country.freeze(machines, but_for_the_disk=at_once)
        for name in machines:
            self.disks[name].cut()
        if not at_once:
            self.country.thaw(machines)
            time.sleep(self.dice.uniform(0.05, 0.3))
        if self.load:
            self.load.open.clear()
        self.country.kill(machines)
        for name in machines:
            written, left = self.disks[name].come_back(options)
            if left >= written:
                raise Failed(f"the power of {name} was not cut: {left} of {written} lines are there that nobody synced")
            self.controls.append((written, left))

    def finish(self, judge):
        """Everything ends in order; all that ever was acknowledged or seen is held against it."""
        self.load.end()
        notes = self.load.notes
        judge.registry(notes)
        for name in reversed(MACHINES):
            self.country.services[name].stop()
        for node in NODES:
            judge.log(node, notes)
            self.checkpoints += judge.tree(node, notes.checkpoints[node].values())

    def report(self, judge, seconds):
        notes = self.load.notes
        cuts = ", ".join(f"{name} {count}" for name, count in self.cut_of.items())
        lines = [
            f"power cuts: {self.cuts} under load ({cuts}), {self.cut_while_starting} while starting; seed {self.seed}, "
            f"{seconds:.0f} s"
        ]
        for what, (acknowledged, found) in judge.found.items():
            lines.append(f"{what}: acknowledged {acknowledged}, found {found}, difference {acknowledged - found}")
        records = ", ".join(f"{count} of {node}" for node, count in judge.records.items())
        tried = judge.tried
        written, left = (sum(column) for column in zip(*self.controls))
        refused = ", ".join(f"{what} {count}" for what, count in notes.refused.most_common())
        lines += [
            f"records that hold: {records}; checkpoints seen before: {self.checkpoints}, forks 0; left unreadable by a "
            f"cut, and made anew: {judge.unread}",
            f"after cuts: used consents refused {tried['used']}, revoked ones refused {tried['revoked']}, "
            f"unused ones taken {tried['unused']}",
            f"controls, which do not sync: {written} lines written, {left} found, in no cut all",
            f"not acknowledged: {refused or 'none'}",
        ]
        print("\n" + "\n".join(lines), flush=True)

    def keep(self, folder):
        """For whoever looks into it."""
        if folder is None:
            return
        self.end()
        subprocess.run(("cp", "-a", "--sparse=always", self.folder, folder), check=False)
        print(f"disks and logs are in {folder}")

    def end(self):
        """Nothing of it stays, however far it came."""
        if self.load:
            self.load.over.set()
            self.load.open.set()
        self.country.kill(self.country.services)
        for disk in self.disks.values():
            disk.unmount()


if __name__ == "__main__":
    sys.exit(main())
