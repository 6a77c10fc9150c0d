"""Forms in Django admin: read by owners and admins of their workspace, changed by nobody."""

from typing import Any

import pytest
from django.test import Client

from conftest import NOW, make_member, make_user, make_workspace
from leadforms.models import HeldSubmission
from leadforms.tests.factories import document, make_published, question
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
ROOT = "/admin/leadforms/"


def make_everything(workspace: Workspace, word: str) -> dict[str, Any]:
    """Make a row of each kind, with a word by which it is recognised."""
    version = make_published(workspace, document(question(label=word), consent=f"Call me, {word}."))
    empty: Any = {}
    held = HeldSubmission.objects.create(
        **{"workspace": workspace, "form_version": version, "reason": "too_fast", "name": word, "ip": "192.0.2.7"},
        **{"phone": "+447123456789", "submission": {"goal": word}, "consent": empty, "created_at": NOW},
    )
    return {
        "leadform": version.form,
        "formversion": version,
        "consenttext": version.consent_text,
        "heldsubmission": held,
    }


def sign_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_shows_what_was_written_and_lets_nobody_change_it(role: str) -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, role=role))

    for kind, row in make_everything(workspace, "Budget").items():
        assert client.get(f"{ROOT}{kind}/").status_code == 200
        page = client.get(f"{ROOT}{kind}/{row.pk}/change/")
        assert "Budget" in page.content.decode()
        assert client.post(f"{ROOT}{kind}/{row.pk}/change/", {}).status_code == 403
        assert client.post(f"{ROOT}{kind}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"{ROOT}{kind}/add/").status_code == 403


def test_superusers_change_nothing_either() -> None:
    client = sign_in(make_user(is_superuser=True))
    for kind, row in make_everything(make_workspace(), "Budget").items():
        assert client.get(f"{ROOT}{kind}/{row.pk}/change/").status_code == 200
        assert client.post(f"{ROOT}{kind}/{row.pk}/change/", {}).status_code == 403


def test_hides_rows_of_other_workspaces() -> None:
    own, other = make_workspace(), make_workspace(name="Foreign Ltd")
    make_everything(own, "Ours")
    client = sign_in(make_member(own))

    for kind, row in make_everything(other, "Theirs").items():
        for query in ("", f"?workspace={other.pk}", "?q=Theirs", "?q=%2B447123456789", f"?q={row.pk}"):
            text = client.get(f"{ROOT}{kind}/{query}").content.decode()
            assert "Foreign Ltd" not in text
            assert "Theirs." not in text
            assert f"/{row.pk}/change/" not in text
        for page in ("change", "delete", "history"):
            assert client.get(f"{ROOT}{kind}/{row.pk}/{page}/").status_code in {302, 403, 404}


def test_agents_see_none_of_it() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, role="agent"))
    for kind, row in make_everything(workspace, "Budget").items():
        assert client.get(f"{ROOT}{kind}/").status_code == 403
        assert client.get(f"{ROOT}{kind}/{row.pk}/change/").status_code == 403


def test_finds_the_version_that_a_lead_names() -> None:
    workspace = make_workspace()
    version = make_published(workspace)
    client = sign_in(make_member(workspace))
    for term, found in ((str(version.pk), True), ("nonsense", False)):
        text = client.get(f"{ROOT}formversion/", {"q": term}).content.decode()
        assert (f"/{version.pk}/change/" in text) is found
