"""How fast the engine is. One file per benchmark; the file's name is the figure's name.

Each file has `WHAT` (what is measured), `UNIT`, `WANTED` (the figure to reach, or None) and
`measure()`. It answers a number, or a sentence that says why it could not be measured here.
Rule: what is measured is the real code, as the workers run it.
"""
