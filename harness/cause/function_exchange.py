"""The functions that make a difference, exchanged between both releases as text: does the difference go with them?

Each release is executed with a profile once more, with the other one's functions laid over its own files. What takes more
may itself be unchanged, and be called more often. So if that does not move the releases, all functions are exchanged that are
executed and differ; and if these need something that the other release lacks, all of their files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cause.bench import Bench, Trial
from harness.cause.transplant import CONFIRMED, NOT_APPLICABLE, REFUTED, SUPPORTED, status
from harness.report.profiled import ExchangeResult
from harness.sessions.functions import functions_in
from harness.sessions.installed import files_of
from harness.sessions.overlay import Overlay, kept, lay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.cause.transplant import Pair
    from harness.report.profiled import ProfileResult
    from harness.sessions.overlay import Tree
    from harness.sessions.session import Session
    from harness.traces.trace import Trace

ENOUGH = 0.8
"""Share of the difference that the exchanged functions have together."""
_MOST = 4
_MOVED = 0.5
"""Share of the way to the other release, from which on an exchange moves a release there."""

_ORDER = (CONFIRMED, SUPPORTED, REFUTED, NOT_APPLICABLE)

Name = tuple[str, str]
"""File and function."""


class Profile(NamedTuple):
    """How a release is profiled.

    Attributes:
        instructions: What is asked of the recorder.
        executed: Functions that either release executes.
        total: Returns the whole of a profile; None where it was not finished.
    """

    instructions: Mapping[str, Any]
    executed: Sequence[Name]
    total: Callable[[Trace], float | None]


def exchange(pair: Pair, bench: Bench, found: ProfileResult, profile: Profile) -> ExchangeResult | None:
    """Exchange the functions that add most, else all that differ; None where no function that is executed does.

    Args:
        pair: The boundary.
        bench: Executes.
        found: What the profiles of both sides show.
        profile: How they were made.
    """
    if bench.session.asked.place.executor != "local":
        return None
    trees = [tree_of(bench.session, place) for place in (pair.older, pair.newer)]
    decisive = _decisive(found, trees)
    every = sorted({name for name in profile.executed if _differs(name, trees)})
    stages = [("functions", decisive, with_functions), ("files", every, with_files)]
    if every != sorted(decisive):
        stages.insert(1, ("functions", every, with_functions))
    tried: list[ExchangeResult] = []
    with kept(bench.session.environments.state.root / "overlays"):
        for what, names, mixed in stages:
            if not names:
                continue
            given = [mixed(trees[0], trees[1], names), mixed(trees[1], trees[0], names)]
            values = [
                None if tree is None else _value(pair, bench, position, tree, profile)
                for position, tree in zip((pair.older, pair.newer), given, strict=True)
            ]
            tried.append(_judged(what, names, values, found.totals))
            if tried[-1].status == CONFIRMED:
                break
    return min(tried, key=lambda one: _ORDER.index(one.status), default=None)


def _judged(
    what: str, names: Sequence[Name], values: Sequence[float | None], totals: Sequence[float]
) -> ExchangeResult:
    """Return what the totals of the older and of the newer release with the other one's functions say."""
    (older, newer), (before, after) = values, totals
    whole = after - before
    moves = [
        None if older is None else (older - before) / whole >= _MOVED,
        None if newer is None else (after - newer) / whole >= _MOVED,
    ]
    said = [": ".join(name) for name in names] if what == "functions" else sorted({file for file, _ in names})
    return ExchangeResult(what, said, older, newer, status(*moves))


def _decisive(found: ProfileResult, trees: Sequence[Tree]) -> list[Name]:
    """Return the functions of the package that add `ENOUGH` together, those alike in both releases left out."""
    names: list[Name] = []
    share = 0.0
    for one in found.functions:
        if one.share <= 0 or share >= ENOUGH or len(names) == _MOST:
            break
        if _differs((one.file, one.function), trees):
            names.append((one.file, one.function))
        share += one.share
    return names


def _differs(name: Name, trees: Sequence[Tree]) -> bool:
    """Tell whether a function is not the same text in both trees."""
    older, newer = (text_of(tree, *name) for tree in trees)
    return older != newer


def _value(pair: Pair, bench: Bench, position: int, tree: Tree, profile: Profile) -> float | None:
    """Return the whole of a release's profile with other files; None where it could not be executed with them."""
    session = bench.session
    laid = lay(tree, session.environments.state.root / "overlays", session.asked.package)
    mixed = Bench(replace(session, overlay=lambda _place: laid), bench.watcher, bench.jobs)
    trial = Trial(pair.arm, position, "other functions", instructions={"profile": dict(profile.instructions)})
    (trace,) = mixed.traces([trial])
    return profile.total(trace) if laid.proven(trace) else None


def tree_of(session: Session, position: int) -> Tree:
    """Return the package's files in a release, or those that are laid over it."""
    laid = session.overlay(position) if session.overlay else None
    return laid.tree() if isinstance(laid, Overlay) else files_of(session, position)


def with_functions(own: Tree, other: Tree, names: Sequence[Name]) -> Tree | None:
    """Return a tree with the other one's functions in place of its own; None where one of them lacks one."""
    tree = dict(own)
    for file, name in names:
        span, text = span_of(tree, file, name), text_of(other, file, name)
        if span is None or text is None:
            return None
        lines = tree[file].decode().splitlines(keepends=True)
        tree[file] = "".join([*lines[: span[0] - 1], text, *lines[span[1] :]]).encode()
    return tree


def with_files(own: Tree, other: Tree, names: Sequence[Name]) -> Tree | None:
    """Return a tree with whole files of the other one; None where it lacks one."""
    files = {file for file, _ in names}
    return {**own, **{file: other[file] for file in files}} if files <= other.keys() else None


def text_of(tree: Tree, file: str, name: str) -> str | None:
    """Return the text of a function, decorators included; None where it is not there."""
    span = span_of(tree, file, name)
    if span is None:
        return None
    return "".join(tree[file].decode().splitlines(keepends=True)[span[0] - 1 : span[1]])


def span_of(tree: Tree, file: str, name: str) -> tuple[int, int] | None:
    """Return first and last line of a function: by its name with its class, or by its own name where only one has it."""
    found = functions_in(tree[file]) if file in tree else ()
    exact = [one for one in found if one.name == name]
    alike = exact or [one for one in found if one.name.rpartition(".")[2] == name]
    return (alike[0].first, alike[0].last) if len(alike) == 1 else None
