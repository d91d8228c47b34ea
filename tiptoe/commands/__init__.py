"""The commands. Each module here has `COMMANDS`: what it adds to `tiptoe`.

Rule: a command is thin; it reads its input, calls one thing and prints. What it runs is imported
inside it, so that `tiptoe --help` stays quick.
"""
