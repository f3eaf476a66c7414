"""Kechuangtong (科创通): an open technology-transfer marketplace."""

import os
from importlib.metadata import version

__version__ = version("kechuangtong")

# Threads that compute vectors wait for each other asleep, not spinning: beside other work on the
# same processors a vector takes a tenth of the time. It is read by the first library that has such
# threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
