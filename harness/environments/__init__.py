"""Locks become virtual environments."""
