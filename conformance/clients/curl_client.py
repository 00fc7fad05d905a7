"""curl, unmodified: what clients in the field do on the wire, byte for byte.

Each envelope is written by hand in the way of one of them; curl sends it as it is.
"""

import json
import re
import subprocess
import tempfile

from checks import Checks, endpoints, expect, message_id

ENDPOINTS = endpoints()
checks = Checks("curl")

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")


def curl(*arguments, body=None):
    """Status, response body. The body goes through a file, so that curl changes nothing in it."""
    with tempfile.NamedTemporaryFile() as file:
        command = ["curl", "--silent", "--show-error", "--max-time", "30", *arguments]
        if body is not None:
            file.write(body if isinstance(body, bytes) else body.encode())
            file.flush()
            command += ["--data-binary", f"@{file.name}"]
        command += ["--write-out", "\n%{http_code}"]
        done = subprocess.run(command, capture_output=True, check=True)
    text, _, status = done.stdout.decode().rpartition("\n")
    return int(status), text


def soap(envelope, *arguments, code="GetPersonByFin", url=None, content_type="text/xml; charset=utf-8"):
    target = url or ENDPOINTS["services"][code]["soap"]
    headers = ["--header", f"Content-Type: {content_type}"]
    return curl(*headers, *arguments, target, body=envelope)


def identifier(element, object_type, values, space=""):
    children = "".join(f"{space}<i:{name}>{value}</i:{name}>" for name, value in values)
    return f'<x:{element} i:objectType="{object_type}">{children}{space}</x:{element}>'


def header(code, identifier_text, space=""):
    described = ENDPOINTS["services"][code]
    client = list(zip(PARTS, ENDPOINTS["client"].split("/")))
    service = list(zip(PARTS, described["provider"].split("/")))
    service += [("serviceCode", code), ("serviceVersion", described["version"])]
    return space.join((
        "",
        identifier("client", "SUBSYSTEM", client, space),
        identifier("service", "SERVICE", service, space),
        "<x:userId>AZ0000001</x:userId>",
        f"<x:id>{identifier_text}</x:id>",
        "<x:issue>VM-2026-000001</x:issue>",
        "<x:protocolVersion>4.0</x:protocolVersion>",
        "",
    ))


def envelope(code="GetPersonByFin", body="<p:fin>0TEST01</p:fin>", id=None, declaration="", space="", extra=""):
    namespace = ENDPOINTS["services"][code]["namespace"]
    return (
        f'{declaration}<e:Envelope xmlns:e="{SOAP}" xmlns:x="{XROAD}" xmlns:i="{IDENTIFIERS}"{extra}>{space}'
        f"<e:Header>{header(code, id or message_id(), space)}</e:Header>{space}"
        f'<e:Body>{space}<p:{code} xmlns:p="{namespace}">{body}</p:{code}>{space}</e:Body>{space}</e:Envelope>'
    )


def expect_person(answer, surname="Məmmədov"):
    status, text = answer
    expect(status, 200, f"status (of {text})")
    assert re.search(rf"<(\w+:)?surname>{surname}</", text), f"no surname in {text}"


def expect_fault(answer, *codes):
    status, text = answer
    # SOAP 1.1 says 500; a node answers faults with 200, as X-Road's security server does.
    expect(status, 200 if ENDPOINTS["through_nodes"] else 500, f"status (of {text})")
    found = re.search(r"<faultcode>([^<]*)</faultcode>", text)
    assert found, f"no fault in {text}"
    if codes:
        code = found.group(1).lower()
        assert any(code.endswith(one.lower()) for one in codes), f"fault {found.group(1)}, not {codes}"
    assert "0TEST" not in text, "the fault repeats the FIN"


def contract(identifier_text, prefix="p"):
    values = {
        "fin": "0TEST09",
        "employer_voen": "0000001461",
        "employer_name": '"Nümunə Tikinti" MMC',
        "position": f"Dülgər {identifier_text}",
        "start_date": "2026-02-02",
        "monthly_salary": "650.00",
    }
    return "".join(f"<{prefix}:{name}>{value}</{prefix}:{name}>" for name, value in values.items())


@checks
def no_soapaction():
    expect_person(soap(envelope()))


@checks
def empty_soapaction():
    expect_person(soap(envelope(), "--header", "SOAPAction;"))


@checks
def soapaction_of_two_quotes():
    expect_person(soap(envelope(), "--header", 'SOAPAction: ""'))


@checks
def soapaction_in_quotes_with_another_spelling():
    expect_person(soap(envelope(), "--header", 'Soapaction: "GetPersonByFin"'))


@checks
def absolute_form_target_of_a_host_that_is_not_called():
    # As a client does that takes the node for an HTTP proxy before the address in the WSDL.
    proxy = re.match(r"http://[^/]+", ENDPOINTS["services"]["GetPersonByFin"]["soap"]).group(0)
    answer = soap(envelope(), "--noproxy", "", "--proxy", proxy, url="http://provider-host.invalid:9000/soap")
    expect_person(answer)


@checks
def any_path():
    base = re.match(r"http://[^/]+", ENDPOINTS["services"]["GetPersonByFin"]["soap"]).group(0)
    for path in ("/", "/soap", "/cgi-bin/consumer_proxy", "/a/b/c.asmx"):
        expect_person(soap(envelope(), url=base + path))


@checks
def content_type_without_charset():
    expect_person(soap(envelope(), content_type="text/xml"))


@checks
def content_type_with_quoted_charset():
    expect_person(soap(envelope(), content_type='text/xml; charset="utf-8"'))


@checks
def declaration_in_single_quotes():
    expect_person(soap(envelope(declaration="<?xml version='1.0' encoding='utf-8'?>\n")))


@checks
def declaration_that_stands_alone():
    declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    expect_person(soap(envelope(declaration=declaration)))


@checks
def byte_order_mark():
    expect_person(soap(b"\xef\xbb\xbf" + envelope().encode()))


@checks
def pretty_printed_header():
    expect_person(soap(envelope(space="\n    ", body="\n  <p:fin>0TEST01</p:fin>\n  ")))


@checks
def new_prefix_for_every_header_block():
    text = envelope()
    for at, name in enumerate(("client", "service", "userId", "id", "issue", "protocolVersion")):
        text = text.replace(f"<x:{name}>", f'<ns{at}:{name} xmlns:ns{at}="{XROAD}">')
        text = text.replace(f"<x:{name} ", f'<ns{at}:{name} xmlns:ns{at}="{XROAD}" ')
        text = text.replace(f"</x:{name}>", f"</ns{at}:{name}>")
    expect_person(soap(text))


@checks
def different_prefixes_for_envelope_and_body():
    text = envelope(extra=f' xmlns:s="{SOAP}"')
    expect_person(soap(text.replace("<e:Body>", "<s:Body>").replace("</e:Body>", "</s:Body>")))


@checks
def default_namespace_for_the_body():
    namespace = ENDPOINTS["services"]["GetPersonByFin"]["namespace"]
    inner = f'<GetPersonByFin xmlns="{namespace}"><fin>0TEST01</fin></GetPersonByFin>'
    expect_person(soap(re.sub(r"<p:GetPersonByFin.*</p:GetPersonByFin>", inner, envelope())))


@checks
def unused_namespaces_on_the_envelope():
    extra = ' xmlns:a="https://x-road.eu/xsd/x-road.xsd" xmlns:b="https://x-road.eu/xsd/identifiers"'
    expect_person(soap(envelope(extra=extra)))


@checks
def accept_encoding_of_any_kind():
    for value in ("gzip, deflate", "none", ""):
        expect_person(soap(envelope(), "--header", f"Accept-Encoding: {value}"))


@checks
def accept_with_a_star_alone():
    accept = "Accept: text/xml, text/html, image/gif, *; q=.2, */*; q=.2"
    expect_person(soap(envelope(), "--header", accept))


@checks
def request_in_chunks():
    expect_person(soap(envelope(), "--header", "Transfer-Encoding: chunked"))


def multipart(first_headers, boundary="----=_Part_0_123.456"):
    attachment = "Content-Type: application/octet-stream\r\nContent-ID: att1\r\n\r\nattached"
    text = f"--{boundary}\r\n{first_headers}\r\n\r\n{envelope()}\r\n"
    return f"{text}--{boundary}\r\n{attachment}\r\n--{boundary}--\r\n", boundary


@checks
def multipart_with_attachment_and_no_start():
    body, boundary = multipart("Content-Type: text/xml; charset=utf-8")
    content_type = f'multipart/related; boundary="{boundary}"; type="text/xml"'
    expect_person(soap(body, "--header", 'SOAPAction: ""', content_type=content_type))


@checks
def multipart_with_start_and_content_id():
    first = "Content-Type: text/xml; charset=utf-8\r\nContent-ID: <root>\r\nContent-Transfer-Encoding: 8bit"
    body, boundary = multipart(first, "plain-boundary")
    content_type = f'multipart/related; boundary={boundary}; start="<root>"; type="text/xml"'
    expect_person(soap(body, content_type=content_type))


@checks
def repeated_id_of_a_query():
    repeated = message_id()
    for _ in range(3):
        expect_person(soap(envelope(id=repeated)))


@checks
def repeated_id_with_other_content_is_another_message():
    repeated = message_id()
    numbers = []
    for one in ("a", "b", "a"):
        body = contract(f"{repeated} {one}")
        status, text = soap(envelope("RegisterLabourContract", body, id=repeated), code="RegisterLabourContract")
        expect(status, 200, f"status (of {text})")
        numbers.append(re.search(r"<(?:\w+:)?number>(\d+)</", text).group(1))
    expect(numbers[2], numbers[0], "the number given to the repeated message")
    assert numbers[1] != numbers[0], "another message was taken for a repetition"


@checks
def header_comes_back():
    sent = message_id()
    _, text = soap(envelope(id=sent))
    for name, value in (("id", sent), ("userId", "AZ0000001"), ("issue", "VM-2026-000001"), ("protocolVersion", "4.0")):
        assert re.search(rf"<(\w+:)?{name}[^>]*>{value}</", text), f"no {name} in {text}"


@checks
def azerbaijani_letters_unharmed():
    _, text = soap(envelope(body="<p:fin>0TEST05</p:fin>"))
    for word in ("Şükürlü", "İlqar", "Ağasəf oğlu"):
        assert word in text, f"no {word} in {text}"


# Where the rules say that the service is about persons, the caller's node sees it first.
WRONG_FIN = ("basis.person_malformed", "basis.person_missing") if ENDPOINTS["through_nodes"] else ("InvalidFin",)


@checks
def malformed_fin_is_refused():
    for fin in ("0TEST0", "0TESTI1", "0TESTİ1", "0TESTı1", "0ТEST01", ""):
        expect_fault(soap(envelope(body=f"<p:fin>{fin}</p:fin>")), *WRONG_FIN)


@checks
def quotes_in_a_key_are_refused():
    expect_fault(soap(envelope(body="<p:fin>' OR 1=1 --</p:fin>")), *WRONG_FIN)


@checks
def object_type_without_namespace_is_refused():
    expect_fault(soap(envelope().replace("i:objectType", "objectType")), "invalid_xml", "InvalidXml")


@checks
def header_without_namespace_is_refused():
    expect_fault(soap(envelope().replace("<x:id>", "<id>").replace("</x:id>", "</id>")))


@checks
def document_type_is_refused():
    bomb = '<!DOCTYPE e [<!ENTITY a "aaaa">]>'
    expect_fault(soap(envelope(declaration=bomb)), "invalid_soap", "InvalidSoap")


@checks
def cut_envelope_is_refused():
    expect_fault(soap(envelope()[:-40]), "invalid_soap", "InvalidSoap")


@checks
def rest_body_in_chunks():
    sent = message_id()
    body = {
        "fin": "0TEST09",
        "employer_voen": "0000001461",
        "employer_name": "Nümunə",
        "position": sent,
        "start_date": "2026-02-02",
        "monthly_salary": "650.00",
    }
    arguments = []
    for line in (
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        f"X-Road-Client: {ENDPOINTS['client']}",
        f"X-Road-Id: {sent}",
    ):
        arguments += ["--header", line]
    url = ENDPOINTS["services"]["RegisterLabourContract"]["rest"] + "/contracts"
    status, text = curl(*arguments, url, body=json.dumps(body, ensure_ascii=False))
    expect(status, 200, f"status (of {text})")
    assert json.loads(text)["number"] > 0


@checks
def wsdl_resolves_by_itself():
    for described in ENDPOINTS["services"].values():
        _, text = curl(described["wsdl"])
        assert "schemaLocation" not in text, "the WSDL imports by address"
        assert f'targetNamespace="{XROAD}"' in text, "the X-Road schema is not inside"


checks.finish()
