"""Phones: the numbers a company has connected."""
