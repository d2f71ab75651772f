"""A trace is what one probe recorded, step by step: a file of strict JSON lines, readable up to any cut.

Each line is an object with `event`; the order is the order of happening:

| event       | fields |
|-------------|--------|
| `start`     | `recorder` (version), `python`, `packages` {name: version}, `device`, `device_name`, `threads`, `deterministic` (bool), `settings` {the job's settings}, `seconds` (since the process began: the import), on CUDA `gpu` {`capability`, `memory` (bytes), `driver`, `cuda`, `cudnn`, `tf32_matmul`, `tf32_cudnn` (bool)} |
| `census`    | `parameters`: [{`name` (canonical), `raw` (as the release calls it), `dtype`, `shape`, `trainable`}], `buffers`: [{`name`, `dtype`, `shape`}], `modules`: [{`name`, `raw`, `class`}], `attributes`: [{`module` (pattern), `path`, `values`}], `configs`: [{`name`, `values`}], `optimizer`: {`class`, its settings}; none without a model |
| `identity`  | `start` and `batches`: digests of the start values and batches in force; `expected`: the start that was asked for; each null where there is none |
| `training`  | training begins: from here on an error belongs to the training |
| `columns`   | `names`: [the signals of every following step]; may come again when signals are added |
| `step`      | `step` (from 1), `values`: [one number, "NaN", "Infinity", "-Infinity" or null a column], `seconds` (without the recorder's own, on CUDA with them) |
| `nonfinite` | the first non-finite value of its kind: `step`, `phase` (forward, backward, optimizer), `what` (loss, gradient, weight), `parameter`, `count`, `of` |
| `frame`     | only where asked for: one tensor of one step, in order of execution: `step`, `phase`, `name` (canonical), `what` (output, gradient, weight, or a key of the optimizer's state), `module` (class), `dtype`, `shape`, `checksum`, `nan`, `inf`, `zero` (counts), `largest` (of the finite ones), `sample` (values, evenly spaced) |
| `origin`    | only where asked for: how a property came about while the model was built: `property`, `key`, `names` (canonical, some), `count`, `changes`: [{`previous`, `value`, `outside` (bool: not by the package under test), `file`, `line`, `text`, `function`, `stack`: [{`file`, `line`, `text`, `function`}], `below`: one such line, or null}] |
| `operation` | only where asked for, of one step: `position` (from 0), `step`, `phase`, `name` (torch's), `inputs` and `outputs`: [{`dtype`, `shape`, `checksum` (null where the values cannot be read), `parameter` (canonical name, or null), of outputs `sample`}], `arguments` (the others, as texts), `line` (innermost outside of torch), `own` (innermost of the package under test), `script` (innermost of the job), each {`file`, `line`, `text`, `function`} or null; of a backward operation those of its forward one |
| `profile`   | only where asked for: `of` (`time`, `memory` or `lines`), `damaged` (bool: the job set a profile of its own meanwhile); of time `seconds`, `python_calls`, where torch is imported `operations` and `allocations`, and `sites`: [{`file`, `line` (first of the function), `function` (empty: what none of the package or the job does), `calls`, `python_calls`, `seconds`, `operations`, `allocations`, `below`: [[function of another library, calls, seconds]], `dispatched`: [[operation of torch, line, count, seconds, allocations, text]]}]; of memory `peak` (bytes), `tensors` (bool: torch's are followed) and `sites`: [{`file`, `line`, `function`, `at` (line), `text`, `held`, `passing` (bytes that the line holds only while it is executed)}]; of lines `functions`: [{`file`, `line`, `lines`: [[line, count, seconds, text]]}] |
| `overlay`   | at the end of a script that has an overlay: `files` {path in the overlay: SHA-256} of the package's loaded files, `elsewhere`: [paths of those that were loaded from elsewhere] |
| `executed`  | only where asked for, at the end: `files` {path below site-packages: [executed lines]} of the package under test |
| `record`    | a named value that a script recorded: `name`, `value` |
| `output`    | one leaf of a value to be compared: `name`, `dtype` (`float`, `int` and `bool` of Python, `text`, `bytes`, else the library's), `shape`, `digest` (SHA-256 of dtype, shape and bytes); of numbers `every` and `values` (every n-th, 4096 at most; a complex one is two), `nan`, `inf` (counts), `min`, `max`, `mean`, `norm` (of the finite ones); of a text `text` (its beginning) |
| `warning`   | the first of its kind: `category` (class of the warning, `log WARNING`, `log ERROR` …), `message`, `where` (file or logger) |
| `warned`    | at the end: `counts` of the `warning` events, in their order; `more` (int), further ones that were left out |
| `test`      | where the command runs pytest, of one phase of one test that decides something: `node`, `outcome` (passed, failed, error, skipped, xfailed, xpassed), `phase` (setup, call, teardown), `exception`, `message`, `seconds` |
| `pytest`    | before pytest begins, with `status` null; at its end `status` (exit status), `errors`: [{`node`, `exception`, `message`}] of files that cannot be collected, `elsewhere`: [files of the package under test that were loaded from outside of site-packages] |
| `error`     | `step`, `phase` (both null before training), `exception` (class name), `message`, `out_of_memory` (bool), `importing` (bool: a module could not be imported), `no_space` (bool: the disk was full), `missing_file` (absolute path of a file that is not there; empty where none is missed), `raised_in` (package whose code lies deepest in the traceback), `misused` (bool: the job calls its recorder wrongly), `cell` (number of the code cell, in a notebook), `frames`: [{`package`, `file`, `line`, `function`, `text`}] of installed files, the deepest last |
| `end`       | `reason` (`finished`, `stopped: why` or, after an `error`, `failed: class`), `prefix` (steps after which the job was ended since no more were asked for; absent otherwise), `steps`, `seconds` {`import`, `training`}, `memory_peak` (bytes), on CUDA `device_memory_peak` (bytes) |
| `modules`   | at the end of a script's process: `places`, the files and folders of site-packages that hold a module that is loaded |
| `replicas`  | only of one of several ranks, or where it is asked for: before the first step, `names` (canonical) of the trained parameters, `sharded` [bool], `averaged` (whether torch's DistributedDataParallel averages gradients), `start` [checksum of what this rank holds] |
| `replica`   | the same parameters in one step: `step`, `weights` and `gradients` [checksum, as the optimizer gets and leaves them], and projections, which are sums of all values times fixed factors: `own` (of the gradients that this rank computed), `reduced` (of those after the exchange), `values` (of the weights) |
| `whole`     | of parameters in shards: `when` (`start` or `end`), `digests` [checksums of all of it] |
| `collective`| one call of a collective of `torch.distributed`, as it begins: `kind`, `sizes` [values of each tensor], `dtype` |
| `ranks`     | only of a job with several ranks, behind what the process that started them recorded: `count`, `tree` (how all of them ended: `done`, `hang`, `late`, or empty where another launcher started them) |
| `rank`      | begins what one rank recorded: `rank`, `status` (exit status, -signal, or null), `at` (seconds), `ended_by` (`harness` or empty), `stack` (where its threads stood when it was ended) |
| `memory`    | at the end of a script's process: `peak`, most bytes that it or one process that it waited for held |

`nonfinite` names the first parameter by canonical name, with its count `of` its values. Steps are written a few at
a time, so a killed job may lose those of its last second; an error or an early end loses none.

Signals (columns): `loss`; for each watched parameter `<layer>.<weight|gradient>.<before|backward|optimizer>.<min|
max|mean|std|norm|nan|posinf|neginf|zero|subnormal|saturated>` (before backward, after backward, after the optimizer step; std
is divided by n; the last six are counts; saturated is what lies at the largest number of the dtype; null where there is no gradient); for each group of parameters
`<group>.gradient_norm`, `.update_ratio` (norm of the update over norm of the updated weight), `.gradient_zero`
(share of gradients that are exactly zero), `.second_moment_zero` (share of the non-zero gradients whose second
moment in Adam is zero), `.denominator_zero` (share of Adam's denominators that are exactly zero),
`.weight_checksum` and `.gradient_checksum` (exact integers over the float32 values), `.gradient_subnormal` (share
of gradients that are subnormal in the parameter's dtype), `.update_lost` (share of the weights with a gradient that
stayed what they were); for each watched parameter `<layer>.weight.optimizer.<p01|p10|p50|p90|p99>` and the same of
`gradient.backward` (quantiles of nearest rank); of a loss scale that adapts
itself `loss_scale` (in force in this step) and, over all trained gradients after the backward pass, still multiplied by
it, `loss_scale.overflow` (share that is not finite: GradScaler leaves the step out), `.zero` (share that is exactly
zero), `.subnormal` (share that is subnormal in float16), `.rescued` (share that would be zero in float16 without the
scale); of conversions into 8-bit formats, where they are asked for, `<format>.casts` (how many there were), `.amax`
(largest absolute value before scaling), `.scale_min` and `.scale_max` (the factors that values were multiplied by; absent
where none is known), `.saturated` (share that became the largest number of the format, or went past it), `.flushed`
(share of values not zero that became zero), `.subnormal` (share), `.error` (largest relative error of one conversion, by
norm); where torch.compile is used `compile.graphs`, `compile.graph_breaks` and `compile.recompiles` (counts up to this
step); then whatever else the job records. Where a scenario asks for the statistics of every n-th step (`statistics_every`), the steps between have
null in all columns but the loss and what the job records, unless a value there is not finite. A ratio without a denominator is null, and so is Adam's share under another optimizer. Gradients are as
the optimizer sees them: times the loss scale, if there is one.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import re
import signal
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_LOST = re.compile(
    r"Connection (?:closed|reset|refused|aborted)|Broken pipe|Socket (?:Timeout|closed)|Read error|Write error"
    r"|peer.*(?:closed|gone)|communicator was aborted|connectFullMesh|[Tt]imed out (?:waiting|after)"
)
"""What gloo, NCCL, torch's store and plain sockets say when the other side is gone."""
_LOST_CLASSES = frozenset({"ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "EOFError"})
_RENDEZVOUS = re.compile(
    r"EADDRINUSE|[Aa]ddress already in use|server socket has failed|client socket has (?:failed|timed out)"
    r"|[Cc]annot assign requested address|EADDRNOTAVAIL|[Tt]imed? ?out.*(?:clients|workers) (?:joined|to join)"
)
"""What torch's store says when the ranks do not find each other, since the machine has no port for them."""
_AT_THE_END = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS}
"""Ends of a process whose libraries are taken apart in the wrong order."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One rank.

    Attributes:
        number: From 0.
        status: Exit status or -signal; None where nobody saw it, as of ranks that another launcher started.
        at: Seconds from the start of all ranks to its end.
        ended_by: `harness` if it did not end by itself.
        stack: Where its threads stood when the harness asked.
        trace: What it recorded.
    """

    number: int
    status: int | None
    at: float | None
    ended_by: str
    stack: str
    trace: Trace

    @property
    def finished(self) -> bool:
        """Whether its script came to its end, however its process ended then."""
        end = self.trace.end or {}
        recorded = bool(end) and not str(end.get("reason", "")).startswith("failed")
        return self.trace.error is None and (recorded or self.trace.modules is not None)

    @property
    def steps(self) -> int:
        """How many steps it made: those that it wrote late may be missing from the trace of a rank that was ended."""
        return max(len(self.trace.steps), len(self.trace.replica))

    @property
    def aborted_at_the_end(self) -> bool:
        """Whether its process died after its script was done, which says nothing of the job."""
        return self.status in _AT_THE_END and self.finished

    @property
    def failed(self) -> bool:
        """Whether it ended by itself, and badly."""
        if self.status is None:
            return self.trace.error is not None and not self.ended_by
        return bool(self.status) and not self.ended_by and not self.aborted_at_the_end

    @property
    def lost_others(self) -> bool:
        """Whether its error says that another rank was gone."""
        error = self.trace.error or {}
        return error.get("exception") in _LOST_CLASSES or bool(_LOST.search(str(error.get("message", ""))))

    @property
    def no_rendezvous(self) -> bool:
        """Whether its error says that the ranks could not find each other for want of a port."""
        return bool(_RENDEZVOUS.search(str((self.trace.error or {}).get("message", ""))))


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace, as far as it was written.

    Attributes:
        start, census, identity, error, end: The event of that name, None where the trace lacks it.
        training: Whether training had begun.
        columns: Names of the signals.
        steps: Step numbers, from 1.
        rows: One tuple a step in the order of `columns`; None where a signal had no value.
        nonfinite: The `nonfinite` events in order.
        frames: The `frame` events in order.
        operations: The `operation` events in order.
        origins: The `origin` events in order.
        profile: The last event of that name; None without one.
        overlay, executed: The event of that name, None where the trace lacks it.
        records: {name: values in order} of what a script recorded, and of what the harness measured.
        outputs: The `output` events in order.
        warnings: The `warning` events in order, each with its `count`.
        seconds: What each step took; None where that was not told.
        memory_peak: Bytes, as of the `memory` event; None without one.
        modules: Places of the `modules` event; None without one.
        tests: The `test` events in order.
        pytest: The last event of that name; None where pytest did not run.
        ranks: What is known of each rank, where there are several; all else is then as `combined` says.
        tree: How all ranks ended: `done`, `hang`, `late`; empty where that is not known.
        replicas: The event of that name; None without one.
        replica, whole, collectives: The events `replica`, `whole`, `collective` in order.
    """

    start: dict[str, Any] | None = None
    census: dict[str, Any] | None = None
    identity: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    overlay: dict[str, Any] | None = None
    executed: dict[str, Any] | None = None
    profile: dict[str, Any] | None = None
    training: bool = False
    columns: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    rows: tuple[tuple[float | None, ...], ...] = ()
    nonfinite: tuple[dict[str, Any], ...] = field(default=())
    frames: tuple[dict[str, Any], ...] = field(default=())
    operations: tuple[dict[str, Any], ...] = field(default=())
    origins: tuple[dict[str, Any], ...] = field(default=())
    records: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    outputs: tuple[dict[str, Any], ...] = field(default=())
    seconds: tuple[float | None, ...] = ()
    warnings: tuple[dict[str, Any], ...] = field(default=())
    memory_peak: int | None = None
    modules: tuple[str, ...] | None = None
    tests: tuple[dict[str, Any], ...] = ()
    pytest: dict[str, Any] | None = None
    ranks: tuple[Rank, ...] = ()
    tree: str = ""
    replicas: dict[str, Any] | None = None
    replica: tuple[dict[str, Any], ...] = ()
    whole: tuple[dict[str, Any], ...] = ()
    collectives: tuple[dict[str, Any], ...] = ()

    def signal(self, name: str) -> list[float | None]:
        """Return one signal over all steps, or what was recorded under that name; else an empty list."""
        if name not in self.columns:
            return list(self.records.get(name, ()))
        position = self.columns.index(name)
        return [row[position] if position < len(row) else None for row in self.rows]

    @property
    def prefix(self) -> int | None:
        """Steps after which the job was ended, since no more were asked for; None of a whole training."""
        return (self.end or {}).get("prefix")

    def head(self, steps: int) -> str:
        """Return a digest of what the first steps measured: what `digest` returns of a job that was ended after them."""
        rows = self.rows[:steps]
        columns = self.columns[: max(map(len, rows), default=0)]
        early = tuple(event for event in self.nonfinite if event["step"] <= steps)
        return replace(self, columns=columns, steps=self.steps[:steps], rows=rows, nonfinite=early).digest()

    def digest(self) -> str:
        """Return a digest of everything measured: equal digests mean equal training, bit for bit.

        Times, host and library versions do not enter.
        """
        # Version 2 of marshal: numbers as bits, and no sharing, so the bytes depend on the values alone. Writing
        # the numbers as text would take twenty times as long.
        rows = marshal.dumps((self.columns, self.steps, self.rows), 2)
        events = json.dumps(self.nonfinite, sort_keys=True)
        others = "".join(rank.trace.digest() for rank in self.ranks[1:])
        return hashlib.sha256(rows + events.encode() + others.encode()).hexdigest()
