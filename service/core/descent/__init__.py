"""From numbers to a path: gradient descent and its kin."""

from service.core.descent.optimizers import OPTIMIZERS
from service.core.descent.path import descent, sweep
from service.core.descent.schedules import SCHEDULES

__all__ = ["OPTIMIZERS", "SCHEDULES", "descent", "sweep"]
