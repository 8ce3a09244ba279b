"""Scoville beside what a user would pick instead: the same questions over the same facts, in one run.

`python -m tests.benchmarks peers` runs it; tests/benchmarks/README.md says what is measured and how it came out.
"""
