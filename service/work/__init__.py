"""Where computations run and what they may take: threads, turns, memory. Knows nothing of HTTP."""
