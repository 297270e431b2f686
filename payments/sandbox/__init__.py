"""A small payment gateway for the embedded stack and the tests: a program of its own.

It runs as its own process with its own state and its own signing key, and knows nothing of Rihla or Django: whatever passes
between the two passes over HTTP. Its payer's page takes the outcome from whoever tries the system, so every road that a real
gateway may take can be walked: paid, refused, paid without a word, paid too late, told ten times, told in the wrong order.
"""
