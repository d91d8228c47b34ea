"""The settings panel: a form for every kind, made of its schema."""
