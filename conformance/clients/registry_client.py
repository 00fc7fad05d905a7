"""cryptography, unmodified: what the registry signs, verified from the anchor on by code that is not ours.

The signed directory and the rules in it; artefacts of consent; the feed that tells what no longer holds.
"""

import base64
import datetime
import hashlib
import http.client
import json
import pathlib
import tempfile
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from checks import Checks, expect
from legal import LEGAL, LEVEL, asked_consent, caller, decided, decoded, encoded, expect_answer, given_consent, session
from registry import CHAIN_START, Page, anchor, canonical, chain, directory, feed, jws, node, page, pages, part, rules

checks = Checks("registry")
PERSON = "0TEST05"


def consent_service():
    return rules()["consent"]


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@checks
def the_directory_is_signed_by_the_key_of_the_anchor():
    for version in (6, 5):
        _, entries = directory(version)
        assert {"PRIVATE-PARAMETERS", "SHARED-PARAMETERS", "KARVAN-RULES"} <= entries.keys(), entries.keys()


@checks
def every_part_is_what_the_directory_signs():
    for version in (6, 5):
        for identifier in directory(version)[1]:
            part(version, identifier)


@checks
def the_rules_are_the_same_in_both_versions():
    expect(part(5, "KARVAN-RULES") == part(6, "KARVAN-RULES"), True, "same octets")
    found = rules()
    expect((found["format"], found["instance"]), ("karvan-rules/1", caller("bank")["client"].split("/")[0]))
    assert found["version"] >= 1 and instant(found["published"]) <= now(), found["published"]
    assert found["version"] == 1 or len(found["previous"]) == 64, "a later version names no earlier"


@checks
def every_rule_has_a_basis_and_declared_purposes():
    found = rules()
    purposes = {one["code"] for one in found["purposes"]}
    services = {(one["provider"], one["code"]) for one in found["services"]}
    for rule in found["rules"]:
        kind = rule["basis"]["kind"]
        assert kind in ("open", "law", "consent", "vital"), rule
        assert kind not in ("law", "vital") or rule["basis"]["act"] and rule["basis"]["article"], rule
        assert rule["purposes"] and set(rule["purposes"]) <= purposes, rule
        for scope in rule["services"]:
            assert "code" not in scope or (scope["provider"], scope["code"]) in services, scope


@checks
def an_artefact_is_signed_by_a_key_of_the_rules():
    _, artefact = given_consent(PERSON)
    header, payload = jws(artefact, consent_service()["keys"])
    expect(set(header), {"alg", "kid", "typ"}, "members of the header")
    expect(header["typ"], "karvan-consent+jws", "typ")
    for part_of_three in artefact.split("."):
        expect(encoded(decoded(part_of_three)), part_of_three, "the one form of base64url")
    head, _, signature = artefact.split(".")
    changed = f"{head}.{encoded(payload + b' ')}.{signature}"
    try:
        jws(changed, consent_service()["keys"])
    except InvalidSignature:
        return
    raise AssertionError("another payload verifies too")


@checks
def an_artefact_is_in_canonical_form():
    _, artefact = given_consent(PERSON, data_from="2025-01-01", data_until="2025-12-31", data_life_seconds=86400)
    _, payload = jws(artefact, consent_service()["keys"])
    expect(payload, canonical(json.loads(payload)), "octets")


@checks
def an_artefact_says_what_the_person_was_asked():
    asked = {
        "frequency": {"count": 3, "seconds": 86400},
        "data_from": "2025-01-01",
        "data_until": "2025-12-31",
        "data_life_seconds": 3600,
    }
    consent, artefact = given_consent(PERSON, **asked)
    _, payload = jws(artefact, consent_service()["keys"])
    found = json.loads(payload)
    portal = caller("portal")["client"]
    for name, value in {
        **asked,
        "format": "karvan-consent/1",
        "id": consent,
        "consumer": caller("bank")["client"],
        "provider": LEGAL["income"].rpartition("/")[0],
        "services": ["income"],
        "purpose": caller("bank")["purpose"],
        "categories": ["income"],
        "single_use": False,
        "subject": {"kind": "fin", "value": PERSON},
        "proof": {"kind": "attestation", "portal": portal, "level": LEVEL, "at": found["proof"]["at"]},
    }.items():
        expect(found[name], value, name)
    begins, ends = instant(found["valid_from"]), instant(found["valid_until"])
    expect((ends - begins).total_seconds(), 3600.0, "how long it holds")
    assert abs((now() - begins).total_seconds()) < 60, found["valid_from"]


@checks
def a_signed_document_is_named_by_its_digest():
    document = b"signed by the person, or so it says"
    consent = asked_consent(PERSON)
    proof = {
        "kind": "signed-document",
        "media_type": "application/vnd.etsi.asic-e+zip",
        "document": base64.b64encode(document).decode(),
    }
    answer = decided(consent, "approve", PERSON, proof=proof)
    _, payload = jws(expect_answer(answer)["artefact"], consent_service()["keys"])
    digest = hashlib.sha256(document).hexdigest()
    named = {"kind": proof["kind"], "media_type": proof["media_type"], "sha256": digest}
    expect(json.loads(payload)["proof"], named, "proof")


@checks
def a_consent_that_follows_another_names_its_artefact():
    first, artefact = given_consent(PERSON)
    _, following = given_consent(PERSON, predecessor=first)
    _, payload = jws(following, consent_service()["keys"])
    expect(json.loads(payload)["predecessor"], hashlib.sha256(artefact.encode()).hexdigest(), "predecessor")


@checks
def who_acts_for_another_stands_in_the_artefact():
    child, parent = "0TEST04", "0TEST01"
    acting = {"relation": "parent", "evidence": "TX-2019-000004"}
    answer = decided(asked_consent(child), "approve", parent, acting_for=acting)
    _, payload = jws(expect_answer(answer)["artefact"], consent_service()["keys"])
    found = json.loads(payload)
    expect(found["subject"], {"kind": "fin", "value": child}, "subject")
    expect(found["acting_for"], {"actor": {"kind": "fin", "value": parent}, **acting}, "acting_for")
    expect(payload, canonical(found), "octets")


@checks
def the_head_of_the_feed_is_a_signed_note():
    found = page(consent_service())
    expect(found.instance, caller("bank")["client"].split("/")[0], "instance")
    assert abs((now() - instant(found.signed_at)).total_seconds()) < 10, found.signed_at


@checks
def a_changed_head_of_the_feed_does_not_verify():
    service = consent_service()
    octets = feed(service, after=0).content
    text, _, rest = octets.partition(b"\n\n")
    lines = text.split(b"\n")
    lines[2] = str(int(lines[2]) + 1).encode()
    try:
        Page(b"\n".join(lines) + b"\n\n" + rest, service["feed_key"])
    except InvalidSignature:
        return
    raise AssertionError("another number verifies too")


@checks
def the_entries_of_the_feed_make_its_chain():
    hash, number = CHAIN_START, 0
    for found in pages(consent_service()):
        hash = chain(hash, found.lines)
        expect(hash, found.hash, "chain hash")
        expect([one["number"] for one in found.entries()], list(range(number + 1, found.number + 1)), "numbers")
        number = found.number
        for line in found.lines:
            expect(line, canonical(json.loads(line)), "the canonical form of a line")
    assert number > 0, "the feed is empty"


@checks
def the_feed_goes_on_where_it_was_left():
    service = consent_service()
    before = pages(service)[-1]
    consent, _ = given_consent(PERSON)
    expect_answer(decided(consent, "revoke", PERSON))
    after = page(service, after=before.number)
    expect(chain(before.hash, after.lines), after.hash, "chain hash from where it was left")
    told = [one["event"] for one in after.entries() if one["event"].get("consent") == consent]
    expect([one["kind"] for one in told], ["revoked"], "what is told of the consent")
    nothing = page(service, after=after.number)
    expect((nothing.lines, nothing.hash), ([], after.hash), "a page without news")


@checks
def who_waits_is_told_at_once():
    service = consent_service()
    before = pages(service)[-1]
    consent, _ = given_consent(PERSON)
    waited = {}

    def wait():
        waited["page"] = page(service, after=before.number, wait=20)
        waited["at"] = time.monotonic()

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    assert "page" not in waited, "no news, and yet an answer"
    expect_answer(decided(consent, "revoke", PERSON))
    revoked = time.monotonic()
    waiting.join(timeout=10)
    assert not waiting.is_alive(), "still waiting after ten seconds"
    assert waited["at"] - revoked < 1, f"told {waited['at'] - revoked:.1f} s after"
    assert any(one["event"].get("consent") == consent for one in waited["page"].entries()), "not told of it"


@checks
def the_feed_names_no_person_and_no_consumer():
    text = b"\n".join(line for found in pages(consent_service()) for line in found.lines).decode()
    for secret in ("0TEST", caller("bank")["client"], caller("social_aid")["client"], "VM-"):
        assert secret not in text, f"{secret} in the feed"


@checks
def more_than_there_is_cannot_be_asked_for():
    service = consent_service()
    held = pages(service)[-1].number + 1000
    expect(feed(service, after=held).status_code, 409, "status")


def refused(service, identity):
    """The handshake fails; in TLS 1.3 the client learns it when it reads."""
    try:
        answer = feed(service, identity=identity, after=0)
    except (OSError, http.client.HTTPException):
        return
    raise AssertionError(f"answered with {answer.status_code}")


@checks
def nobody_reads_the_feed_without_a_certificate():
    refused(consent_service(), lambda: None)


@checks
def nobody_reads_the_feed_with_a_certificate_that_is_not_registered():
    # The same name as a registered node's, and the same form.
    _, certificate, _ = node()
    name = x509.load_pem_x509_certificate(certificate.read_bytes()).subject
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now() - datetime.timedelta(hours=1),
        not_valid_after=now() + datetime.timedelta(hours=1),
    )
    made = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    pkcs8 = serialization.PrivateFormat.PKCS8
    with tempfile.TemporaryDirectory() as folder:
        files = pathlib.Path(folder, "key.pem"), pathlib.Path(folder, "cert.pem")
        files[0].write_bytes(key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"1234")))
        files[1].write_bytes(made.public_bytes(pem))
        refused(consent_service(), lambda: (*files, "1234"))


@checks
def the_feed_is_not_where_everybody_may_ask():
    url, _ = anchor()
    answer = session.get(urllib.parse.urljoin(url, "/karvan/v1/feed"), params={"after": 0})
    expect(answer.status_code, 404, "status")
    expect(feed(consent_service(), path="/internalconf").status_code, 404, "what else is at the feed's port")


checks.finish()
