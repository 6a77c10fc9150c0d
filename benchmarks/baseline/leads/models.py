"""The same three tables as the product's accept path has, written plainly."""

import uuid

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey


class Workspace(models.Model):
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)

    class Meta:
        app_label = "leads"

    def __str__(self):
        return self.name


class WorkspaceAPIKey(AbstractAPIKey):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")

    class Meta(AbstractAPIKey.Meta):
        app_label = "leads"


class Lead(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="leads")
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=32)
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001
    goal = models.TextField(max_length=2000, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, default="new")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "leads"
        constraints = [models.UniqueConstraint(fields=["workspace", "phone"], name="phone_once")]
        indexes = [models.Index(fields=["workspace", "-created_at"])]

    def __str__(self):
        return self.name


class Dispatch(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="dispatches")
    status = models.CharField(max_length=8, default="pending", db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "leads"

    def __str__(self):
        return self.status
