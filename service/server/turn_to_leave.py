"""Workers that have had their number of requests leave one after the other, so that one always listens."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

from service.metrics_folder import VARIABLE


class TurnToLeave:
    """A turn that one worker has at a time, and keeps until it has ended: by then another takes its place.

    It is a lock of the folder that the workers of one master share. Made in the worker, it ends with the
    process, however that ends. Where somebody has taken the folder away, nobody waits.
    """

    def __init__(self) -> None:
        self._folder: int | None = None
        with suppress(FileNotFoundError):
            self._folder = os.open(os.environ[VARIABLE], os.O_RDONLY | os.O_DIRECTORY)

    def is_ours(self) -> bool:
        """Take the turn where nobody has it."""
        if self._folder is None:
            return True
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
