"""A question, its locks and its packages written into one file, for a machine without a network."""
