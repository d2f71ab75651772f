"""A question made ready to be executed, in steps: locks, environments, device, executor.

Whatever a step opens is closed when the session ends, and when a later step fails.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.environments.environment import Environments
from harness.errors import UsageError
from harness.locks.interpreter import find_interpreter
from harness.locks.lock import Lock
from harness.locks.locks import Locks
from harness.locks.resolve import Resolver, Unresolvable
from harness.locks.stored import StoredLocks
from harness.locks.torch import choose_torch
from harness.probes.store import Store
from harness.releases.release import upload_days
from harness.sessions.download import check_download
from harness.sessions.provider import provide
from harness.sessions.searched import strategy
from harness.sessions.session import Session
from harness.uv import Uv
from harness.verdicts.oracles import alone, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.locks.interpreter import Interpreter
    from harness.releases.release import Release
    from harness.sessions.asked import Asked
    from harness.sessions.provider import Provider
    from harness.state import State


@contextmanager
def prepare(
    asked: Asked,
    releases: Sequence[Release],
    state: State,
    note: Callable[[str], None],
    *,
    warm: bool = True,
    unasked: bool = True,
) -> Iterator[Session]:
    """Yield a session of a question about the releases of a package.

    The locks of the ends are resolved, which say what environments have in common; all others when they are asked for.

    Args:
        asked: Gives scenario, package and torch.
        releases: Oldest first.
        state: Where state lives.
        note: Called with a line for each resolution, and when the shared packages are installed.
        warm: Start first executions from a warm parent where that is allowed.
        unasked: Download however much it is; else many gigabytes need a yes.

    Raises:
        HarnessError: As the parts say.
    """
    with provide(asked, Store(state), note) as provider:
        _check_confirmation(asked, provider)
        dated = asked.question.holds.policy == "as-of"
        resolver = make_resolver(asked, state, note=note)
        resolver = replace(resolver, days=upload_days(releases) if dated else {})
        finder = _finder(asked, resolver)
        reference = finder.reference()
        with closing(Locks(finder, releases, reference, note)) as locks:
            if isinstance(reference, Unresolvable):
                reference = Lock((), "fixed", resolver.interpreter.minor, resolver.interpreter.platform)
            ends = _ends(asked, len(releases))
            locks.resolve(ends)
            known = [lock for place in ends if isinstance(lock := locks[place], Lock)]
            if not unasked and (said := check_download(asked, releases, known, resolver.settings, state)):
                note(said)
            environments = make_environments(asked, resolver, note).sharing([reference, *known])
            with start(
                asked,
                provider,
                releases=releases,
                locks=locks,
                reference=reference,
                resolver=resolver,
                environments=environments,
                note=note,
                warm=warm and not dated,  # a warm parent has loaded what differs
            ) as session:
                yield session


@contextmanager
def start(
    asked: Asked,
    provider: Provider,
    *,
    releases: Sequence[Release],
    locks: Sequence[Lock | Unresolvable],
    reference: Lock,
    resolver: Resolver,
    environments: Environments,
    note: Callable[[str], None],
    warm: bool,
) -> Iterator[Session]:
    """Choose the device, start what executes there, and yield the session.

    Raises:
        HarnessError: As the provider says.
    """
    provider.store.clear_leftovers()
    device = (
        provider.device(asked.question.holds.device, environments, reference) if reference.packages else "cpu"
    )
    if asked.question.plan.confirm_on:
        _check_other_device(asked.question.plan.confirm_on, device)
        provider.check_usable(asked.question.plan.confirm_on, environments, reference)
    with provider.executor(
        environments, reference, device, warm=warm and not clean(asked.scenario.oracle)
    ) as executor:
        yield Session(
            asked=asked,
            releases=releases,
            locks=locks,
            reference=reference,
            resolver=resolver,
            environments=environments,
            store=provider.store,
            provider=provider,
            executor=executor,
            device=device,
            job_digest=asked.scenario.job_digest(),
            note=note,
        )


def make_resolver(
    asked: Asked,
    state: State,
    *,
    package: str | None = None,
    pins: Sequence[str] | None = None,
    interpreter: Interpreter | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> Resolver:
    """Return what asks uv for locks.

    Args:
        asked: Gives package, pins, Python and torch.
        state: Where state lives.
        package: In place of the question's.
        pins: In place of the question's.
        interpreter: In place of the one that the scenario asks for; a host's torch brings its own.
        note: Called with a line for each package that is the host's in another version, and for what makes it slow.

    Raises:
        HarnessError: As `choose_torch` and `find_interpreter` say.
    """
    source = asked.source
    settings = source.settings()
    uv = Uv(settings.uv_environment, confined=asked.place.isolation != "none")
    torch = choose_torch(asked.torch, settings, state, source.host_packages, source.brought)
    if torch.host is not None:
        interpreter = torch.host.interpreter
        for name, version in source.brought.items():
            if torch.host.beside[name] != version:
                note(f"{name} is this machine's {torch.host.beside[name]}, in place of {version}")
        if hint := torch.host.slow_start():
            note(hint)
    return Resolver(
        asked.package if package is None else package,
        asked.pins() if pins is None else pins,
        interpreter or find_interpreter(asked.scenario.python, uv),
        torch,
        settings,
        uv,
        state,
        asked.newest(),
    )


def make_environments(asked: Asked, resolver: Resolver, note: Callable[[str], None]) -> Environments:
    """Return what makes environments from a resolver's locks."""
    return Environments(
        resolver.package,
        resolver.interpreter,
        resolver.torch,
        resolver.uv,
        resolver.state,
        note,
        rehashed=asked.source.rehashed,
        settings=resolver.settings,
    )


def _finder(asked: Asked, resolver: Resolver) -> Resolver | StoredLocks:
    """Return what makes or finds locks."""
    if asked.locks is not None:
        return StoredLocks(
            asked.package,
            asked.locks,
            resolver.interpreter,
            resolver.torch.host,
            resolver if asked.source.resolves else None,
        )
    if asked.refresh:
        resolver.refresh()
    return resolver


def _ends(asked: Asked, count: int) -> list[int]:
    """Return the positions of the ends that are executed in any case."""
    oldest = asked.first is not None or strategy(asked) in ("sweep", "prefix")
    return sorted({*([0] if oldest else []), count - 1})


def _check_confirmation(asked: Asked, provider: Provider) -> None:
    """Complain at once if a run could not confirm anything on the other device that is asked for.

    Raises:
        UsageError: The device is not there, is the one that the search is to run on, or cannot be compared.
    """
    wanted = asked.question.plan.confirm_on
    if wanted is None:
        return
    if alone(asked.scenario.oracle):
        raise UsageError(
            f"--confirm-on {wanted}: the oracle judges what this machine does, which says nothing of another device"
        )
    if wanted == asked.question.holds.device:
        raise UsageError(f"--confirm-on {wanted}: the search is to run there already; name another device")
    provider.check_other(wanted)


def _check_other_device(wanted: str, device: str) -> None:
    if wanted == device:
        raise UsageError(
            f"--confirm-on {wanted}: the search runs there already; add --device cpu or --device cuda"
        )
