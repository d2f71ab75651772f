"""The user's own package-index settings, read once and handed to the listing and to uv alike.

pip's settings (`PIP_*`, pip's configuration files) and uv's (`UV_*`, uv.toml) are honoured; where both name the
same thing, uv's wins, since uv does the installing. Order of pip's files and the names of its options follow
pip's documentation ("Configuration": global, user, site, PIP_CONFIG_FILE, then environment variables).
"""

from __future__ import annotations

import configparser
import os
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.uv import NO_INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping

# Settings of uv under which one release of a package may be resolved in another way than the next one.
_APART = re.compile(r"UV_.*(EXCLUDE|OVERRIDE|BINARY|BUILD|PRERELEASE|RESOLUTION)")
# Keys of uv.toml that only say where packages come from and how they are fetched.
_ALIKE = {
    *("index", "index-url", "extra-index-url", "find-links", "no-index", "index-strategy"),
    *(
        "keyring-provider",
        "allow-insecure-host",
        "native-tls",
        "system-certs",
        "cache-dir",
        "link-mode",
        "offline",
    ),
    *("concurrent-downloads", "concurrent-installs", "python-install-mirror", "http-proxy", "https-proxy"),
}

PUBLIC_INDEX = ""
"""Stands for the public index that uv and pypi-simple use when no other is named."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where packages come from.

    Attributes:
        index: Address of the main index; `PUBLIC_INDEX` if the user named none; None with `no-index`.
        extra: Further indexes.
        find_links: Folders or pages of files.
        own_links: Folders that the harness itself filled: builds of a source.
        certificates: File of the certificate authorities to trust; None for the usual ones.
        uv_environment: Variables that make uv use the same sources.
        uniform: No setting of uv that is known, or unknown here, treats releases of one package differently.
    """

    index: str | None = PUBLIC_INDEX
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    own_links: tuple[str, ...] = ()
    certificates: str | None = None
    uv_environment: Mapping[str, str] = field(default_factory=dict)
    uniform: bool = True

    @property
    def merged(self) -> bool:
        """Whether uv takes the best version over all indexes, as pip does, not what the first index has."""
        strategy = self.uv_environment.get("UV_INDEX_STRATEGY") or os.environ.get("UV_INDEX_STRATEGY", "")
        return strategy.startswith("unsafe")

    @property
    def customised(self) -> bool:
        """Whether the user named a source of their own beside or in place of the public index."""
        return self.index != PUBLIC_INDEX or bool(self.extra) or bool(self.find_links)


def read_settings(
    environ: Mapping[str, str] | None = None, *, own_links: tuple[str, ...] = ()
) -> IndexSettings:
    """Collect the settings from the environment and the configuration files.

    Args:
        environ: Environment variables; None reads the process's own.
        own_links: Folders with wheels that the harness itself built.
    """
    environ = os.environ if environ is None else environ
    pip = _pip_options(environ)
    uv = _uv_options(environ)
    no_index = _true(environ.get(NO_INDEX)) or _true(pip.get("no-index"))
    index = uv["index"] or (pip.get("index-url") or "").strip() or PUBLIC_INDEX
    extra = _merge(uv["extra"], pip.get("extra-index-url", "").split())
    links = _merge(uv["find_links"], pip.get("find-links", "").split())
    return IndexSettings(
        index=None if no_index else index.rstrip("/"),
        extra=() if no_index else extra,
        find_links=links,
        own_links=own_links,
        certificates=environ.get("SSL_CERT_FILE") or pip.get("cert"),
        uv_environment=_for_uv(environ, pip, index, extra, (*links, *own_links), no_index=no_index),
        uniform=uv["uniform"],
    )


def _for_uv(
    environ: Mapping[str, str],
    pip: Mapping[str, str],
    index: str,
    extra: tuple[str, ...],
    links: tuple[str, ...],
    *,
    no_index: bool,
) -> dict[str, str]:
    variables: dict[str, str] = {}
    if no_index:
        variables[NO_INDEX] = "1"
    elif index:
        variables["UV_DEFAULT_INDEX"] = index
    if extra and not no_index:
        variables["UV_INDEX"] = " ".join(extra)
    if links:
        variables["UV_FIND_LINKS"] = ",".join(links)
    if pip.get("extra-index-url") and "UV_INDEX_STRATEGY" not in environ:
        # pip takes the best version over all indexes; uv by default stops at the first that knows the name.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if pip.get("constraint") and "UV_CONSTRAINT" not in environ:
        variables["UV_CONSTRAINT"] = " ".join(pip["constraint"].split())
    if pip.get("cert") and "SSL_CERT_FILE" not in environ:
        variables["SSL_CERT_FILE"] = pip["cert"]
    if pip.get("trusted-host") and "UV_INSECURE_HOST" not in environ:
        variables["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].split())
    return variables


def _pip_options(environ: Mapping[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for path in _pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                options.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key, value in environ.items():
        if key.startswith("PIP_") and value:
            options[key.removeprefix("PIP_").lower().replace("_", "-")] = value
    return options


def _pip_files(environ: Mapping[str, str]) -> list[Path]:
    only = environ.get("PIP_CONFIG_FILE")
    if only == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    system = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(folder) / "pip" / "pip.conf" for folder in reversed(system) if folder]
    files += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    files += [Path(sys.prefix) / "pip.conf"]
    return [*files, Path(only)] if only else files


def _uv_options(environ: Mapping[str, str]) -> dict[str, Any]:
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    index, extra, links = "", [], []
    uniform = not any(_APART.match(name) and value for name, value in environ.items())
    for path in (Path("/etc/uv/uv.toml"), user / "uv" / "uv.toml", Path(environ.get("UV_CONFIG_FILE") or "")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        uniform = uniform and content.keys() <= _ALIKE
        for entry in content.get("index", []):
            if entry.get("default"):
                index = entry["url"]
            else:
                extra.append(entry["url"])
        index = content.get("index-url") or index
        extra += content.get("extra-index-url", [])
        links += content.get("find-links", [])
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL") or index
    named = (environ.get("UV_INDEX") or "") + " " + (environ.get("UV_EXTRA_INDEX_URL") or "")
    extra += [item.partition("=")[2] if _is_named(item) else item for item in named.split()]
    links += [item for item in (environ.get("UV_FIND_LINKS") or "").replace(",", " ").split() if item]
    return {"index": index, "extra": extra, "find_links": links, "uniform": uniform}


def _is_named(index: str) -> bool:
    """Tell whether an index is written as uv allows, `name=https://…`."""
    name, equals, _rest = index.partition("=")
    return bool(equals) and ":" not in name and "/" not in name


def _merge(first: list[str], second: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))


def _true(value: str | None) -> bool:
    return (value or "").strip().lower() in {"1", "true", "yes", "on"}
