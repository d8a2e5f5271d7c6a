"""One tolerance per method, relative to the size of what is compared."""

EXACT = 1e-12
COMPLEX_STEP = 1e-12
CENTRAL = 1e-7
FORWARD = 1e-5
KERNELS = 1e-13
"""Between the same operations on arrays and on floats: NumPy's vectorised exp, log and sin may
differ from the C library's in the last bit, and NumPy sums eight and more numbers pairwise."""
ROUNDING = 2e-15
"""Against arithmetic of 400 digits: a handful of roundings, relative to the result itself."""
