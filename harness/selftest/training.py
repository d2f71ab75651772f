"""Steps that train with other settings: optimizers, loss scales, TF32, a large model, and a lack of memory."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from harness.selftest.summary import State
from harness.verdicts.verdict import SkipKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.selftest.bench import Bench
    from harness.selftest.plan import Variant
    from harness.selftest.releases import Found
    from harness.sessions.finding import Finding

_TF32_SINCE = 8.0
"""Compute capability of the first devices that multiply in TF32."""


def variants(bench: Bench, wanted: Sequence[Variant]) -> Found:
    """Execute the good and the bad release with each variant's settings, and hold the verdicts against the plan."""
    sides = (bench.plan.good, bench.plan.bad)
    tasks = [(version, bench.probe(version, one.set)) for one in wanted for version in sides]
    findings = iter(bench.execute_all(tasks))
    seen, wrong = [], False
    for one in wanted:
        pair = [next(findings), next(findings)]
        verdicts = tuple(finding.verdict.value for finding in pair)
        said = ", ".join(f"{version} {verdict}" for version, verdict in zip(sides, verdicts, strict=True))
        if verdicts == one.verdicts:
            said += ", as expected"
        else:
            wrong = True
            reasons = "; ".join(finding.judgement.reason for finding in pair)
            said += f"; expected {' and '.join(one.verdicts)} ({reasons})"
        seen.append(f"{one.name}: {said}")
    return (State.FAILED if wrong else State.PASSED), seen


def tf32(bench: Bench) -> Found:
    """Train in float32 with TF32 off and on; the trace has to say which, and both have to be finite."""
    if bench.device == "cpu":
        return State.NOT_APPLICABLE, ["a CPU has no TF32"]
    settings = {**bench.plan.short.set, **bench.plan.tf32.set}
    off, on = bench.execute_all(
        [
            (bench.plan.good, bench.probe(bench.plan.good, {**settings, "tf32": False})),
            (bench.plan.good, bench.probe(bench.plan.good, settings)),
        ]
    )
    gpu = [(one.trace.start or {}).get("gpu") or {} for one in (off, on)]
    if float(gpu[1].get("capability", 0)) < _TF32_SINCE:
        return State.NOT_APPLICABLE, [f"compute capability {gpu[1].get('capability')} has no TF32"]
    flags = [one.get("tf32_matmul") for one in gpu]
    whole = [finite_losses(one) for one in (off, on)]
    wrong = flags != [False, True] or len(whole[0]) != len(whole[1]) or not whole[0]
    largest = max((abs(a - b) for a, b in zip(*whole, strict=False)), default=math.nan)
    seen = [f"the trace says {flags[0]} and {flags[1]}", f"largest difference of a loss {largest:.3g}"]
    return (State.FAILED if wrong else State.PASSED), seen


def out_of_memory(bench: Bench, control: Finding) -> Found:
    """Ask for more memory than there is: a skip that names the size; the next probe gives what the control gave."""
    good = bench.plan.good
    starved = bench.execute(good, bench.probe(good, bench.plan.out_of_memory.set))
    after = bench.execute(good, bench.probe(good, bench.plan.short.set, mark="after a lack of memory"))
    reason = starved.judgement.reason
    named = re.search(r"\d[\d.]* ?(?:[KMGT]iB|bytes)", reason)
    seen = [f"{starved.verdict.value}: {reason}"]
    right = starved.verdict == Verdict.SKIP and starved.judgement.skip_kind == SkipKind.OUT_OF_MEMORY
    seen += [] if named else ["the reason does not name the size that was asked for"]
    steps, wanted = len(finite_losses(after)), len(finite_losses(control))
    whole = 0 < wanted == steps
    equal = "bit for bit" if after.trace_digest == control.trace_digest else "not bit for bit"
    seen.append(f"the next probe trains {steps} of {wanted} steps, as before {equal}")
    return (State.PASSED if right and named and whole else State.FAILED), seen


def large(bench: Bench) -> Found:
    """Train the large model with both releases: all steps finite; seconds a step, and memory."""
    if bench.device == "cpu":
        return State.NOT_APPLICABLE, ["on a CPU it takes many minutes"]
    wanted = int(bench.plan.large.set["steps"])
    seen, wrong = [], False
    for version in (bench.plan.good, bench.plan.bad):  # one after the other: both need most of a small card
        found = bench.execute(version, bench.probe(version, bench.plan.large.set))
        losses = finite_losses(found)
        if len(losses) != wanted:
            wrong = True
            seen.append(f"{version}: {len(losses)} of {wanted} steps are finite ({found.judgement.reason})")
            continue
        end = found.trace.end or {}
        seconds = float(end["seconds"]["training"]) / wanted
        peak = end.get("device_memory_peak")
        memory = f", {peak / 2**30:.1f} GiB of the device" if peak else ""
        whole = found.result.execution.seconds if found.result else math.nan
        seen.append(f"{version}: {seconds:.2f} s a step{memory}, {whole:.0f} s in all")
    return (State.FAILED if wrong else State.PASSED), seen


def finite_losses(found: Finding) -> list[float]:
    """Return the losses of a trace, in order, up to the first that is not finite."""
    losses: list[float] = []
    for loss in found.trace.signal("loss"):
        if loss is None or not math.isfinite(loss):
            break
        losses.append(loss)
    return losses
