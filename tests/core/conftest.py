"""Settings of the core's tests."""

from hypothesis import settings

# No deadline: a property's time depends on what else the machine does, and is not what it asserts.
settings.register_profile("core", deadline=None)
settings.load_profile("core")
