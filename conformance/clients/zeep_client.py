"""zeep, unmodified: loads the WSDL, calls with typed headers, reads typed answers and faults."""

import datetime
import decimal

import zeep
import zeep.exceptions
import zeep.helpers

from checks import Checks, endpoints, expect, message_id

ENDPOINTS = endpoints()
checks = Checks("zeep")
clients = {}


def service(code):
    described = ENDPOINTS["services"][code]
    if described["wsdl"] not in clients:
        clients[described["wsdl"]] = zeep.Client(described["wsdl"])
    client = clients[described["wsdl"]]
    binding = next(iter(client.wsdl.bindings))
    return getattr(client.create_service(binding, described["soap"]), code)


def headers(code, identifier):
    described = ENDPOINTS["services"][code]
    parts = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
    client = dict(zip(parts, ENDPOINTS["client"].split("/")), objectType="SUBSYSTEM")
    provider = dict(
        zip(parts, described["provider"].split("/")),
        serviceCode=code,
        serviceVersion=described["version"],
        objectType="SERVICE",
    )
    return {
        "client": client,
        "service": provider,
        "userId": "AZ0000001",
        "id": identifier,
        "issue": "VM-2026-000001",
        "protocolVersion": "4.0",
    }


def call(code, identifier=None, **parameters):
    identifier = identifier or message_id()
    return service(code)(**parameters, _soapheaders=headers(code, identifier))


@checks
def gets_a_person_by_fin():
    identifier = message_id()
    answer = call("GetPersonByFin", identifier, fin="0TEST01")
    expect(answer.body.surname, "Məmmədov")
    expect(answer.body.given_name, "Elçin")
    expect(answer.body.patronymic, "İsa oğlu")
    expect(answer.body.birth_date, datetime.date(1986, 3, 14))
    header = zeep.helpers.serialize_object(answer.header)
    expect(header["id"], identifier, "id")
    expect(header["userId"], "AZ0000001", "userId")
    expect(header["issue"], "VM-2026-000001", "issue")
    expect(header["protocolVersion"], "4.0", "protocolVersion")
    expect(header["client"]["subsystemCode"], ENDPOINTS["client"].split("/")[3], "client")
    expect(header["service"]["serviceCode"], "GetPersonByFin", "service")


@checks
def gets_a_family():
    relatives = call("GetFamily", fin="0TEST01").body.relative
    expect([one.fin for one in relatives], ["0TEST02", "0TEST03", "0TEST04"])
    expect([one.relation for one in relatives], ["spouse", "child", "child"])


@checks
def gets_an_empty_list():
    expect(call("GetFamily", fin="0TEST10").body.relative, [])


@checks
def gets_typed_contracts():
    contracts = call("GetLabourContracts", fin="0TEST01").body.contract
    first = contracts[0]
    expect(first.monthly_salary, decimal.Decimal("850.00"))
    expect(first.start_date, datetime.date(2012, 9, 1))
    expect(first.employer_name, '"Sınaq Bank" ASC')
    expect(contracts[1].end_date, None)


@checks
def registers_a_contract_once_for_a_repeated_message():
    identifier = message_id()
    contract = {
        "fin": "0TEST09",
        "employer_voen": "0000001461",
        "employer_name": '"Nümunə Tikinti" MMC',
        "position": f"Sürücü {identifier}",
        "start_date": datetime.date(2026, 2, 2),
        "monthly_salary": decimal.Decimal("610.00"),
    }
    first = call("RegisterLabourContract", identifier, **contract).body
    again = call("RegisterLabourContract", identifier, **contract).body
    expect(again.number, first.number, "number")
    expect(again.registered_at, first.registered_at, "registered_at")
    found = call("GetLabourContracts", fin="0TEST09").body.contract
    expect(len([one for one in found if one.position == contract["position"]]), 1, "contracts")


@checks
def gets_a_fault_for_an_unknown_person():
    try:
        call("GetPersonByFin", fin="0TEST99")
    except zeep.exceptions.Fault as fault:
        expect(fault.code, "Client.NotFound")
    else:
        raise AssertionError("no fault")


@checks
def gets_a_fault_for_a_malformed_fin():
    try:
        call("GetPersonByFin", fin="0TESTI1")
    except zeep.exceptions.Fault as fault:
        # Where the rules say that the service is about persons, the caller's node sees it first.
        node = "server.clientproxy.basis.person_malformed"
        expect(fault.code, node if ENDPOINTS["through_nodes"] else "Client.InvalidFin")
        assert "TEST" not in fault.message, "the fault repeats the FIN"
    else:
        raise AssertionError("no fault")


checks.finish()
