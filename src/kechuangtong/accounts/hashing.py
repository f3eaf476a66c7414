"""Passwords: which are good enough, and how they are kept (argon2)."""

import hashlib
import unicodedata
import uuid
from typing import Final

from anyio import CapacityLimiter, to_thread
from pwdlib import PasswordHash

from kechuangtong.accounts.errors import (
    PasswordCommon,
    PasswordIsName,
    PasswordTooLong,
    PasswordTooShort,
)

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200
# Of the commonest those that are long enough; one character again and again is among them too.
_COMMONEST: Final = frozenset(
    "0123456789 01234567890 1234567890 12345678900 12345678910 123456789a 1234567890a "
    "9876543210 0987654321 1122334455 1212121212 1231231231 123123123123 1234512345 123456123456 "
    "1233211234567 1234554321 1234567654321 12345qwert 12345qwerty 1q2w3e4r5t 1q2w3e4r5t6y "
    "1qaz2wsx3edc 1qazxsw2345 q1w2e3r4t5 qaz123456789 qwertyuiop qwertyuiop123 qwerty12345 "
    "qwerty123456 asdfghjkl123 asdfghjkl; zxcvbnm123 zxcvbnm123456 a123456789 a1234567890 "
    "aa123456789 abc123456789 abc1234567 abcd123456 abcd12345678 abcdefghij admin12345 "
    "admin123456 administrator changeme123 football123 iloveyou123 letmein123 "
    "p@ssw0rd123 password01 password11 password12 password123 password1234 password12345 "
    "passw0rd123 princess123 superman123 welcome123 woaini1314 woaini1314520 woaini520 "
    "woaini521521 woaiwojia1314 wang123456 zhang123456 5201314520 5201314521 13145201314 "
    "1314520520 1314521521 7758521521 kechuangtong".split()
)

_passwords = PasswordHash.recommended()
_hashing = CapacityLimiter(2)  # each hash takes 64 MiB, by design
# Checked where there is no such user, so that the time of an answer does not tell.
_NOBODY = _passwords.hash(uuid.uuid4().hex)


async def hash_password(password: str, *, name: str, field: str = "password") -> str:
    """The hash of a new password for the user of a name, which came in a field of the body.

    Raises PasswordTooShort, PasswordTooLong, PasswordIsName, PasswordCommon.
    """
    loc = ("body", field)
    if len(password) < MIN_LENGTH:
        raise PasswordTooShort(loc=loc, length=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise PasswordTooLong(loc=loc, length=MAX_LENGTH)
    folded = _folded(password)
    if folded == _folded(name):
        raise PasswordIsName(loc=loc)
    if folded in _COMMONEST or len(set(folded)) == 1:
        raise PasswordCommon(loc=loc)
    return await to_thread.run_sync(_passwords.hash, password, limiter=_hashing)


async def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether a password is the one kept, and its new hash where hashes are made otherwise now.

    Takes its time also where none is kept.
    """
    valid, renewed = await to_thread.run_sync(
        _passwords.verify_and_update, password, stored or _NOBODY, limiter=_hashing
    )
    return valid and stored is not None, renewed


def hash_token(token: str) -> str:
    """What is kept of a token that lets its holder in: it has 256 bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
