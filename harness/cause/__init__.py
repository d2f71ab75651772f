"""Why it changed, found by experiment, and what helps.

The way of the data: `groups` puts what the census of two neighbouring releases tells apart into groups,
`transplant` gives each side a group's property of the other one and judges what that does, `mechanism` names what
went wrong in a trace, `divergence` finds the first tensor that differs, `fixes` tries remedies, `survival` tells
how long trainings last. `attribute` puts all of it together for one run; `bench` executes.
"""
