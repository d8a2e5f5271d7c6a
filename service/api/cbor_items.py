"""How items of CBOR begin (RFC 8949, section 3)."""

from __future__ import annotations

from typing import Any

import numpy as np

INTEGER, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
"""Major types."""

WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
"""Bytes of an argument that does not stand in the first byte itself."""
INDEFINITE = 31

FALSE, TRUE, NULL = 0xF4, 0xF5, 0xF6
"""First bytes of the constants."""
EXPONENTS = {0xF9: 0x7C00, 0xFA: 0x7F80_0000, 0xFB: 0x7FF0_0000_0000_0000}
"""First bytes of floats, and the bits that are all set in infinity and NaN."""
FLOATS: dict[int, np.dtype[Any]] = {0xF9: np.dtype(">f2"), 0xFA: np.dtype(">f4"), 0xFB: np.dtype(">f8")}
