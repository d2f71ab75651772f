"""`--package`, `--from` and `--to`, each as often as there are packages: an end belongs to the package before it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.scenario import Range, Scenario

MOST_PACKAGES = 2
_ENDS = {"first": "--from", "last": "--to"}


class InOrder(argparse.Action):
    """Stores a value as usual, and notes it in `ranges`, in the order of the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the signature is argparse's
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Take in one option."""
        setattr(namespace, self.dest, values)
        namespace.ranges = [*getattr(namespace, "ranges", ()), (self.dest, values)]


def paired(given: Sequence[tuple[str, str]]) -> list[Range]:
    """Return the ranges that options in order ask for.

    Args:
        given: (`package`, `first` or `last`; its value), in order. With one package, ends may stand before it too.

    Raises:
        UsageError: An end is given twice, or before the first of two packages; a package is given twice; there are
            more packages than two.
    """
    from harness.command import package_under_test  # noqa: PLC0415 - kept out of start-up
    from harness.scenario import Range  # noqa: PLC0415

    named = [package_under_test(value) for name, value in given if name == "package"]
    packages = [package for package, _ in named]
    for package in packages:
        if packages.count(package) > 1:
            raise UsageError(
                f"--package {package} is given twice: name two different packages, or one of them once"
            )
    if len(packages) > MOST_PACKAGES:
        raise UsageError(
            f"{len(packages)} packages ({', '.join(packages)}): two at most can be varied together; "
            f"hold the others, as in --with {packages[-1]}==VERSION"
        )
    if len(packages) > 1 and any(extras for _, extras in named):
        raise UsageError(
            "two packages are varied without extras: hold what the extras bring, as in --with NAME==VERSION"
        )
    found = [Range(packages[0])] if len(packages) == 1 else []
    for name, value in given:
        if name == "package":
            found += [Range(package_under_test(value)[0])] if len(packages) > 1 else []
            continue
        if not found:
            if packages:
                raise UsageError(
                    f"{_ENDS[name]} {value} stands before any --package: with two packages, "
                    "--from and --to stand behind the one that they belong to"
                )
            found = [Range("")]  # the scenario's own package
        if getattr(found[-1], name) is not None:
            whose = f" for {found[-1].package}" if found[-1].package else ""
            raise UsageError(
                f"{_ENDS[name]} is given twice{whose}: --from and --to belong to the --package before them, "
                "each once"
            )
        found[-1] = replace(found[-1], **{name: value})
    return found


def both(given: Sequence[tuple[str, str]], scenario: Scenario) -> tuple[Range, Range] | None:
    """Return the ranges of two packages, or None if one alone is asked about.

    Two are, if the command line names two, or if it names none and the scenario has two; what the command line leaves
    out is the scenario's.

    Raises:
        UsageError: As `paired` says; or ends are given, and the scenario has two packages that they may belong to.
    """
    from harness.scenario import Range  # noqa: PLC0415 - kept out of start-up

    found = paired(given)
    named = [one for one in found if one.package]
    if not named and scenario.also is not None:
        if found:
            raise UsageError(
                f"--from or --to without --package: {scenario.name} varies {scenario.package} and "
                f"{scenario.also.package}; put --package before them"
            )
        named = [Range(scenario.package), Range(scenario.also.package)]
    if len(named) < MOST_PACKAGES:
        return None
    first, second = (Range(one.package, *scenario.ends(one.package, one.first, one.last)) for one in named)
    return first, second
