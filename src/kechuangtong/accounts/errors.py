"""What can go wrong with signing in and users."""

from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import Conflict, Forbidden, NotSignedIn
from kechuangtong.core.language import Text


class UserLocked(NotSignedIn):
    code = "user_locked"
    text = Text(
        "此账号已被锁定，请联系平台管理员。", "This account is locked; ask an administrator."
    )


class LastManager(Conflict):
    code = "last_manager"
    text = Text(
        "这是单位“{organization}”唯一的管理者，请先指定另一位。",
        'This is the only manager of "{organization}"; make another one first.',
    )


class ScopeMissing(Forbidden):
    code = "scope_missing"
    text = Text("API 密钥没有权限“{scope}”。", "The API key lacks the scope {scope}.")
    place = NotSignedIn.place

    def __init__(self, scope: Permission) -> None:
        super().__init__(scope=scope)
        # RFC 6750, 3.1
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        self.headers = {"WWW-Authenticate": challenge}
