"""What a person hears while a comparison takes minutes, and what a script is told to call."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from harness.sessions.interleaved import _compared
from harness.traces.trace import Trace
from harness.verdicts.oracles import ORACLES, with_defaults
from harness.verdicts.verdict import Judgement, Verdict


@dataclass(frozen=True)
class Planned:
    digest: str = ""
    lock: str = ""
    repeat: int = 0


class Executions:
    """Stands for a session in which every execution is good; keeps what is said."""

    def __init__(self):
        self.said = []
        self.releases = [SimpleNamespace(version="1.0"), SimpleNamespace(version="1.1")]
        self.asked = SimpleNamespace(scenario=SimpleNamespace(oracle=with_defaults({"kind": "performance"})))
        self.store = SimpleNamespace(find=lambda _digest, _repeat: None)
        self.note = self.said.append

    def probes(self, _arm, _place, **_facts):
        return [Planned()]

    def judged(self, _probes, _place):
        return [SimpleNamespace(verdict=Verdict.GOOD, result=SimpleNamespace())]


def test_each_look_that_decides_nothing_is_told():
    session = Executions()

    def judge(pairs):
        if len(pairs) < 24:
            return Judgement(Verdict.SKIP, f"undecided after {len(pairs)}")
        return Judgement(Verdict.GOOD, "not slower")

    judged, pairs = _compared(session, SimpleNamespace(name="plain"), (0, 1), 0, judge)
    assert (judged.verdict, len(pairs)) == (Verdict.GOOD, 24)
    assert session.said == [
        "plain 1.1, 6 of 24 pairs: undecided after 6",
        "plain 1.1, 12 of 24 pairs: undecided after 12",
    ]


@pytest.mark.parametrize(("exit_status", "called"), [(True, "harness.output"), (False, "recorder.output")])
def test_the_call_that_records_an_output_is_the_one_that_the_job_has(exit_status, called):
    settings = with_defaults({"kind": "output"}) | {"exit_status": exit_status}
    judged = ORACLES["output"].judge(Trace(), settings)
    assert judged.verdict == Verdict.SKIP
    assert f"calls {called}(name, value)" in judged.reason
