"""A workspace's form: its draft, its published versions, its looks, and what was kept back from it."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leadforms.languages import LANGUAGES
from leads.fields import VerbatimJSONField
from workspaces.models import Workspace

DAILY_CAP = 200
MAX_DAILY_CAP = 100_000


class LeadForm(models.Model):
    """The one form of a workspace. What visitors see is `published`, in the looks of `design`."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="lead_form")
    # Content as leadforms.content writes it. Each save raises the revision; a save from an older one is refused.
    draft = VerbatimJSONField()
    draft_revision = models.PositiveIntegerField(default=1)
    draft_saved_at = models.DateTimeField()
    draft_saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    published = models.ForeignKey(
        "leadforms.FormVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Looks and texts as leadforms.design writes them; they take effect when they are saved.
    design = VerbatimJSONField(default=dict, blank=True)
    design_revision = models.PositiveIntegerField(default=1)
    language = models.CharField(
        max_length=8, choices=LANGUAGES, blank=True, default="", help_text=_("Empty: the visitor's browser decides.")
    )
    # Origins (scheme://host[:port]) of the sites that may show the form in a frame.
    embed_origins = models.JSONField(default=list, blank=True)
    daily_cap = models.PositiveIntegerField(
        default=DAILY_CAP,
        validators=[MaxValueValidator(MAX_DAILY_CAP)],
        help_text=_("Leads of the form that are contacted a day at most; what comes after them is kept back."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.workspace)


class ConsentText(models.Model):
    """One wording of the consent box. The database refuses to change it; a new wording is a new row."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="consent_texts")
    number = models.PositiveIntegerField()
    text = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "number"], name="consent_number_once")]

    def __str__(self) -> str:
        return f"{self.number}: {self.text[:60]}"


class FormVersion(models.Model):
    """What was published once. The database refuses to change it: answers point at the version they were given to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    form = models.ForeignKey(LeadForm, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = VerbatimJSONField()
    consent_text = models.ForeignKey(ConsentText, on_delete=models.CASCADE, related_name="+")
    # What changed against the version before, as sentences.
    changes = models.JSONField(default=list, blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["form", "number"], name="form_version_once")]

    def __str__(self) -> str:
        return f"{self.form} v{self.number}"


class Logo(models.Model):
    """The form's logo, re-encoded by us: never the bytes that were uploaded."""

    form = models.OneToOneField(LeadForm, on_delete=models.CASCADE, related_name="logo")
    content = models.BinaryField()
    content_type = models.CharField(max_length=32)
    # The first 16 hex digits of the content's SHA-256: the address changes with the picture.
    digest = models.CharField(max_length=16)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    uploaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


class HeldQuerySet(models.QuerySet["HeldSubmission"]):
    """Many held submissions."""

    def visible_to(self, user: Any) -> "HeldQuerySet":
        """Keep what a user may see."""
        return self if user.is_superuser else self.filter(workspace__memberships__user_id=user.pk)

    def waiting(self) -> "HeldQuerySet":
        """Keep what nobody has decided on."""
        return self.filter(released_at=None, discarded_at=None)


class HeldSubmission(models.Model):
    """A submission that was kept back as spam, or because the day's cap was reached. Staff release or discard it."""

    class Reason(models.TextChoices):
        """What gave it away. Those stand first that are the least likely to be people: they make way first."""

        HONEYPOT = "honeypot", _("filled in a field that people don't see")
        TOO_FAST = "too_fast", _("sent faster than a person types")
        LINK_IN_NAME = "link_in_name", _("a web address in place of a name")
        MANY_FROM_IP = "many_from_ip", _("many submissions from one address")
        MANY_FOR_FORM = "many_for_form", _("more submissions than usual within an hour")
        COSTLY_NUMBER = "costly_number", _("a number that costs extra, or of a country that isn't called")
        DAILY_CAP = "daily_cap", _("the day's cap of contacts was reached")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="held_submissions", db_index=False)
    form_version = models.ForeignKey(FormVersion, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=20)
    # What leads.intake.Submission wants besides: email, goal, metadata, form_responses.
    submission = VerbatimJSONField()
    # What leads.intake.ConsentGiven wants, times as ISO 8601.
    consent = VerbatimJSONField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    discarded_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The lead it became. No foreign key: the lead may be erased.
    lead_id = models.UUIDField(null=True, blank=True)

    objects = HeldQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-created_at", "-id"], name="held_newest_first"),
            models.Index(
                fields=["workspace", "-created_at"],
                name="held_waiting",
                condition=Q(released_at=None, discarded_at=None),
            ),
            # Which ones make way, and how many wait for each reason.
            models.Index(
                fields=["workspace", "reason", "created_at"],
                name="held_oldest_by_reason",
                condition=Q(released_at=None, discarded_at=None),
            ),
            # Which ones have served their time, of all workspaces.
            models.Index(fields=["created_at"], name="held_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_reason_display()})"


class SpentToken(models.Model):
    """A form's token that was used, with what it was used for: a second click finds the first one's outcome."""

    # SHA-256 of the token's random part, as hex.
    digest = models.CharField(primary_key=True, max_length=64)
    # SHA-256 of what was submitted under it.
    body_sha256 = models.CharField(max_length=64)
    spent_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest[:8]


class ContactsOfDay(models.Model):
    """How many leads of the form were let through to be contacted on a day of the workspace's own calendar.

    `made_way`: how many held submissions were deleted on that day, undecided, because too many waited. `tell_at`: when
    members are to be told that submissions wait which may be people's; `told_to`: addresses that were, while others
    wait for their mail; `told`: all were, once a day is enough.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)
    made_way = models.PositiveIntegerField(default=0)
    tell_at = models.DateTimeField(null=True, blank=True)
    told = models.BooleanField(default=False)
    told_to = models.JSONField(default=list, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tell_at"], name="held_to_tell", condition=Q(tell_at__isnull=False)),
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "day"], name="contacts_of_day_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"
