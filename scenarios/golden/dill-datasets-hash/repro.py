"""The fingerprint of a function can be taken."""

from datasets.fingerprint import Hasher


def double(row):
    return {"x": 2 * row["x"]}


print("fingerprint", Hasher.hash(double))
