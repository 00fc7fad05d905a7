"""httpx, unmodified: REST r1."""

import httpx

from checks import Checks, endpoints, expect, message_id

ENDPOINTS = endpoints()
checks = Checks("httpx")
session = httpx.Client(headers={"X-Road-Client": ENDPOINTS["client"], "X-Road-UserId": "AZ0000001"})


def rest(code, path):
    return ENDPOINTS["services"][code]["rest"] + path


def with_id(identifier=None):
    return {"X-Road-Id": identifier or message_id(), "X-Road-Issue": "VM-2026-000001"}


def contract(identifier):
    return {
        "fin": "0TEST09",
        "employer_voen": "0000001461",
        "employer_name": '"Nümunə Tikinti" MMC',
        "position": f"Çilingər {identifier}",
        "start_date": "2026-02-02",
        "monthly_salary": "700.00",
    }


@checks
def gets_a_person_by_fin():
    identifier = message_id()
    answer = session.get(rest("GetPersonByFin", "/persons/0TEST01"), headers=with_id(identifier))
    expect(answer.status_code, 200, "status")
    expect(answer.headers["content-type"], "application/json")
    person = answer.json()
    expect((person["surname"], person["patronymic"]), ("Məmmədov", "İsa oğlu"))
    if ENDPOINTS["through_nodes"]:
        expect(answer.headers["x-road-id"], identifier, "x-road-id")
        expect(answer.headers["x-road-client"], ENDPOINTS["client"], "x-road-client")
        assert answer.headers["x-road-request-hash"], "no x-road-request-hash"
        assert answer.headers["x-road-request-id"], "no x-road-request-id"


@checks
def gets_a_person_without_giving_a_message_id():
    answer = session.get(rest("GetPersonByFin", "/persons/0TEST02"))
    expect(answer.status_code, 200, "status")


@checks
def gets_an_empty_list():
    answer = session.get(rest("GetFamily", "/persons/0TEST10/family"), headers=with_id())
    expect(answer.json(), {"relative": []})


@checks
def gets_a_person_with_a_lower_case_fin_and_a_percent_in_the_path():
    answer = session.get(rest("GetPersonByFin", "/persons/%30test01"), headers=with_id())
    expect(answer.json()["fin"], "0TEST01")


@checks
def is_refused_a_malformed_fin():
    answer = session.get(rest("GetPersonByFin", "/persons/0TESTI1"), headers=with_id())
    if ENDPOINTS["through_nodes"]:
        # Where the rules say that the service is about persons, the caller's node sees it first.
        expect(answer.status_code, 500, "status")
        expect(answer.headers["x-road-error"], "server.clientproxy.basis.person_malformed")
    else:
        expect(answer.status_code, 400, "status")
        expect(answer.json()["code"], "Client.InvalidFin")
    assert "0TEST" not in answer.text, "the problem repeats the FIN"


@checks
def is_told_of_an_unknown_person():
    answer = session.get(rest("GetPersonByFin", "/persons/0TEST99"), headers=with_id())
    expect(answer.status_code, 404, "status")


@checks
def registers_a_contract_once_for_a_repeated_message():
    identifier = message_id()
    url = rest("RegisterLabourContract", "/contracts")
    first = session.post(url, json=contract(identifier), headers=with_id(identifier))
    expect(first.status_code, 200, "status")
    again = session.post(url, json=contract(identifier), headers=with_id(identifier))
    expect(again.json(), first.json())


@checks
def sends_a_body_in_chunks():
    identifier = message_id()
    body = httpx.Request("POST", "http://unused", json=contract(identifier)).content

    def chunks():
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    headers = with_id(identifier) | {"Content-Type": "application/json"}
    url = rest("RegisterLabourContract", "/contracts")
    answer = session.post(url, content=chunks(), headers=headers)
    expect(answer.status_code, 200, "status")


@checks
def is_told_of_a_contradiction():
    identifier = message_id()
    url = rest("RegisterLabourContract", "/contracts")
    body = contract(identifier)
    session.post(url, json=body, headers=with_id(identifier))
    answer = session.post(url, json=body, headers=with_id())
    expect(answer.status_code, 409, "status")


@checks
def is_refused_a_wrong_body():
    url = rest("RegisterLabourContract", "/contracts")
    answer = session.post(url, json={"fin": "0TEST09"}, headers=with_id())
    expect(answer.status_code, 400, "status")
    expect(answer.json()["code"], "Client.MissingParameter")


checks.finish()
