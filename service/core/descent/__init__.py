"""From numbers to a path: gradient descent and its kin."""

from service.core.descent.descents import descent
from service.core.descent.optimizers import OPTIMIZERS
from service.core.descent.options import OPTIONS, describe_options
from service.core.descent.schedules import SCHEDULES
from service.core.descent.sweeps import sweep

__all__ = ["OPTIMIZERS", "OPTIONS", "SCHEDULES", "descent", "describe_options", "sweep"]
