"""What holds for every test."""

from hypothesis import settings

# The same examples every time, however slow the machine is: a red test is a change, not bad luck.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
