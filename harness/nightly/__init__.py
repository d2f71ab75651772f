"""Watches releases night by night: what is new is probed, compared with an accepted baseline, and told once.

`nightly` is the night; every watch of `nightly.toml` (`config`) is a `walk`, which looks for `news`, lets
`examine` probe it, has the question answered by `harness.runs.bisect`, and takes from the answer what is not known
yet (`places`). If the packages that all environments share moved (`surroundings`), `moved` finds out which of them
changed what the baseline does, and `culprits` says it. A watch is written to the history as a whole, so a night that
was killed carries on.
"""
