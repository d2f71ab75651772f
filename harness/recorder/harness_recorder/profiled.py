"""What takes time or memory in a job, by function: told where the harness asks for a profile of one side of a boundary.

The instruction `profile` is {`package` (distribution), `of`: `time`, `memory` or `lines`, `span`: `all`, `import` (until the job
makes its recorder) or `training` (from the first step to the end of the last one), and as the profile needs `functions` or
`peak`}. The job is executed to its end. Each profile is one `profile` event, as `harness/traces/trace.py` says.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from .lines import Lines
from .ranks import trace_path

BEGINS = {"all": "script", "import": "script", "training": "training"}
ENDS = {"all": "end", "import": "recorder", "training": "trained"}
"""{span: the event at which a profile begins or ends}."""


class Profiled:
    """One profile of this process: begun and ended by the events that `reached` is told.

    Args:
        asked: The instruction.
    """

    def __init__(self, asked: Dict[str, Any]) -> None:
        self._span = str(asked.get("span", "all"))
        self._profile = _kinds()[asked["of"]](asked)
        self._of = asked["of"]
        self._runs = self._done = False

    def reached(self, event: str) -> None:
        """Begin or end, if this event is the one to do so; the script's end ends in any case."""
        if event == BEGINS[self._span] and not self._runs and not self._done:
            self._runs = True
            self._profile.start()
        elif self._runs and event in (ENDS[self._span], "end"):
            self._runs, self._done = False, True
            found = self._profile.stop()
            lines = Lines(trace_path())
            lines.write("profile", of=self._of, **found)
            lines.close()


_profiled: List[Profiled] = []


def begin(asked: Dict[str, Any]) -> Callable[[], None]:
    """Profile as asked; return what is to be called at the script's end."""
    _profiled[:] = [Profiled(asked)]
    reached("script")
    return lambda: reached("end")


def reached(event: str) -> None:
    """Tell the profile, if there is one, how far the job is: `recorder`, `training` or `trained`."""
    for profiled in _profiled:
        profiled.reached(event)


def _kinds() -> Dict[str, Callable[[Dict[str, Any]], Any]]:
    from .line_profile import LineProfile
    from .memory_profile import MemoryProfile
    from .time_profile import TimeProfile

    return {"time": TimeProfile, "memory": MemoryProfile, "lines": LineProfile}
