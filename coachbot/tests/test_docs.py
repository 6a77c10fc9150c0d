"""/docs/: every page opens, every link leads somewhere, nothing needs a login or breaks the policy."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from coachbot import api_reference, docs, markdown
from leads.models import Lead

ROOT = Path(settings.BASE_DIR)
PAGES = ["/docs/", "/docs/api", *(f"/docs/{page.name}" for page in docs.PAGES)]


class Found(HTMLParser):
    """What a page links to and what can be linked to in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [str(given[name]) for name in ("href", "src") if given.get(name)]
        self.ids += [str(given["id"])] if given.get("id") else []
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def open_page(client: Client, path: str) -> Found:
    response = client.get(path)
    assert response.status_code == 200, path
    return Found(response.content.decode())


@pytest.mark.parametrize("path", PAGES)
def test_page_opens_without_login_under_the_strict_policy(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "public" in response["Cache-Control"]
    found = Found(response.content.decode())
    assert found.inline == []
    assert len(found.ids) == len(set(found.ids))
    assert response.content.count(b"<h1") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(client: Client, path: str) -> None:
    for link in open_page(client, path).links:
        target, fragment = urldefrag(link)
        if target.startswith(("/static/", "/admin/")) or urlsplit(target).netloc:
            continue
        if target in {"", *PAGES}:
            assert not fragment or fragment in open_page(client, target or path).ids, f"{path} → {link}"
        else:
            assert client.get(target, follow=True).status_code == 200, f"{path} → {link}"


@pytest.mark.parametrize(
    "path", ["/docs/nothing", "/docs/..%2fREADME", "/docs/img/nothing.png", "/docs/img/..%2fdocs.py"]
)
def test_unknown_pages_and_images_are_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_markdown_file_has_its_page() -> None:
    assert {file.stem for file in (ROOT / "docs").glob("*.md")} == {page.name for page in docs.PAGES}


def test_examples_name_the_server_they_are_read_from(client: Client, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://leads.acme.test"
    body = client.get("/docs/integrators").content.decode()
    assert "https://leads.acme.test/api/public/leads" in body
    assert "coachbot.example" not in body


def test_images_of_the_documentation_are_served(client: Client, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "docs/img").mkdir(parents=True)
    (tmp_path / "docs/img/key.png").write_bytes(b"\x89PNG")
    (tmp_path / "docs/secret.png").write_bytes(b"\x89PNG")
    settings.BASE_DIR = tmp_path
    response = client.get("/docs/img/key.png")
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    assert response.content == b"\x89PNG"
    assert client.get("/docs/img/secret.png").status_code == 404


def test_raw_html_is_shown_and_never_executed() -> None:
    html = markdown.render("# Title\n\n<script>alert(1)</script>\n\n`<b>`\n\n```js\n</code><img>\n```\n", link=str).html
    assert "<script>" not in html
    assert "<img>" not in html
    assert "&lt;script&gt;" in html


def test_a_javascript_link_is_no_link() -> None:
    assert "href" not in markdown.render("[here](javascript:alert(1))", link=str).html


def test_headings_get_anchors_of_their_own_and_tables_no_inline_style() -> None:
    document = markdown.render("# A\n\n## Same\n\n## Same\n\n| x |\n|--:|\n| 1 |\n", link=str)
    assert [(each.anchor, each.title) for each in document.sections] == [("same", "Same"), ("same-1", "Same")]
    assert "style=" not in document.html
    assert document.title == "A"


def test_reference_shows_every_operation_of_the_api(client: Client) -> None:
    body = client.get("/docs/api").content.decode()
    operations = [(each.method, each.path) for each in api_reference.read().operations]
    assert ("POST", "/api/public/leads") in operations
    assert ("GET", "/api/public/leads/{lead_id}") in operations
    for method, path in operations:
        assert f'data-method="{method}" data-path="{path}"' in body


DOCUMENT = {
    "info": {"title": "T", "version": "1"},
    "security": [{"apiKey": []}],
    "paths": {
        "/api/public/things/{id}": {
            "post": {
                "summary": "Make a thing",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"201": {"description": "Made <b>."}, "204": {"description": "None."}},
            }
        },
        "/other": {"get": {"responses": {}}},
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 120, "description": "Its name."},
                    "email": {"type": ["string", "null"], "format": "email"},
                    "parts": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
                    "kind": {"enum": ["a", "b"]},
                },
            }
        }
    },
}


def test_reference_follows_schemas_to_the_last_field() -> None:
    (operation,) = api_reference.build(DOCUMENT).operations
    assert operation.anchor == "post-things-id"
    assert operation.needs_key
    assert operation.body is not None
    assert [(field.name, field.kind, field.required) for field in operation.body.fields] == [
        ("name", "string", True),
        ("email", "string (email) or null", False),
        ("parts", "array of object", False),
        ("parts[].n", "integer", False),
        ("kind", '"a" | "b"', False),
    ]
    assert operation.body.fields[0].limits == ("at most 120 characters",)
    assert '"email": "jane@example.com"' in operation.body.examples[0].json
    assert [answer.status for answer in operation.answers] == ["201", "204"]


def code_blocks(language: str) -> list[str]:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    return [block for page in pages for block in re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.S)]


def test_examples_can_be_read_by_what_they_are_written_for() -> None:
    assert len(code_blocks("json")) > 5
    for block in code_blocks("json"):
        json.loads(block)
    for block in code_blocks("python"):
        compile(block, "example", "exec")


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_relative_links_of_the_repository_s_pages_exist(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    targets = [urldefrag(target)[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    missing = [each for each in targets if each and not urlsplit(each).scheme and not (ROOT / each).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["README.md", "docs/running.md"])
def test_names_every_variable_without_which_compose_does_not_start(name: str) -> None:
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    assert len(required) >= 7

    told = (ROOT / name).read_text()

    assert {variable for variable in required if f"`{variable}`" not in told} == set()


@pytest.mark.parametrize("code", ["invalid_idempotency_key", "bad_request", "forbidden"])
def test_tells_integrators_of_every_error_code(code: str) -> None:
    assert f"| `{code}` |" in (ROOT / "docs/integrators.md").read_text()


def test_tells_integrators_who_sets_each_status() -> None:
    told = (ROOT / "docs/integrators.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", told, re.M))

    assert set(rows) >= set(Lead.Status.values)
    assert rows["booked"].startswith("The agent")
    assert "staff set `booked`" not in told


def test_says_of_each_fault_what_happens_and_what_the_operator_sees() -> None:
    told = (ROOT / "docs/running.md").read_text()
    section = told.partition("\n## What happens when …\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:2] == "| "
    ]

    assert rows.count(["What happens", "What Coachbot does", "What you see"]) >= 8
    assert len(rows) > 30
    assert [row for row in rows if len(row) != 3 or not all(row)] == []


def test_tells_operators_how_to_set_up_nginx_and_caddy() -> None:
    told = (ROOT / "docs/running.md").read_text()

    for words in (
        *("TRUSTED_PROXIES", "BODY_TIMEOUT_S", "client_max_body_size 16m;", "client_body_timeout 30s;"),
        *("$proxy_add_x_forwarded_for;", "read_body 40s", "keepalive 20s"),
    ):
        assert words in told
