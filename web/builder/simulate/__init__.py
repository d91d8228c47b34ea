"""The simulator in the builder: a try-out of the draft, and saved tests.

Rule: nothing is sent, and nothing is stored but the tests that somebody keeps.
"""
