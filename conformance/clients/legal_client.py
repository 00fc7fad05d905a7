"""httpx, unmodified: purposes, consents, cases and break-glass as information systems and a portal use them.

Nothing is left behind that counts: consents are asked anew by each check, cases have numbers of their own.
"""

import concurrent.futures
import uuid

from checks import Checks, expect, message_id
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from legal import (
    LEGAL,
    PROMISED_SECONDS,
    anybody,
    asked_consent,
    caller,
    decided,
    decoded,
    desk,
    encoded,
    expect_answer,
    expect_refusal,
    given_consent,
    income,
    person,
    rest,
    will,
    with_header,
    within_promise,
)
from registry import rules

checks = Checks("legal")


def persons(fin):
    return f"{LEGAL['persons']}/{fin}"


def asked(fin, name="portal", **more):
    more.setdefault("purpose", caller(name)["purpose"])
    return rest(name, persons(fin), **more)


# Purposes


@checks
def an_answer_names_its_rule_and_how_long_it_may_be_kept():
    answer = asked("0TEST01")
    expect(expect_answer(answer)["fin"], "0TEST01")
    named, version = answer.headers["karvan-rule"].split("/")
    [rule] = [one for one in rules()["rules"] if one["id"] == named]
    expect(str(rule["version"]), version, "version of the rule")
    assert f"client:{caller('portal')['client']}" in rule["consumers"], rule
    assert caller("portal")["purpose"] in rule["purposes"], rule
    expect(answer.headers["karvan-data-life"], str(rule["limits"]["data_life_seconds"]), "karvan-data-life")


@checks
def an_old_client_that_states_no_purpose_has_its_one():
    stated, unstated = asked("0TEST01"), asked("0TEST01", purpose=None)
    expect_answer(unstated)
    expect(unstated.headers["karvan-rule"], stated.headers["karvan-rule"], "karvan-rule")


@checks
def a_purpose_may_be_percent_encoded_and_spaced():
    expect_answer(asked("0TEST01", purpose="e%2Dservice"))
    expect_answer(asked("0TEST01", purpose="%20e-service"))


@checks
def an_unknown_purpose_is_refused():
    for purpose in ("curiosity", "E-SERVICE", "e-service,credit", caller("bank")["purpose"]):
        expect_refusal(asked("0TEST01", purpose=purpose), "purpose_not_declared", "clientproxy")


@checks
def a_purpose_that_cannot_be_read_is_refused():
    for purpose in ("%zz", "%ff", ""):
        expect_refusal(asked("0TEST01", purpose=purpose), "malformed", "clientproxy")
    expect_refusal(asked("0TEST01", purpose="a" * 129), "too_long", "clientproxy")


@checks
def two_purposes_are_refused():
    twice = [("karvan-purpose", caller("portal")["purpose"])]
    expect_refusal(asked("0TEST01", more=twice), "stated_twice", "clientproxy")


@checks
def nobody_asks_without_a_rule():
    expect_refusal(asked("0TEST01", name="bank"), "no_rule", "clientproxy")
    expect_refusal(rest("bank", f"{LEGAL['persons'].rpartition('/')[0]}/secrets/0TEST01"), "service_not_registered")


# Persons


@checks
def a_lower_case_fin_is_the_same_person():
    expect(expect_answer(asked("0test01"))["fin"], "0TEST01")


@checks
def a_malformed_fin_does_not_leave_the_node():
    for fin in ("0TESTI1", "0TESTO1", "0TEST0", "0TEST011", "0TEST%D0%9E1", "0TEST%C4%B11", "%EF%BC%90TEST01"):
        expect_refusal(asked(fin), "person_malformed", "clientproxy")


@checks
def a_path_that_hides_a_person_is_not_answered():
    for path in ("0TEST01%00", "0TEST01%5C..%5C0TEST02", "%5C0TEST01"):
        expect_refusal(asked(path), "path_malformed", "clientproxy")
    for path in ("0TEST01/%2e%2e/0TEST02", "0TEST01%2F%2E%2E%2F0TEST02", "0TEST01;0TEST02", "0TEST01%3Ffin=0TEST02"):
        answer = asked(path)
        assert answer.status_code >= 400 and "surname" not in answer.text, f"{path}: {answer.text[:200]}"


@checks
def a_request_that_names_nobody_is_refused():
    answer = rest("portal", LEGAL["persons"], purpose=caller("portal")["purpose"])
    expect_refusal(answer, "person_missing", "clientproxy")
    expect_refusal(asked("%20"), "person_missing", "clientproxy")


# Consents


@checks
def a_bank_without_consent_is_refused():
    expect_refusal(income("0TEST01"), "consent_required", "clientproxy")
    expect_refusal(income("0TEST01", purpose=None), "consent_required", "clientproxy")


@checks
def a_person_finds_the_request_and_the_bank_is_answered():
    consent = asked_consent("0TEST01")
    found = expect_answer(desk("portal", "consents", "find", {"person": person("0TEST01")}))
    [shown] = [one for one in found["consents"] if one["id"] == consent]
    expect((shown["state"], shown["consumer"]), ("requested", caller("bank")["client"]))
    expect((shown["purpose"], shown["categories"]), (caller("bank")["purpose"], ["income"]))
    artefact = expect_answer(decided(consent, "approve", "0TEST01"))["artefact"]
    answer = income("0TEST01", artefact)
    assert expect_answer(answer)["month"], "no months of income"
    expect(answer.headers["karvan-rule"], "bank-income/1", "karvan-rule")
    assert int(answer.headers["karvan-data-life"]) > 0
    # The only purpose there can be is that of the consent.
    expect_answer(income("0TEST01", artefact, purpose=None))


@checks
def the_shorter_life_of_the_data_counts():
    _, artefact = given_consent("0TEST03", data_life_seconds=60)
    answer = income("0TEST03", artefact)
    expect_answer(answer)
    expect(answer.headers["karvan-data-life"], "60", "karvan-data-life")


@checks
def a_consent_serves_for_its_person_and_purpose_only():
    _, artefact = given_consent("0TEST02")
    expect_refusal(income("0TEST01", artefact), "consent_other_person", "clientproxy")
    expect_refusal(income("0TEST02", artefact, purpose="emergency"), "purpose_not_declared", "clientproxy")
    answer = expect_answer(income("0test02", artefact))
    assert "month" in answer, answer


@checks
def a_consent_is_no_key_for_another_caller_or_service():
    _, artefact = given_consent("0TEST02")
    for name in ("portal", "clinic"):
        refused = income("0TEST02", artefact, name=name)
        assert ".basis." in refused.headers.get("x-road-error", ""), refused.text
    # Where a law allows it, a consent that came along changes nothing silently.
    expect_refusal(asked("0TEST02", consent=artefact), "consent_not_taken", "clientproxy")


@checks
def a_changed_artefact_is_refused():
    _, artefact = given_consent("0TEST04")
    header, payload, signature = artefact.split(".")
    octets = decoded(payload)
    other = encoded(octets.replace(b"0TEST04", b"0TEST05"))
    expect_refusal(income("0TEST05", f"{header}.{other}.{signature}"), "consent_signature", "clientproxy")
    expect_refusal(income("0TEST04", f"{header}.{payload}.{encoded(bytes(64))}"), "consent_signature")
    own = Ed25519PrivateKey.generate()
    forged = f"{header}.{other}"
    expect_refusal(income("0TEST05", f"{forged}.{encoded(own.sign(forged.encode()))}"), "consent_signature")


@checks
def an_artefact_of_another_algorithm_or_key_is_refused():
    _, artefact = given_consent("0TEST04")
    unsigned = with_header(artefact, alg="none").rpartition(".")[0] + "."
    for text, code in (
        (unsigned, "consent_algorithm"),
        (with_header(artefact, alg="none"), "consent_algorithm"),
        (with_header(artefact, alg="HS256"), "consent_algorithm"),
        (with_header(artefact, alg="ES256"), "consent_algorithm"),
        (with_header(artefact, kid="mine"), "consent_unknown_key"),
        (with_header(artefact, typ="JWT"), "consent_malformed"),
        (with_header(artefact, crit=["exp"]), "consent_malformed"),
        (with_header(artefact, alg=None), "consent_malformed"),
        ("eyJ", "consent_malformed"),
        ("a" * 8193, "consent_too_long"),
    ):
        expect_refusal(income("0TEST04", text), code, "clientproxy")


@checks
def a_revoked_consent_is_refused_within_the_promised_time():
    consent, artefact = given_consent("0TEST06")
    expect_answer(income("0TEST06", artefact))
    expect(expect_answer(decided(consent, "revoke", "0TEST06"))["state"], "revoked", "state")
    refused, took = within_promise(lambda: income("0TEST06", artefact), lambda answer: answer.status_code != 200)
    expect_refusal(refused, "consent_revoked", "clientproxy")
    assert took < PROMISED_SECONDS, f"after {took:.1f} s"
    expect_refusal(income("0TEST06", artefact), "consent_revoked")
    standing = expect_answer(desk("bank", "consents", f"requests/{consent}", method="GET"))
    assert standing["state"] == "revoked" and "artefact" not in standing, standing
    expect(decided(consent, "approve", "0TEST06").status_code, 409, "status of agreeing again")


@checks
def a_paused_consent_rests_and_serves_again():
    consent, artefact = given_consent("0TEST07")
    expect_answer(decided(consent, "pause", "0TEST07"))
    refused, _ = within_promise(lambda: income("0TEST07", artefact), lambda answer: answer.status_code != 200)
    expect_refusal(refused, "consent_paused")
    expect_answer(decided(consent, "resume", "0TEST07"))
    within_promise(lambda: income("0TEST07", artefact), lambda answer: answer.status_code == 200)


@checks
def a_person_may_decline():
    consent = asked_consent("0TEST08")
    expect(expect_answer(decided(consent, "decline", "0TEST08"))["state"], "declined", "state")
    standing = expect_answer(desk("bank", "consents", f"requests/{consent}", method="GET"))
    assert standing["state"] == "declined" and "artefact" not in standing, standing


@checks
def a_consumer_may_give_its_consent_up():
    consent, artefact = given_consent("0TEST08")
    expect_answer(desk("bank", "consents", f"requests/{consent}/revoke", {}))
    refused, _ = within_promise(lambda: income("0TEST08", artefact), lambda answer: answer.status_code != 200)
    expect_refusal(refused, "consent_revoked")


@checks
def nobody_agrees_for_the_person():
    consent = asked_consent("0TEST09")
    for name, action, fin, status in (
        ("bank", "approve", "0TEST09", 403),
        ("portal", "approve", "0TEST10", 403),
        ("portal", "decline", "0TEST10", 403),
    ):
        answer = decided(consent, action, fin, name=name)
        expect(answer.status_code, status, f"status of {action} by {name}")
        assert "0TEST" not in answer.text, "the refusal says about whom it is"
    weak = {**will("0TEST09"), "proof": {"kind": "attestation", "level": "password"}}
    expect(desk("portal", "consents", f"requests/{consent}/approve", weak).status_code, 403, "status of a weak proof")
    standing = expect_answer(desk("bank", "consents", f"requests/{consent}", method="GET"))
    expect(standing["state"], "requested", "state")
    expect_answer(decided(consent, "decline", "0TEST09"))


@checks
def a_parent_agrees_for_a_child_and_takes_it_back():
    child, parent = "0TEST04", "0TEST01"
    consent = asked_consent(child)
    acting = {"relation": "parent", "evidence": "TX-2019-000004"}
    artefact = expect_answer(decided(consent, "approve", parent, acting_for=acting))["artefact"]
    expect_answer(income(child, artefact))
    expect_refusal(income(parent, artefact), "consent_other_person", "clientproxy")
    for fin in (child, parent):
        found = expect_answer(desk("portal", "consents", "find", {"person": person(fin)}))
        assert consent in [one["id"] for one in found["consents"]], "not on the list"
    expect_answer(decided(consent, "revoke", parent, acting_for=acting))
    refused, _ = within_promise(lambda: income(child, artefact), lambda answer: answer.status_code != 200)
    expect_refusal(refused, "consent_revoked")


@checks
def a_consent_for_one_use_serves_once_when_two_requests_race():
    _, artefact = given_consent("0TEST10", single_use=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: income("0TEST10", artefact), range(4)))
    expect(sorted(answer.status_code for answer in answers), [200, 500, 500, 500], "status of four at once")
    for answer in answers:
        if answer.status_code != 200:
            expect_refusal(answer, "consent_used_up", "serverproxy")
    expect_refusal(income("0TEST10", artefact), "consent_used_up", "serverproxy")


@checks
def a_consent_is_used_no_oftener_than_the_person_allowed():
    _, artefact = given_consent("0TEST10", frequency={"count": 2, "seconds": 3600})
    expect_answer(income("0TEST10", artefact))
    expect_answer(income("0TEST10", artefact))
    expect_refusal(income("0TEST10", artefact), "consent_used_up", "serverproxy")


@checks
def a_repeated_message_id_is_another_use_all_the_same():
    _, artefact = given_consent("0TEST10", single_use=True)
    repeated = message_id()
    expect_answer(income("0TEST10", artefact, identifier=repeated))
    expect_refusal(income("0TEST10", artefact, identifier=repeated), "consent_used_up")


@checks
def the_desk_asks_nobody_for_what_no_rule_allows():
    body = {
        "subject": person("0TEST01"),
        "provider": LEGAL["persons"].rpartition("/")[0],
        "services": ["persons"],
        "purpose": caller("bank")["purpose"],
        "categories": ["identity"],
        "valid_seconds": 3600,
    }
    answer = desk("bank", "consents", "requests", body)
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text}"
    assert "0TEST" not in answer.text, "the refusal says about whom it is"


@checks
def the_desk_refuses_what_it_does_not_take():
    good = {
        "subject": person("0TEST01"),
        "provider": LEGAL["income"].rpartition("/")[0],
        "services": ["income"],
        "purpose": caller("bank")["purpose"],
        "categories": ["income"],
        "valid_seconds": 3600,
    }
    for changes in (
        {"subject": person("0TESTI1")},
        {"subject": {"kind": "passport", "value": "0TEST01"}},
        {"services": []},
        {"services": ["income", "income"]},
        {"purpose": "curiosity"},
        {"categories": []},
        {"categories": ["income", "pension"]},
        {"valid_seconds": 0},
        {"valid_seconds": -1},
        {"valid_seconds": 3600.5},
        {"valid_seconds": 2**53},
        {"valid_until": "2090-01-01T00:00:00Z"},
        {"data_from": "2026-02-30"},
        {"data_from": "2026-01-02", "data_until": "2026-01-01"},
        {"frequency": {"count": 0, "seconds": 1}},
        {"predecessor": str(uuid.uuid4())},
        {"because": "I like it"},
    ):
        answer = desk("bank", "consents", "requests", {**good, **changes})
        assert answer.status_code in (400, 422), f"{changes}: {answer.status_code} {answer.text[:200]}"
        assert answer.json()["code"] and answer.json()["message"], answer.text
        assert "0TEST" not in answer.text, "the refusal says about whom it is"


@checks
def the_desk_takes_no_key_of_a_person_in_an_address():
    answer = desk("bank", "consents", f"requests/{uuid.uuid4()}?fin=0TEST01", method="GET")
    expect(answer.status_code, 400, "status")
    expect(desk("bank", "consents", "requests/0TEST01", method="GET").status_code, 404, "status")
    climbed = desk("bank", "consents", "%2e%2e/notices/counts", method="GET")
    expect_refusal(climbed, "path_malformed", "clientproxy")


# An emergency


@checks
def the_glass_is_not_broken_without_a_reason():
    for reason in ("x", "%20%20%20%20%20%20%20%20%20%20%20%20"):
        answer = asked(anybody(), name="clinic", emergency=reason)
        assert answer.headers.get("x-road-error", "").startswith("server.clientproxy.basis."), answer.text
    expect_refusal(asked(anybody(), name="clinic", emergency="x"), "reason_missing", "clientproxy")
    expect_refusal(asked(anybody(), name="clinic"), "no_rule", "clientproxy")


@checks
def only_whom_a_rule_names_may_break_the_glass():
    answer = asked("0TEST01", emergency="I%20am%20really%20curious%20today")
    expect_refusal(answer, "emergency_not_allowed", "clientproxy")


@checks
def a_broken_glass_is_seen_by_the_supervisor():
    used, fin = message_id(), anybody()
    reason = f"huşsuz, palata {uuid.uuid4()}"
    quoted = "".join(f"%{octet:02X}" for octet in reason.encode())
    before = expect_answer(desk("supervisor", "notices", "counts", method="GET"))
    answer = asked(fin, name="clinic", emergency=quoted, identifier=used)
    expect(expect_answer(answer)["fin"], fin)
    assert answer.headers["karvan-rule"].startswith("clinic-emergency/"), answer.headers

    def unreviewed():
        notices, after = [], None
        while True:
            body = {"unreviewed": True} | ({"after": after} if after else {})
            found = desk("supervisor", "notices", "find", body)
            notices += expect_answer(found)["notices"]
            after = found.json().get("next")
            if after is None:
                return notices

    def of_use(notices):
        return [one for one in notices if one["notice"]["message_id"] == used]

    notices, _ = within_promise(unreviewed, of_use)
    [kept] = of_use(notices)
    expect(kept["notice"]["reason"], reason, "reason")
    expect(kept["notice"]["consumer"], caller("clinic")["client"], "consumer")
    assert fin not in str(kept), "the notice says about whom"
    after = expect_answer(desk("supervisor", "notices", "counts", method="GET"))
    expect(after["total"], before["total"] + 1, "notices in total")
    expect(after["unreviewed"], before["unreviewed"] + 1, "notices nobody looked into")
    review = {"id": kept["id"], "verdict": "justified", "note": "the report was seen"}
    expect_answer(desk("supervisor", "notices", "review", review))
    assert not of_use(unreviewed()), "it stands on the list all the same"
    expect(desk("supervisor", "notices", "review", review).status_code, 409, "status of a second review")


@checks
def the_list_of_uses_is_for_the_supervisor():
    for name in ("bank", "clinic", "portal"):
        answer = desk(name, "notices", "find", {})
        assert answer.headers.get("x-road-error", "").endswith("access_denied"), f"{name}: {answer.text[:200]}"


checks.finish()
