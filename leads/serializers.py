"""The API's shapes, for the OpenAPI document. What is accepted is decided in validation.py."""

from rest_framework import serializers

from leads import validation
from leads.models import Lead
from workspaces.models import Channel


class LeadInput(serializers.Serializer[None]):
    """The body of POST /api/public/leads."""

    name = serializers.CharField(max_length=validation.NAME_MAX)
    phone = serializers.CharField(min_length=7, max_length=32, help_text="E.164, with spaces, (), - and . allowed.")
    consent = serializers.BooleanField(help_text="The literal true: the person agreed to be contacted.")
    email = serializers.EmailField(max_length=validation.EMAIL_MAX, required=False, allow_null=True, allow_blank=True)
    goal = serializers.CharField(max_length=validation.GOAL_MAX, required=False, allow_null=True, allow_blank=True)
    metadata = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        allow_null=True,
        help_text=f"Up to {validation.METADATA_KEYS} keys, 32 kB as JSON. The agent knows it.",
    )
    formResponses = serializers.DictField(  # noqa: N815
        child=serializers.CharField(allow_blank=True),
        required=False,
        allow_null=True,
        help_text="Question id → answer. Voice workspaces only; elsewhere accepted and ignored.",
    )


class LeadAccepted(serializers.Serializer[None]):
    """The 201. Voice workspaces answer vapiCallId and callQueued, WhatsApp workspaces messageQueued."""

    ok = serializers.BooleanField()
    leadId = serializers.UUIDField()  # noqa: N815
    status = serializers.ChoiceField(choices=["new", "in_progress"])
    vapiCallId = serializers.CharField(required=False, allow_null=True)  # noqa: N815
    callQueued = serializers.BooleanField(required=False)  # noqa: N815
    messageQueued = serializers.BooleanField(required=False)  # noqa: N815


class LeadShape(serializers.Serializer[None]):
    """A lead."""

    id = serializers.UUIDField()
    channel = serializers.ChoiceField(choices=Channel.choices)
    name = serializers.CharField()
    phone = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    goal = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Lead.Status.choices)
    qualificationNotes = serializers.CharField(allow_null=True)  # noqa: N815
    bookingUid = serializers.CharField(allow_null=True)  # noqa: N815
    bookingStart = serializers.DateTimeField(allow_null=True)  # noqa: N815
    metadata = serializers.DictField(child=serializers.JSONField(allow_null=True), allow_null=True)
    createdAt = serializers.DateTimeField()  # noqa: N815
    updatedAt = serializers.DateTimeField()  # noqa: N815


class VoiceCall(serializers.Serializer[None]):
    """The latest call of a lead."""

    status = serializers.ChoiceField(choices=["in_progress", "ended"])
    startedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    endedAt = serializers.DateTimeField(allow_null=True)  # noqa: N815
    durationSeconds = serializers.FloatField(allow_null=True)  # noqa: N815
    summary = serializers.CharField(allow_null=True)
    transcript = serializers.CharField(allow_null=True)
    recordingUrl = serializers.CharField(allow_null=True)  # noqa: N815
    endedReason = serializers.CharField(allow_null=True)  # noqa: N815


class LeadAnswer(serializers.Serializer[None]):
    """One lead with its latest call."""

    ok = serializers.BooleanField()
    lead = LeadShape()
    voiceCall = VoiceCall(allow_null=True)  # noqa: N815


class LeadPage(serializers.Serializer[None]):
    """A page of leads, newest first."""

    ok = serializers.BooleanField()
    leads = LeadShape(many=True)
    nextCursor = serializers.CharField(allow_null=True)  # noqa: N815
