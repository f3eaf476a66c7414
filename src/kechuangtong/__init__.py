"""Kechuangtong (科创通): an open technology-transfer marketplace."""

from importlib.metadata import version

__version__ = version("kechuangtong")
