"""Large imports in a process of their own, so that those whom this one serves need not wait.

One interpreter runs one thread at a time: beside an import of many rows every request waited.
"""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Final

from anyio import to_thread
from sqlalchemy.exc import InterfaceError, OperationalError

from kechuangtong.core import logs
from kechuangtong.core.db import Database
from kechuangtong.imports.service import file_path, run_import
from kechuangtong.models import Import
from kechuangtong.settings import Settings

# Bytes of a file, about five hundred rows: a process is not begun for less.
_LARGE: Final = 100_000
_PRIORITY: Final = 5
# How a process ends whose database does not answer.
_AGAIN: Final = 75


class Interrupted(Exception):
    """The process of an import was ended, or its database does not answer; it can go on."""


async def run(database: Database, settings: Settings, import_id: uuid.UUID) -> None:
    """Run an import, or go on with it, to its end. Raises Interrupted."""
    async with database.read() as session:
        path = file_path(settings, await session.get_one(Import, import_id))
    if _size(path) < _LARGE:
        await run_import(database, settings, import_id)
    else:
        await to_thread.run_sync(_run_apart, settings, import_id)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _run_apart(settings: Settings, import_id: uuid.UUID) -> None:
    command = [sys.executable, "-m", __name__, str(import_id)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:  # noqa: S603
        assert child.stdin is not None
        pickle.dump(settings, child.stdin)
        child.stdin.flush()
        code = child.wait()
    if code < 0 or code == _AGAIN:
        raise Interrupted(f"the process of import {import_id} ended with {code}")
    if code > 0:
        raise RuntimeError(f"the process of import {import_id} failed with {code}")


# Everything below runs in the child.


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # its end is the parent's
    os._exit(_AGAIN)


def _child(import_id: uuid.UUID) -> None:
    settings: Settings = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own parent wrote it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_PRIORITY)
    logs.configure()

    async def work() -> None:
        database = Database(settings.resolved_database_url)
        try:
            await run_import(database, settings, import_id)
        finally:
            await database.close()

    try:
        asyncio.run(work())
    except (OperationalError, InterfaceError):
        sys.exit(_AGAIN)


if __name__ == "__main__":
    _child(uuid.UUID(sys.argv[1]))
