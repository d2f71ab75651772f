"""Traces become verdicts."""
