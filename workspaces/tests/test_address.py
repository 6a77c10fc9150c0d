"""The number a workspace is written to can be looked for, though the credentials it stands in are encrypted."""

import json
from importlib import import_module

import pytest
from django.apps import apps
from pytest_django import Settings

from conftest import make_integration, make_workspace
from workspaces.models import Integration

pytestmark = pytest.mark.django_db


def test_follows_the_credentials_whoever_saves_them() -> None:
    integration = make_integration(make_workspace(channel="whatsapp", connected=False), "twilio")
    assert Integration.objects.get(address="+14155238886") == integration

    integration.credentials = json.dumps({"from_number": "whatsapp:+442079460000"})
    integration.save()

    assert Integration.objects.get().address == "+442079460000"


def test_is_left_alone_where_the_credentials_are_not_read() -> None:
    make_integration(make_workspace(channel="whatsapp", connected=False), "twilio")

    integration = Integration.objects.defer("credentials").get()
    integration.options = {"content_sid": "HX1"}
    integration.save()

    integration = Integration.objects.get()
    assert (integration.address, integration.options) == ("+14155238886", {"content_sid": "HX1"})


def test_other_providers_have_none() -> None:
    assert make_integration(make_workspace(connected=False), "vapi").address == ""


def test_is_filled_for_integrations_from_before(settings: Settings) -> None:
    for _ in range(2):
        make_integration(make_workspace(channel="whatsapp", connected=False), "twilio")
    unreadable = Integration.objects.latest("pk")
    Integration.objects.update(address="")
    settings.ENCRYPTION_KEYS = ["other:OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg=", *settings.ENCRYPTION_KEYS]
    Integration.objects.filter(pk=unreadable.pk).update(credentials=json.dumps({"from_number": "+1"}))
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[1:]

    import_module("workspaces.migrations.0006_integration_address").fill(apps, None)

    assert sorted(Integration.objects.defer("credentials").values_list("address", flat=True)) == ["", "+14155238886"]
