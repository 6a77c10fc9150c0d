"""A form's logo: read from whatever was uploaded, and drawn anew. No byte of an upload reaches a visitor."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from leadforms.models import LeadForm, Logo

MAX_BYTES = 512 * 1024
# Decoding takes four bytes a pixel, whatever the file's size.
MAX_SIDE = 4096
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A logo as it is stored and served."""

    content: bytes
    width: int
    height: int


def draw_logo(upload: BinaryIO, *, size: int) -> Picture:
    """Draw an uploaded picture of `size` bytes anew: at most 640 × 240 pixels, WebP, no metadata. Raises LogoError."""
    if size > MAX_BYTES:
        raise LogoError(
            _("This file has %(size)s kB. A logo may have 512 kB: save it smaller and try again.")
            % {"size": size // 1024}
        )
    if size == 0:
        raise LogoError(_("This file is empty."))
    try:
        return _draw(upload)
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


def _draw(upload: BinaryIO) -> Picture:
    # By its content, never by its name. Opening reads the header alone; nothing is decoded yet.
    with Image.open(upload, formats=FORMATS) as opened:
        if max(opened.size) > MAX_SIDE:
            width, height = opened.size
            raise LogoError(
                _("This picture has %(width)s × %(height)s pixels. At most 4096 on a side can be read; 640 are shown.")
                % {"width": width, "height": height}
            )
        image = ImageOps.exif_transpose(opened)
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
