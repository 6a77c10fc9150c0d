"""What an upload may cost: refused by its header before anything is decoded, and one at a time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from conftest import make_member, make_workspace
from leadforms import logos
from leadforms.logos import LogoBusyError, LogoError, draw_logo
from leadforms.models import Logo
from leadforms.tests.costly_pictures import jpeg_of_scans, png_of, webp_of_frames


def draw(content: bytes) -> logos.Picture:
    return draw_logo(BytesIO(content), size=len(content))


def saved(kind: str, size: tuple[int, int], mode: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count what is handed to the decoders."""
    seen: list[str] = []
    monkeypatch.setattr(Image, "open", lambda *_, **__: seen.append("decoded"))
    return seen


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (jpeg_of_scans(4096, 4096, 1), "4 million"),
        (jpeg_of_scans(2000, 2000, 8000), "8000 passes"),
        (jpeg_of_scans(64, 64, 33), "33 passes"),
        (png_of((4096, 4096)), "4 million"),
        (saved("WEBP", (4096, 4096), "RGB", lossless=True, method=0), "4 million"),
        (saved("WEBP", (4000, 1001), "RGB", method=0), "4000 × 1001"),
        (saved("WEBP", (2001, 2000), "RGBA", exif=b"Exif\0\0", method=0), "2001 × 2000"),
    ],
    ids=["large jpeg", "scans", "one scan too many", "large png", "lossless webp", "lossy webp", "extended webp"],
)
def test_refuses_a_costly_picture_before_anything_is_decoded(content: bytes, words: str, decoded: list[str]) -> None:
    assert len(content) <= logos.MAX_BYTES

    with pytest.raises(LogoError, match=words):
        draw(content)

    assert decoded == []


def test_does_not_believe_the_first_of_two_headers() -> None:
    with pytest.raises(LogoError, match=r"9000 × 9000|no PNG"):
        draw(png_of((1, 1), (9000, 9000)))


def test_counts_scans_behind_bytes_that_belong_to_none() -> None:
    """What libjpeg skips must not hide a scan."""
    many = jpeg_of_scans(64, 64, 40)
    comment = b"\xff\xfe\x00\x06\xff\xd9..\xff\xff"

    with pytest.raises(LogoError, match="40 passes"):
        draw(many[:2] + comment + many[2:].replace(b"\xff\xda", b"\xff\xff\xda"))


@pytest.mark.parametrize("options", [{"format": "PNG"}, {"format": "WEBP", "lossless": True}, {"format": "WEBP"}])
def test_reads_a_picture_of_one_pixel_from_a_file_that_was_read_before(options: dict[str, Any]) -> None:
    file = BytesIO()
    Image.new("RGB", (1, 1)).save(file, **options)

    picture = draw_logo(file, size=file.tell())

    assert (picture.width, picture.height) == (1, 1)


@pytest.mark.parametrize(("size", "mode"), [((2000, 2000), "RGB"), ((900, 300), "CMYK"), ((900, 300), "L")])
def test_reads_progressive_pictures_that_programs_write(size: tuple[int, int], mode: str) -> None:
    picture = draw(saved("JPEG", size, mode, progressive=True))

    assert (picture.width, picture.height) == ((240, 240) if size == (2000, 2000) else (640, 213))


def test_reads_the_costliest_picture_it_allows_within_a_second() -> None:
    begun = time.process_time()

    draw(jpeg_of_scans(2000, 2000, 32))
    draw(webp_of_frames(8_000))

    assert time.process_time() - begun < 2


@contextmanager
def somebody_drawing() -> Iterator[None]:
    logos._drawing.acquire()
    try:
        yield
    finally:
        logos._drawing.release()


def test_draws_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, draw_it = 0, 0, logos._draw

    def count(content: bytes) -> logos.Picture:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.02)
        at_once -= 1
        return draw_it(content)

    monkeypatch.setattr(logos, "_draw", count)
    content = saved("PNG", (30, 10), "RGB")
    threads = [threading.Thread(target=draw, args=[content]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


def test_lets_few_wait_and_none_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logos, "WAIT_S", 0.3)
    content = saved("PNG", (30, 10), "RGB")
    waited: list[float] = []

    def try_it() -> None:
        begun = time.monotonic()
        with pytest.raises(LogoBusyError):
            draw(content)
        waited.append(time.monotonic() - begun)

    with somebody_drawing():
        threads = [threading.Thread(target=try_it) for _ in range(logos.MAX_WAITING + 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sum(seconds < 0.2 for seconds in waited) >= 4
    assert max(waited) < 2
    assert draw(content).width == 30


@pytest.mark.django_db
def test_says_that_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logos, "WAIT_S", 0.01)
    workspace = make_workspace()
    client = Client()
    client.force_login(make_member(workspace))
    file = SimpleUploadedFile("logo.png", saved("PNG", (30, 10), "RGB"))

    with somebody_drawing():
        answer = client.post(f"/admin/{workspace.slug}/design/logo", {"logo": file})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Other pictures are being read right now." in answer.content.decode()
    assert not Logo.objects.exists()
