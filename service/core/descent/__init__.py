"""From numbers to a path: gradient descent and its kin."""
