"""to_json of a column of type Int64 with a missing value."""

import pandas as pd

written = pd.DataFrame({"x": pd.Series([1, None], dtype="Int64")}).to_json()
print(written)
assert written == '{"x":{"0":1,"1":null}}', written
