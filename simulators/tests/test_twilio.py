"""Messages at the Twilio stand-in."""

from typing import Any

import pytest
import requests

from simulators.tests.conftest import TIMEOUT_S, Sim
from simulators.webhooks import twilio_signature

ACCOUNT = "AC00000000000000000000000000000001"
SENDER = "whatsapp:+15555550100"
SANDBOX = "whatsapp:+14155238886"
TEMPLATE = {"ContentSid": "HX" + "a" * 32, "ContentVariables": '{"1": "Ada"}'}


def send(sim: Sim, to: str = "+15555550123", token: str = "tok", **form: str) -> requests.Response:
    url = f"{sim.url}/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    data = {"To": f"whatsapp:{to}", "From": SENDER, "StatusCallback": f"{sim.url}/inngest/e/k?a=1"} | form
    return requests.post(url, data=data, auth=(ACCOUNT, token), timeout=TIMEOUT_S)


def statuses(sim: Sim, sid: str, count: int) -> list[tuple[str, str | None]]:
    bodies: list[dict[str, Any]] = [hook["body"] for hook in sim.webhooks(sid, count)]
    return [(body["MessageStatus"], body.get("ErrorCode")) for body in bodies]


def test_signature_of_the_documented_example() -> None:
    params = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234"}
    params |= {"From": "+14158675309", "To": "+18005551212"}

    assert twilio_signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", params) == (
        "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    )


def test_delivers_a_template_with_signed_callbacks(sim: Sim) -> None:
    answer = send(sim, **TEMPLATE)

    assert answer.status_code == 201
    sid = answer.json()["sid"]
    assert statuses(sim, sid, 3) == [("sent", None), ("delivered", None), ("read", None)]
    hook = sim.webhooks(sid, 3)[0]
    assert hook["headers"]["X-Twilio-Signature"] == twilio_signature("tok", hook["url"], hook["body"])


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15555550123", SENDER, "63016"),
        ("+15555553014", SANDBOX, "63014"),
        ("+15555553015", SANDBOX, "63015"),
        ("+15555553016", SANDBOX, "63016"),
    ],
)
def test_fails_freeform_by_callback(sim: Sim, to: str, sender: str, code: str) -> None:
    answer = send(sim, to, Body="Hi", From=sender)

    assert answer.status_code == 201
    assert statuses(sim, answer.json()["sid"], 1) == [("failed", code)]


def test_inbound_opens_the_window_for_a_day(sim: Sim) -> None:
    wanted = {"url": f"{sim.url}/inngest/e/k", "auth_token": "tok", "from": "+15555550123", "to": SENDER, "body": "Hé"}

    answer = sim.post("twilio/inbound", wanted | {"signature_url": "https://app.example.com/in"}).json()

    assert answer["status"] == 400
    (hook,) = sim.webhooks(answer["messageSid"], 1)
    assert hook["body"]["WaId"] == "15555550123"
    assert hook["headers"]["X-Twilio-Signature"] == twilio_signature("tok", "https://app.example.com/in", hook["body"])
    assert statuses(sim, send(sim, Body="Hi").json()["sid"], 3)[0] == ("sent", None)
    sim.post("twilio/window", {"from": "+15555550123", "to": SENDER, "age_hours": 25})
    assert statuses(sim, send(sim, Body="Hi").json()["sid"], 1) == [("failed", "63016")]


def test_inbound_answers_who_wrote_last(sim: Sim) -> None:
    wanted = {"url": f"{sim.url}/inngest/e/k", "from": "+15555550177", "body": "Hi"}
    nobody = requests.post(f"{sim.url}/_sim/twilio/inbound", json=wanted, timeout=TIMEOUT_S)
    assert (nobody.status_code, "auth_token" in nobody.text) == (400, True)
    send(sim, "+15555550177", token="other", **TEMPLATE)

    (hook,) = sim.webhooks(sim.post("twilio/inbound", wanted).json()["messageSid"], 1)

    assert (hook["body"]["To"], hook["body"]["AccountSid"]) == (SENDER, ACCOUNT)
    assert hook["headers"]["X-Twilio-Signature"] == twilio_signature("other", wanted["url"], hook["body"])


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 21619),
        ({"Body": "x" * 1601}, 21617),
        ({"Body": "x", **TEMPLATE}, 21655),
        ({**TEMPLATE, "ContentVariables": "{1: Ada}"}, 21656),
        ({**TEMPLATE, "ContentVariables": '{"1": ""}'}, 21656),
        ({"Body": "x", "To": "whatsapp:+1555"}, 21211),
        ({"Body": "x", "To": "whatsapp:+15555551610"}, 21610),
    ],
)
def test_refuses(sim: Sim, form: dict[str, str], code: int) -> None:
    answer = send(sim, **form)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert sim.get("messages")["total"] == 0


def test_limits_the_first_two_tries(sim: Sim) -> None:
    answers = [send(sim, "+15555550429", **TEMPLATE).status_code for _ in range(3)]

    assert answers == [429, 429, 201]


def test_bad_credentials(sim: Sim) -> None:
    answer = send(sim, token="bad-token", Body="x")

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_finds_what_a_reset_hid(sim: Sim) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        send(sim, "+15555550506", **TEMPLATE)

    url = f"{sim.url}/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    params = {"To": "whatsapp:+15555550506", "From": SENDER, "DateSent>": "2026-01-01"}
    found = requests.get(url, params=params, auth=(ACCOUNT, "tok"), timeout=TIMEOUT_S).json()["messages"]
    assert [message["to"] for message in found] == ["whatsapp:+15555550506"]
    one = url.replace(".json", f"/{found[0]['sid']}.json")
    assert requests.delete(one, auth=(ACCOUNT, "tok"), timeout=TIMEOUT_S).status_code == 204
    assert requests.get(one, auth=(ACCOUNT, "tok"), timeout=TIMEOUT_S).json()["code"] == 20404


def test_lists_page_by_page(sim: Sim) -> None:
    sids = [send(sim, Body=f"Hi {n}").json()["sid"] for n in range(3)]
    first = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=whatsapp%3A%2B15555550123&PageSize=2"

    def get(path: str) -> Any:
        return requests.get(f"{sim.url}/twilio{path}", auth=(ACCOUNT, "tok"), timeout=TIMEOUT_S).json()

    page = get(first)
    rest = get(page["next_page_uri"])

    assert [message["sid"] for message in page["messages"] + rest["messages"]] == sids[::-1]
    assert rest["next_page_uri"] is None


def test_keeps_what_came_with_a_message_until_it_is_deleted(sim: Sim) -> None:
    pair = {"url": f"{sim.url}/inngest/e/k", "auth_token": "tok", "from": "+15555550123", "to": "+15555550100"}
    wanted = pair | {"account_sid": ACCOUNT, "params": {"NumMedia": "1", "MediaContentType0": "image/jpeg"}}
    sid = requests.post(f"{sim.url}/_sim/twilio/inbound", json=wanted, timeout=TIMEOUT_S).json()["messageSid"]
    media = f"{sim.url}/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media"

    def ask(method: str, url: str) -> requests.Response:
        return requests.request(method, url, auth=(ACCOUNT, "tok"), timeout=TIMEOUT_S)

    (found,) = ask("GET", f"{media}.json").json()["media_list"]
    assert [ask("DELETE", f"{media}/{found['sid']}.json").status_code for _ in range(2)] == [204, 404]
    assert ask("GET", f"{media}.json").json()["media_list"] == []
