"""Bundles of single exchanges, judged without Karvan: `cryptography`, `hashlib`, `lxml`, and what is published.

`karvan sandbox` has exported every exchange. The registry's signature over the configuration in a bundle is verified
from the anchor on; that each record is in the log, by RFC 9162 and C2SP's signed notes, cosignatures and proofs.
"""

import base64
import hashlib
import io
import json
import os
import pathlib
import zipfile

from cryptography.exceptions import InvalidSignature

from checks import Checks, NotRun, expect
from legal import LEGAL
from registry import note_key, read_anchor, read_directory

BESIDE = pathlib.Path(os.environ["KARVAN_ENDPOINTS"]).parent
checks = Checks("bundle")


def bundles():
    """Name and files of every bundle."""
    if "bundles" not in LEGAL:
        raise NotRun("endpoints.json names no bundles")
    found = []
    for path in sorted((BESIDE / LEGAL["bundles"]).rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            found.append((str(path.relative_to(BESIDE)), {name: archive.read(name) for name in archive.namelist()}))
    assert len(found) > 10, f"{len(found)} bundles"
    return found


def records(files):
    """Number, stored octets and proof of each record."""
    for name, stored in files.items():
        if name.startswith("log/") and name.endswith(".record"):
            number = int(name.removeprefix("log/").removesuffix(".record"))
            yield number, stored, files[f"log/{number}.tlog-proof"].decode()


def verifiers(files):
    """The keys of the log and of its witnesses, each with its kind."""
    keys = []
    for line in files["log/keys"].decode().splitlines():
        kind = base64.b64decode(line.split("+", 2)[2])[0]
        keys.append((kind, *note_key(line, kind)))
    expect([kind for kind, *_ in keys].count(1), 1, "keys of the log")
    return keys


def root(index, size, leaf, path):
    """The root that a proof gives (RFC 9162, 2.1.3.2)."""
    assert index < size, "behind the end of the tree"
    number, last, found = index, size - 1, leaf
    for one in path:
        assert last > 0, "the proof is too long"
        if number & 1 or number == last:
            found = hashlib.sha256(b"\x01" + one + found).digest()
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + one).digest()
        number, last = number >> 1, last >> 1
    assert last == 0, "the proof is too short"
    return found


def checkpoint(note, keys):
    """Size and root, after the log's signature was verified; and how many witnesses have cosigned."""
    text, _, lines = note.partition("\n\n")
    signed = (text + "\n").encode()
    origin, size, encoded, *_ = text.split("\n")
    by_log = cosigned = 0
    for line in lines.splitlines():
        dash, name, signature = line.split(" ")
        assert dash == "\u2014", line
        signature = base64.b64decode(signature)
        for kind, known, identifier, key in keys:
            if (known, identifier) != (name, signature[:4]):
                continue
            if kind == 1:
                expect(origin, name, "whose checkpoint it is")
                key.verify(signature[4:], signed)
                by_log += 1
            else:
                time = int.from_bytes(signature[4:12], "big")
                key.verify(signature[12:], f"cosignature/v1\ntime {time}\n".encode() + signed)
                cosigned += 1
    expect(by_log, 1, "signatures of the log")
    return int(size), base64.b64decode(encoded), cosigned


def proved(number, stored, proof, keys):
    """That the stored octets are in the log; how many witnesses have cosigned it."""
    head, _, note = proof.partition("\n\n")
    form, index, *path = head.split("\n")
    expect((form, index), ("c2sp.org/tlog-proof@v1", f"index {number - 1}"), "head of the proof")
    size, signed, cosigned = checkpoint(note, keys)
    leaf = hashlib.sha256(b"\x00" + hashlib.sha256(stored).digest()).digest()
    expect(root(number - 1, size, leaf, [base64.b64decode(one) for one in path]), signed, "root")
    return cosigned


@checks
def the_registry_signed_the_configuration_of_every_bundle():
    _, certificates = read_anchor(BESIDE / LEGAL["anchor"])
    for name, files in bundles():
        instance = files["conf/instance-identifier"].decode()
        version = int(json.loads(files[f"conf/{instance}/shared-params.xml.metadata"])["configurationVersion"])
        directory = files[f"conf/{instance}/signed-directory.metadata"]
        entries = read_directory(directory, certificates, version)
        for identifier, file in (("SHARED-PARAMETERS", "shared-params.xml"), ("KARVAN-RULES", "karvan-rules.json")):
            digest = hashlib.sha512(files[f"conf/{instance}/{file}"]).digest()
            assert digest == entries[identifier]["hash"], f"{name}: {file} is not what was signed"


@checks
def a_configuration_under_another_signature_is_told():
    _, certificates = read_anchor(BESIDE / LEGAL["anchor"])
    name, files = bundles()[0]
    instance = files["conf/instance-identifier"].decode()
    changed = files[f"conf/{instance}/signed-directory.metadata"].replace(b"SHARED", b"SHAPED", 1)
    try:
        read_directory(changed, certificates, 6)
    except InvalidSignature:
        return
    raise AssertionError(f"{name}: a changed directory is accepted")


@checks
def every_record_is_in_the_signed_and_cosigned_log():
    count = 0
    for name, files in bundles():
        keys = verifiers(files)
        for number, stored, proof in records(files):
            assert proved(number, stored, proof, keys) > 0, f"{name}: nobody has cosigned record {number}"
            count += 1
    assert count > 50, f"{count} records"


@checks
def a_changed_record_is_in_no_log():
    name, files = bundles()[0]
    keys = verifiers(files)
    for number, stored, proof in records(files):
        try:
            proved(number, stored[:-1] + bytes([stored[-1] ^ 1]), proof, keys)
        except AssertionError:
            continue
        raise AssertionError(f"{name}: a changed record {number} is accepted")


@checks
def every_record_holds_the_message_of_its_container():
    count = 0
    for name, files in bundles():
        stored = [octets for file, octets in files.items() if file.endswith((".record", ".plain"))]
        for file, octets in files.items():
            if not file.endswith(".asice"):
                continue
            with zipfile.ZipFile(io.BytesIO(octets)) as container:
                message = container.read("message.xml")
            assert any(message in one for one in stored), f"{name}: {file} is of no record"
            count += 1
    assert count > 50, f"{count} containers"


checks.finish()
