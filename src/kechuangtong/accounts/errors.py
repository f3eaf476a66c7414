"""What can go wrong with signing in, passwords and users."""

from datetime import datetime
from http import HTTPStatus

from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.clock import CITY, now
from kechuangtong.core.errors import AppError, Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from kechuangtong.core.language import Text


class UserExists(Conflict):
    code = "user_exists"
    text = Text("用户名“{name}”已被使用。", 'The user name "{name}" is taken.')
    place = ("body", "name")


class UserUnknown(NotFound):
    code = "user_unknown"
    text = Text("没有用户“{name}”。", 'There is no user "{name}".')


class UserNameInvalid(Invalid):
    code = "user_name_invalid"
    text = Text("用户名须为 1 至 100 个字符。", "A user name has 1 to 100 characters.")
    place = ("body", "name")


class EmailInvalid(Invalid):
    code = "email_invalid"
    text = Text("“{email}”不是有效的邮箱地址。", '"{email}" is not a valid e-mail address.')


class EmailTaken(Conflict):
    code = "email_taken"
    text = Text("此邮箱已属于另一用户。", "This e-mail address is another user's.")
    place = ("body", "email")


class UserErased(Conflict):
    code = "user_erased"
    text = Text("此用户已注销。", "This user was erased.")


class OwnAccount(Conflict):
    code = "own_account"
    text = Text(
        "不能锁定、降级或在此注销自己的账号。",
        "One cannot lock or demote oneself, or erase oneself here.",
    )


class LastAdministrator(Conflict):
    code = "last_administrator"
    text = Text(
        "这是唯一的平台管理员，请先指定另一位。",
        "This is the only administrator; make another one first.",
    )


class LastManager(Conflict):
    code = "last_manager"
    text = Text(
        "这是单位“{organization}”唯一的管理者，请先指定另一位。",
        'This is the only manager of "{organization}"; make another one first.',
    )


class PasswordTooShort(Invalid):
    code = "password_too_short"
    text = Text("密码至少 {length} 个字符。", "A password has at least {length} characters.")


class PasswordTooLong(Invalid):
    code = "password_too_long"
    text = Text("密码最多 {length} 个字符。", "A password has at most {length} characters.")


class PasswordIsName(Invalid):
    code = "password_is_name"
    text = Text("密码不能与用户名相同。", "A password is not the user's name.")


class PasswordCommon(Invalid):
    code = "password_common"
    text = Text(
        "这是极常见的密码，请另选一个。", "This password is among the commonest; take another."
    )


class FormExpired(Forbidden):
    code = "form_expired"
    text = Text(
        "页面已过期，请返回重新打开后再提交。",
        "This page has expired: open it again, then send it.",
    )
    place = ("body", "form_token")


class PasswordWrong(Forbidden):
    code = "password_wrong"
    text = Text("现用密码不正确。", "The present password is wrong.")


class NoPassword(Conflict):
    code = "no_password"
    text = Text(
        "此账号没有密码，请通过所在单位的身份认证登录。",
        "This account has no password: one signs in at the institution.",
    )


class ResetInvalid(Invalid):
    code = "password_reset_invalid"
    text = Text(
        "此重置链接无效、已使用或已过期，请重新申请。",
        "This link is not valid, was used or is too old; ask for a new one.",
    )
    place = ("body", "token")


class SignInFailed(NotSignedIn):
    code = "sign_in_failed"
    text = Text("用户名或密码不正确。", "The user name or the password is wrong.")
    place = ("body",)


class SignInLocked(AppError):
    """Too many wrong passwords in a row for one name."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "sign_in_locked"
    text = Text(
        "密码连续多次错误，{until}（北京时间）之前不能登录。",
        "Too many wrong passwords in a row: no signing in before {until} (UTC+8).",
    )
    place = ("body",)

    def __init__(self, until: datetime) -> None:
        super().__init__(until=f"{until.astimezone(CITY):%Y-%m-%d %H:%M:%S}")
        self.headers = {"Retry-After": str(int((until - now()).total_seconds()) + 1)}


class UserLocked(NotSignedIn):
    code = "user_locked"
    text = Text(
        "此账号已被锁定，请联系平台管理员。", "This account is locked; ask an administrator."
    )


class RefreshTokenInvalid(NotSignedIn):
    code = "refresh_token_invalid"
    text = Text("登录已结束，请重新登录。", "This sign-in has ended; sign in again.")
    place = ("body", "refresh_token")


class RefreshTokenReused(NotSignedIn):
    code = "refresh_token_reused"
    text = Text(
        "此刷新令牌已使用过；为安全起见，此次登录已结束，请重新登录。",
        "This refresh token was used before; to be safe its sign-in was ended. Sign in again.",
    )
    place = ("body", "refresh_token")


class ScopeMissing(Forbidden):
    code = "scope_missing"
    text = Text("API 密钥没有权限“{scope}”。", "The API key lacks the scope {scope}.")
    place = NotSignedIn.place

    def __init__(self, scope: Permission) -> None:
        super().__init__(scope=scope)
        # RFC 6750, 3.1
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        self.headers = {"WWW-Authenticate": challenge}
