"""How the end and the values of a command are judged."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from harness.model.commands import EXECUTING, OF_JUDGING, PROBING
from harness.model.options import option
from harness.model.values import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model.values import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the end and the values of a command are judged; all empty for a scenario, whose file says it."""

    VERBS: ClassVar = EXECUTING
    GROUP: ClassVar = OF_JUDGING

    bad_when_stdout_matches: str | None = option(
        None,
        "--bad-when-stdout-matches REGEX",
        "bad if the output of the command matches, with any exit status; every other failure is skip",
    )
    error_matches: str | None = option(
        None,
        "--error-matches REGEX",
        "bad only if the command fails and its output matches; every other error is skip",
    )
    import_errors: str | None = option(
        None, "--import-errors", "verdict of a failed import, default skip", choices=("bad", "skip")
    )
    metric: str | None = option(
        None,
        "--metric NAME",
        "judge a number: the last NAME=value (or JSON with NAME) that the command prints, or what it hands to "
        "harness.record(NAME, value), or what the harness measures (wall_seconds, memory_peak; with a recorder also "
        "step_seconds and others) or counts (python_calls, operations, allocations)",
    )
    expect: str | None = option(
        None,
        "--expect BOUND",
        'the bound of a good metric, for example "<0.5"; without a bound, a release is bad if its metric differs from the '
        "reference's by more than noise",
    )
    minimum_effect: float | None = option(
        None,
        "--minimum-effect X",
        "smallest change of the metric that counts, as a ratio to the reference; default 1.1 for what the harness "
        "measures or counts; for a printed metric every change that is larger than noise counts",
        value=NUMBER,
    )
    higher_is_worse: bool | None = option(
        None,
        "--higher-is-better",
        "which direction of the metric is a failure; without it, every change counts",
        switches=(
            (False, "--higher-is-better", "only a lower metric is bad"),
            (True, "--lower-is-better", "only a higher metric is bad"),
        ),
    )
    warning_matches: str | None = option(
        None,
        "--warning-matches REGEX",
        "bad if a warning of the script matches; its text is `Category: message`",
    )
    output: str | None = option(
        None,
        "--output NAME",
        "compare the values that the script hands to harness.output(NAME, value) with those of the reference; NAME may "
        'be a pattern, for example "*"',
    )
    atol: float | None = option(None, "--atol X", "allowed difference of an output, absolute", value=NUMBER)
    rtol: float | None = option(
        None,
        "--rtol X",
        "allowed difference of an output, relative to its value; without --atol and --rtol the harness measures what "
        "differs by itself",
        value=NUMBER,
    )

    reference: str | None = option(
        None,
        "--reference RELEASE",
        "release that a metric or an output is compared with; default: the oldest release of the range that can be "
        "tested and is good by itself; with --find-fix the newest",
        verbs=PROBING,
    )

    def given(self) -> Iterator[tuple[str, Setting]]:
        """Yield name and value of every option that is given."""
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default:
                yield one.name, value
