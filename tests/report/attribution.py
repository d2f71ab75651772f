"""Causes, remedies and survival as a real run gives them, to be added to a synthetic report."""

from __future__ import annotations

from harness.report.attribution import (
    AttemptResult,
    CauseResult,
    CellResult,
    CodeLine,
    DifferenceResult,
    LadderResult,
    LineResult,
    MatrixResult,
    MechanismResult,
    RemedyResult,
    RungResult,
    SurvivalResult,
    TrialResult,
)

NAMES = ["layers.*.q_proj.lora_A", "layers.*.q_proj.lora_B"]
DTYPE = DifferenceResult(
    "8 parameters: dtype float32 -> float16 (lora_A, lora_B)", "dtype", "", "float32", "float16", NAMES, 8,
    transplantable=True,
)  # fmt: skip
HERRING = DifferenceResult(
    "1 module: fan_in False -> True (q_proj)",
    "attribute",
    "fan_in",
    False,
    True,
    ["q_proj"],
    1,
    transplantable=True,
)
NEW = DifferenceResult("1 parameter new (extra)", "new", "", None, None, ["extra"], 1, transplantable=False)


def trial(release, verdict, *, as_other=True):
    return TrialResult(release, verdict, f"{verdict} for a reason", as_other, as_other, "ab" * 32, "cd" * 32)


def rung(name, *, phase="forward", what="output", ulps=0.5, nonfinite=(0, 0), differs=True):
    relative = None if ulps is None else ulps / 2048
    return RungResult(
        1, phase, name, what, "Linear", ["float32", "float16"], ulps, relative, list(nonfinite), differs
    )


LADDER = LadderResult(
    4, 7,
    [
        rung("layers.0.q_proj.lora_A"),
        rung("layers.0.q_proj", ulps=0.0, differs=False),
        rung("layers.0.q_proj.lora_A.weight", phase="optimizer", what="weight", ulps=None, nonfinite=(0, 512)),
    ],
    0, 2,
)  # fmt: skip
MECHANISM = MechanismResult(
    "adam-zero-over-zero",
    "Adam computes 0 / 0 in 100% of lora_A at step 1",
    1,
    {"eps": 1e-8},
    "Kingma & Ba 2015",
)


CALLER = CodeLine("peft/tuners/lora/layer.py", 264, "self.update_layer(adapter_name, r)", "__init__")
LORA = ["layers.0.q_proj.lora_A.weight", "layers.1.q_proj.lora_A.weight"]


def line(side, release, number, text, *, previous, value, last=True):
    code = CodeLine("peft/tuners/lora/layer.py", number, text, "update_layer")
    below = CodeLine("torch/nn/modules/module.py", 995, "param.data = param_applied", "_apply")
    return LineResult(side, release, "dtype", "", LORA, 8, previous, value, last, code, [CALLER], below)


def lines(before, after):
    """Return the lines of both sides; a text that is hostile to every output is among them."""
    made = "self.lora_A[name] = nn.Linear(n, r)  # <script>`*_|"
    return [
        line("before", before, 76, made, previous=None, value="float32"),
        line("after", after, 87, made, previous=None, value="float32", last=False),
        line(
            "after",
            after,
            100,
            "self.to(weight.device, dtype=weight.dtype)",
            previous="float32",
            value="float16",
        ),
    ]


def cause(
    arm="fp16", before="0.6.2", after="0.7.0", *, kind="regressed", signal="verdict", status="confirmed"
):
    refuted = AttemptResult(
        "refuted", [HERRING], trial(after, "bad", as_other=False), trial(before, "good", as_other=False)
    )
    found = AttemptResult(status, [DTYPE], trial(after, "good"), trial(before, "bad"))
    said = f"Cause {status}: {DTYPE.text}; with the other side's, {after} trains well and {before} breaks"
    return CauseResult(
        arm,
        before,
        after,
        kind,
        signal,
        status,
        said,
        [HERRING, DTYPE, NEW],
        [refuted, found],
        [MECHANISM],
        LADDER,
        lines(before, after),
    )


def matrix(arm="fp16"):
    columns = {"0.6.2": "good", "0.7.0": "bad", "0.12.0": "good"}

    def remedy(name, by, *outcomes):
        cells = [
            CellResult(release, outcome, f"note on {outcome}", verdict, "for a reason", "ab" * 32, "cd" * 32)
            for (release, verdict), outcome in zip(columns.items(), outcomes, strict=True)
        ]
        return RemedyResult(name, f"what {name} does", by, {"setting": name}, cells)

    remedies = [
        remedy("bf16", "article", "no effect", "cures", "no effect"),
        remedy("clip", "article", "no effect", "no effect", "no effect"),
        remedy("lr", "article", "worse", "cures", "worse"),
        remedy("scaler", "practice", "error", "error", "error"),
        remedy("option", "practice", "not applicable", "not applicable", "no effect"),
    ]
    return MatrixResult(arm, list(columns), list(columns.values()), remedies)


def survival(release="0.5.0", *, failures=1):
    curve = [[0.0, 1.0, 0.63, 1.0]]
    curve += [[1104.0, 0.875, 0.39, 0.98]] if failures else []
    return SurvivalResult("soak", release, 8, failures, 1500, [*curve, [1500.0, *curve[-1][1:]]])


def everything():
    """Return what `Report` takes."""
    return {
        "cause": [
            cause(),
            cause("bf16", signal="trace"),
            cause(before="0.11.1", after="0.12.0", kind="fixed"),
        ],
        "interventions": [matrix()],
        "survival": [survival(), survival("0.6.0", failures=0), survival("0.6.1", failures=0)],
    }
