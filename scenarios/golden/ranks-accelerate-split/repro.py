"""Two ranks divide one input among them: one of them works on it, and the other one has none."""

from accelerate import PartialState
from accelerate.utils import gather_object

state = PartialState(cpu=True)
with state.split_between_processes(["only"]) as mine:
    print("inputs of this rank", mine)
    everything = gather_object(list(mine))
assert everything == ["only"], f"all ranks together work on {everything}"
