"""Settings of the core's tests."""

from importlib.util import find_spec

from hypothesis import settings

# No deadline: a property's time depends on what else the machine does, and is not what it asserts.
settings.register_profile("core", deadline=None)
settings.load_profile("core")

collect_ignore = [] if find_spec("torch") else ["test_descent_torch.py"]
"""The live comparison needs PyTorch, which is too large to ask of everybody; golden values stand for it."""
