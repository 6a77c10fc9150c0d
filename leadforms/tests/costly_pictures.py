"""Pictures of a few hundred kB that would keep a decoder busy for long, or fill the memory."""

import struct
import zlib


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Write a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(*sizes: tuple[int, int]) -> bytes:
    """Write a PNG that says it has so many pixels, in a few bytes; with several sizes, a header for each."""
    headers = [png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)) for size in sizes]
    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return b"".join((b"\x89PNG\r\n\x1a\n", *headers, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")))


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """Write a progressive JPEG, black, whose decoder goes over every block `scans` times. A scan has some 30 bytes."""
    blocks = -(-width // 8) * -(-height // 8)
    # Codes of one bit: a difference of 0, and "the next 32,767 blocks are done".
    tables = b"".join(_segment(0xC4, bytes([kind, 1, *[0] * 15, code])) for kind, code in ((0x00, 0), (0x10, 0xE0)))
    frame = _segment(0xDB, b"\0" + b"\1" * 64) + _segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    first = _scan(0, 0, "0" * blocks)
    further = _scan(1, 63, ("0" + "1" * 14) * -(-blocks // 32_767))
    return b"\xff\xd8" + frame + tables + first + further * (scans - 1) + b"\xff\xd9"


def webp_of_frames(count: int) -> bytes:
    """Write an animated WebP of so many frames of one pixel."""
    still = b"VP8L" + struct.pack("<I", 8) + bytes.fromhex("2f00000000888888")
    frame = b"\0" * 12 + struct.pack("<I", 10) + still
    frames = (b"ANMF" + struct.pack("<I", len(frame)) + frame) * count
    head = b"VP8X" + struct.pack("<I", 10) + b"\x02" + b"\0" * 9 + b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
    body = b"WEBP" + head + frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _scan(first: int, last: int, bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return _segment(0xDA, bytes([1, 1, 0, first, last, 0])) + data
