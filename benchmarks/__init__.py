"""Benchmarks: one command, `make bench`, and one table."""
