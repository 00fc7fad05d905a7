"""Signed documents judged by tools that are not ours: unzip, xmlsec1, openssl, cryptography, lxml.

Exchanges go through the node; their containers come from `GET /asic`, the certificates to judge them by from
`GET /verificationconf`. Nothing of Karvan takes part in the judging.
"""

import base64
import hashlib
import io
import pathlib
import shutil
import subprocess
import tempfile
import urllib.parse
import zipfile

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from lxml import etree

from checks import Checks, NotRun, endpoints, expect, message_id

ENDPOINTS = endpoints()
checks = Checks("evidence")
session = httpx.Client(timeout=60)
person = ENDPOINTS["services"]["GetPersonByFin"]
node = urllib.parse.urlsplit(person["rest"]).netloc
folder = pathlib.Path(tempfile.mkdtemp(prefix="evidence-"))

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
CHAIN = "{http://www.cyber.ee/hashchain}"


def tool(*command):
    if shutil.which(command[0]) is None:
        raise NotRun(f"{command[0]} is missing")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def asked(client, **more):
    instance, member_class, code, subsystem = client.split("/")
    parameters = {
        "xRoadInstance": instance,
        "memberClass": member_class,
        "memberCode": code,
        "subsystemCode": subsystem,
        **more,
    }
    return session.get(f"http://{node}/asic", params=parameters)


def rest_exchange(identifier):
    answer = session.get(
        person["rest"] + "/persons/0TEST01",
        headers={"X-Road-Client": ENDPOINTS["client"], "X-Road-Id": identifier},
    )
    expect(answer.status_code, 200, "status of the exchange")


def soap_exchange(identifier):
    def party(name, path, kind, extra=""):
        parts = dict(zip(["xRoadInstance", "memberClass", "memberCode", "subsystemCode"], path.split("/")))
        inside = "".join(f"<i:{tag}>{value}</i:{tag}>" for tag, value in parts.items())
        return f'<x:{name} i:objectType="{kind}">{inside}{extra}</x:{name}>'

    service = "<i:serviceCode>GetPersonByFin</i:serviceCode><i:serviceVersion>v1</i:serviceVersion>"
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="http://x-road.eu/xsd/xroad.xsd"'
        ' xmlns:i="http://x-road.eu/xsd/identifiers"><s:Header>'
        + party("client", ENDPOINTS["client"], "SUBSYSTEM")
        + party("service", person["provider"], "SERVICE", service)
        + f"<x:id>{identifier}</x:id><x:protocolVersion>4.0</x:protocolVersion></s:Header>"
        + f'<s:Body><p:GetPersonByFin xmlns:p="{person["namespace"]}"><p:fin>0TEST02</p:fin></p:GetPersonByFin></s:Body>'
        + "</s:Envelope>"
    )
    answer = session.post(
        person["soap"], content=envelope.encode(), headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    )
    expect(answer.status_code, 200, "status of the exchange")
    assert b"faultcode" not in answer.content, answer.text


def containers(identifier):
    """Name and bytes of each container of an exchange, stamped on demand."""
    answer = asked(ENDPOINTS["client"], queryId=identifier, force="")
    expect(answer.status_code, 200, answer.text[:200] if answer.status_code != 200 else "status")
    expect(answer.headers["content-type"], "application/zip", "content type")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as outer:
        expect(outer.testzip(), None, "the outer ZIP")
        found = {name: outer.read(name) for name in outer.namelist()}
    expect(len(found), 2, "containers of one exchange at one party")
    return found


def exchanges():
    made = {}
    for kind, exchange in (("rest", rest_exchange), ("soap", soap_exchange)):
        identifier = message_id()
        exchange(identifier)
        made[kind] = identifier
    for kind, identifier in made.items():
        for name, content in containers(identifier).items():
            yield f"{kind} {name}", content


def unpacked(name, content):
    place = folder / hashlib.sha256(name.encode()).hexdigest()[:16]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(place)
    return place


def verification_conf():
    answer = session.get(f"http://{node}/verificationconf")
    expect(answer.status_code, 200, "status")
    place = folder / "conf"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(place)
    instance = (place / "verificationconf" / "instance-identifier").read_text()
    return etree.parse(place / "verificationconf" / instance / "shared-params.xml")


def certificates(conf, path):
    found = []
    for element in conf.iter():
        if etree.QName(element).localname == path[-1] and etree.QName(element.getparent()).localname == path[-2]:
            found.append(x509.load_der_x509_certificate(base64.b64decode(element.text)))
    return found


def pem_file(name, chain):
    path = folder / name
    path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain))
    return path


def signature_of(place):
    return etree.parse(place / "META-INF" / "signatures.xml")


def token_of(place):
    """The token, and the file it is over."""
    batch = place / "META-INF" / "timestamp.tst"
    if batch.exists():
        return batch, place / "ts-hashchainresult.xml"
    signature = signature_of(place)
    token = place / "token.der"
    token.write_bytes(base64.b64decode(signature.findtext(f".//{XADES}EncapsulatedTimeStamp")))
    value = place / "signature-value.bin"
    value.write_bytes(base64.b64decode(signature.findtext(f".//{DS}SignatureValue")))
    return token, value


EXCHANGES = []
CONF = None


def handed_out():
    """All containers, without which there is nothing to judge."""
    expect(len(EXCHANGES), 4, "containers to judge")
    return EXCHANGES


@checks
def containers_and_verification_configuration_are_handed_out():
    global CONF
    CONF = verification_conf()
    EXCHANGES.extend(exchanges())
    handed_out()


@checks
def unzip_finds_every_container_whole():
    for name, content in handed_out():
        path = folder / "container.asice"
        path.write_bytes(content)
        status, said = tool("unzip", "-tq", path)
        assert status == 0, f"{name}: {said}"


@checks
def xmlsec1_verifies_every_signature():
    for name, content in handed_out():
        place = unpacked(name, content)
        authorities = pem_file("authorities.pem", certificates(CONF, ("topCA", "cert")))
        mapped = []
        for file in ("message.xml", "sig-hashchainresult.xml"):
            if (place / file).exists():
                mapped += [f"--url-map:/{file}", place / file]
        status, said = tool(
            "xmlsec1", "--verify", "--trusted-pem", authorities,
            "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            *mapped, place / "META-INF" / "signatures.xml",
        )
        assert status == 0 and "OK" in said, f"{name}: {said}"
        # It must fail when the message is another one.
        target = place / ("sig-hashchainresult.xml" if (place / "sig-hashchainresult.xml").exists() else "message.xml")
        other = place / "other"
        other.write_bytes(target.read_bytes() + b" ")
        status, said = tool(
            "xmlsec1", "--verify", "--trusted-pem", authorities,
            "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            f"--url-map:/{target.name}", other, place / "META-INF" / "signatures.xml",
        )
        assert status != 0, f"{name}: xmlsec1 accepts another message"


@checks
def the_message_is_what_the_signature_or_its_hash_chain_covers():
    chains = bodies = 0
    for name, content in handed_out():
        place = unpacked(name, content)
        chain = place / "sig-hashchain.xml"
        digest = base64.b64encode(hashlib.sha512((place / "message.xml").read_bytes()).digest()).decode()
        document = etree.parse(chain) if chain.exists() else signature_of(place)
        digests = [
            "".join(element.text.split())
            for element in document.iter()
            if isinstance(element.tag, str) and etree.QName(element).localname == "DigestValue"
        ]
        assert digest in digests, f"{name}: the digest of the message is not there"
        if "rest" in name and "response" in name:
            body = base64.b64encode(hashlib.sha512((place / "attachment1").read_bytes()).digest()).decode()
            assert body in digests, f"{name}: the digest of the body is not there"
            bodies += 1
        chains += chain.exists()
    # A message with a body has a hash chain, one without has none.
    expect(bodies, 1, "answers with a body")
    assert 0 < chains < len(EXCHANGES), f"{chains} of {len(EXCHANGES)} signatures are over a hash chain"


SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(octets)]) + octets + content


def one(element, local):
    found = [child for child in element if isinstance(child.tag, str) and etree.QName(child).localname == local]
    return found[0] if found else None


def digest_in(element):
    return base64.b64decode("".join(one(element, "DigestValue").text.split()))


def step(steps, name):
    """The digest of a step: over a DER list of digest, algorithm and no transforms for each entry."""
    entries = []
    for entry in steps[name]:
        kind = etree.QName(entry).localname
        digest = step(steps, entry.get("URI").removeprefix("#")) if kind == "StepRef" else digest_in(entry)
        entries.append(der(0x30, der(0x04, digest) + der(0x0C, SHA512.encode()) + der(0x30, b"")))
    return hashlib.sha512(der(0x30, b"".join(entries))).digest()


def chain_leads_to_its_result(place, kind):
    """That the steps of a hash chain, computed anew, give the result that was signed or stamped."""
    result = etree.parse(place / f"{kind}-hashchainresult.xml").getroot()
    chain = etree.parse(place / f"{kind}-hashchain.xml").getroot()
    expect(one(chain, "DefaultDigestMethod").get("Algorithm"), SHA512, "algorithm of the chain")
    steps = {found.get("id"): found for found in chain if etree.QName(found).localname == "HashStep"}
    file, _, name = result.get("URI").partition("#")
    expect(file, f"/{kind}-hashchain.xml", "file of the chain")
    expect(step(steps, name), digest_in(result), "root of the chain")


@checks
def every_hash_chain_leads_to_what_was_signed_and_stamped():
    counts = {"sig": 0, "ts": 0}
    for name, content in handed_out():
        place = unpacked(name, content)
        for kind in counts:
            if (place / f"{kind}-hashchain.xml").exists():
                chain_leads_to_its_result(place, kind)
                counts[kind] += 1
    assert all(counts.values()), f"no chain of a kind: {counts}"


@checks
def openssl_verifies_every_time_stamp():
    stampers = certificates(CONF, ("approvedTSA", "cert"))
    authorities = pem_file("tsa-roots.pem", certificates(CONF, ("topCA", "cert")))
    trusted = pem_file("tsa.pem", stampers)
    for name, content in handed_out():
        place = unpacked(name, content)
        token, data = token_of(place)
        status, said = tool(
            "openssl", "ts", "-verify", "-token_in", "-in", token, "-data", data,
            "-CAfile", authorities, "-untrusted", trusted,
        )
        assert status == 0 and "Verification: OK" in said, f"{name}: {said}"
        # It must fail over anything else.
        other = place / "other"
        other.write_bytes(data.read_bytes() + b" ")
        status, said = tool(
            "openssl", "ts", "-verify", "-token_in", "-in", token, "-data", other,
            "-CAfile", authorities, "-untrusted", trusted,
        )
        assert status != 0, f"{name}: openssl accepts a time stamp over other data"


@checks
def the_time_stamp_hash_chain_covers_the_signature():
    chains = 0
    for name, content in handed_out():
        place = unpacked(name, content)
        if not (place / "ts-hashchain.xml").exists():
            continue
        chains += 1
        chain = etree.parse(place / "ts-hashchain.xml")
        signature = base64.b64encode(hashlib.sha512((place / "META-INF" / "signatures.xml").read_bytes()).digest()).decode()
        digests = ["".join(element.text.split()) for element in chain.iter(f"{DS}DigestValue")]
        assert signature in digests, f"{name}: the digest of the signature is not there"
    # All four messages waited when the first containers were asked for.
    assert chains > 0, "no time stamp is over a hash chain"


def signed_by(response, certificate):
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(response.signature_hash_algorithm))
        else:
            key.verify(
                response.signature, response.tbs_response_bytes, padding.PKCS1v15(), response.signature_hash_algorithm
            )
    except Exception:  # noqa: BLE001 - another key, another kind of key: not by this one
        return False
    return True


@checks
def cryptography_believes_the_certificate_and_its_ocsp_response():
    authorities = certificates(CONF, ("topCA", "cert"))
    responders = certificates(CONF, ("ocsp", "cert")) + authorities
    for name, content in handed_out():
        signature = signature_of(unpacked(name, content))
        signer = x509.load_der_x509_certificate(base64.b64decode(signature.findtext(f".//{DS}X509Certificate")))
        issuer = next(one for one in authorities if one.subject == signer.issuer)
        signer.verify_directly_issued_by(issuer)
        response = ocsp.load_der_ocsp_response(base64.b64decode(signature.findtext(f".//{XADES}EncapsulatedOCSPValue")))
        expect(response.response_status, ocsp.OCSPResponseStatus.SUCCESSFUL, f"{name}: OCSP")
        expect(response.certificate_status, ocsp.OCSPCertStatus.GOOD, f"{name}: OCSP")
        asked_of = ocsp.OCSPRequestBuilder().add_certificate(signer, issuer, response.hash_algorithm).build()
        for field in ("serial_number", "issuer_name_hash", "issuer_key_hash"):
            expect(getattr(response, field), getattr(asked_of, field), f"{name}: {field} in OCSP")
        assert any(signed_by(response, one) for one in responders), f"{name}: OCSP signed by nobody known"
        # It was made while the certificate was valid, and tells of that time.
        assert signer.not_valid_before_utc <= response.produced_at_utc <= signer.not_valid_after_utc, name
        assert response.this_update_utc <= response.produced_at_utc, f"{name}: it tells of the future"


@checks
def requests_that_cannot_be_served_are_refused_in_words():
    for answer, status, words in (
        (session.get(f"http://{node}/asic"), 400, 'Parameter "xRoadInstance"'),
        (asked(ENDPOINTS["client"]), 400, 'Parameter "queryId"'),
        (asked(ENDPOINTS["client"], queryId="nothing-of-this-id"), 404, "No signed documents found"),
        (asked("AZ/GOV/0000000000/nobody", queryId="x"), 401, "not found"),
    ):
        expect(answer.status_code, status, answer.text)
        assert words in answer.text, answer.text
        expect(answer.headers["content-type"].lower().replace(" ", ""), "text/plain;charset=utf-8", "content type")


shutil.rmtree(folder)
checks.finish()
