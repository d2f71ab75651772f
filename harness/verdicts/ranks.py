"""A job of several ranks is judged rank by rank; what the ranks did to each other decides which of them counts.

| the ranks | verdict |
|---|---|
| one fails first | as that rank alone would be judged, with its number; where all fail alike, with none |
| one loses its connection, or is ended, since another one failed | no failure of its own |
| one dies by SIGABRT while its process ends, after its script was done | tried again; then the script counts |
| none does anything for `hang_after` seconds, twice | bad: the ranks are out of step; named is the one that the others wait for, where that is known |
| one ends well, and another one loses its connection to it | the same: whether it hangs or crashes depends on what the missing rank does next |
| they do not find each other for want of a port | skip |
| all end well | bad if one rank alone is bad; bad if they made unequal numbers of steps, or if their copies drift apart (`replicas`); else as the first rank |
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.probes.probe import first_line
from harness.traces.rank import first_failure, outputs_of
from harness.verdicts.replicas import judge_replicas
from harness.verdicts.verdict import OUT_OF_STEP, Fingerprint, Judgement, SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.probes.probe import Execution
    from harness.traces.trace import Rank, Trace

    Alone = Callable[[Execution, Trace, str], Judgement]

_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)$', re.MULTILINE)
_CURRENT = "Current thread "
_NO_NEWS = frozenset({SkipKind.NOT_MEASURED, SkipKind.BEFORE_TRAINING})
"""Why a rank that ended well may have no verdict of its own: a job may record on one rank alone."""


def judge_ranks(
    execution: Execution, trace: Trace, output: str, settings: Mapping[str, Any], alone: Alone
) -> Judgement:
    """Return the verdict of one execution with several ranks.

    Args:
        execution: How all of them ended.
        trace: Of all ranks.
        output: What all of them printed.
        settings: The scenario's oracle.
        alone: Judges one process by how it ended, its trace and its output.
    """
    if execution.ended == "timeout":
        said = f"out of time after {execution.seconds:.0f} s{_twice(execution)}; {_places(trace)}"
        return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.OUT_OF_TIME)
    if trace.tree == "hang":
        return _hang(trace, execution)
    outputs = outputs_of(output)
    first = first_failure(trace.ranks)
    if first is not None:
        if first.no_rendezvous:
            said = f"the ranks find no port to meet at: {_error(first)}{_twice(execution)}"
            return Judgement(Verdict.SKIP, said, skip_kind=SkipKind.RENDEZVOUS)
        gone = next((rank for rank in trace.ranks if not rank.failed and not rank.ended_by), None)
        if first.lost_others and gone is not None:
            return _out_of_step(trace, gone.number, f"{_error(first)}; {_places(trace)}")
        found = alone(_end(execution, first), first.trace, outputs.get(first.number, output))
        return _named(found, first.number, everywhere=_all_alike(trace, first))
    judged = {
        rank.number: alone(_end(execution, rank), rank.trace, outputs.get(rank.number, ""))
        for rank in trace.ranks
    }
    return (
        _of_all(judged) or _differing_steps(trace) or judge_replicas(trace, settings) or _best(judged, trace)
    )


def _of_all(judged: Mapping[int, Judgement]) -> Judgement | None:
    """Return the verdict of a rank that is bad, or that broke off, though all processes ended well."""
    bad = {number: one for number, one in judged.items() if one.verdict == Verdict.BAD}
    if bad:
        number, found = next(iter(bad.items()))
        alike = len(bad) == len(judged) and len({one.fingerprint for one in bad.values()}) == 1
        return _named(found, number, everywhere=alike)
    broken = {
        number: one
        for number, one in judged.items()
        if one.verdict == Verdict.SKIP and one.skip_kind not in _NO_NEWS
    }
    for number, found in broken.items():
        return _named(found, number, everywhere=len(broken) == len(judged))
    return None


def _best(judged: Mapping[int, Judgement], trace: Trace) -> Judgement:
    """Return the verdict of the first rank that has one."""
    found = next((one for one in judged.values() if one.verdict == Verdict.GOOD), judged[min(judged)])
    alike = all(rank.trace.replica for rank in trace.ranks)
    said = f"{len(judged)} ranks{', replicas alike in all steps' if alike else ''}"
    return replace(found, reason=f"{found.reason} ({said})")


def _differing_steps(trace: Trace) -> Judgement | None:
    """Return the verdict of ranks that made unequal numbers of steps, where more than one records steps."""
    recording = [rank for rank in trace.ranks if rank.trace.start is not None]
    counts = {rank.number: rank.steps for rank in recording}
    if len(set(counts.values())) < 2:
        return None
    ranks_of = Counter(counts.values())
    most = max(ranks_of.values())
    usual = max(count for count, ranks in ranks_of.items() if ranks == most)
    odd = [number for number, count in counts.items() if count != usual]
    parts = ", ".join(f"rank {number} {counts[number]}" for number in odd)
    others = "the others" if len(counts) > len(odd) + 1 else "the other one"
    said = f"the ranks made unequal numbers of steps: {parts}, {others} {usual}"
    return Judgement(Verdict.BAD, said, Fingerprint("ranks differ in steps", rank=odd[0]))


def _hang(trace: Trace, execution: Execution) -> Judgement:
    """Return the verdict of ranks that stood still."""
    return _out_of_step(trace, _missing(trace), f"they hang{_twice(execution)}: {_places(trace)}")


def _missing(trace: Trace) -> int | None:
    """Return the rank that the others wait for; None where nothing tells one from the others.

    It has ended; or it alone is elsewhere than all others; or it alone began fewer collectives than each other one. Of two
    ranks that wait in different places, either may be the one that went wrong.
    """
    ended = [rank.number for rank in trace.ranks if not rank.ended_by]
    if ended:
        return ended[0]
    places = {rank.number: waits_at(rank) for rank in trace.ranks}
    usual = Counter(places.values()).most_common(1)[0][0]
    elsewhere = [number for number, place in places.items() if place != usual]
    if len(elsewhere) == 1 and len(places) > 2:
        return elsewhere[0]
    calls = {rank.number: len(rank.trace.collectives) for rank in trace.ranks}
    fewest = [number for number, count in calls.items() if count == min(calls.values())]
    return fewest[0] if len(fewest) == 1 else None


def _out_of_step(trace: Trace, odd: int | None, said: str) -> Judgement:
    """Return the verdict of ranks of which some wait for what another one never does."""
    step = min((rank.steps + 1 for rank in trace.ranks if rank.trace.training), default=None)
    fingerprint = Fingerprint(OUT_OF_STEP, step, rank=odd)
    apart = _first_apart(trace)
    return Judgement(
        Verdict.BAD, f"the ranks are out of step: {said}" + (f"; {apart}" if apart else ""), fingerprint
    )


def _first_apart(trace: Trace) -> str:
    """Say in which collective of `torch.distributed` the ranks first part; nothing where none is known to."""
    sequences = {rank.number: rank.trace.collectives for rank in trace.ranks}
    if not any(sequences.values()):
        return ""
    for place in range(max(map(len, sequences.values()))):
        said = {
            number: _collective(events[place]) if place < len(events) else "none"
            for number, events in sequences.items()
        }
        if len(set(said.values())) > 1:
            parts = ", ".join(f"rank {number} {one}" for number, one in said.items())
            return f"collective {place + 1}: {parts}"
    return ""


def _collective(event: Mapping[str, Any]) -> str:
    sizes = f" of {event['sizes']} {event['dtype']}" if event["sizes"] else ""
    return f"{event['kind']}{sizes}"


def waits_at(rank: Rank) -> str:
    """Return the function that a rank's main thread stood in, the innermost one; empty where that is not known."""
    threads = rank.stack.split("\n\n")
    main = next((one for one in threads if one.startswith(_CURRENT)), threads[-1])
    frames = list(_FRAME.finditer(main))
    return frames[0]["function"] if frames else ""


def _places(trace: Trace) -> str:
    """Say where each rank was in the end."""
    said = []
    for rank in trace.ranks:
        if rank.ended_by:
            place = waits_at(rank)
            steps = f" after {rank.steps} steps" if rank.trace.training else ""
            said.append(f"rank {rank.number} waits in {place or 'an unknown place'}{steps}")
        elif not rank.failed:
            said.append(f"rank {rank.number} has ended ({_status(rank.status)})")
    return ", ".join(said)


def _status(status: int | None) -> str:
    if status is not None and status < 0:
        return next((one.name for one in signal.Signals if one == -status), f"signal {-status}")
    return f"exit status {status}"


def _end(execution: Execution, rank: Rank) -> Execution:
    """Return how the process of one rank ended, as far as its verdict is concerned."""
    if rank.status is None:
        return execution
    return execution.ended_as(0 if rank.aborted_at_the_end else rank.status)


def _all_alike(trace: Trace, first: Rank) -> bool:
    """Tell whether every rank raised what the first one did."""
    mine = (first.trace.error or {}).get("exception")
    return mine is not None and all(
        rank.failed and (rank.trace.error or {}).get("exception") == mine and rank.steps == first.steps
        for rank in trace.ranks
    )


def _named(found: Judgement, number: int, *, everywhere: bool) -> Judgement:
    """Return a verdict with the rank that it is of; none where all are alike."""
    where = "every rank" if everywhere else f"rank {number}"
    fingerprint = found.fingerprint
    if fingerprint is not None and not everywhere:
        fingerprint = replace(fingerprint, rank=number)
    return replace(found, reason=f"{where}: {found.reason}", fingerprint=fingerprint)


def _error(rank: Rank) -> str:
    error = rank.trace.error or {}
    return f"rank {rank.number}: {error.get('exception')}: {first_line(str(error.get('message', '')))}"


def _twice(execution: Execution) -> str:
    return ", twice" if execution.attempts > 1 else ""
