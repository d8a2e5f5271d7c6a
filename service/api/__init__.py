"""HTTP: requests come in through `body` and `schemas`, go to the core in `compute`, leave through `answers`.

Failures leave through `problems`.
"""
