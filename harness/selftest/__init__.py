"""Proves a device: a fixed list of steps, executed on a GPU or on the CPU, and a summary that says what was seen."""
