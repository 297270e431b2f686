"""How fast Rihla is: `python -m benchmarks compare | load | growth`. Nothing of it runs in production.

Each command starts a stack of its own in a folder of its own, measures, prints one JSON object a line and takes the stack down
again. `docs/performance.md` says what the figures mean and what they were.
"""
