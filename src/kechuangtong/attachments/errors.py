"""The named failures of attachments."""

from http import HTTPStatus

from kechuangtong.core.errors import AppError, Conflict, Invalid
from kechuangtong.core.language import Text


class AttachmentEmpty(Invalid):
    code = "attachment_empty"
    text = Text("文件是空的。", "The file is empty.")
    place = ("body", "file")


class AttachmentTooLarge(AppError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "attachment_too_large"
    text = Text("附件最大 {limit} 字节。", "An attachment has at most {limit} bytes.")
    place = ("body", "file")


class AttachmentTypeRefused(Invalid):
    code = "attachment_type_refused"
    text = Text(
        "不接受此类文件；可用：{types}。", "Files of this type are not taken; take {types}."
    )
    place = ("body", "file")


class AttachmentTypeDiffers(Invalid):
    code = "attachment_type_differs"
    text = Text(
        "文件内容或声明的类型与扩展名 {extension} 不符。",
        "What the file holds, or its declared type, is not what its extension {extension} says.",
    )
    place = ("body", "file")


class TooManyAttachments(Conflict):
    code = "too_many_attachments"
    text = Text("每条记录最多 {limit} 个附件。", "A record has at most {limit} attachments.")
