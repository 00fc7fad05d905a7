"""A disk whose power can be cut: an ext4 file system in a file, mounted over a folder."""

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import threading
import time

# linux/ext4: _IOR('X', 125, __u32), and the flag that leaves the journal as it is.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2

SIZE = "2G"
# For one command of the system.
COMMAND_SECONDS = 120
# How it is mounted, in turn: as installations have it, and so that only what was synced can be counted on.
MOUNTED = ("data=ordered", "data=writeback,noauto_da_alloc")


class Refused(Exception):
    """The system does not let us mount, or cut; the text says what it said."""


def run(*command):
    said = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": COMMAND_SECONDS}
    try:
        done = subprocess.run(command, check=False, **said)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{' '.join(map(str, command))}: no end after {COMMAND_SECONDS} s") from error
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()}")


class Disk:
    """Holds what stood in a folder, and stands in its place."""

    def __init__(self, name, folder, images):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.image = pathlib.Path(images) / f"{name}.img"
        self.control = None
        self.options = None
        self.is_mounted = False
        self.times_mounted = 0

    def take_over(self, options):
        """Moves the folder's content onto a new file system; all of it is durable then."""
        run("truncate", "--size", SIZE, self.image)
        run("mkfs.ext4", "-q", "-F", self.image)
        beside = self.folder.with_name(f"{self.folder.name}.beside")
        self.folder.rename(beside)
        self.folder.mkdir()
        self.mount(options)
        (self.folder / "lost+found").rmdir()
        shutil.copytree(beside, self.folder, dirs_exist_ok=True)
        shutil.rmtree(beside)
        # What is unmounted in order is written.
        self.unmount()
        self.mount(options)

    def mount(self, options):
        run("mount", "-t", "ext4", "-o", f"loop,{options}", self.image, self.folder)
        self.is_mounted = True
        self.options = options
        self.times_mounted += 1
        # A name of its own each time: that an old one is gone is not synced either.
        self.control = Control(self.folder / f"control-{self.times_mounted}")

    def unmount(self):
        if not self.is_mounted:
            return
        self.control.stop()
        last = time.monotonic() + 10
        while True:
            try:
                run("umount", self.folder)
                break
            except Refused:
                # A process that was killed may take a moment to let go.
                if time.monotonic() > last:
                    subprocess.run(("umount", "--lazy", self.folder), check=False)
                    break
                time.sleep(0.05)
        self.is_mounted = False

    def cut(self):
        """From here on nothing reaches the file system, and what was not synced never will."""
        # Whatever else lies below this folder is not ours to shut down.
        if not os.path.ismount(self.folder):
            raise Refused(f"{self.folder} is not mounted: nothing was cut")
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            raise Refused(f"cutting the power of {self.folder}: {error}") from error
        finally:
            os.close(folder)

    def come_back(self, options):
        """Mounts again what is left. Gives how many lines the control had written and how many of them are there."""
        control = self.control
        self.unmount()
        self.mount(options)
        return control.written, control.left()


class Control:
    """Appends to a file and never syncs: the writer that must lose by a cut, or there was none."""

    def __init__(self, path):
        self.path = path
        self.over = threading.Event()
        # What the system took.
        self.written = 0
        self.file = None
        self.thread = None

    def begin(self):
        self.file = open(self.path, "ab", buffering=0)
        self.append()
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()

    def append(self):
        self.file.write(b"%08d\n" % self.written)
        self.written += 1

    def write(self):
        try:
            while not self.over.wait(0.005):
                self.append()
        except OSError:
            # The disk is gone.
            pass
        finally:
            self.file.close()

    def stop(self):
        self.over.set()
        if self.thread:
            self.thread.join()
            self.thread = None

    def left(self):
        """How many whole lines of it are there."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        lines = content.split(b"\n")[:-1]
        return sum(line == b"%08d" % number for number, line in enumerate(lines))
