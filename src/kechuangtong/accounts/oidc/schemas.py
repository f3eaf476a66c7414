"""Identity providers as they are shown."""

from kechuangtong.core.schemas import Output


class ProviderRead(Output):
    """An institution's identity provider that one may sign in with."""

    name: str
    title: str
