"""The endpoint as DRF's tutorial and djangorestframework-api-key's guide write it."""

from django.db import transaction
from rest_framework import generics, serializers
from rest_framework_api_key.permissions import BaseHasAPIKey

from benchmarks.baseline.leads.models import Dispatch, Lead, WorkspaceAPIKey


class HasWorkspaceAPIKey(BaseHasAPIKey):
    model = WorkspaceAPIKey


class LeadSerializer(serializers.ModelSerializer):
    consent = serializers.BooleanField(write_only=True)

    class Meta:
        model = Lead
        fields = ["id", "name", "phone", "email", "goal", "metadata", "consent", "status", "created_at"]
        read_only_fields = ["status"]

    def validate_consent(self, value):
        if not value:
            raise serializers.ValidationError("`consent` must be true.")
        return value

    def create(self, validated_data):
        del validated_data["consent"]
        return super().create(validated_data)


class LeadListCreate(generics.ListCreateAPIView):
    permission_classes = [HasWorkspaceAPIKey]
    serializer_class = LeadSerializer
    queryset = Lead.objects.order_by("-created_at")

    @transaction.atomic
    def perform_create(self, serializer):
        # The guide's way from a request to what its key belongs to.
        key = self.request.META["HTTP_AUTHORIZATION"].split()[1]
        api_key = WorkspaceAPIKey.objects.get_from_key(key)
        lead = serializer.save(workspace_id=api_key.workspace_id)
        Dispatch.objects.create(lead=lead)
