"""What a picture says beside what it shows: where and when it was taken, by whom, with what."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

MEDIA_TYPES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""The pictures that are taken, by their extensions."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Of chunks those that show something are kept, and no others.
_PNG_SHOWN: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT pHYS bKGD acTL fcTL fdAT".split()
)
_WEBP_SHOWN: Final = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF, _WEBP_XMP = 0b1000, 0b0100  # in the flags of VP8X: that these follow
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112


def bare(media_type: str, content: bytes) -> bytes:
    """A picture without what it says beside what it shows; how a photograph is to be turned, and
    its colours, stay. Pixels are not touched. Raises ValueError for what is no such picture."""
    try:
        return b"".join(_PARTS[media_type](content))
    except (IndexError, struct.error) as error:
        raise ValueError from error


def _jpeg(content: bytes) -> Iterator[bytes]:
    if not content.startswith(b"\xff\xd8\xff"):
        raise ValueError
    yield content[:2]
    at = 2
    while True:
        marker = content[at + 1]
        if content[at] != 0xFF or marker < 0xC0:
            raise ValueError
        if marker == 0xFF:  # there may be several of these before a marker
            at += 1
            continue
        if marker == 0xD9:  # what follows the end, as further pictures, is left out
            yield content[at : at + 2]
            return
        end = at + 2 + int(struct.unpack_from(">H", content, at + 2)[0])
        yield from _segment(marker, content[at:end])
        at = end
        if marker == 0xDA:  # of a scan the data: up to a marker that is none of its own
            while True:
                end = content.index(b"\xff", end)
                if content[end + 1] not in (0x00, 0xFF, *range(0xD0, 0xD8)):
                    break
                end += 1
            yield content[at:end]
            at = end


def _segment(marker: int, segment: bytes) -> Iterator[bytes]:
    body = segment[4:]
    if marker == 0xE1 and body.startswith(_EXIF):
        if turned := _turned(body[len(_EXIF) :]):
            exif = _EXIF + turned
            yield struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif
        return
    told = 0xE1 <= marker <= 0xEF or marker == 0xFE
    if not told or marker == 0xEE or (marker == 0xE2 and body.startswith(b"ICC_PROFILE")):
        yield segment


def _turned(tiff: bytes) -> bytes:
    """Of Exif what says how a photograph is to be turned, 1 (not at all) to 8; else nothing."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        first = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for number in range(struct.unpack_from(f"{order}H", tiff, first)[0]):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == _ORIENTATION and 1 <= value <= 8:
                entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, value, 0)
                return struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4)
    except struct.error:
        pass
    return b""


def _png(content: bytes) -> Iterator[bytes]:
    if not content.startswith(_PNG):
        raise ValueError
    yield _PNG
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        chunk = content[at : at + length + 12]
        (checksum,) = struct.unpack(">I", chunk[-4:])
        if checksum != zlib.crc32(chunk[4:-4]):
            raise ValueError
        if kind in _PNG_SHOWN:
            yield chunk
        elif kind == b"eXIf" and (turned := _turned(chunk[8:-4])):
            kept = b"eXIf" + turned
            yield struct.pack(">I", len(turned)) + kept + struct.pack(">I", zlib.crc32(kept))
        at += length + 12


def _webp(content: bytes) -> Iterator[bytes]:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError
    end = 8 + int(struct.unpack_from("<I", content, 4)[0])
    if end > len(content):
        raise ValueError
    chunks: list[bytes] = []
    turned = b""
    at = 12
    while at < end:
        kind, length = struct.unpack_from("<4sI", content, at)
        chunk = content[at : at + 8 + length + length % 2]
        if kind in _WEBP_SHOWN:
            chunks.append(chunk)
        elif kind == b"EXIF":
            turned = _turned(chunk[8:].removeprefix(_EXIF))
        at += len(chunk)
    if chunks and chunks[0].startswith(b"VP8X"):
        flags = chunks[0][8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if turned else 0)
        chunks[0] = chunks[0][:8] + bytes([flags]) + chunks[0][9:]
        if turned:  # of even length, as chunks are to be
            chunks.append(struct.pack("<4sI", b"EXIF", len(turned)) + turned)
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WEBP"
    yield from chunks


_PARTS: Final = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
