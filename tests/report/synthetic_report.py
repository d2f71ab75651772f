"""A report as a real run would give it: the releases of PEFT, two or three arms, traces with the real columns."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from harness.report import ArmResult, BoundaryResult, ProbeEvidence, ReleaseResult, Report
from harness.report.opened import DependencyAnswer, Likeness, MixtureResult, Outcome, Tie
from harness.report.sentences import sentence
from harness.traces.trace import Trace

DATES = {
    "0.3.0": "2023-05-03", "0.4.0": "2023-07-17", "0.5.0": "2023-08-22", "0.6.0": "2023-11-03", "0.6.1": "2023-11-09",
    "0.6.2": "2023-11-14", "0.7.0": "2023-12-06", "0.7.1": "2023-12-12", "0.8.0": "2024-01-30", "0.8.1": "2024-01-30",
    "0.8.2": "2024-02-01", "0.9.0": "2024-02-28", "0.10.0": "2024-03-21", "0.11.0": "2024-05-16",
    "0.11.1": "2024-05-17", "0.12.0": "2024-07-24", "0.13.0": "2024-09-25", "0.13.1": "2024-10-08",
    "0.13.2": "2024-10-11", "0.14.0": "2024-12-06", "0.15.0": "2025-03-19", "0.15.1": "2025-03-27",
    "0.15.2": "2025-04-15", "0.16.0": "2025-07-03", "0.17.0": "2025-08-01", "0.17.1": "2025-08-21",
    "0.18.0": "2025-11-13", "0.18.1": "2026-01-09", "0.19.0": "2026-04-14", "0.19.1": "2026-04-16",
    "0.20.0": "2026-07-28", "0.21.0": "2026-09-15", "0.21.1": "2026-09-29", "0.21.2": "2026-10-01",
}  # fmt: skip
RELEASES = list(DATES)
STATISTICS = ("min", "max", "mean", "std", "norm", "nan", "posinf", "neginf", "zero", "subnormal")
COLUMNS = (
    "loss",
    *(f"score.{what}.{phase}.{statistic}" for what in ("weight", "gradient") for phase in ("before", "backward", "optimizer") for statistic in STATISTICS),
    *(
        f"{group}.{signal}"
        for group in ("score", "lora_A", "lora_B")
        for signal in ("gradient_norm", "update_ratio", "gradient_zero", "second_moment_zero", "denominator_zero", "weight_checksum", "gradient_checksum")
    ),
)  # fmt: skip
HALF = range(RELEASES.index("0.7.0"), RELEASES.index("0.12.0"))


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def trace(*, steps=200, half=False, broken=False, seed=0, census="new"):
    """A trace: `half` adapters train a little differently; `broken` ends with NaN after the first step."""
    rows = []
    for step in range(1, (2 if broken else steps) + 1):
        wobble = math.sin(step * 12.9898 + seed * 78.233) * 43758.5453 % 1 - 0.5
        drift = (
            1
            + (4e-3 * (1 - math.exp(-step / 40)) * math.sin(step / 7 + seed) if half else 0)
            + seed * 1e-7 * step
        )
        loss = (0.69 * math.exp(-step / 60) + 0.02 + 0.05 * wobble * math.exp(-step / 90)) * drift
        rows.append(_row(step, loss, drift, broken=broken))
    events = ()
    if broken:
        events = (
            {
                "step": 1,
                "phase": "optimizer",
                "what": "weight",
                "parameter": "layers.0.q_proj.lora_A",
                "count": 512,
                "of": 512,
            },
        )
    return Trace(
        start={
            "recorder": "1",
            "python": "3.11.9",
            "device": "cpu",
            "deterministic": True,
            "packages": {"torch": "2.13.0"},
        },
        census=_census(census),
        identity={"start": "5f1d" * 16, "batches": "9c07" * 16, "expected": "5f1d" * 16},
        end={
            "reason": "stopped: non-finite" if broken else "finished",
            "steps": len(rows),
            "seconds": {"import": 5.2, "training": 2.1},
        },
        training=True,
        columns=COLUMNS,
        steps=tuple(range(1, len(rows) + 1)),
        rows=tuple(rows),
        nonfinite=events,
    )


def _row(step, loss, drift, *, broken):
    dead = broken and step > 1
    values = [math.nan if dead else loss]
    for what in ("weight", "gradient"):
        for phase in ("before", "backward", "optimizer"):
            scale = 1.62 + step / 900 if what == "weight" else 0.4 * loss + 1e-3
            if what == "gradient" and phase == "before":
                values += [None] * 10
                continue
            late = broken and (dead or phase == "optimizer") and what == "weight"
            values += [
                -0.3 * scale, 0.31 * scale * drift, 0.001 * scale, 0.1 * scale * drift, math.inf if late else scale * drift,
                3 if late else 0, 2 if late else 0, 1 if late else 0, 0 if what == "weight" else 4, 1 if what == "weight" else 9 + step % 5,
            ]  # fmt: skip
    for index in range(3):
        flushed = 1.0 if broken and index == 1 else 0.0
        values += [
            0.3 * loss * (index + 1),
            1e-3 / (1 + step / 50),
            flushed if step == 1 else 0.0,
            flushed,
            flushed,
            step * 7919 % 65521,
            step * 104729 % 65521,
        ]
    return tuple(values)


def _census(kind):
    dtype = "float16" if kind == "half" else "float32"
    return {
        "parameters": [
            *({"name": f"layers.{layer}.{module}.lora_{side}", "dtype": dtype, "shape": [8, 64], "trainable": True} for layer in (0, 1) for module in ("q_proj", "v_proj") for side in "AB"),
            {"name": "score", "dtype": "float16", "shape": [2, 64], "trainable": True},
            {"name": "score.original_module", "dtype": "float16", "shape": [2, 64], "trainable": kind == "old"},
        ]
    }  # fmt: skip


def census_kind(position):
    return "half" if position in HALF else "old" if position < 3 else "new"


def release(version, arm, evidence, *, made=None, verdict="good", reason=None, log=""):
    """One release with its evidence; without a trace it is skipped or untested."""
    probe = digest("probe", arm, version) if made or verdict == "skip" else None
    if probe:
        evidence[probe] = ProbeEvidence(
            made or Trace(),
            log
            or f"loading peft {version}\ntraining in {arm}\n{'step 200 loss 0.0281' if verdict == 'good' else reason}\n",
        )
    bad = verdict == "bad"
    return ReleaseResult(
        version=version,
        uploaded=f"{DATES.get(version, '2024-01-01')}T10:00:00Z",
        verdict=verdict,
        reason=reason
        or (
            "The loss fell to 0.0281 and everything stayed finite."
            if made
            else "Not needed to answer the question."
        ),
        fingerprint={
            "kind": "non-finite weight",
            "step": 1,
            "phase": "optimizer",
            "parameter": "layers.0.q_proj.lora_A",
        }
        if bad
        else None,
        effect={"name": "mean loss of the last 20 steps", "value": math.nan if bad else 0.0281, "bound": 0.35}
        if made
        else None,
        lock=digest("lock", version),
        probe=probe,
        trace=made.digest() if made else None,
        seconds={"environment": 0.41, "import": 5.2 if made else None, "training": 2.1 if made else None},
        memory_peak=812_000_000 if made else None,
        repeats=["bad", "bad"] if version == "0.7.0" and bad else [],
        command=f"python -m harness probe llama_seq_cls --release {version} --arm {arm}",
    )


def boundary(kind, signal, before, after, details):
    """A confirmed boundary whose locks differ in the package alone, but for one that moved at 0.12.0."""
    moves = [{"name": "peft", "before": before, "after": after}]
    found = BoundaryResult(kind, signal, before, after, confirmed=True, details=[details], moves=moves)
    if after != "0.12.0":
        return found
    hub = {"name": "huggingface-hub", "before": "0.36.0", "after": "0.36.2"}
    opened = exchanged(hub) if signal == "verdict" else None
    return replace(found, moves=[*moves, hub], dependencies=opened)


def exchanged(hub):
    """Which of both did it at 0.12.0: the release, for with the hub of 0.11.1 it is good all the same."""
    executions = [
        {"probe": digest("hub", repeat), "repeat": repeat, "seed": 0, "verdict": "good"} for repeat in (1, 2)
    ]
    tie = Tie("peft", "0.11.1", "huggingface-hub", "huggingface-hub<0.36.1")
    refused = MixtureResult(
        "0.11.1",
        [hub["name"]],
        Likeness.REFUSED,
        "untested",
        "not executed",
        refused="no solution",
        ties=[tie],
    )
    tried = MixtureResult("0.12.0", [hub["name"]], Likeness.AFTER, "good", "fell", digest("mix"), executions)
    return DependencyAnswer(Outcome.PACKAGE, [hub], trials=[tried, refused])


def both(before, after, kind, details, *, verdict):
    """The boundaries in verdict (if asked), census and trace at one place."""
    broken = [boundary(kind, "verdict", before, after, "bad: non-finite weight at step 1")]
    return [
        *(broken if verdict else []),
        boundary("changed", "census", before, after, details),
        boundary("changed", "trace", before, after, "first difference: step 1, lora_A.update_ratio"),
    ]


def arm(name, evidence, *, steps=200, skip=(), only=None):
    """An arm with the map of the domain: half-precision adapters from 0.7.0 to 0.11.1, broken in fp16 only."""
    breaks = name == "fp16"
    made = {
        kind: trace(steps=steps, half=kind == "half", broken=breaks and kind == "half", census=kind)
        for kind in ("old", "new", "half")
    }
    releases = []
    for position, version in enumerate(RELEASES):
        if only and version not in only:
            continue
        kind = census_kind(position)
        if version in skip:
            releases.append(
                release(
                    version,
                    name,
                    evidence,
                    verdict="skip",
                    reason="import failed: cannot import name 'HybridCache' from 'transformers'",
                )
            )
        elif breaks and kind == "half":
            releases.append(
                release(
                    version,
                    name,
                    evidence,
                    made=made[kind],
                    verdict="bad",
                    reason="512 of 512 values of layers.0.q_proj.lora_A are NaN after the optimizer step 1.",
                )
            )
        else:
            releases.append(release(version, name, evidence, made=made[kind]))
    boundaries = [
        boundary("changed", "census", "0.5.0", "0.6.0", "1 score.original_module: trainable -> frozen"),
        *both("0.6.2", "0.7.0", "regressed", "8 lora_A, lora_B: dtype float32 -> float16", verdict=breaks),
        *both("0.11.1", "0.12.0", "fixed", "8 lora_A, lora_B: dtype float16 -> float32", verdict=breaks),
    ]
    parameters = {
        "dtype": {"fp16": "float16", "bf16": "bfloat16"}.get(name, "float32"),
        "loss_scale": 4096 if breaks else 1,
    }
    conclusion = "non-monotone" if breaks else "always-good"
    return ArmResult(
        name=name,
        parameters=parameters,
        conclusion=conclusion,
        answer=sentence("peft", parameters, conclusion, boundaries, releases),
        boundaries=boundaries,
        releases=releases,
        deterministic=True,
        notes=["Both ends are good, so every release was probed."] if breaks else [],
    )


def report(*, arms=("fp16", "bf16"), steps=200, skip=("0.17.0",), releases=None, **changes):
    """Return (report, evidence) of a whole run; `releases` keeps some of them only."""
    evidence = {}
    facts = {
        "run": "2026-11-25-llama_seq_cls-peft",
        "scenario": "llama_seq_cls",
        "description": "A small Llama classifier, LoRA r=8 on q_proj and v_proj, plain AdamW with eps 1e-8; the same start values and batches for every release.",
        "package": "peft",
        "started": "2026-11-25T03:04:05Z",
        "command": "python -m harness bisect llama_seq_cls --arm fp16 --arm bf16 --package peft",
        "host": {
            "python": "3.11.9",
            "torch": "2.13.0+cpu",
            "device": "cpu",
            "cpu": "AMD EPYC 7B13, 2 cores",
            "gpu": None,
        },
        "environment": {
            "policy": "fixed",
            "torch": "cpu",
            "pins": ["torch==2.13.0", "transformers==4.57.6", "accelerate==1.15.0", "numpy==2.2.6"],
            "packages": {
                "accelerate": "1.15.0",
                "filelock": "3.20.0",
                "numpy": "2.2.6",
                "safetensors": "0.7.0",
                "torch": "2.13.0",
                "transformers": "4.57.6",
            },
            "moves": {"0.3.0": [], "0.18.0": ["huggingface-hub 0.36.0 -> 0.36.2"]},
            "proof": "33 of 34 locks differ in peft alone.",
        },
        "arms": [arm(name, evidence, steps=steps, skip=skip, only=releases) for name in arms],
        "harness": "0.1.0",
    }
    return Report(**(facts | changes)), evidence


def with_seeds(report, evidence, count=3):
    """The same run with several seeds an arm; one of them still trains where fp16 breaks."""
    arms = []
    for arm in report.arms:
        releases = []
        for position, item in enumerate(arm.releases):
            if not item.probe or not item.trace:
                releases.append(item)
                continue
            half = census_kind(position) == "half"
            executions = []
            for seed in range(count):
                broken = item.verdict == "bad" and seed != count - 1
                probe = item.probe if seed == 0 else digest("probe", arm.name, item.version, seed)
                made = trace(half=half, broken=broken, seed=seed) if seed else evidence[item.probe].trace
                evidence[probe] = ProbeEvidence(made)
                executions.append(
                    {"probe": probe, "repeat": 0, "seed": seed, "verdict": "bad" if broken else "good"}
                )
            releases.append(replace(item, executions=executions))
        arms.append(replace(arm, releases=releases))
    return replace(report, arms=arms), evidence


def largest():
    """34 releases x 3 arms x 1,000 steps, each trace unlike any other, and long logs."""
    small, evidence = report(arms=("fp16", "bf16", "fp32"), steps=2, skip=())
    arms = []
    for row, found in enumerate(small.arms):
        releases = []
        for position, item in enumerate(found.releases):
            made = trace(steps=1000, half=position in HALF, seed=40 * row + position)
            evidence[item.probe] = replace(evidence[item.probe], trace=made, log="a line of the log\n" * 2000)
            releases.append(replace(item, trace=digest(found.name, item.version)))
        arms.append(replace(found, releases=releases, deterministic=False))
    return replace(small, arms=arms), evidence
