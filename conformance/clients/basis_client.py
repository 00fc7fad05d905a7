"""zeep, unmodified: the header block of the legal basis, and cases that are open only for a time.

Bodies that no zeep would write are written by hand and sent by httpx.
"""

import re
import uuid

import zeep
import zeep.exceptions
from lxml import etree

from checks import Checks, expect, message_id
from legal import (
    ENDPOINTS,
    basis_block,
    caller,
    desk,
    expect_answer,
    header_elements,
    person,
    session,
    within_promise,
)

checks = Checks("basis")
clients = {}
FAMILY = ("0TEST01", "0TEST02", "0TEST03")


def call(name, code, identifier=None, issue=None, blocks=(), **parameters):
    described = ENDPOINTS["services"][code]
    if described["wsdl"] not in clients:
        clients[described["wsdl"]] = zeep.Client(described["wsdl"])
    client = clients[described["wsdl"]]
    binding = next(iter(client.wsdl.bindings))
    service = client.create_service(binding, caller(name)["node"] + "/")
    elements = header_elements(
        name, described["provider"], code, identifier or message_id(), described["version"], issue, blocks
    )
    return getattr(service, code)(**parameters, _soapheaders=elements).body


def fault_of(*arguments, **parameters):
    """The fault as zeep understands it."""
    try:
        answer = call(*arguments, **parameters)
    except zeep.exceptions.Fault as fault:
        assert "0TEST" not in f"{fault.message} {fault.detail}", "the fault says about whom it is"
        assert len(fault.message) > 40, f"the fault does not say what to do: {fault.message}"
        return fault.code
    raise AssertionError(f"no fault: {answer}")


def expect_fault(code, *arguments, side="clientproxy", **parameters):
    expect(fault_of(*arguments, **parameters), f"server.{side}.basis.{code}", "faultcode")


def purpose(text, prefix="any"):
    return [basis_block(prefix, purpose=text)]


@checks
def states_its_purpose_in_a_block_of_any_prefix():
    for prefix in ("k", "xrd2", None):
        answer = call("portal", "GetPersonByFin", fin="0TEST01", blocks=purpose("e-service", prefix))
        expect(answer.surname, "Məmmədov")


@checks
def an_old_client_without_a_block_has_its_one_purpose():
    expect(call("portal", "GetPersonByFin", fin="0TEST01").surname, "Məmmədov")


@checks
def says_how_the_user_was_identified():
    blocks = [basis_block("k", purpose="e-service", authentication="asan-imza")]
    expect(call("portal", "GetPersonByFin", fin="0TEST02", blocks=blocks).surname, "Məmmədova")


@checks
def an_unknown_purpose_is_a_fault():
    for text in ("curiosity", "social-aid"):
        expect_fault("purpose_not_declared", "portal", "GetPersonByFin", fin="0TEST01", blocks=purpose(text))


@checks
def a_block_that_stands_twice_is_a_fault():
    blocks = purpose("e-service", "a") + purpose("e-service", "b")
    expect_fault("stated_twice", "portal", "GetPersonByFin", fin="0TEST01", blocks=blocks)


@checks
def a_field_that_stands_twice_or_is_unknown_is_a_fault():
    [block] = purpose("e-service")
    block.append(basis_block("k", purpose="social-aid")[0])
    expect_fault("stated_twice", "portal", "GetPersonByFin", fin="0TEST01", blocks=[block])
    blocks = [basis_block("k", purpose="e-service", because="I like it")]
    expect_fault("malformed", "portal", "GetPersonByFin", fin="0TEST01", blocks=blocks)


@checks
def an_empty_purpose_is_a_fault():
    expect_fault("malformed", "portal", "GetPersonByFin", fin="0TEST01", blocks=purpose(""))


@checks
def a_consent_that_is_none_is_a_fault():
    blocks = [basis_block("k", purpose="e-service", consent="eyJ")]
    expect_fault("consent_malformed", "portal", "GetPersonByFin", fin="0TEST01", blocks=blocks)


@checks
def a_malformed_fin_is_a_fault_before_it_leaves():
    with_block = {"blocks": purpose("e-service")}
    for fin in ("0TESTI1", "0TEST0", "0ТEST01"):
        expect_fault("person_malformed", "portal", "GetPersonByFin", fin=fin, **with_block)


def written(body):
    """The FIN in the answer to a body written by hand, or the fault code."""
    described = ENDPOINTS["services"]["GetPersonByFin"]
    elements = header_elements("portal", described["provider"], "GetPersonByFin", message_id(), described["version"])
    head = "".join(etree.tostring(element, encoding="unicode") for element in elements)
    envelope = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{head}</s:Header><s:Body>'
        f'<p:GetPersonByFin xmlns:p="{described["namespace"]}">{body}</p:GetPersonByFin></s:Body></s:Envelope>'
    )
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    answer = session.post(caller("portal")["node"] + "/", content=envelope.encode(), headers=headers)
    expect(answer.status_code, 200, "status")
    fault = re.search(r"<faultcode>([^<]*)</faultcode>", answer.text)
    if fault:
        assert "0TEST" not in answer.text and "surname" not in answer.text, f"the fault says too much: {answer.text}"
        return fault.group(1)
    return re.search(r"fin>([^<]*)</", answer.text.partition("Body>")[2]).group(1)


@checks
def a_fin_may_be_written_in_any_way_of_xml():
    for text in ("<![CDATA[0TEST01]]>", "0TEST<![CDATA[01]]>", "&#48;TEST01", " \n0test01\t"):
        expect(written(f"<p:fin>{text}</p:fin>"), "0TEST01", text)


@checks
def a_body_that_two_could_read_as_two_persons_is_a_fault():
    one, other = "<p:fin>0TEST01</p:fin>", "<p:fin>0TEST02</p:fin>"
    for body in (
        one + other,
        '<o:fin xmlns:o="urn:other">0TEST02</o:fin>' + one,
        "<fin>0TEST02</fin>" + one,
        one + "<fin>0TEST02</fin>",
        f"<p:more>{other}</p:more>{one}",
        "<p:fin>0TEST01<p:more>0TEST02</p:more></p:fin>",
        "<p:FIN>0TEST02</p:FIN>" + one,
        "<p:fin/>" + one,
        one + "<p:fin/>",
        "<p:fin>0TEST<!-- -->01</p:fin>",
        "<p:fin>0TEST<?more 02?>01</p:fin>",
    ):
        found = written(body)
        assert not found.startswith("0TEST"), f"{body} is answered about one of them"


@checks
def a_body_that_names_nobody_is_a_fault():
    for body in ("", "<p:fin/>", "<p:person>0TEST01</p:person>", "<p:request><p:fin>0TEST01</p:fin></p:request>"):
        expect(written(body), "server.clientproxy.basis.person_missing", body)


@checks
def a_case_opens_and_closes_the_way_by_law():
    case = f"VM-{uuid.uuid4()}"
    stated = {"issue": case, "blocks": purpose("social-aid")}

    def family(fin="0TEST01"):
        try:
            return call("social_aid", "GetFamily", fin=fin, **stated)
        except zeep.exceptions.Fault as fault:
            return fault.code

    expect_fault("case_missing", "social_aid", "GetFamily", fin="0TEST01", blocks=purpose("social-aid"))
    expect(family(), "server.clientproxy.basis.case_not_open", "before it is open")

    body = {"case": case, "persons": [person(fin) for fin in FAMILY], "valid_seconds": 3600}
    expect(expect_answer(desk("social_aid", "cases", "open", body))["state"], "open", "state")
    answer, _ = within_promise(family, lambda answer: not isinstance(answer, str))
    expect([one.fin for one in answer.relative], ["0TEST02", "0TEST03", "0TEST04"])
    # By law of its case, without saying so: the purpose is the only one there can be.
    stated["blocks"] = []
    assert not isinstance(family(), str), "an old client is refused"
    expect(family("0TEST09"), "server.clientproxy.basis.case_other_persons", "a neighbour")
    expect_fault("case_not_open", "social_aid", "GetFamily", fin="0TEST01", issue=f"{case}-b")

    expect(expect_answer(desk("social_aid", "cases", "close", {"case": case}))["state"], "closed", "state")
    closed = "server.clientproxy.basis.case_not_open"
    within_promise(family, lambda answer: answer == closed)


@checks
def a_case_is_opened_by_nobody_else():
    body = {"case": f"VM-{uuid.uuid4()}", "persons": [person("0TEST09")], "valid_seconds": 3600}
    answer = desk("bank", "cases", "open", body)
    assert answer.headers.get("x-road-error", "").endswith("access_denied"), answer.text[:200]


checks.finish()
