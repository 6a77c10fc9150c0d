"""The message, whoever wrote it, and the agent's turn: its one reply to what a lead has written."""

import uuid
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.fields import VerbatimJSONField
from leads.models import Dispatch, Lead
from workspaces.models import Workspace


class AgentTurn(models.Model):
    """One reply of the agent. The row is the promise that what the lead wrote is answered, once.

    It is born with the first message that waits for an answer and moved by every message after that, until it is
    claimed: then the messages that have no turn yet become its own, and what comes later waits for the next turn.
    """

    class State(models.TextChoices):
        """WAITING → RUNNING → one of the last three."""

        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("under way")
        DONE = "done", _("answered")
        STOPPED = "stopped", _("not answered on purpose")
        FAILED = "failed", _("failed")

    OPEN = (State.WAITING, State.RUNNING)
    # Codes of what was stopped because the agent was off, until whatsapp.catching_up has seen to it.
    PAUSED = ("paused", "paused_told")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="turns", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    # WAITING: not before then. RUNNING: the end of the lease, or when it is to be tried again.
    due_at = models.DateTimeField()
    # When the worker wakes the engine for it, where one is configured and has not come by then.
    wake_at = models.DateTimeField()
    wakes = models.PositiveSmallIntegerField(default=0)
    # Counted anew once the text is written: from there on it is Twilio that is tried.
    attempts = models.PositiveSmallIntegerField(default=0)
    # What the model and the tools have said so far, as it goes over the wire: never asked and paid for again.
    items = VerbatimJSONField(default=list, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    # Why it stopped or failed, for staff, and in a word for the code.
    reason = models.CharField(max_length=255, blank=True, default="")
    code = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lead"], name="turn_one_waiting", condition=Q(state="waiting")),
            models.UniqueConstraint(fields=["lead"], name="turn_one_running", condition=Q(state="running")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="turn_due", condition=Q(state__in=["waiting", "running"])),
            models.Index(fields=["wake_at"], name="turn_to_wake", condition=Q(state__in=["waiting", "running"])),
            models.Index(
                fields=["finished_at"],
                name="turn_paused",
                condition=Q(state="stopped", code__in=["paused", "paused_told"]),
            ),
            models.Index(fields=["workspace", "started_at"], name="turn_by_day"),
            models.Index(fields=["lead", "created_at"], name="turn_by_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}"


class Message(models.Model):
    """One message of a conversation. The agent's is stored before it is sent, so that its text is paid for once."""

    class Role(models.TextChoices):
        """Who wrote it."""

        USER = "user", _("Lead")
        ASSISTANT = "assistant", _("Agent")
        OPERATOR = "operator", _("Operator")

    class Kind(models.TextChoices):
        """What it is, where it is no plain text of its author's own."""

        TEXT = "", _("text")
        MEDIA = "media", _("picture, sound or file")
        LOCATION = "location", _("location")
        BUTTON = "button", _("button")
        SIGN = "sign", _("reaction or another message without words")
        FALLBACK = "fallback", _("said when the agent couldn't answer")
        CONFIRMATION = "confirmation", _("confirmation of an opt-out or of its end")

    class Status(models.TextChoices):
        """Where an outgoing message is; an incoming one is RECEIVED."""

        WRITTEN = "written", _("written")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        READ = "read", _("read")
        FAILED = "failed", _("failed")
        RECEIVED = "received", _("received")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="messages")
    # The first contact's message; the last word that a dispatch is answered by one message at most.
    dispatch = models.OneToOneField(
        Dispatch, on_delete=models.CASCADE, null=True, blank=True, related_name="first_message"
    )
    # Of the lead's: the turn that answers it, none while it waits for one. Of the agent's: the turn that wrote it.
    turn = models.ForeignKey(AgentTurn, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages")
    role = models.CharField(max_length=16, choices=Role.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices, blank=True, default="")
    # The operator who wrote it.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    text = models.TextField()
    status = models.CharField(max_length=16, choices=Status.choices)
    content_sid = models.CharField(max_length=64, blank=True, default="", help_text=_("Template it went out in."))
    twilio_sid = models.CharField(max_length=64, blank=True, default="")
    error_code = models.CharField(max_length=16, blank=True, default="")
    error_message = models.CharField(max_length=255, blank=True, default="")
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    # Of a first message; what a reply cost is its turn's.
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))
    sending_at = models.DateTimeField(null=True, blank=True)
    # What is sent neither by a dispatch nor by a turn: when a worker may take it, null once it is settled.
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["twilio_sid"], name="message_sid_once", condition=~Q(twilio_sid="")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lead", "created_at"], name="message_by_lead"),
            models.Index(fields=["due_at"], name="message_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["error_code", "-created_at"], name="message_refused", condition=~Q(error_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.status}"


class ObeyedCommand(models.Model):
    """A message that stopped or started something, so that none is obeyed twice: what Twilio signed once is signed
    for ever, and an old START must not lift a newer STOP. Of the person it holds nothing.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    twilio_sid = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "twilio_sid"], name="command_obeyed_once"),
        ]

    def __str__(self) -> str:
        return self.twilio_sid


class SenderId(models.Model):
    """WhatsApp's own id of a person, as it came with their phone: those who hide the phone later are known by it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(max_length=128)
    phone = models.CharField(max_length=20, db_index=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "external_id"], name="sender_id_once"),
        ]

    def __str__(self) -> str:
        return self.external_id
