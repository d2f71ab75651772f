"""A scenario's pins and one release become a lock."""
