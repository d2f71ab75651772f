"""Finds the release that broke a training: bisects package releases by traces of the training itself."""

__version__ = "0.1.0"
