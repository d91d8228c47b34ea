"""Changing a draft from the builder: changes in, patches out, undo and redo."""
