"""What a picture's first bytes say of the work it would be. Nothing is decoded and nothing allocated for it."""

from dataclasses import dataclass

# Of each JPEG scan the decoder looks at every block of the picture again, however few bytes the scan has.
_SCAN = b"\xff\xda"
# Baseline, extended and progressive: those that libjpeg decodes and cameras and programs write.
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
# Markers without a length after them.
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`width` and `height` in pixels, `scans` how often a decoder goes over them, at most."""

    width: int
    height: int
    scans: int = 1


def read_header(content: bytes) -> Header:
    """Read the header of a PNG, JPEG or WebP file. Raises ValueError where it is none, or says no size."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        header = _read_png(content)
    elif content.startswith(b"\xff\xd8\xff"):
        header = _read_jpeg(content)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        header = _read_webp(content)
    else:
        raise ValueError("none of the three formats")
    if not (header.width and header.height):
        raise ValueError("a picture without a size")
    return header


def _read_png(content: bytes) -> Header:
    if content[12:16] != b"IHDR":
        raise ValueError("a PNG that doesn't begin with its header")
    return Header(width=_big(content, 16, 4), height=_big(content, 20, 4))


def _read_jpeg(content: bytes) -> Header:
    """Walk to the frame header; count every scan, wherever it stands.

    In a scan's own data 0xFF is followed by 0 or a restart marker, so none is missed, and none counted twice. Scans of
    an embedded preview count as well.
    """
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            raise ValueError("no marker where one has to be")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            width, height = _big(content, at + 7, 2), _big(content, at + 5, 2)
            return Header(width=width, height=height, scans=content.count(_SCAN))
        else:
            at += 2 + max(2, _big(content, at + 2, 2))
    raise ValueError("a JPEG without a frame")


def _read_webp(content: bytes) -> Header:
    """Take the size from the first chunk: of the whole canvas, or of the only frame."""
    kind, data = content[12:16], content[20:30]
    # A lossless picture of one color is a few bytes long.
    if len(data) < (5 if kind == b"VP8L" else 10):
        raise ValueError("a WebP that ends in its header")
    if kind == b"VP8X":
        return Header(width=_little(data, 4, 3) + 1, height=_little(data, 7, 3) + 1)
    if kind == b"VP8L":
        bits = _little(data, 1, 4)
        return Header(width=(bits & 0x3FFF) + 1, height=(bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        return Header(width=_little(data, 6, 2) & 0x3FFF, height=_little(data, 8, 2) & 0x3FFF)
    raise ValueError("a WebP without a picture")


def _big(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "big")


def _little(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "little")
