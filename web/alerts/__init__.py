"""Alerts: what a person has to look at, and what to do about it."""
