"""The mistakes that a person can put right.

Rule: the message says what to do, for a reader who does not know the code.
"""


class MistakeError(Exception):
    """What a person asked for cannot be done; the command line prints the message, exit code 2."""
