"""The signed configuration and the feed, read and verified with `cryptography` alone, from the anchor on.

What is told here of their forms is what is published: X-Road's protocol for downloading configuration, C2SP's
signed notes, and the head of the feed.
"""

import base64
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import re
import ssl
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from lxml import etree

from legal import LEGAL, decoded, session

XMLENC_SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"


def anchor():
    """Addresses and certificates of the source."""
    path = pathlib.Path(os.environ["KARVAN_ENDPOINTS"]).parent / LEGAL["anchor"]
    return read_anchor(path)


def read_anchor(path):
    root = etree.parse(path).getroot()
    for source in root.iter("source"):
        certificates = [
            x509.load_der_x509_certificate(base64.b64decode(element.text))
            for element in source.iter("verificationCert")
        ]
        url = source.findtext("downloadURL")
        if url.startswith("http://"):
            return url, certificates
    raise AssertionError("the anchor names no address")


def headers(text):
    pairs = (line.split(":", 1) for line in text.split("\r\n") if line)
    return {name.lower(): value.strip() for name, value in pairs}


def directory(version):
    """The entries of the signed directory, by content identifier, after its signature was verified."""
    url, certificates = anchor()
    answer = session.get(url, params={"version": version})
    assert answer.status_code == 200, answer.text
    return url, read_directory(answer.content, certificates, version)


def read_directory(octets, certificates, version):
    """The entries of a signed directory, by content identifier, after its signature was verified."""
    outer = re.search(rb'boundary="?([^"\r\n;]+)', octets).group(1)
    _, signed_part, signature_part, end = octets.split(b"--" + outer)
    assert end.strip() == b"--", "more than two parts"
    # Each part: line end, headers, empty line, body, and the line end that belongs to the delimiter.
    head, _, signed = signed_part.partition(b"\r\n\r\n")
    signed = signed.removesuffix(b"\r\n")
    signature_head, _, signature = signature_part.partition(b"\r\n\r\n")
    signature_head = headers(signature_head.decode())
    assert signature_head["signature-algorithm-id"] == RSA_SHA512, signature_head
    named = signature_head["verification-certificate-hash"].split(";")[0]
    known = {base64.b64encode(one.fingerprint(hashes.SHA512())).decode(): one for one in certificates}
    assert named in known, "signed by no key of the anchor"
    known[named].public_key().verify(base64.b64decode(signature), signed, padding.PKCS1v15(), hashes.SHA512())

    inner = re.search(rb'boundary="?([^"\r\n;]+)', head).group(1)
    _, first, *parts, end = signed.split(b"--" + inner)
    assert end.strip() == b"--" and headers(first.decode())["version"] == str(version), "not of this version"
    entries = {}
    for part in parts:
        head, _, body = part.decode().partition("\r\n\r\n")
        entry = headers(head)
        entry["hash"] = base64.b64decode(body)
        entries[entry["content-identifier"].split(";")[0]] = entry
    return entries


def part(version, identifier):
    """A part of the configuration, after it was held against the digest in the signed directory."""
    url, entries = directory(version)
    entry = entries[identifier]
    assert entry["hash-algorithm-id"] == XMLENC_SHA512, entry
    answer = session.get(urllib.parse.urljoin(url, entry["content-location"]))
    assert answer.status_code == 200, answer.text
    assert hashlib.sha512(answer.content).digest() == entry["hash"], "the part is not what the directory signs"
    return answer.content


def rules(version=6):
    """The rules of the country, verified."""
    return json.loads(part(version, "KARVAN-RULES"))


def canonical(value):
    """RFC 8785 for strings, integers, booleans, lists and objects with keys of ASCII: all that is signed here."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def jws(text, keys):
    """Header and payload octets of a compact JWS, verified with the key that its header names (RFC 7515, RFC 8037)."""
    header, payload, signature = text.split(".")
    members = json.loads(decoded(header))
    by_name = {one["kid"]: one for one in keys}
    assert members["kid"] in by_name, f"signed by no key of the rules: {members['kid']}"
    key = by_name[members["kid"]]
    assert key["algorithm"] == members["alg"] == "EdDSA", members
    public = Ed25519PublicKey.from_public_bytes(decoded(key["public"]))
    public.verify(decoded(signature), f"{header}.{payload}".encode())
    return members, decoded(payload)


@dataclasses.dataclass
class Answer:
    status_code: int
    content: bytes


def node():
    """Files of the key and certificate of a registered node, and the PIN of the key."""
    folder = pathlib.Path(os.environ["KARVAN_ENDPOINTS"]).parent
    key, certificate, pin = (folder / LEGAL["reader"][name] for name in ("key", "certificate", "pin"))
    return key, certificate, pin.read_text().strip()


def feed(service, path=None, identity=node, **query):
    """What the feed answers, to a registered node unless told otherwise; `identity` may give None. Nothing is asked
    of a server that does not show the certificate in the rules."""
    url = urllib.parse.urlsplit(service["feed_urls"][0])
    assert url.scheme == "https", url
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if found := identity():
        key, certificate, pin = found
        context.load_cert_chain(certificate, key, password=pin)
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)
    try:
        connection.connect()
        shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()
        assert shown in service["feed_certificates"], f"it shows {shown}"
        connection.request("GET", f"{path or url.path}?{urllib.parse.urlencode(query)}")
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()


def note_key(vkey, kind=1):
    """Name, id and public key of a C2SP verifier key of Ed25519, its id computed anew; 4 is a witness's."""
    name, identifier, encoded = vkey.split("+", 2)
    octets = base64.b64decode(encoded)
    assert octets[0] == kind and len(octets) == 33, "not a key of this kind"
    computed = hashlib.sha256(name.encode() + b"\n" + octets).digest()[:4]
    assert computed.hex() == identifier, "the id of the key is not that of its name and octets"
    return name, computed, Ed25519PublicKey.from_public_bytes(octets[1:])


class Page:
    """A page of the feed, its head verified."""

    def __init__(self, octets, vkey):
        name, identifier, key = note_key(vkey)
        text, separator, rest = octets.partition(b"\n\n")
        assert separator, "the head is no note"
        signed = text + b"\n"
        line, _, entries = rest.partition(b"\n")
        dash, signer, encoded = line.decode().split(" ")
        assert (dash, signer) == ("\u2014", name), f"signed by {signer}"
        signature = base64.b64decode(encoded)
        assert signature[:4] == identifier, "the id of the key in the signature is another"
        key.verify(signature[4:], signed)
        form, self.instance, number, self.hash, self.signed_at, complete = text.decode().split("\n")
        assert form == "karvan-feed/1", form
        self.number = int(number)
        self.hash = base64.b64decode(self.hash)
        self.complete = complete == "complete"
        self.lines = entries.split(b"\n")[:-1]

    def entries(self):
        return [json.loads(line) for line in self.lines]


def chain(hash, lines):
    """The chain hash behind these lines: SHA-256 of 0x01, the hash before, the line."""
    for line in lines:
        hash = hashlib.sha256(b"\x01" + hash + line).digest()
    return hash


CHAIN_START = hashlib.sha256(b"").digest()


def page(service, after=0, wait=0):
    answer = feed(service, after=after, wait=wait)
    assert answer.status_code == 200, f"{answer.status_code} {answer.content[:200]}"
    return Page(answer.content, service["feed_key"])


def pages(service):
    """All of the feed."""
    found = [page(service)]
    while not found[-1].complete:
        found.append(page(service, after=found[-1].number))
    return found
