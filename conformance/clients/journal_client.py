"""zeep, unmodified: who asked about a person, from the journals of all members, by the WSDL beside this file."""

import datetime
import pathlib

import zeep
import zeep.exceptions
import zeep.plugins
from lxml import etree

from checks import Checks, expect, message_id
from legal import (
    LEGAL,
    anybody,
    caller,
    expect_answer,
    expect_refusal,
    given_consent,
    header_elements,
    income,
    rest,
    session,
    within_promise,
)

checks = Checks("journal")
sent_and_received = zeep.plugins.HistoryPlugin()
client = zeep.Client((pathlib.Path(__file__).parent / "journal.wsdl").as_uri(), plugins=[sent_and_received])
OURS = "{urn:karvan:journal:1}"
PENSION = LEGAL["income"].rpartition("/")[0]
REGISTER = LEGAL["persons"].rpartition("/")[0]


def call(provider, code, name="portal", version=None, **parameters):
    binding = next(iter(client.wsdl.bindings))
    service = client.create_service(binding, caller(name)["node"] + "/")
    elements = header_elements(name, provider, code, message_id(), version)
    return getattr(service, code)(**parameters, _soapheaders=elements)


def uses(provider, fin, **parameters):
    """A page, and what is told of each use, the part in our namespace taken apart."""
    page = call(provider, "findUsage", userCode=fin, **parameters)
    told = []
    for usage in page.usage:
        [exchange] = usage._value_1
        expect(exchange.tag, f"{OURS}exchange")
        fields = {etree.QName(child).localname: child.text for child in exchange if not child.attrib}
        rule = exchange.find(f"{OURS}rule")
        if rule is not None:
            fields["rule"] = f"{rule.get('id')}/{rule.get('version')}"
        told.append({**{name: usage[name] for name in usage if name != "_value_1"}, **fields})
    return page, told


def shown(provider, fin, identifier):
    """The use with this message id, once the journal has it."""
    told, _ = within_promise(
        lambda: [one for one in uses(provider, fin)[1] if one["id"] == identifier],
        lambda found: found and found[0]["outcome"] != "asked",
    )
    expect(len(told), 1, "entries of one exchange")
    return told[0]


def fault_of(*arguments, **parameters):
    try:
        answer = call(*arguments, **parameters)
    except zeep.exceptions.Fault as fault:
        assert "0TEST" not in f"{fault.message} {fault.detail}".upper(), "the fault says about whom it is"
        return fault
    raise AssertionError(f"no fault: {answer}")


def portal_asks(fin, **more):
    identifier = message_id()
    answer = rest("portal", f"{LEGAL['persons']}/{fin}", identifier=identifier, **more)
    return identifier, answer


@checks
def every_journal_is_well():
    for provider in LEGAL["journals"]:
        for version in (None, "v1"):
            expect(call(provider, "heartbeat", version=version).status, "OK", provider)


@checks
def every_journal_says_from_when_on_it_knows():
    for provider in LEGAL["journals"]:
        start = call(provider, "usagePeriod")
        now = datetime.datetime.now(datetime.timezone.utc)
        assert now - datetime.timedelta(days=4000) < start <= now, f"{provider}: {start}"


@checks
def a_person_sees_who_used_a_consent_and_for_what():
    consent, artefact = given_consent("0TEST05")
    identifier = message_id()
    expect_answer(income("0TEST05", artefact, identifier=identifier))
    found = shown(PENSION, "0TEST05", identifier)
    bank = caller("bank")["client"]
    for field, value in {
        "action": "income",
        "receiver": bank,
        "receiverCode": bank.split("/")[2],
        "receiverSystem": bank.split("/")[3],
        "purpose": caller("bank")["purpose"],
        "ground": "consent",
        "rule": "bank-income/1",
        "consent": consent,
        "outcome": "answered",
    }.items():
        expect(found[field], value, field)
    assert found["receiverName"], "the member has no name"
    age = datetime.datetime.now(datetime.timezone.utc) - found["logtime"]
    assert abs(age.total_seconds()) < 60, found["logtime"]


@checks
def a_person_sees_the_law_and_the_purpose_that_was_not_stated():
    identifier, answer = portal_asks("0TEST08")
    expect_answer(answer)
    found = shown(REGISTER, "0TEST08", identifier)
    expect((found["ground"], found["purpose"]), ("law", caller("portal")["purpose"]))
    expect(found["rule"], answer.headers["karvan-rule"], "rule")
    assert found["act"] and found["article"], found


@checks
def a_person_sees_an_emergency_and_its_reason():
    identifier, fin = message_id(), anybody()
    answer = rest(
        "clinic",
        f"{LEGAL['persons']}/{fin}",
        identifier=identifier,
        purpose=caller("clinic")["purpose"],
        emergency="hu%C5%9Fsuz%2C%20palata%203",
    )
    expect_answer(answer)
    found = shown(REGISTER, fin, identifier)
    expect((found["ground"], found["emergency"]), ("vital", "huşsuz, palata 3"))


@checks
def a_lower_case_fin_is_the_same_person():
    identifier, answer = portal_asks("0test08")
    expect_answer(answer)
    shown(REGISTER, "0TEST08", identifier)
    shown(REGISTER, "0test08", identifier)


@checks
def an_answer_that_was_none_is_told_as_such():
    identifier, answer = portal_asks("0TEST99")
    expect(answer.status_code, 404, "status")
    expect(shown(REGISTER, "0TEST99", identifier)["outcome"], "failed", "outcome")


@checks
def what_was_refused_is_no_use():
    _, artefact = given_consent("0TEST04", single_use=True)
    answered, early, late = message_id(), message_id(), message_id()
    expect_refusal(income("0TEST04", identifier=early), "consent_required")
    expect_answer(income("0TEST04", artefact, identifier=answered))
    expect_refusal(income("0TEST04", artefact, identifier=late), "consent_used_up")
    shown(PENSION, "0TEST04", answered)
    told = [one["id"] for one in uses(PENSION, "0TEST04")[1]]
    assert early not in told and late not in told, "a refused request stands in the journal"


@checks
def a_person_is_told_of_nobody_else():
    identifier, answer = portal_asks("0TEST03")
    expect_answer(answer)
    shown(REGISTER, "0TEST03", identifier)
    envelope = sent_and_received.last_received["envelope"]
    body = etree.tostring(envelope.find("{http://schemas.xmlsoap.org/soap/envelope/}Body"), encoding="unicode")
    assert identifier in body, body
    for secret in ("0TEST", "AZ-portal-7", "AZ-clinic-7"):
        assert secret not in body, f"{secret} in the answer"
    for fin in ("0TEST04", "0TEST99"):
        told = [one["id"] for one in uses(REGISTER, fin)[1]]
        assert identifier not in told, "another person sees it too"


@checks
def a_journal_tells_of_its_own_services_only():
    _, artefact = given_consent("0TEST07")
    identifier = message_id()
    expect_answer(income("0TEST07", artefact, identifier=identifier))
    shown(PENSION, "0TEST07", identifier)
    for provider in LEGAL["journals"]:
        told = [one["id"] for one in uses(provider, "0TEST07")[1]]
        expect(identifier in told, provider == PENSION, f"told by {provider}")


@checks
def the_latest_use_stands_first_and_pages_make_the_whole():
    identifiers = []
    for _ in range(5):
        identifier, answer = portal_asks("0TEST10")
        expect_answer(answer)
        identifiers.append(identifier)
    shown(REGISTER, "0TEST10", identifiers[-1])
    page, whole = uses(REGISTER, "0TEST10")
    expect([one["id"] for one in whole[:5]], identifiers[::-1], "the latest five")
    times = [one["logtime"] for one in whole]
    expect(times, sorted(times, reverse=True), "times")
    expect(page.totalUsages, len(whole), "totalUsages")

    by_place, after = [], None
    while True:
        behind = {"after": after} if after else {}
        page, told = uses(REGISTER, "0TEST10", limit=2, **behind)
        assert len(told) <= 2, "more than the limit"
        by_place += told
        found = [element.text for element in page._value_1 or () if element.tag == f"{OURS}next"]
        if not found:
            break
        [after] = found
    expect(by_place, whole, "the pages by place")
    by_number = []
    while len(by_number) < len(whole):
        page, told = uses(REGISTER, "0TEST10", limit=3, offset=len(by_number))
        expect(page.totalUsages, len(whole), "totalUsages of a page")
        by_number += told
    expect(by_number, whole, "the pages by number")


@checks
def a_period_bounds_what_is_told():
    identifier, answer = portal_asks("0TEST09")
    expect_answer(answer)
    at = shown(REGISTER, "0TEST09", identifier)["logtime"]
    day = datetime.timedelta(days=1)

    def told(**period):
        return identifier in [one["id"] for one in uses(REGISTER, "0TEST09", **period)[1]]

    expect(told(periodStart=at, periodEnd=at + day), True, "from the moment itself")
    expect(told(periodStart=at - day, periodEnd=at), False, "before the moment")
    expect(told(periodStart=at + day), False, "from the next day")


@checks
def the_portal_shows_one_list_across_all_members():
    consent, artefact = given_consent("0TEST09")
    by_bank = message_id()
    expect_answer(income("0TEST09", artefact, identifier=by_bank))
    by_portal, answer = portal_asks("0TEST09")
    expect_answer(answer)
    shown(PENSION, "0TEST09", by_bank)
    shown(REGISTER, "0TEST09", by_portal)
    answer = session.post(f"{LEGAL['portal']}/usage", json={"fin": "0TEST09"})
    assert "0TEST" not in answer.text, "the list repeats the FIN"
    listed = {use["id"]: use for use in expect_answer(answer)["uses"]}
    expect((listed[by_bank]["by"], listed[by_bank]["consent"]), (caller("bank")["client"], consent))
    expect((listed[by_portal]["by"], listed[by_portal]["ground"]), (caller("portal")["client"], "law"))
    answer = session.post(f"{LEGAL['portal']}/consents", json={"fin": "0TEST09"})
    assert consent in [one["id"] for one in expect_answer(answer)["consents"]], "the consent is not on the list"
    expect_answer(session.post(f"{LEGAL['portal']}/consents/{consent}/revoke", json={"fin": "0TEST09"}))
    refused, _ = within_promise(lambda: income("0TEST09", artefact), lambda answer: answer.status_code != 200)
    expect_refusal(refused, "consent_revoked")


@checks
def only_a_portal_may_ask():
    for name in ("bank", "clinic", "social_aid"):
        for code, parameters in (("findUsage", {"userCode": "0TEST01"}), ("usagePeriod", {}), ("heartbeat", {})):
            fault = fault_of(REGISTER, code, name=name, **parameters)
            assert fault.code.endswith(".access_denied"), f"{name}, {code}: {fault.code}"


@checks
def a_question_that_cannot_be_read_is_a_fault():
    for parameters in (
        {"userCode": "0TESTI1"},
        {"userCode": ""},
        {"userCode": "0TEST01", "after": "nowhere"},
        {"userCode": "0TEST01", "limit": -1},
    ):
        fault = fault_of(REGISTER, "findUsage", **parameters)
        assert fault.code.rpartition(":")[2].startswith("Client") and fault.message, f"{fault.code}: {fault.message}"


checks.finish()
