"""A compiled function counts up to a number that is a float."""

from numba import njit


@njit
def count(limit):
    total = 0
    for _ in range(limit):
        total += 1
    return total


print("count", count(3.0))
assert count(3.0) == 3
