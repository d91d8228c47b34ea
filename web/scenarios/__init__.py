"""Saved tests of automations, for people."""
