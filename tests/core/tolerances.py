"""One tolerance per method, relative to the size of what is compared."""

EXACT = 1e-12
COMPLEX_STEP = 1e-12
CENTRAL = 1e-7
FORWARD = 1e-5
KERNELS = 1e-13
"""Between the same operations on arrays and on floats. The last bit differs where NumPy has vectorised
functions of its own (`tanh`; on processors with AVX-512 also exp, log, sin and their kin), where the
stable form has other steps for a single number (`sigmoid`, `log_sigmoid`, `softplus`), and where sums
have another order: NumPy adds eight and more numbers pairwise, and BLAS multiplies and adds in one
rounding. Which path runs depends on the function, the shapes and the method alone, and is the same
for `/gradient` and `/descent`; a field of several points runs on arrays over the points."""
ROUNDING = 2e-15
"""Against arithmetic of 400 digits: a handful of roundings, relative to the result itself."""
BATCHES = 1e-13
"""Between points in one batch and one by one: sums and products of matrices have another order."""
