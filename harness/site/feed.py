"""feed.xml: an Atom feed (RFC 4287) of the places of change, an entry each, with an id that never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.report.dependencies import of_one_package
from harness.report.descended import brief
from harness.report.gaps import gap_of
from harness.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from harness.site.state import Found

MOST = 200
_ATOM = "http://www.w3.org/2005/Atom"


def feed(found: Sequence[Found], *, newest: datetime, title: str, url: str) -> str:
    """Return the text of feed.xml.

    Args:
        found: Newest first; the first `MOST` are told.
        newest: When the newest run started, in UTC; it dates the feed.
        title: Of the site.
        url: Where the site will be, with a slash at its end; empty for addresses relative to the feed's own.
    """
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    _text(root, "id", f"{url}feed.xml" if url else "urn:training-bisect:boundaries")
    _text(root, "title", title)
    _text(root, "updated", _time(newest))
    author = ET.SubElement(root, f"{{{_ATOM}}}author")
    _text(author, "name", "training-bisect")
    _link(root, "self", f"{url}feed.xml")
    _link(root, "alternate", f"{url}index.html")
    for one in found[:MOST]:
        entry = ET.SubElement(root, f"{{{_ATOM}}}entry")
        _text(entry, "id", one.id)
        _text(entry, "title", one.title)
        _text(entry, "published", _time(one.first.started))
        _text(entry, "updated", _time(one.changed.started))
        _link(entry, "alternate", f"{url}{one.address}")
        _text(entry, "content", _content(one))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _content(found: Found) -> str:
    rows = []
    releases = next(arm.releases for arm in found.run.report.arms if arm.name == found.key[2])
    for boundary in found.boundaries:
        sure = "confirmed" if boundary.confirmed else "not confirmed"
        between = gap_of(boundary, releases)
        plain, package = of_one_package(boundary, "")
        before, after = (f"{package} {side}".strip() for side in (plain.before, plain.after))
        held = f" with {boundary.axis.held} {boundary.axis.held_version}" if boundary.axis else ""
        rows.append(
            f"{boundary.signal}: {boundary.kind} between {before} and {after}{held}, {sure}"
            + (f"; {between}" if between else "")
        )
        rows += [f"  {detail}" for detail in boundary.details[:4]]
        if boundary.hunks or boundary.commits:
            rows += [f"  {row.said}{f': {row.code}' if row.code else ''}" for row in brief(boundary, package)]
    return "\n".join(one_line(row) for row in rows)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}")
    element.text = text if "\n" in text else one_line(text)


def _link(parent: ET.Element, relation: str, address: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}link", rel=relation, href=address)
