"""A static site of all runs: the newest state of every arm, history, a feed of new boundaries, badges.

`publish` writes it; it works from a disk, under any path of a web server, and is the same when written twice.
"""
