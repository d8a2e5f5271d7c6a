"""Workers that have had their number of requests leave one after the other, so that one always listens."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from service.metrics_folder import VARIABLE

NAME = "leaving"
"""The file that is locked, in the folder that the workers of one master share."""


class TurnToLeave:
    """A turn that one worker has at a time, and keeps until it has ended: by then another takes its place.

    Made in the worker: the lock is the process's, and goes with it however it ends.
    """

    def __init__(self) -> None:
        self._file = os.open(Path(os.environ[VARIABLE], NAME), os.O_RDWR | os.O_CREAT, 0o600)

    def is_ours(self) -> bool:
        """Take the turn where nobody has it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # which of both is left to the system
            return False
        return True
