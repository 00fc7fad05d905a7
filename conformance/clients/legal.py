"""What the checks of the legal basis share: who asks, REST and SOAP as each of them sends it, the life of a consent."""

import base64
import json
import random
import time

import httpx
from lxml import etree

from checks import endpoints, expect, message_id

ENDPOINTS = endpoints()
LEGAL = ENDPOINTS["legal"]
session = httpx.Client(timeout=60)

XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
BASIS = "urn:karvan:basis:1"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")

# What the country promises for a revocation, and for a case that is opened or closed.
PROMISED_SECONDS = 5.0
LEVEL = "asan-imza"


def caller(name):
    return LEGAL["callers"][name]


def anybody():
    """The FIN of one of many: some limits count per person and day, and the checks may be run again and again."""
    return f"0TEST{random.randint(2, 10):02}"


def rest(name, path, identifier=None, method="GET", purpose=None, consent=None, emergency=None, body=None, more=()):
    """A call of `name` to a service in full (`AZ/GOV/1/sub/service/...`)."""
    headers = [
        ("X-Road-Client", caller(name)["client"]),
        ("X-Road-UserId", f"AZ-{name}-7"),
        ("X-Road-Id", identifier or message_id()),
    ]
    for header, value in (("Purpose", purpose), ("Consent", consent), ("Emergency", emergency)):
        if value is not None:
            headers.append((f"Karvan-{header}", value))
    headers += more
    url = f"{caller(name)['node']}/r1/{path}"
    return session.request(method, url, headers=headers, json=body)


def expect_refusal(answer, code, side=None):
    """A refusal with this code, which does not say about whom it is."""
    found = answer.headers.get("x-road-error")
    assert found, f"not refused: {answer.status_code} {answer.text[:200]}"
    assert found.endswith(f".basis.{code}"), f"refused with {found}, not with {code}"
    if side:
        assert found.startswith(f"server.{side}."), f"refused by {found}, not by the {side}"
    expect(answer.status_code, 500, "status")
    expect(answer.json()["type"], found, "the type in the body")
    assert len(answer.json()["message"]) > 40, "the message does not say what to do"
    assert "TEST0" not in answer.text.upper(), "the refusal says about whom it is"


def expect_answer(answer):
    expect(answer.status_code, 200, f"status (of {answer.headers.get('x-road-error')}: {answer.text[:300]})")
    return answer.json()


def within_promise(ask, holds):
    """The first answer that is as awaited, and how long it took; fails when the promised time is over."""
    began = time.monotonic()
    while True:
        answer = ask()
        took = time.monotonic() - began
        if holds(answer):
            return answer, took
        assert took <= PROMISED_SECONDS, f"not after {took:.1f} s: {getattr(answer, 'text', answer)!s:.300}"
        time.sleep(0.05)


# The consent desk


def desk(name, service, path, body=None, identifier=None, method="POST"):
    return rest(name, f"{LEGAL['desk'][service]}/{path}", identifier=identifier, method=method, body=body)


def person(fin):
    return {"kind": "fin", "value": fin}


def will(fin, **more):
    """What a portal says when the person, whom it has identified, has decided."""
    return {"person": person(fin), "proof": {"kind": "attestation", "level": LEVEL}, **more}


def asked_consent(fin, **more):
    """The bank asks for a consent; its id."""
    body = {
        "subject": person(fin),
        "provider": LEGAL["income"].rpartition("/")[0],
        "services": ["income"],
        "purpose": caller("bank")["purpose"],
        "categories": ["income"],
        "valid_seconds": 3600,
        **more,
    }
    answer = desk("bank", "consents", "requests", body)
    expect(answer.status_code, 201, f"status (of {answer.text[:300]})")
    expect(answer.json()["state"], "requested", "state")
    return answer.json()["id"]


def decided(consent, action, fin, name="portal", **more):
    return desk(name, "consents", f"requests/{consent}/{action}", will(fin, **more))


def given_consent(fin, **more):
    """A consent that the person has given: its id, and the artefact as the bank fetches it."""
    consent = asked_consent(fin, **more)
    answer = expect_answer(decided(consent, "approve", fin))
    expect(answer["state"], "active", "state")
    answer = expect_answer(desk("bank", "consents", f"requests/{consent}", method="GET"))
    expect(answer["state"], "active", "state")
    return consent, answer["artefact"]


def income(fin, artefact=None, identifier=None, name="bank", **more):
    path = f"{LEGAL['income']}/persons/{fin}/income"
    purpose = more.pop("purpose", caller("bank")["purpose"])
    return rest(name, path, identifier, purpose=purpose, consent=artefact, **more)


def decoded(text):
    """base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def with_header(artefact, **changes):
    """The artefact with another header over the same payload and signature; a change to None removes a member."""
    header, payload, signature = artefact.split(".")
    members = {**json.loads(decoded(header)), **changes}
    members = {name: value for name, value in members.items() if value is not None}
    return ".".join((encoded(json.dumps(members, separators=(",", ":")).encode()), payload, signature))


# SOAP headers as XML elements, for clients that take them so


def identifier_element(name, path, kind, service=(), prefix="x"):
    element = etree.Element(f"{{{XROAD}}}{name}", nsmap={prefix: XROAD, "i": IDENTIFIERS})
    element.set(f"{{{IDENTIFIERS}}}objectType", kind)
    for part, value in [*zip(PARTS, path.split("/")), *service]:
        etree.SubElement(element, f"{{{IDENTIFIERS}}}{part}").text = value
    return element


def header_elements(name, provider, code, identifier, version=None, issue=None, blocks=()):
    service = [("serviceCode", code)] + ([("serviceVersion", version)] if version else [])
    elements = [
        identifier_element("client", caller(name)["client"], "SUBSYSTEM"),
        identifier_element("service", provider, "SERVICE", service),
    ]
    texts = [("userId", f"AZ-{name}-7"), ("id", identifier), ("issue", issue), ("protocolVersion", "4.0")]
    for element, text in texts:
        if text is not None:
            made = etree.Element(f"{{{XROAD}}}{element}", nsmap={"x": XROAD})
            made.text = text
            elements.append(made)
    return elements + list(blocks)


def basis_block(prefix, **fields):
    """The block under a prefix of the caller's choice; None: as the default namespace."""
    block = etree.Element(f"{{{BASIS}}}basis", nsmap={prefix: BASIS})
    for field, text in fields.items():
        etree.SubElement(block, f"{{{BASIS}}}{field}").text = text
    return block
