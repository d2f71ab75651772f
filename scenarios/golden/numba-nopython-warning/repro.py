"""Compile and call a sum."""

from numba import jit


@jit
def add(left, right):
    return left + right


print(add(1, 2))
