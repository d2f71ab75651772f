"""A scenario says what to vary and how to judge: a folder with `scenario.toml` and one plain training script.

`keys` is the one description of what scenario.toml may say: the reader's checks, `harness validate`, the JSON schema
and the reference are made from it, and the settings of oracles come into it from the oracles' own modules.
"""

from harness.scenario.find import find_scenario, load_scenario
from harness.scenario.reader import Reading, read_scenario
from harness.scenario.scenario import Arm, Fix, Range, Scenario, Setting

__all__ = [
    "Arm",
    "Fix",
    "Range",
    "Reading",
    "Scenario",
    "Setting",
    "find_scenario",
    "load_scenario",
    "read_scenario",
]
