"""The releases of a package, as the user's index lists them; the last listing stands in when it is unreachable."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError, IndexUnavailableError, ToolMissingError, UsageError
from harness.files import put_aside, read_json, to_json, write_cache
from harness.releases.patience import be_patient
from harness.releases.release import File, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypi_simple import DistributionPackage, ProjectPage

    from harness.releases.settings import IndexSettings
    from harness.state import State

TIMEOUT = (10.0, 30.0)
"""Seconds to connect, seconds to the first byte."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Releases of one package.

    Attributes:
        releases: In no particular order.
        warning: Why this listing may be out of date; empty when it is fresh.
        unanswered: Why an earlier listing stands in for the index's answer; empty if it answered.
    """

    releases: tuple[Release, ...]
    warning: str = ""
    unanswered: str = ""


def list_releases(package: str, settings: IndexSettings, state: State) -> Listing:
    """Ask the index which releases of `package` exist.

    Raises:
        UsageError: Every source answered and none knows the package.
        IndexUnavailableError: A source did not answer usably and no earlier listing is stored.
        ToolMissingError: This harness came in a bundle.
    """
    stored = _stored(package, settings, state)
    main, others, faults, answered = _ask(package, settings)
    if faults and not answered:
        return _stand_in(stored, package, faults)
    all_told = not faults and all(_is_folder(place) for place in settings.find_links)
    releases = tuple(_group(main, others, keep=all_told))
    if not releases:
        if faults:
            return _stand_in(stored, package, faults)
        raise UsageError(
            f"no index or folder in your settings knows a package named {package!r}: check the spelling; "
            "give the name that `pip install` takes, which may differ from the name in `import`"
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"fetched": now, "releases": [_without_files(release) for release in releases]}
    write_cache(stored, to_json({**content, "sum": _sum(content)}))
    return Listing(releases, "; ".join(faults))


def list_files(package: str, settings: IndexSettings) -> list[File]:
    """Return all files of `package` on all sources; one that no source knows has none.

    Raises:
        IndexUnavailableError: A source gave no usable answer.
    """
    main, others, faults, _ = _ask(package, settings)
    if faults:
        raise IndexUnavailableError(f"cannot list the files of {package}: {'; '.join(faults)}; try again")
    return [_file(file) for file in (*main, *others)]


def _ask(
    package: str, settings: IndexSettings
) -> tuple[list[DistributionPackage], list[DistributionPackage], list[str], bool]:
    """Ask all sources.

    Returns:
        The files of the main index and those of all others, the faults of those that failed, and whether the main
        one answered.
    """
    try:
        from pypi_simple import PYPI_SIMPLE_ENDPOINT, NoSuchProjectError, PyPISimple  # noqa: PLC0415 - 0.2 s
        from requests import Session  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ToolMissingError(
            f"an index has to be asked for the releases of {package}, and the harness of a bundle has nothing to ask it "
            f"with ({error.name} is missing); do it where the harness is installed"
        ) from None

    main: list[DistributionPackage] = []
    others: list[DistributionPackage] = []
    faults = []
    answered = settings.index is None
    indexes = [] if settings.index is None else [settings.index or PYPI_SIMPLE_ENDPOINT]
    for position, address in enumerate([*indexes, *settings.extra]):
        files = main if position < len(indexes) else others
        try:
            if address.startswith("file:"):
                files += _local_index(local_path(address), package)
            else:
                with Session() as session:
                    session.verify = settings.certificates or True
                    be_patient(session)
                    page = PyPISimple(address, session=session).get_project_page(package, timeout=TIMEOUT)
                    _check_page(page)
                    files += page.packages
        except NoSuchProjectError:
            pass
        except HarnessError as error:
            faults.append(f"the index {shown(address)} {error}")
            continue
        except Exception as error:  # noqa: BLE001 - an index may answer anything at all
            faults.append(f"the index {shown(address)} gave no usable answer ({_brief(error)})")
            continue
        answered = answered or position == 0
    for place in (*settings.find_links, *settings.own_links):
        others += _folder(place, package)
    return main, others, faults, answered


def _check_page(page: ProjectPage) -> None:
    """Complain of a page that is no list of files, and of a project that the index keeps from everybody.

    Raises:
        HarnessError: So it is; the message goes on from the name of the index.
    """
    if page.status == "quarantined":
        why = f": {page.status_reason}" if page.status_reason else ""
        raise HarnessError(f"has quarantined {page.project}{why}; nothing of it is executed")
    if page.repository_version is None and not any(file.version for file in page.packages):
        raise HarnessError(
            "answered with a page that lists no file, as the login page of a network does: open it in a browser"
        )


def _local_index(root: Path, package: str) -> list[DistributionPackage]:
    from pypi_simple import ProjectPage  # noqa: PLC0415 - 0.2 s

    page = root / canonicalize_name(package) / "index.html"
    if not page.is_file():
        return []
    return list(ProjectPage.from_html(package, page.read_text(encoding="utf-8"), page.as_uri()).packages)


def _folder(place: str, package: str) -> Iterator[DistributionPackage]:
    """List a find-links folder; a find-links page on the network is left to uv, its files have no dates."""
    from pypi_simple import DistributionPackage, parse_filename  # noqa: PLC0415 - 0.2 s

    path = local_path(place)
    for file in sorted(path.iterdir()) if path.is_dir() else []:
        try:
            name, version, kind = parse_filename(file.name, canonicalize_name(package))
        except ValueError:
            continue
        if canonicalize_name(name) == canonicalize_name(package):
            yield DistributionPackage(
                filename=file.name,
                url=file.as_uri(),
                project=name,
                version=version,
                package_type=kind,
                digests={},
                requires_python=None,
                has_sig=None,
            )


def _group(
    main: Sequence[DistributionPackage], others: Sequence[DistributionPackage], *, keep: bool
) -> Iterator[Release]:
    """Gather files into releases; a file that is no wheel or sdist, or has no readable version, is left out.

    Args:
        main: Those of the main index.
        others: Those of other sources.
        keep: Whether a release that the main index alone has is to know its files.
    """
    by_version: dict[Version, list[DistributionPackage]] = {}
    for file in [*main, *others]:
        if file.version is None or file.package_type not in {"wheel", "sdist"}:
            continue
        try:
            by_version.setdefault(Version(file.version), []).append(file)
        except InvalidVersion:
            continue
    for version, group in by_version.items():
        times = [file.upload_time for file in group if file.upload_time is not None]
        yield Release(
            version=str(version),
            uploaded=min(times).astimezone(UTC).isoformat(timespec="seconds") if times else None,
            requires_python=next((file.requires_python for file in group if file.requires_python), None),
            yanked=all(file.is_yanked for file in group),
            yanked_reason=next((file.yanked_reason for file in group if file.yanked_reason), ""),
            source_only=all(file.package_type == "sdist" for file in group),
            attested=all(file.provenance_url for file in group),
            files=tuple(map(_file, group)) if keep and _alike(group, others) else (),
        )


def _alike(group: Sequence[DistributionPackage], others: Sequence[DistributionPackage]) -> bool:
    """Tell whether no file of a release is on another source, and all or none of them are yanked."""
    return len({file.is_yanked for file in group}) == 1 and not any(file in others for file in group)


def _file(file: DistributionPackage) -> File:
    return File(
        name=file.filename,
        url=file.url,
        sha256=file.digests["sha256"] if set(file.digests) == {"sha256"} else "",
        requires_python=file.requires_python,
        metadata=file.metadata_url if file.has_metadata else None,
        size=file.size,
    )


def _without_files(release: Release) -> dict[str, Any]:
    """Return what is stored: where a file lies, and with what hash, is always asked anew."""
    facts = asdict(release)
    del facts["files"]
    return facts


def last_listing(
    package: str, settings: IndexSettings, state: State
) -> tuple[tuple[Release, ...], str] | None:
    """Return the releases that were listed last, and when; None if none are stored. No source is asked."""
    return _read(_stored(package, settings, state))


def _stored(package: str, settings: IndexSettings, state: State) -> Path:
    return state.listings / f"{canonicalize_name(package)}-{_digest(settings)}.json"


def _read(stored: Path) -> tuple[tuple[Release, ...], str] | None:
    try:
        content: dict[str, Any] = read_json(stored)
        if content.pop("sum", None) not in {None, _sum(content)}:
            return None
        datetime.fromisoformat(content["fetched"])
        return tuple(Release(**entry) for entry in content["releases"]), content["fetched"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _sum(content: dict[str, Any]) -> str:
    return hashlib.sha256(to_json(content).encode()).hexdigest()


def _stand_in(stored: Path, package: str, faults: list[str]) -> Listing:
    fault, found = "; ".join(faults), _read(stored)
    if found is None:
        earlier = "no earlier listing is stored"
        if stored.exists():
            earlier = put_aside(stored, stored.parent.parent, "listing", "cannot stand in")
        raise IndexUnavailableError(
            f"cannot list the releases of {package}: {fault}, and {earlier}; "
            "check the network and the index in your pip or uv settings, then run the same command again"
        )
    releases, fetched = found
    age = (datetime.now(UTC) - datetime.fromisoformat(fetched)).total_seconds()
    old = f"{_age(age)} old" if age >= 0 else "which is a date in the future"
    said = f"{fault}: using the listing of {fetched}, {old}"
    return Listing(releases, said, unanswered=fault)


def _age(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def shown(address: str) -> str:
    """Return an address without the credentials it may hold."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _brief(error: Exception) -> str:
    """Return an error in one line, without addresses, which may hold credentials."""
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text[:120]}" if text and "://" not in text else type(error).__name__


def _is_folder(place: str) -> bool:
    """Tell whether a find-links source is a folder, not a page on the network that only uv reads."""
    return place.startswith("file:") or "://" not in place


def local_path(address: str) -> Path:
    """Return the path that a `file:` address means, or that the address is."""
    return Path(url2pathname(urlsplit(address).path)) if address.startswith("file:") else Path(address)


def _digest(settings: IndexSettings) -> str:
    sources = json.dumps([settings.index, settings.extra, settings.find_links, *settings.own_links])
    return hashlib.sha256(sources.encode()).hexdigest()[:12]
