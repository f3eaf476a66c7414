"""What a file that someone sends is: its name made safe, and its type, which three must agree on:
the extension, what the sender declares and what the content shows."""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import BinaryIO, Final

import filetype

from kechuangtong.attachments.errors import AttachmentTypeDiffers, AttachmentTypeRefused

NAME_BYTES: Final = 200
_UNNAMED: Final = "附件"
_BLOCK: Final = 1 << 20
# Declared by senders who do not know.
_UNDECLARED: Final = frozenset({"", "application/octet-stream"})
_ZIPS: Final = frozenset({"application/zip", "application/x-zip-compressed"})
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True, slots=True)
class _Type:
    """A type of file: how it is declared, and, of an archive, the file that must be in it."""

    media_type: str
    declared: frozenset[str] = frozenset()
    member: bytes | None = None

    @property
    def is_text(self) -> bool:
        return self.media_type.startswith("text/")


_JPEG: Final = _Type("image/jpeg", frozenset({"image/jpg", "image/pjpeg"}))
TYPES: Final = {
    "pdf": _Type("application/pdf", frozenset({"application/x-pdf"})),
    "png": _Type("image/png"),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "webp": _Type("image/webp"),
    "docx": _Type(f"{_OFFICE}wordprocessingml.document", _ZIPS, b"word/document.xml"),
    "xlsx": _Type(f"{_OFFICE}spreadsheetml.sheet", _ZIPS, b"xl/workbook.xml"),
    "pptx": _Type(f"{_OFFICE}presentationml.presentation", _ZIPS, b"ppt/presentation.xml"),
    "zip": _Type("application/zip", _ZIPS),
    "txt": _Type("text/plain"),
    # What Windows calls a .csv where a spreadsheet program is installed.
    "csv": _Type("text/csv", frozenset({"text/plain", "application/vnd.ms-excel"})),
}
MEDIA_TYPES: Final = sorted({one.media_type for one in TYPES.values()})

_MARKUP: Final = re.compile(r"\s*(?:<[!?a-z]|#!|%pdf-|@echo\b)", re.IGNORECASE)
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


def safe_name(typed: str) -> str:
    """A file's name without folders, and without characters that deceive (controls, directions of
    writing) or that systems refuse; one too long is cut, but keeps its extension."""
    name = unicodedata.normalize("NFC", typed.replace("\\", "/").rsplit("/", 1)[-1])
    visible = "".join(" " if one.isspace() else one for one in name if _visible(one))
    name = re.sub(r'[<>:"|?*]', "_", " ".join(visible.split()))
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    stem = stem.strip(" .") or _UNNAMED
    ending = f"{dot}{extension.strip()}"
    room = NAME_BYTES - len(ending.encode())
    return stem.encode()[: max(room, 0)].decode(errors="ignore") + ending


def _visible(one: str) -> bool:
    return one.isspace() or not unicodedata.category(one).startswith("C")


def media_type_of(name: str, declared: str | None, content: BinaryIO) -> str:
    """The type of a file that has a safe name. Raises AttachmentTypeRefused,
    AttachmentTypeDiffers."""
    extension = name.rpartition(".")[2].lower()
    wanted = TYPES.get(extension)
    if wanted is None or "." not in name:
        raise AttachmentTypeRefused(types=", ".join(TYPES))
    said = (declared or "").partition(";")[0].strip().lower()
    known = said in _UNDECLARED or said == wanted.media_type or said in wanted.declared
    holds = _is_text(content) if wanted.is_text else _shows(wanted, content)
    if not (known and holds):
        raise AttachmentTypeDiffers(extension=extension)
    return wanted.media_type


def _shows(wanted: _Type, content: BinaryIO) -> bool:
    content.seek(0)
    found = filetype.guess(content.read(8_192))
    if found is None:
        return False
    is_zip = found.mime in _ZIPS or found.mime.startswith(_OFFICE)
    if wanted.media_type not in _ZIPS and wanted.member is None:
        return bool(found.mime == wanted.media_type)
    if not is_zip or wanted.member is None:
        return is_zip
    # The list of an archive's files stands at its end; macros are programs.
    size = content.seek(0, 2)
    content.seek(max(0, size - _BLOCK))
    listed = content.read()
    return wanted.member in listed and b"vbaProject" not in listed


def _is_text(content: BinaryIO) -> bool:
    """Whether all of a file is text, in UTF-8, UTF-16 with its mark, or GB 18030, and no markup."""
    content.seek(0)
    start = content.read(4)
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return any(
        _reads_as(content, one) for one in (["utf-16"] if wide else ["utf-8-sig", "gb18030"])
    )


def _reads_as(content: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    content.seek(0)
    begins = True
    try:
        while block := content.read(_BLOCK):
            text = decoder.decode(block)
            if _NO_TEXT.search(text) or (begins and _MARKUP.match(text)):
                return False
            begins = False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
