"""One file per trigger kind: what starts an automation. The file's name is the kind.

Rule: a kind only looks at the event it is given. Shop platforms are in `triggers/shops/`.
"""
