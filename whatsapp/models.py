"""The message: one WhatsApp turn, the agent's or the lead's."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Dispatch, Lead


class Message(models.Model):
    """One message of a conversation. The agent's is stored before it is sent, so that its text is paid for once."""

    class Role(models.TextChoices):
        """Who wrote it."""

        USER = "user", _("Lead")
        ASSISTANT = "assistant", _("Agent")
        OPERATOR = "operator", _("Operator")

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
    role = models.CharField(max_length=16, choices=Role.choices)
    text = models.TextField()
    status = models.CharField(max_length=16, choices=Status.choices)
    content_sid = models.CharField(max_length=64, blank=True, default="", help_text=_("Template it went out in."))
    twilio_sid = models.CharField(max_length=64, blank=True, default="")
    error_code = models.CharField(max_length=16, blank=True, default="")
    error_message = models.CharField(max_length=255, blank=True, default="")
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    sending_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["twilio_sid"], name="message_sid_once", condition=~Q(twilio_sid="")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lead", "created_at"], name="message_by_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.status}"
