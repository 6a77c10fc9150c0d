"""Logos: what is uploaded, what becomes of it, and who gets it."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, PngImagePlugin

from conftest import make_member, make_workspace
from leadforms.models import LeadForm, Logo
from leadforms.tests.costly_pictures import png_of
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100), mode: str = "RGB", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size, "#0f6b54" if mode in {"RGB", "RGBA"} else None).save(buffer, kind, **options)
    return buffer.getvalue()


def upload(workspace: Workspace, content: bytes, name: str = "logo.png", content_type: str = "image/png") -> Any:
    client = sign_in(make_member(workspace))
    file = SimpleUploadedFile(name, content, content_type=content_type)
    return client.post(f"/admin/{workspace.slug}/design/logo", {"logo": file}, follow=True)


def problem_of(answer: Any) -> str:
    assert not Logo.objects.exists()
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'id="id_logo_error"' in text
    return str(text.split('id="id_logo_error">')[1].split("</p>")[0])


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "CMYK"), ("WEBP", "RGB")])
def test_draws_a_picture_anew_and_serves_it(kind: str, mode: str) -> None:
    workspace = make_workspace()

    answer = upload(workspace, picture(kind, (1500, 500), mode))

    logo = Logo.objects.get()
    assert "The logo is saved" in answer.content.decode()
    assert (logo.width, logo.height, logo.content_type) == (640, 213, "image/webp")
    address = f"/forms/{workspace.slug}/logo-{logo.digest}.webp"
    assert address in answer.content.decode()
    served = Client().get(address)
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert served.headers["Content-Disposition"] == "inline"
    shown = Image.open(BytesIO(served.content))
    assert (shown.format, shown.size) == ("WEBP", (640, 213))


def test_keeps_a_tall_picture_within_the_page_and_a_small_one_as_it_is() -> None:
    tall, small = make_workspace(), make_workspace()

    upload(tall, picture(size=(500, 1000)))
    upload(small, picture(size=(40, 20)))

    assert [(logo.width, logo.height) for logo in Logo.objects.order_by("pk")] == [(120, 240), (40, 20)]


def test_keeps_what_is_transparent_transparent() -> None:
    upload(make_workspace(), picture("PNG", mode="LA"))

    with Image.open(BytesIO(Logo.objects.get().content)) as shown:
        assert shown.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_leaves_out_where_and_when_a_photograph_was_taken() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x8825], exif[0x0112] = "Maya's garden", {1: "N", 2: (51.0, 30.0, 0.0)}, 6
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Maya Secret")

    upload(make_workspace(), picture("JPEG", (300, 100), exif=exif.tobytes(), comment=b"Maya Secret"))
    photograph = Logo.objects.get()
    upload(make_workspace(), picture("PNG", pnginfo=text, exif=exif.tobytes()))
    drawing = Logo.objects.latest("pk")

    # It was turned as its camera had said, and says so no more.
    assert (photograph.width, photograph.height) == (80, 240)
    for logo in (photograph, drawing):
        content = bytes(logo.content)
        assert b"EXIF" not in content
        assert b"Maya" not in content
        with Image.open(BytesIO(content)) as shown:
            assert dict(shown.getexif()) == {}


def test_shows_the_first_picture_of_several() -> None:
    frames = [Image.new("RGB", (60, 20), color) for color in ("#ff0000", "#00ff00", "#0000ff")]
    buffer = BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    upload(make_workspace(), buffer.getvalue())

    with Image.open(BytesIO(Logo.objects.get().content)) as shown:
        assert getattr(shown, "n_frames", 1) == 1
        red, green, _blue = shown.convert("RGB").getpixel((30, 10))  # type: ignore[misc]
        assert red > 250
        assert green < 5


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "logo.svg"),
        (b"<!doctype html><script>alert(1)</script>", "logo.png"),
        (picture("PNG")[:200], "logo.png"),
        (picture("JPEG", (900, 900))[:2000], "logo.jpg"),
        (b"GIF89a" + b"\0" * 200, "logo.png"),
        (picture("BMP"), "logo.png"),
        (picture("GIF", mode="P"), "logo.png"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 500, "logo.png"),
        (b"RIFF\xff\xff\xff\x7fWEBPVP8L" + b"\0" * 100, "logo.webp"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "logo.png"),
    ],
    ids=["svg", "html", "cut png", "cut jpeg", "gif", "bmp", "real gif", "noise", "wild webp", "eps"],
)
def test_refuses_what_is_no_picture_of_the_three_kinds(content: bytes, name: str) -> None:
    answer = upload(make_workspace(), content, name)

    assert "This is no PNG, JPEG or WebP picture" in problem_of(answer)


@pytest.mark.parametrize(
    "size", [(4097, 10), (10, 4097), (2001, 2000), (30_000, 30_000), (2_000_000_000, 2_000_000_000)]
)
def test_never_decodes_a_picture_that_would_fill_the_memory(size: tuple[int, int]) -> None:
    answer = upload(make_workspace(), png_of(size))

    # Some are refused by their header, some before it is believed.
    assert "A logo may have 4 million of them" in problem_of(answer)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "P"), ("JPEG", "RGB"), ("WEBP", "RGBA")])
def test_reads_a_picture_as_large_as_allowed(kind: str, mode: str) -> None:
    upload(make_workspace(), picture(kind, (4000, 1000), mode))

    assert Logo.objects.get().height == 160


@pytest.mark.parametrize("size", [512 * 1024 + 1, 10 * 1024 * 1024])
def test_refuses_a_file_that_is_too_large(size: int) -> None:
    answer = upload(make_workspace(), picture("PNG") + b"\0" * (size - len(picture("PNG"))))

    assert "A logo may have 512 kB" in problem_of(answer)


def test_asks_for_a_picture_when_none_was_chosen() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    assert "Choose a picture first." in problem_of(client.post(f"/admin/{workspace.slug}/design/logo", {}))
    empty = {"logo": SimpleUploadedFile("logo.png", b"")}
    assert "This file is empty." in problem_of(client.post(f"/admin/{workspace.slug}/design/logo", empty))


def test_a_refused_picture_leaves_the_old_one() -> None:
    workspace = make_workspace()
    upload(workspace, picture())
    before = Logo.objects.get().digest

    upload(workspace, b"nonsense")

    assert Logo.objects.get().digest == before


def test_another_picture_has_another_address_and_the_old_one_shows_it_too() -> None:
    workspace = make_workspace()
    upload(workspace, picture(size=(30, 30)))
    old = Logo.objects.get().digest
    upload(workspace, picture(size=(60, 30)))
    new = Logo.objects.get().digest

    assert new != old
    served = Client().get(f"/forms/{workspace.slug}/logo-{old}.webp")
    assert served.headers["Cache-Control"] == "public, max-age=60"
    assert Image.open(BytesIO(served.content)).size == (60, 30)


def test_deletes_the_logo() -> None:
    workspace = make_workspace()
    upload(workspace, picture())
    digest = Logo.objects.get().digest
    client = sign_in(make_member(workspace, role="admin"))

    answer = client.post(f"/admin/{workspace.slug}/design/logo", {"delete": "yes"}, follow=True)

    assert "The logo is gone." in answer.content.decode()
    assert not Logo.objects.exists()
    assert Client().get(f"/forms/{workspace.slug}/logo-{digest}.webp").status_code == 404


def test_an_agent_changes_no_logo() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, role="agent"))

    answer = client.post(f"/admin/{workspace.slug}/design/logo", {"logo": SimpleUploadedFile("l.png", picture())})

    assert answer.status_code == 403
    assert not Logo.objects.exists()


def test_hides_logos_of_other_workspaces() -> None:
    mine, theirs = make_workspace(), make_workspace()
    upload(theirs, picture())
    logo = Logo.objects.get()
    client = sign_in(make_member(mine))

    for data in ({"delete": "yes"}, {"logo": SimpleUploadedFile("l.png", picture())}):
        assert client.post(f"/admin/{theirs.slug}/design/logo", data).status_code == 404
    assert Client().get(f"/forms/{mine.slug}/logo-{logo.digest}.webp").status_code == 404
    assert f"logo-{logo.digest}" not in client.get(f"/admin/{mine.slug}/design").content.decode()
    assert Logo.objects.get() == logo
    assert not LeadForm.objects.filter(workspace=mine, logo__isnull=False).exists()
