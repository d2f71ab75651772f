"""A question about two packages: a grid of their releases, each edge of which is an ordinary run.

`question` is what is asked, `investigate` asks it, `gather` makes `model`'s facts (pair.json) of what was found, with
`answer`'s sentences; `page`, `issue` and `write` draw; `run` is all of it. What to ask next, and what follows from the
answers, is pure: `harness.search.grid`.
"""
