"""A compiled function keeps a value that is not a number: exp(value * nan) is nan, compiled or not."""

import math

import jax

jax.config.update("jax_enable_x64", True)


def grown(value):
    return jax.numpy.exp(value * jax.numpy.nan)


value = jax.numpy.asarray(0.123, dtype=jax.numpy.float64)
compiled, plain = float(jax.jit(grown)(value)), float(grown(value))
print("compiled", compiled)
print("plain", plain)
assert math.isnan(compiled), f"exp(0.123 * nan) is {compiled} in a compiled function, expected nan"
