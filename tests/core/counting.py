"""A scheduler that keeps what a computation tells it."""

from service.core.limits import Scheduler


class Counting(Scheduler):
    """Counts the looks at the clock, and keeps the most seconds and bytes that were announced."""

    def __init__(self):
        self.looks, self.seconds, self.peak_bytes = 0, 0.0, 0

    def give_way(self):
        self.looks += 1

    def expect(self, seconds, peak_bytes, ends_early=False):
        self.seconds, self.peak_bytes = max(self.seconds, seconds), max(self.peak_bytes, peak_bytes)
        return True
