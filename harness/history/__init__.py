"""What every night and every run found, in one SQLite file: a table layout, a reader, and slow drifts.

`schema` documents the tables, `history` writes and reads them, `drift` looks for change points.
"""
