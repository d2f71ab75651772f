"""Import PEFT."""

import peft

print(peft.__version__)
