"""Kobai: gradients, descent, softmax and losses over HTTP."""

import os

__version__ = "1.0.0"

if os.environ.get("PROMETHEUS_MULTIPROC_DIR") == "":
    # Absent, as for every setting: prometheus_client, when it is imported, would take the working directory.
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]
