"""Benchmarks: ratios of contenders side by side in one run. Run with `make bench`; never part of the suite."""
