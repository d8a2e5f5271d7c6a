"""Kobai: gradients, descent, softmax and losses over HTTP."""

__version__ = "1.0.0"
