"""Automations for people: the list, one as an outline, import, publishing, runs and their trace."""
