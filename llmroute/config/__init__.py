"""Routing as data: read, checked, inherited and compiled once."""
