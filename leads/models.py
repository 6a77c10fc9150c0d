"""The lead, and the promise to contact it."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.fields import VerbatimJSONField
from workspaces import prepared
from workspaces.models import Channel, Workspace


class LeadQuerySet(models.QuerySet["Lead"]):
    """Many leads."""

    def visible_to(self, user: Any) -> "LeadQuerySet":
        """Keep what a user may see."""
        return self if user.is_superuser else self.filter(workspace__memberships__user_id=user.pk)


class Lead(models.Model):
    """A person who asked to be contacted, unique by phone within a workspace.

    Leads of test keys are a world of their own: they take no phone away from a real one.
    """

    class Status(models.TextChoices):
        """How far it has come. The last three end by a person's hand alone."""

        NEW = "new", _("New")
        IN_CONVERSATION = "in_conversation", _("In conversation")
        BOOKED = "booked", _("Booked")
        UNQUALIFIED = "unqualified", _("Unqualified")
        NEEDS_HUMAN = "needs_human", _("Needs a human")

    class Source(models.TextChoices):
        """Through which door it came."""

        API = "api", _("API")
        FORM = "form", _("Form")
        MANUAL = "manual", _("By hand")
        WHATSAPP = "whatsapp", _("Wrote on WhatsApp")
        CALL = "call", _("Called")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="leads", db_index=False)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    is_test = models.BooleanField(default=False)
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.API)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=20, help_text=_("E.164"))
    email = models.CharField(max_length=254, null=True, blank=True)  # noqa: DJ001 - null is what the API answers
    goal = models.TextField(null=True, blank=True)  # noqa: DJ001 - likewise
    # Null where none was submitted, which the API tells apart from {}.
    metadata = VerbatimJSONField(null=True, blank=True)
    form_responses = VerbatimJSONField(default=dict, blank=True)
    # The published version that the answers were given to. No foreign key: leads knows nothing of forms.
    form_version_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.NEW)
    qualification_notes = models.TextField(null=True, blank=True)  # noqa: DJ001 - likewise
    booking_uid = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001 - likewise
    booking_start = models.DateTimeField(null=True, blank=True)
    # What the agent learned: goal, budget, schedulePref, notes and the workspace's own fields.
    profile = VerbatimJSONField(null=True, blank=True)
    # Since when a human has the conversation; the agent is silent until it is handed back.
    taken_over_at = models.DateTimeField(null=True, blank=True)
    taken_over_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = LeadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "phone", "is_test"], name="lead_phone_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="lead_newest_first"),
            models.Index(fields=["workspace", "status", "-created_at", "-id"], name="lead_by_status"),
            models.Index(fields=["workspace", "email"], name="lead_by_email", condition=Q(email__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


_CONCLUDE = """
UPDATE leads_dispatch SET status = %s, reason = '', finished_at = %s, due_at = %s
WHERE id = ANY(%s) AND status = ANY(%s)
"""


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    """Many dispatches. Every change of state is one conditional UPDATE whose count says who won."""

    def claim(self, pk: uuid.UUID, *, by: str, at: datetime) -> bool:
        """Take a pending dispatch for this process. False: someone else has it."""
        claimed = self.filter(pk=pk, status=Dispatch.Status.PENDING).update(
            status=Dispatch.Status.SENDING,
            claimed_by=by,
            claimed_at=at,
            due_at=lease_end(at),
            attempts=models.F("attempts") + 1,
        )
        return claimed == 1

    def take_over(self, pk: uuid.UUID, *, stale: datetime, by: str, at: datetime) -> bool:
        """Take a dispatch whose sender went silent: `stale` is its lease's end, as it was read."""
        sending = self.filter(pk=pk, status=Dispatch.Status.SENDING, due_at=stale)
        return sending.update(claimed_by=by, due_at=lease_end(at)) == 1

    def conclude(self, ids: list[uuid.UUID], *, queued: bool, at: datetime) -> None:
        """Move what is `sending` on to DONE, or to QUEUED where an engine took it over.

        What was sent is DONE also where its claim was lost and given back meanwhile: it must not be sent again.
        """
        status = Dispatch.Status.QUEUED if queued else Dispatch.Status.DONE
        held = (
            [Dispatch.Status.SENDING.value]
            if queued
            else [Dispatch.Status.SENDING.value, Dispatch.Status.PENDING.value]
        )
        due_at = at + timedelta(seconds=settings.TURN_UNCLAIMED_S)
        if prepared.is_postgres():
            prepared.fetch(_CONCLUDE, [status.value, None if queued else at, due_at, ids, held])
            return
        self.filter(pk__in=ids, status__in=held).update(
            status=status, reason="", finished_at=None if queued else at, due_at=due_at
        )

    def due(self, at: datetime) -> "DispatchQuerySet":
        """Keep what waits to be sent and whose time has come, oldest first."""
        return self.filter(status=Dispatch.Status.PENDING, due_at__lte=at).order_by("due_at")

    def stale(self, at: datetime) -> "DispatchQuerySet":
        """Keep what has been `sending` for longer than any sender lives."""
        return self.filter(status=Dispatch.Status.SENDING, due_at__lte=at).order_by("due_at")


def lease_end(at: datetime) -> datetime:
    """Tell until when a claim made now is trusted."""
    return at + timedelta(seconds=settings.DISPATCH_LEASE_S)


class Dispatch(models.Model):
    """The promise to contact a lead once, and what became of it. The row is the outbox; there is no other."""

    class Status(models.TextChoices):
        """PENDING → SENDING → DONE; WhatsApp through Inngest waits as QUEUED in between."""

        PENDING = "pending", _("waiting")
        QUEUED = "queued", _("handed to the engine")
        SENDING = "sending", _("being sent")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("not sent on purpose")

    # A promise that is still to be kept; a lead has one of these at most.
    OPEN = (Status.PENDING, Status.QUEUED, Status.SENDING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="dispatches", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="dispatches")
    channel = models.CharField(max_length=16, help_text=_("A name in LEAD_CHANNELS."))
    # After whose no answer this one was planned; unique, so that each is followed by one at most.
    retry_of = models.OneToOneField("self", on_delete=models.CASCADE, null=True, blank=True, related_name="retry")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(max_length=255, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    # PENDING: not before then. SENDING: the end of the sender's lease.
    due_at = models.DateTimeField()
    # When the contact was to be made in the first place; null: when the dispatch was made. See leads.late.
    planned_at = models.DateTimeField(null=True, blank=True)
    # The moment that a late contact was given.
    slot_at = models.DateTimeField(null=True, blank=True)
    # A person wants it, whatever the number costs (leads.costly).
    by_hand = models.BooleanField(default=False, db_default=False)
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("dispatches")
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            # One promise at a time: no second call while the first may still ring.
            models.UniqueConstraint(
                fields=["lead"], name="dispatch_one_open", condition=Q(status__in=["pending", "queued", "sending"])
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["status", "due_at"],
                name="dispatch_open",
                condition=Q(status__in=["pending", "queued", "sending"]),
            ),
            models.Index(fields=["workspace", "-created_at"], name="dispatch_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.get_status_display()}"


class LatePace(models.Model):
    """When a workspace makes its next late contact (leads.late)."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="+")
    next_at = models.DateTimeField(null=True, blank=True)
    # How many were given a moment; tells two who ask in the same moment apart.
    taken = models.PositiveBigIntegerField(default=0)
    # How many calls the workspace's account makes at the same time, once its provider has said so.
    lines = models.PositiveIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.workspace}: {self.next_at}"


class Consent(models.Model):
    """The evidence that a lead agreed to be contacted: what exactly stood beside the box, when, where and by whom.

    The database refuses to change a row; it goes with its lead alone. Source of the list: GDPR art. 7 (1), 47 CFR
    64.1200 (f) (9).
    """

    lead = models.OneToOneField(Lead, on_delete=models.CASCADE, primary_key=True, related_name="consent")
    text = models.TextField()
    # The number of this text among the workspace's own, and the SHA-256 of its UTF-8.
    version = models.PositiveIntegerField()
    text_sha256 = models.CharField(max_length=64)
    given_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=512, blank=True, default="")
    # The page of ours that was sent. Where the visitor says they came from is a claim, and stands in the metadata.
    page_url = models.CharField(max_length=2048, blank=True, default="")
    # The origin of the site whose page showed ours in a frame; "" if none did or the browser didn't say.
    embedded_by = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.given_at:%Y-%m-%d %H:%M} UTC"


class LeadEvent(models.Model):
    """Something that happened to a lead and that no other row says: for its timeline, written once."""

    class Kind(models.TextChoices):
        """What happened; `data` by kind is said beside each."""

        # from, to, reason
        STATUS = "status", _("status changed")
        # text
        NOTE = "note", _("note")
        TAKEN_OVER = "taken_over", _("taken over")
        HANDED_BACK = "handed_back", _("handed back")
        # reason (of Suppression), detail
        OPTED_OUT = "opted_out", _("opted out")
        OPTED_IN = "opted_in", _("may be contacted again")
        # at (ISO 8601): when it is called
        CALL_SCHEDULED = "call_scheduled", _("call scheduled")
        # attempt, of, at
        CALL_RETRY = "call_retry", _("another call after no answer")
        CALL_AGAIN = "call_again", _("called again by hand")
        # reason, code
        AGENT_STOPPED = "agent_stopped", _("the agent stopped")
        # text: what was said
        SENT_AGAIN = "sent_again", _("sent the form again")

    id = models.BigAutoField(primary_key=True)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    data = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    # None: the agent, the lead or a provider.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["lead", "at"], name="event_by_lead")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}"


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Many suppressions."""

    def visible_to(self, user: Any) -> "SuppressionQuerySet":
        """Keep what a user may see."""
        return self if user.is_superuser else self.filter(workspace__memberships__user_id=user.pk)


class Suppression(models.Model):
    """A phone that nobody in the workspace may contact, on any channel. Its row is the prohibition."""

    class Reason(models.TextChoices):
        """Who said so."""

        STOP = "stop", _("the lead wrote a stop word")
        PROVIDER = "provider", _("the provider reported an opt-out")
        CALL = "call", _("the lead asked for it in a call")
        MESSAGE = "message", _("the lead asked for it in a message")
        OPERATOR = "operator", _("entered by staff")

    # A member entered it, and any may take it back. The others are the lead's own word.
    BY_MEMBERS: ClassVar = frozenset({Reason.OPERATOR})

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="suppressions", db_index=False)
    # leads.suppression.phone_digest. The phone itself goes when its lead is erased; the prohibition stays.
    phone_digest = models.CharField(max_length=64)
    phone = models.CharField(max_length=20, blank=True, default="")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    detail = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "phone_digest"], name="suppression_once")]

    def __str__(self) -> str:
        return self.phone or self.phone_digest[:8]

    @property
    def is_own_word(self) -> bool:
        """Whether the lead said so itself: then it takes an owner or admin, and a reason, to lift it."""
        return self.reason not in self.BY_MEMBERS


class Erasure(models.Model):
    """A copy of an erased lead's data at a provider, to be deleted there: the worker asks until it is done."""

    # With the workspace would go the means of asking.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=16)
    # The provider's own id: a Vapi call, a Twilio message.
    reference = models.CharField(max_length=64)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    # What kept it from being done the last time.
    reason = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("deletion that the worker still asks a provider for")
        verbose_name_plural = _("deletions that the worker still asks a provider for")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "provider", "reference"], name="erasure_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class Alert(models.Model):
    """A lead that needs a human, and members to be told so by e-mail. Several of one workspace go into one mail."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=255, blank=True, default="")
    # Null once there is nothing left to do.
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    # Addresses that have their mail already, while others of the workspace wait for theirs.
    told_to = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.lead}: {self.reason}"
