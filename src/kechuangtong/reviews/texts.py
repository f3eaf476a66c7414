"""Why something was returned, in words."""

from collections.abc import Iterable
from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.models.review import ReturnReason

_REASONS: Final = {
    ReturnReason.INCOMPLETE: Text("内容不完整", "incomplete"),
    ReturnReason.UNCLEAR: Text("表述不清", "unclear"),
    ReturnReason.NOT_TECHNICAL: Text("不属于技术成果或技术需求", "not about technology"),
    ReturnReason.DUPLICATE: Text("重复", "a duplicate"),
    ReturnReason.RIGHTS_UNCLEAR: Text("权属不清", "the rights are unclear"),
    ReturnReason.CONFIDENTIAL: Text("含涉密或不宜公开内容", "not for the public"),
    ReturnReason.CODE_DIFFERS: Text("代码与单位不符", "the code is not the organization's"),
    ReturnReason.PROOF_INSUFFICIENT: Text("证明材料不足", "the proof does not suffice"),
    ReturnReason.NOT_ELIGIBLE: Text("不符合条件", "not eligible"),
    ReturnReason.OTHER: Text("其他", "another reason"),
}


def in_words(reasons: Iterable[str]) -> Text:
    """Reasons as a list in a sentence."""
    texts = [_REASONS[ReturnReason(one)] for one in reasons]
    return Text("、".join(one.zh for one in texts), ", ".join(one.en for one in texts))
