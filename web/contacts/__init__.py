"""Contacts: the list, and one person with everything we know and said."""
