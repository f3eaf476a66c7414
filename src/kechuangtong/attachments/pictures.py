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
_PNG_TOLD: Final = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_WEBP_TOLD: Final = frozenset({b"EXIF", b"XMP "})
_WEBP_TELLS: Final = 0b1100  # in the flags of VP8X: that EXIF, that XMP follows
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
        if (turned := _turned(body[len(_EXIF) :])) is not None:
            entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, turned, 0)
            exif = _EXIF + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4)
            yield struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif
        return
    told = 0xE1 <= marker <= 0xEF or marker == 0xFE
    if not told or marker == 0xEE or (marker == 0xE2 and body.startswith(b"ICC_PROFILE")):
        yield segment


def _turned(tiff: bytes) -> int | None:
    """How a photograph is to be turned, from 1 (not at all) to 8, where its Exif tells it."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        first = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for number in range(struct.unpack_from(f"{order}H", tiff, first)[0]):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == _ORIENTATION and 1 <= value <= 8:
                return int(value)
    except struct.error:
        pass
    return None


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
        if kind not in _PNG_TOLD:
            yield chunk
        at += length + 12


def _webp(content: bytes) -> Iterator[bytes]:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError
    end = 8 + int(struct.unpack_from("<I", content, 4)[0])
    if end > len(content):
        raise ValueError
    chunks = []
    at = 12
    while at < end:
        kind, length = struct.unpack_from("<4sI", content, at)
        chunk = bytearray(content[at : at + 8 + length + length % 2])
        if kind == b"VP8X":
            chunk[8] &= ~_WEBP_TELLS
        if kind not in _WEBP_TOLD:
            chunks.append(bytes(chunk))
        at += len(chunk)
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WEBP"
    yield from chunks


_PARTS: Final = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
