"""A question about two packages: a grid of their releases, each edge of which is an ordinary run.

`question` is what is asked, `run` asks it, `model` are the facts (pair.json), `answer` the sentence; `page` and `issue`
draw. What to ask next, and what follows from the answers, is pure: `harness.search.grid`.
"""
