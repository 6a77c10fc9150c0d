"""A form's logo: read from whatever was uploaded, and drawn anew. No byte of an upload reaches a visitor."""

import hashlib
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from leadforms.models import LeadForm, Logo
from leadforms.picture_header import read_header
from workspaces.connections import give_back

MAX_BYTES = 512 * 1024
# Decoding takes up to twenty bytes a pixel, whatever the file's size.
MAX_PIXELS = 4_000_000
MAX_SIDE = 4096
# Programs write ten, optimisers some more. A scan of a few bytes costs as much as one of the whole picture.
MAX_SCANS = 32
# A process draws one picture at a time. So many more may wait, each for so long.
MAX_WAITING = 8
WAIT_S = 5.0
MAX_WIDTH, MAX_HEIGHT = 640, 240
FORMATS = ("PNG", "JPEG", "WEBP")
CONTENT_TYPE = "image/webp"
# A drawing is sharper and smaller without losses; a photograph is neither.
MAX_LOSSLESS_BYTES = 24 * 1024
# What Pillow's decoders raise on files that are not what they say; the bomb's warning is an error in tests only.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, OverflowError, IndexError, TypeError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class LogoError(Exception):
    """The upload can't become a logo; the message is for who uploaded it."""


class LogoBusyError(LogoError):
    """Too many pictures are being drawn in this process; the same upload may work in a few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A logo as it is stored and served."""

    content: bytes
    width: int
    height: int


def draw_logo(upload: BinaryIO, *, size: int) -> Picture:
    """Draw an uploaded picture of `size` bytes anew: at most 640 × 240 pixels, WebP, no metadata.

    Gives the database connection back. Raises LogoError; LogoBusyError where there is no turn within WAIT_S.
    """
    if size > MAX_BYTES:
        raise LogoError(
            _("This file has %(size)s kB. A logo may have 512 kB: save it smaller and try again.")
            % {"size": size // 1024}
        )
    if size == 0:
        raise LogoError(_("This file is empty."))
    upload.seek(0)
    content = upload.read(MAX_BYTES + 1)
    try:
        _refuse_costly(content)
        with _turn():
            return _draw(content)
    except _BROKEN as error:
        raise LogoError(
            _("This is no PNG, JPEG or WebP picture, or it is damaged. Export the logo anew in one of these formats.")
        ) from error


def save_logo(form: LeadForm, picture: Picture, *, now: datetime) -> Logo:
    """Put a picture in the place of the form's logo."""
    logo = Logo(
        form=form,
        content=picture.content,
        content_type=CONTENT_TYPE,
        digest=hashlib.sha256(picture.content).hexdigest()[:16],
        width=picture.width,
        height=picture.height,
        uploaded_at=now,
    )
    changed = ["content", "content_type", "digest", "width", "height", "uploaded_at"]
    Logo.objects.bulk_create([logo], update_conflicts=True, unique_fields=["form"], update_fields=changed)
    return logo


def delete_logo(form: LeadForm) -> bool:
    """Take the logo away. False: there was none."""
    deleted, _by_model = Logo.objects.filter(form=form).delete()
    return deleted > 0


def find_logo(form: LeadForm) -> Logo | None:
    """Find the form's logo without its picture."""
    return Logo.objects.filter(form=form).defer("content").first()


_drawing = threading.Lock()
_waiting = threading.BoundedSemaphore(MAX_WAITING)


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for the turn to draw, without a database connection. Raises LogoBusyError."""
    give_back()
    if not _waiting.acquire(blocking=False):
        raise LogoBusyError(_("Other pictures are being read right now. Try again in a few seconds."))
    try:
        if not _drawing.acquire(timeout=WAIT_S):
            raise LogoBusyError(_("Other pictures are being read right now. Try again in a few seconds."))
    finally:
        _waiting.release()
    try:
        yield
    finally:
        _drawing.release()


def _refuse_costly(content: bytes) -> None:
    """Look at the header alone. Raises LogoError where decoding would cost too much, ValueError where it is none."""
    header = read_header(content)
    _refuse_large(header.width, header.height)
    if header.scans > MAX_SCANS:
        raise LogoError(
            _("This JPEG is stored in %(scans)s passes, which takes too long to read. Save it as PNG and try again.")
            % {"scans": header.scans}
        )


def _refuse_large(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise LogoError(
            _(
                "This picture has %(width)s × %(height)s pixels. A logo may have 4 million of them, such as "
                "2000 × 2000, and 4096 on a side; 640 are shown. Save it smaller and try again."
            )
            % {"width": width, "height": height}
        )


def _draw(content: bytes) -> Picture:
    # By its content, never by its name. Opening reads the header alone; nothing is decoded yet.
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        # Pillow believes the last header of several.
        _refuse_large(*opened.size)
        # A JPEG is decoded at half, a quarter or an eighth of its size where that suffices, whichever way up it is.
        opened.draft(None, (MAX_WIDTH, MAX_WIDTH))
        opened.load()
        ImageOps.exif_transpose(opened, in_place=True)
        image: Image.Image = opened
    if image.mode == "I;16":
        # Converting clips what is above 255 instead of scaling it.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((MAX_WIDTH, MAX_HEIGHT), Image.Resampling.LANCZOS)
    image.info.clear()
    return Picture(content=_encode(image), width=image.width, height=image.height)


def _encode(image: Image.Image) -> bytes:
    drawing = _webp(image, lossless=True, quality=80)
    return drawing if len(drawing) <= MAX_LOSSLESS_BYTES else min(drawing, _webp(image, quality=85), key=len)


def _webp(image: Image.Image, *, quality: int, lossless: bool = False) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, lossless=lossless, method=6)
    return buffer.getvalue()
