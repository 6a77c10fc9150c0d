"""The Form Builder's page and its JSON, through HTTP."""

import json
from typing import Any

import pytest
from django.test import Client

from conftest import make_member, make_user, make_workspace
from leadforms import publishing
from leadforms.builder import MAX_BODY
from leadforms.models import FormVersion, LeadForm
from tests.properties import given, settings
from tests.properties import strategies as st
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from(["q_aaaaaa", "s_aaaaaa", "number"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["steps", "contact", "consent", "id", "type", "label", "questions", "options", "rules", "showIf", "min"]
                + ["conditions", "question", "is", "value", "labels", "position", "title", "maxLength", "scale"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
ENDPOINTS = ("draft/save", "preview", "review", "publish")


def sign_in(user: object, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)  # type: ignore[arg-type]
    return client


def page(workspace: Workspace, rest: str = "") -> str:
    return f"/admin/{workspace.slug}/form{rest}"


def post(client: Client, workspace: Workspace, name: str, body: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(page(workspace, f"/{name}"), raw, content_type="application/json")


def content(label: str = "Why now?", **rest: Any) -> dict[str, Any]:
    question = {"id": "q_aaaaaa", "type": "short_text", "label": label} | rest
    return {"steps": [{"id": "s_aaaaaa", "questions": [question]}], "consent": "I agree."}


def open_form(role: str = "owner") -> tuple[Workspace, Client, LeadForm]:
    workspace = make_workspace(slug="northlight", name="Northlight")
    client = sign_in(make_member(workspace, role=role, username="maya", is_staff=False))
    assert client.get(page(workspace)).status_code == 200
    return workspace, client, LeadForm.objects.get()


def test_shows_the_draft_its_state_and_a_word_for_who_has_no_scripts() -> None:
    workspace, client, form = open_form(role="admin")

    text = client.get(page(workspace)).content.decode()
    assert "Not published" in text
    assert "The builder needs JavaScript" in text
    assert form.draft["steps"][0]["questions"][0]["id"] in text

    post(client, workspace, "publish", {"revision": 1})
    text = client.get(page(workspace)).content.decode()
    assert "Live: version 1" in text
    assert "http://127.0.0.1:8000/forms/northlight" in text


def test_opens_to_managers_only() -> None:
    workspace = make_workspace()
    agent = sign_in(make_member(workspace, role="agent"))

    assert agent.get(page(workspace)).status_code == 403
    assert agent.get(page(workspace, "/draft")).status_code == 403
    for name in ENDPOINTS:
        assert post(agent, workspace, name, {"revision": 1, "content": content()}).status_code == 403
    assert not LeadForm.objects.exists()
    assert Client().get(page(workspace)).status_code == 302
    assert sign_in(make_user(is_superuser=True)).get(page(workspace)).status_code == 200


@pytest.mark.parametrize("path", ["", "/draft", "/history", "/history/1", "/history/1/preview", "/history/1/restore"])
def test_hides_the_form_of_other_workspaces(path: str) -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    stranger = sign_in(make_member(make_workspace()))

    assert client.get(page(workspace, path)).status_code == 200
    assert stranger.get(page(workspace, path)).status_code == 404


@pytest.mark.parametrize("name", [*ENDPOINTS, "unpublish", "history/1/restore"])
def test_hides_what_changes_the_form_of_other_workspaces(name: str) -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    stranger = sign_in(make_member(make_workspace()))
    before = LeadForm.objects.values().get()

    assert post(stranger, workspace, name, {"revision": 1, "content": content()}).status_code == 404
    assert LeadForm.objects.values().get() == before


def test_hides_the_versions_of_other_workspaces() -> None:
    workspace, client, _form = open_form()
    for n in range(2):
        post(client, workspace, "draft/save", {"revision": n + 1, "content": content(f"Version {n}")})
        post(client, workspace, "publish", {"revision": n + 2})
    other = make_workspace()
    stranger = sign_in(make_member(other))
    stranger.get(page(other))
    post(stranger, other, "publish", {"revision": 1})

    assert client.get(page(workspace, "/history/2")).status_code == 200
    assert stranger.get(page(other, "/history/2")).status_code == 404
    assert "Version 1" not in stranger.get(page(other, "/history")).content.decode()


def test_saves_on_top_of_the_revision_that_the_caller_knows() -> None:
    workspace, client, _form = open_form()

    answer = post(client, workspace, "draft/save", {"revision": 1, "content": content()})

    assert answer.status_code == 200
    assert answer.json()["revision"] == 2
    assert (answer.json()["problems"], answer.json()["changed"]) == ([], True)
    stored = LeadForm.objects.get()
    assert stored.draft["steps"][0]["questions"][0]["label"] == "Why now?"
    assert stored.draft_saved_by is not None
    assert stored.draft_saved_by.username == "maya"


def test_tells_the_later_of_two_editors_who_saved_when() -> None:
    workspace, client, _form = open_form()
    other = sign_in(make_member(workspace, role="admin", username="noor"))
    post(other, workspace, "draft/save", {"revision": 1, "content": content("Theirs")})

    for name, body in (("draft/save", {"content": content("Mine")}), ("review", {}), ("publish", {})):
        answer = post(client, workspace, name, {"revision": 1} | body)
        assert answer.status_code == 409
        assert (answer.json()["savedBy"], answer.json()["revision"]) == ("noor", 2)
        assert answer.json()["savedAt"].startswith("20")
        assert answer.json()["savedByYou"] is False

    latest = client.get(page(workspace, "/draft")).json()
    assert (latest["content"]["steps"][0]["questions"][0]["label"], latest["revision"]) == ("Theirs", 2)
    assert not FormVersion.objects.exists()


def test_tells_who_saved_in_another_tab_that_it_was_themselves() -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "draft/save", {"revision": 1, "content": content("In one tab")})

    answer = post(client, workspace, "draft/save", {"revision": 1, "content": content("In the other")})

    assert (answer.status_code, answer.json()["savedByYou"]) == (409, True)


def test_names_the_problems_of_an_unfinished_draft_and_publishes_none() -> None:
    workspace, client, _form = open_form()

    saved = post(client, workspace, "draft/save", {"revision": 1, "content": content("")}).json()
    answer = post(client, workspace, "publish", {"revision": 2})

    assert saved["problems"] == [{"target": "q_aaaaaa", "message": "Write the question."}]
    assert (answer.status_code, answer.json()["problems"]) == (422, saved["problems"])
    assert not FormVersion.objects.exists()


def test_publishes_what_was_reviewed() -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    post(client, workspace, "draft/save", {"revision": 1, "content": content()})

    summary = post(client, workspace, "review", {"revision": 2}).json()
    answer = post(client, workspace, "publish", {"revision": 2})

    assert summary["changed"] is True
    assert "“Why now?” was added." in summary["changes"]
    assert answer.json()["number"] == 2
    version = FormVersion.objects.first()
    assert version is not None
    assert (LeadForm.objects.get().published_id, version.changes) == (version.pk, summary["changes"])
    assert post(client, workspace, "review", {"revision": 2}).json()["changed"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"revision": NaN}', 400),
        (b"[" * 100_000, 400),
        (b'{"revision": 1, "content": {"consent": "\\ud800"}}', 400),
        (b"x" * (MAX_BODY + 1), 413),
        ({}, 400),
        ({"revision": "1", "content": content()}, 400),
        ({"revision": True, "content": content()}, 400),
        ({"revision": 10**12, "content": content()}, 400),
        ({"revision": 1, "content": []}, 400),
        ({"revision": 1, "content": {"steps": {"a": 1}}}, 400),
        ({"revision": 1, "content": {"steps": [None]}}, 400),
        ({"revision": 1, "content": content(type="script")}, 400),
        ({"revision": 1, "content": content(id="q_AAAAAA")}, 400),
        ({"revision": 1, "content": content("x" * 301)}, 400),
        ({"revision": 1, "content": content(rules={"maxLength": "many"})}, 400),
    ],
)
def test_refuses_what_no_builder_sends(body: Any, status: int) -> None:
    workspace, client, form = open_form()

    answer = post(client, workspace, "draft/save", body)

    assert answer.status_code == status
    assert answer.json()["ok"] is False
    assert LeadForm.objects.get().draft == form.draft


def test_answers_any_json_without_breaking() -> None:
    workspace, client, _form = open_form()

    @settings(deadline=None, max_examples=60)
    @given(document=JSON)
    def try_one(document: Any) -> None:
        revision = LeadForm.objects.get().draft_revision
        saved = post(client, workspace, "draft/save", {"revision": revision, "content": document})
        assert saved.status_code in {200, 400}
        assert post(client, workspace, "preview", {"content": document}).status_code == saved.status_code
        assert post(client, workspace, "review", {"revision": revision}).status_code in {200, 409}

    try_one()


def test_says_where_a_content_is_wrong() -> None:
    workspace, client, _form = open_form()

    answer = post(client, workspace, "draft/save", {"revision": 1, "content": content("x" * 301)})

    assert answer.json()["issues"] == [
        {"path": ["steps", 0, "questions", 0, "label"], "message": "At most 300 characters."}
    ]


def test_wants_the_token_that_only_its_own_pages_have() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace), enforce_csrf_checks=True)
    client.get(page(workspace))
    token = client.get(page(workspace, "/draft")).json()["csrf"]
    body = json.dumps({"revision": 1, "content": content()})
    address = page(workspace, "/draft/save")

    assert client.post(address, body, content_type="application/json").status_code == 403
    headers = {"X-CSRFToken": token}
    assert client.post(address, body, content_type="application/json", headers=headers).status_code == 200


def test_previews_content_that_is_saved_nowhere() -> None:
    workspace, client, form = open_form()

    answer = post(client, workspace, "preview", {"content": content("<b>Only here</b>")})

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "&lt;b&gt;Only here&lt;/b&gt;" in text
    assert "data-preview" in text
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert LeadForm.objects.get().draft == form.draft


def test_lets_a_version_be_seen_in_a_frame_of_its_own_pages_only() -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})

    framed = client.get(page(workspace, "/history/1/preview"))
    around = client.get(page(workspace, "/history/1"))

    assert "frame-ancestors 'self'" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    assert "frame-src 'self'" in around.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in around.headers["Content-Security-Policy"]
    assert page(workspace, "/history/1/preview") in around.content.decode()


def test_lists_versions_with_who_published_what() -> None:
    workspace, client, _form = open_form()
    assert "Nothing published yet" in client.get(page(workspace, "/history")).content.decode()
    post(client, workspace, "publish", {"revision": 1})
    post(client, workspace, "draft/save", {"revision": 1, "content": content()})
    post(client, workspace, "publish", {"revision": 2})

    text = client.get(page(workspace, "/history")).content.decode()

    assert "maya" in text
    assert "“Why now?” was added." in text
    assert text.count(">Live<") == 1
    assert client.get(page(workspace, f"/history/{10**30}")).status_code == 404


def test_restores_after_a_question_and_keeps_the_replaced_draft_at_hand() -> None:
    workspace, client, form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    post(client, workspace, "draft/save", {"revision": 1, "content": content("Never published")})
    address = page(workspace, "/history/1/restore")

    asked = client.get(address).content.decode()
    assert "Your draft has changes that were never published." in asked
    assert "“Never published” was removed." in asked
    answer = client.post(address, {"revision": "2"}, follow=True)

    assert "Version 1 is your draft now." in answer.content.decode()
    assert "Never published" in answer.content.decode()
    assert LeadForm.objects.get().draft == form.draft
    assert "Never published" not in client.get(page(workspace)).content.decode()


@pytest.mark.parametrize("revision", ["1", "", "x", "9" * 40, "-1"])
def test_restores_nothing_over_a_draft_that_was_not_looked_at(revision: str) -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    post(client, workspace, "draft/save", {"revision": 1, "content": content("Newer")})

    answer = client.post(page(workspace, "/history/1/restore"), {"revision": revision})

    assert "maya saved the draft meanwhile." in answer.content.decode()
    assert 'value="2"' in answer.content.decode()
    assert LeadForm.objects.get().draft["steps"][0]["questions"][0]["label"] == "Newer"


def test_unpublishes_after_a_question() -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})

    assert "Unpublish the form?" in client.get(page(workspace, "/unpublish")).content.decode()
    assert LeadForm.objects.get().published is not None
    answer = client.post(page(workspace, "/unpublish"), follow=True)

    assert "The form is no longer published." in answer.content.decode()
    assert LeadForm.objects.get().published is None
    assert publishing.find_published(workspace.pk) is None
    assert FormVersion.objects.count() == 1


def test_says_of_what_was_unpublished_that_it_comes_back_and_not_that_it_is_new() -> None:
    workspace, client, _form = open_form()
    post(client, workspace, "publish", {"revision": 1})
    client.post(page(workspace, "/unpublish"))

    again = "The form can be reached at its address again."
    assert post(client, workspace, "review", {"revision": 1}).json()["changes"] == [again]
    assert "never published" not in client.get(page(workspace, "/history/1/restore")).content.decode()
    post(client, workspace, "draft/save", {"revision": 1, "content": content()})
    changes = post(client, workspace, "review", {"revision": 2}).json()["changes"]
    assert (changes[0], "“Why now?” was added." in changes) == (again, True)
