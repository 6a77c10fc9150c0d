"""The operator's design page, through HTTP."""

import re
from typing import Any

import pytest
from django.test import Client

from conftest import make_member, make_user, make_workspace
from leadforms.design import Colors, Design, read_design, single_css, theme_css, theme_digest
from leadforms.models import LeadForm
from leadforms.tests.factories import document, make_form, question
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
CHOSEN: dict[str, str] = {
    "page": "#f6f7f4",
    "card": "#ffffff",
    "text": "#18201d",
    "button": "#0f6b54",
    "button_text": "#ffffff",
    "scheme": "auto",
    "font": "system",
    "layout": "card",
    "step_mode": "steps",
    "logo_shown": "on",
    "logo_alt": "",
    "heading": "",
    "intro": "",
    "button_label": "",
    "thank_you_title": "",
    "thank_you_text": "",
    "redirect_url": "",
    "language": "",
    "embed_origins": "",
    "revision": "1",
}


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def page(workspace: Workspace, rest: str = "") -> str:
    return f"/admin/{workspace.slug}/design{rest}"


def save(workspace: Workspace, **data: str) -> Any:
    return sign_in(make_member(workspace)).post(page(workspace), CHOSEN | data, follow=True)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def stored(workspace: Workspace) -> LeadForm:
    return LeadForm.objects.get(workspace=workspace)


def test_shows_a_form_that_was_never_designed_as_visitors_see_it() -> None:
    workspace = make_workspace(name="Northlight")

    answer = sign_in(make_member(workspace)).get(page(workspace))

    text = text_of(answer)
    assert answer.status_code == 200
    assert 'value="#0f6b54"' in text
    assert text.count("badge-ok") == 3
    assert f"http://127.0.0.1:8000/forms/{workspace.slug}" in text
    assert stored(workspace).design == {}


def test_saves_what_was_chosen() -> None:
    workspace = make_workspace()

    answer = save(
        workspace,
        button="#FFCC00",
        button_text="000",
        text="#222",
        scheme="fixed",
        font="serif",
        layout="plain",
        step_mode="onePage",
        heading="  Coaching that starts today ",
        intro="Two minutes.\r\nNo newsletter.",
        button_label="Call me",
        thank_you_title="Thanks!",
        thank_you_text="We ring within the hour.",
        redirect_url="https://example.com/thanks",
        language="de",
        embed_origins="https://www.example.com/\r\n\r\nHTTPS://shop.example.com:8443\r\nhttps://www.example.com",
        logo_alt="Northlight",
    )

    form = stored(workspace)
    assert "Saved. Visitors see it from now on." in answer.content.decode()
    assert form.design == {
        "colors": {
            "page": "#f6f7f4",
            "card": "#ffffff",
            "text": "#222222",
            "button": "#ffcc00",
            "buttonText": "#000000",
            "scheme": "fixed",
        },
        "font": "serif",
        "layout": "plain",
        "stepMode": "onePage",
        "heading": "Coaching that starts today",
        "intro": "Two minutes.\nNo newsletter.",
        "buttonText": "Call me",
        "thankYou": {"title": "Thanks!", "text": "We ring within the hour."},
        "redirectUrl": "https://example.com/thanks",
        "logo": {"shown": True, "alt": "Northlight"},
    }
    assert (form.language, form.design_revision) == ("de", 2)
    assert form.embed_origins == ["https://www.example.com", "https://shop.example.com:8443"]
    shown = sign_in(make_member(workspace)).get(page(workspace)).content.decode()
    assert "Two minutes.\nNo newsletter." in shown
    assert "https://www.example.com\nhttps://shop.example.com:8443" in shown


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (
            {"text": "#b9c0bd"},
            "On the card its contrast is 1.8:1, and it takes 4.5:1 to be read well. "
            "Nearest that pass: text #6d7370 or card #4d4d4d.",
        ),
        ({"page": "#16211d"}, "On the page its contrast is 1.0:1"),
        ({"button": "#f5c518"}, "Text on the button</a>: Its contrast is 1.6:1"),
        # 4.48:1: it is not rounded to one that passes.
        ({"text": "#777777", "page": "#ffffff"}, "contrast is 4.4:1"),
    ],
)
def test_refuses_colours_that_cannot_be_read_and_offers_the_nearest(data: dict[str, str], told: str) -> None:
    workspace = make_workspace()

    answer = save(workspace, **data, heading="Kept")

    text = text_of(answer)
    assert told in text
    assert 'value="Kept"' in text
    assert "Nothing was saved yet" in text
    assert 'name="use" value="' in text
    assert stored(workspace).design_revision == 1


def test_saves_with_an_offered_colour_at_the_press_of_its_button() -> None:
    workspace = make_workspace()
    refused = save(workspace, button="#f5c518", heading="Kept")
    offers = re.findall(r'name="use" value="(button:#[0-9a-f]{6})"', refused.content.decode())

    save(workspace, button="#f5c518", heading="Kept", use=offers[0])

    design = read_design(stored(workspace).design)
    assert design.colors.button == offers[0].removeprefix("button:")
    assert design.heading == "Kept"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"card": "white"}, "Write a colour as # and six digits"),
        ({"card": ""}, "This field is required."),
        ({"card": "#ffffff;}"}, "Write a colour as # and six digits"),
        ({"font": "Comic Sans"}, "Select a valid choice."),
        ({"layout": ""}, "This field is required."),
        ({"scheme": "x"}, "Select a valid choice."),
        ({"language": "xx"}, "Select a valid choice."),
        ({"heading": "x" * 201}, "at most 200 characters"),
        ({"intro": "x" * 2001}, "at most 2000 characters"),
        ({"button_label": "x" * 61}, "at most 60 characters"),
        ({"redirect_url": "javascript:alert(1)"}, "Start it with https://"),
        ({"redirect_url": "www.example.com/thanks"}, "Start it with https://"),
        ({"redirect_url": "data:text/html,x"}, "Start it with https://"),
        ({"redirect_url": "https://maya:secret@example.com"}, "Leave out the user name and the password"),
        ({"redirect_url": "https://exa mple.com"}, "copy its address"),
        ({"redirect_url": "https://example.com/" + "x" * 2000}, "at most 2000 characters"),
        ({"embed_origins": "example.com"}, "“example.com”: start it with https://"),
        ({"embed_origins": "http://example.com"}, "“http://example.com”: start it with https://"),
        ({"embed_origins": "https://example.com/contact"}, "only the part up to the first single slash"),
        ({"embed_origins": "https://*.example.com"}, "is no address of a site"),
        ({"embed_origins": "https://a.example; script-src *"}, "is no address of a site"),
        ({"embed_origins": "\n".join(f"https://s{n}.example" for n in range(51))}, "At most 50 sites."),
        ({"heading": "a\x00b" + "x" * 200}, "at most 200 characters"),
    ],
)
def test_names_what_is_wrong_and_keeps_what_was_typed(data: dict[str, str], told: str) -> None:
    workspace = make_workspace()

    answer = save(workspace, **({"thank_you_text": "Kept as typed"} | data))

    assert told in text_of(answer)
    assert "Kept as typed" in text_of(answer)
    assert stored(workspace).design_revision == 1


def test_shows_what_was_typed_as_text() -> None:
    workspace = make_workspace(name="<b>Acme</b>")

    answer = save(workspace, heading="<script>alert(1)</script>", card='"><script>alert(1)</script>')

    assert "<script>alert(1)" not in answer.content.decode()
    assert "<b>Acme" not in answer.content.decode()


def test_the_later_of_two_saves_is_told_and_overwrites_nothing() -> None:
    workspace = make_workspace()
    save(workspace, heading="From Maya", font="serif")

    client = sign_in(make_member(workspace))
    told = client.post(page(workspace), CHOSEN | {"heading": "From Ben"})

    text = text_of(told)
    assert told.status_code == 409
    assert "somebody else saved this page" in text
    assert "Heading: <q>From Maya</q>" in text
    assert "Font: <q>Serif</q>" in text
    assert 'value="From Ben"' in text
    assert read_design(stored(workspace).design).heading == "From Maya"
    revision = re.search(r'name="revision" value="(\d+)"', text)
    assert revision
    client.post(page(workspace), CHOSEN | {"heading": "From Ben", "revision": revision[1]})
    assert read_design(stored(workspace).design).heading == "From Ben"


def test_a_form_whose_revision_was_tampered_with_is_not_saved() -> None:
    workspace = make_workspace()

    for revision in ("", "0", "x", "99", "-1"):
        save(workspace, heading="Mine", revision=revision)

    assert stored(workspace).design == {}


def test_serves_the_theme_under_a_name_that_changes_with_it() -> None:
    workspace = make_workspace()
    before = theme_digest(read_design({}))
    save(workspace, button="#7a1f5c")
    design = read_design(stored(workspace).design)

    current = Client().get(f"/forms/{workspace.slug}/theme-{theme_digest(design)}.css")
    old = Client().get(f"/forms/{workspace.slug}/theme-{before}.css")

    assert current.headers["Content-Type"] == "text/css; charset=utf-8"
    assert current.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert old.headers["Cache-Control"] == "public, max-age=60"
    assert current.content == old.content == theme_css(design).encode()
    assert "--form-accent: #7a1f5c;" in current.content.decode()
    assert "Cookie" not in current.headers.get("Vary", "")


def test_serves_the_theme_of_a_workspace_without_a_form_and_of_no_other() -> None:
    workspace = make_workspace()
    digest = theme_digest(read_design({}))

    assert Client().get(f"/forms/{workspace.slug}/theme-{digest}.css").status_code == 200
    assert Client().get(f"/forms/nobody/theme-{digest}.css").status_code == 404


def test_previews_what_is_saved_and_what_is_being_chosen() -> None:
    workspace = make_workspace()
    make_form(workspace, document(question(label="What brings you here?")))
    save(workspace, heading="Saved heading")
    client = sign_in(make_member(workspace))

    saved = client.get(page(workspace, "/preview"))
    chosen = client.post(page(workspace, "/preview"), CHOSEN | {"heading": "Chosen heading", "text": "#b9c0bd"})
    thanks = client.post(page(workspace, "/preview?show=thanks"), CHOSEN | {"thank_you_title": "Chosen thanks"})

    assert "Saved heading" in saved.content.decode()
    assert "What brings you here?" in saved.content.decode()
    assert "frame-ancestors 'self'" in saved.headers["Content-Security-Policy"]
    assert "DENY" not in saved.headers.get("X-Frame-Options", "")
    assert "Chosen heading" in chosen.content.decode()
    assert "Chosen thanks" in thanks.content.decode()
    # What can't be saved can be looked at.
    theme = re.search(r'href="([^"]*/design/theme\.css\?[^"]*)"', chosen.content.decode())
    assert theme
    css = client.get(theme[1].replace("&amp;", "&")).content.decode()
    assert "--form-ink: #b9c0bd;" in css
    assert read_design(stored(workspace).design).heading == "Saved heading"


def test_previews_a_language_that_is_not_saved_yet() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    german = client.post(page(workspace, "/preview"), CHOSEN | {"language": "de"}).content.decode()
    arabic = client.post(page(workspace, "/preview?show=thanks"), CHOSEN | {"language": "ar"}).content.decode()
    LeadForm.objects.update(language="fr")
    saved = client.get(page(workspace, "/preview")).content.decode()
    any_one = client.post(page(workspace, "/preview"), CHOSEN | {"language": ""}).content.decode()

    assert '<html lang="de" dir="ltr"' in german
    assert '<html lang="ar" dir="rtl"' in arabic
    assert '<html lang="fr"' in saved
    assert '<html lang="en"' in any_one


@pytest.mark.parametrize(
    ("scheme", "time", "dark"),
    [("auto", "day", False), ("auto", "night", True), ("fixed", "night", False)],
)
def test_previews_the_colours_of_the_night_whatever_the_operators_own_device(
    scheme: str, time: str, dark: bool
) -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    shown = client.post(page(workspace, f"/preview?time={time}"), CHOSEN | {"scheme": scheme}).content.decode()

    theme = re.search(r'href="([^"]*/design/theme\.css\?[^"]*)"', shown)
    assert theme
    css = client.get(theme[1].replace("&amp;", "&")).content.decode()
    assert ("color-scheme: dark;" in css) is dark
    # A logo that was drawn for light colours lies on one of them.
    assert ("--form-logo-ground: #ffffff;" in css) is dark
    assert "prefers-color-scheme" not in css


def test_a_preview_of_nonsense_shows_what_is_saved() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    nonsense = dict.fromkeys(CHOSEN, "\x00<nonsense>")

    answer = client.post(page(workspace, "/preview"), nonsense)
    css = client.get(page(workspace, "/theme.css"), {"page": "red;}", "font": "x", "scheme": "y", "layout": "z"})

    assert answer.status_code == 200
    assert "<nonsense>" not in answer.content.decode()
    assert css.content.decode() == theme_css(Design(colors=Colors(scheme="fixed")))
    assert css.content.decode() == single_css(Design())


@pytest.mark.parametrize("rest", ["", "/preview", "/theme.css"])
def test_opens_to_managers_only(rest: str) -> None:
    workspace = make_workspace()
    opened = {
        role: sign_in(make_member(workspace, role=role)).get(page(workspace, rest)).status_code
        for role in ("owner", "admin", "agent")
    }

    assert opened == {"owner": 200, "admin": 200, "agent": 403}
    assert sign_in(make_user(is_superuser=True)).get(page(workspace, rest)).status_code == 200
    assert Client().get(page(workspace, rest)).status_code == 302


def test_an_agent_saves_nothing() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, role="agent"))

    assert client.post(page(workspace), CHOSEN | {"heading": "Mine"}).status_code == 403
    assert not LeadForm.objects.filter(workspace=workspace).exists()


def test_hides_designs_of_other_workspaces() -> None:
    mine, theirs = make_workspace(), make_workspace()
    save(theirs, heading="Their secret heading")
    client = sign_in(make_member(mine))

    for rest in ("", "/preview", "/theme.css"):
        assert client.get(page(theirs, rest)).status_code == 404
    assert client.post(page(theirs), CHOSEN | {"heading": "Mine now"}).status_code == 404
    assert client.post(page(theirs, "/preview"), CHOSEN).status_code == 404
    assert read_design(stored(theirs).design).heading == "Their secret heading"
    for rest in ("", "/preview"):
        assert "Their secret heading" not in client.get(page(mine, rest)).content.decode()
