"""How a call goes on after it was accepted, and what the webhooks tell of it."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulators.clock import iso_ms, parse_moment
from simulators.replies import JsonDict
from simulators.state import Call, State
from simulators.webhooks import Poster

RANK = {"scheduled": 0, "queued": 1, "ringing": 2, "in-progress": 3, "ended": 4}
REPORT = "report"
ENDING = frozenset({"ended", REPORT})
INBOUND = "inboundPhoneCall"
LONGEST_WAIT_S = 30 * 86_400.0
DEFAULT_MESSAGES = ("status-update", "end-of-call-report")


@dataclass(frozen=True, slots=True)
class Story:
    """The course of a call: its webhooks in order of sending, how it ends and for how many event delays they talk."""

    steps: tuple[str, ...] = ("ringing", "in-progress", "ended", REPORT)
    reason: str = "customer-ended-call"
    talk_delays: int = 4
    silent: bool = False


NORMAL = Story()
STORIES = {
    "0600": Story(("ended", REPORT), "call.start.error-subscription-concurrency-limit-reached", 0),
    "0601": Story(("ended", REPORT), "call.start.error-subscription-insufficient-credits", 0),
    "0700": Story(("ringing", "ended", REPORT), "customer-did-not-answer", 0),
    "0701": Story(reason="voicemail", talk_delays=2),
    "0800": Story(
        ("in-progress", "ringing", "ringing", REPORT, "ended", "in-progress", "ended", REPORT), "customer-ended-call"
    ),
    "0900": Story(silent=True),
}


class Teller:
    """Moves calls along and posts their webhooks."""

    def __init__(self, state: State, poster: Poster) -> None:
        self._state = state
        self._poster = poster

    def start(self, call: Call, story: Story) -> None:
        """Begin `story`, `event_delay` seconds between events and longer for the talk; a scheduled call waits before.

        Timers rather than a task per call: thousands of calls wait at once in a benchmark.
        """
        plan = call.data.get("schedulePlan")
        earliest = parse_moment(plan["earliestAt"]) if plan else None
        if earliest is None:
            self._later(call, story, 0)
        else:
            wait_s = max(0.0, (earliest - datetime.now(UTC)).total_seconds())
            # A loop's timer can't reach further than some weeks.
            asyncio.get_running_loop().call_later(min(wait_s, LONGEST_WAIT_S), self.begin_scheduled, call, story)

    def begin_scheduled(self, call: Call, story: Story) -> bool:
        """Let a call that waits for its time begin. False: it doesn't wait (any more)."""
        if call.data["status"] != "scheduled" or self._state.memory.calls.get(call.data["id"]) is not call:
            return False
        call.data["status"] = "queued"
        self._later(call, story, 0)
        return True

    def drop_scheduled(self, call: Call) -> None:
        """End a call that was deleted before its time; its report is posted like any other."""
        story = Story((REPORT,), "scheduled-call-deleted", 0)
        self.advance(call, story, "ended")
        self._later(call, story, 0)

    def _later(self, call: Call, story: Story, place: int) -> None:
        if place < len(story.steps):
            delay_s = self._state.settings.event_delay
            if call.data["status"] == "in-progress" and story.steps[place] in ENDING:
                delay_s *= story.talk_delays
            asyncio.get_running_loop().call_later(delay_s, self._reach, call, story, place)

    def _reach(self, call: Call, story: Story, place: int) -> None:
        if self._state.memory.calls.get(call.data["id"]) is not call:
            return
        self.advance(call, story, story.steps[place])
        if self._state.settings.webhooks and not story.silent and call.has_server:
            self._state.spawn(self._tell_and_go_on(call, story, place))
        else:
            self._later(call, story, place + 1)

    async def _tell_and_go_on(self, call: Call, story: Story, place: int) -> None:
        await self._tell(call, story.steps[place])
        self._later(call, story, place + 1)

    def advance(self, call: Call, story: Story, step: str) -> None:
        """Let the call itself reach `step`; it never goes back, whatever order the webhooks come in."""
        status = "ended" if step == REPORT else step
        if RANK[status] <= RANK[call.data["status"]]:
            return
        now = datetime.now(UTC)
        call.data["status"] = status
        call.data["updatedAt"] = iso_ms(now)
        if status == "in-progress":
            call.answered = now
        if status == "ended":
            self._end(call, story, now)
        elif not call.rang and call.data["type"] != INBOUND:
            call.rang = True
            self._state.memory.rings[call.number] += 1

    def _end(self, call: Call, story: Story, now: datetime) -> None:
        call.report = report_of(call, story, now, self._state.base_url)
        shown = ("startedAt", "endedAt", "endedReason", "cost", "costBreakdown", "analysis", "artifact")
        call.data.update({name: call.report[name] for name in shown if name in call.report})

    async def _tell(self, call: Call, step: str) -> None:
        overrides = call.data.get("assistantOverrides") or {}
        server = overrides.get("server")
        kind = "end-of-call-report" if step == REPORT else "status-update"
        if not server or kind not in overrides.get("serverMessages", DEFAULT_MESSAGES):
            return
        message = call.report if step == REPORT else status_update(call, step)
        await self._poster.post_with_retries(
            kind=kind if step == REPORT else f"{kind} {step}",
            about=call.data["id"],
            url=server["url"],
            headers={"Content-Type": "application/json", **server.get("headers", {})},
            body=json.dumps({"message": message}).encode(),
            plan=server.get("backoffPlan") or {},
            timeout_s=float(server.get("timeoutSeconds") or 20),
        )


def status_update(call: Call, status: str) -> JsonDict:
    """The `message` of a status-update webhook."""
    message: JsonDict = {
        "type": "status-update",
        "status": status,
        "timestamp": _epoch_ms(datetime.now(UTC)),
        "call": {**_brief(call), "status": status},
        "customer": call.data.get("customer"),
    }
    if status == "ended":
        message["endedReason"] = call.data["endedReason"]
    return message


def report_of(call: Call, story: Story, now: datetime, base_url: str) -> JsonDict:
    """The `message` of an end-of-call-report: durationSeconds in seconds, cost in USD."""
    talk_s = _talk_s(call, now)
    summary = _summary(call, story)
    cost = _cost(talk_s)
    recording_url = f"{base_url}/_sim/recordings/{call.data['id']}.wav" if call.answered else None
    message: JsonDict = {
        "type": "end-of-call-report",
        "timestamp": _epoch_ms(now),
        "endedReason": story.reason,
        "endedAt": iso_ms(now),
        "durationSeconds": talk_s,
        "cost": cost["total"],
        "costBreakdown": cost,
        "analysis": {"summary": summary, "successEvaluation": "true" if story is NORMAL else "false"},
        "artifact": _artifact(call, story, now, recording_url),
        "summary": summary,
        "transcript": _transcript(call, story),
        "recordingUrl": recording_url,
        "customer": call.data.get("customer"),
        "call": {**_brief(call), "status": "ended", "endedReason": story.reason},
    }
    if call.answered:
        message["startedAt"] = iso_ms(call.answered)
        message["analysis"]["structuredData"] = {"interested": story.reason == NORMAL.reason}
    return message


def _brief(call: Call) -> JsonDict:
    names = ("id", "orgId", "type", "name", "createdAt", "assistantId", "phoneNumberId", "assistantOverrides")
    return {name: call.data[name] for name in names if name in call.data}


def _talk_s(call: Call, now: datetime) -> float:
    """How long they have talked, to the millisecond, as the moments that are shown tell it."""
    return (_epoch_ms(now) - _epoch_ms(call.answered)) / 1000 if call.answered else 0


def _epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _first_name(call: Call) -> str:
    customer = call.data.get("customer") or {}
    variables = (call.data.get("assistantOverrides") or {}).get("variableValues") or {}
    name = str(variables.get("firstName") or customer.get("name") or "").split()
    return name[0] if name else "there"


def _lines(call: Call, story: Story) -> list[tuple[str, str]]:
    if story.reason == "voicemail":
        return [("user", "Please leave a message after the tone.")]
    if not story.talk_delays:
        return []
    return [
        ("bot", f"Hi {_first_name(call)}, this is the assistant calling about your request. Is now a good time?"),
        ("user", "Yes, go ahead."),
        ("bot", "Great. Would Tuesday at ten suit you for a short meeting?"),
        ("user", "Tuesday at ten works."),
        ("bot", "Perfect, you are booked. Goodbye!"),
    ]


def _transcript(call: Call, story: Story) -> str:
    return "".join(f"{'AI' if role == 'bot' else 'User'}: {text}\n" for role, text in _lines(call, story))


def _summary(call: Call, story: Story) -> str:
    if story.reason == "voicemail":
        return "The call reached a voicemail box; no message was left."
    if not story.talk_delays:
        return ""
    return f"{_first_name(call)} confirmed interest and chose Tuesday at ten for a short meeting."


def _cost(talk_s: float) -> JsonDict:
    minutes = talk_s / 60
    parts = {"transport": 0, "stt": 0.01, "llm": 0.003, "tts": 0.027, "vapi": 0.05}
    cost: JsonDict = {name: round(rate * minutes, 4) for name, rate in parts.items()}
    return cost | {"total": round(sum(cost.values()), 4)}


def _artifact(call: Call, story: Story, now: datetime, recording_url: str | None) -> JsonDict:
    lines = _lines(call, story)
    pace_s = _talk_s(call, now) / max(1, len(lines))
    begun = _epoch_ms(call.answered or now)
    messages = [
        {
            "role": role,
            "message": text,
            "time": begun + int(1000 * pace_s * i),
            "secondsFromStart": round(pace_s * i, 3),
        }
        for i, (role, text) in enumerate(lines)
    ]
    artifact: JsonDict = {
        "transcript": _transcript(call, story),
        "messages": messages,
        "messagesOpenAIFormatted": [
            {"role": "assistant" if line["role"] == "bot" else "user", "content": line["message"]} for line in messages
        ],
        "variableValues": (call.data.get("assistantOverrides") or {}).get("variableValues", {}),
    }
    if recording_url:
        artifact |= {
            "recording": {"stereoUrl": recording_url, "mono": {"combinedUrl": recording_url}},
            "recordingUrl": recording_url,
            "presignedMonoUrl": f"{recording_url}?signature=sim",
            "presignedUrlsExpiresAt": iso_ms(now + timedelta(hours=1)),
        }
    return artifact
