"""Check every link of a built site that stays inside it, without a network: the file is there, and so is the anchor.

python docs/check_links.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a tag points to, and what it is called."""
        for name, value in attrs:
            if value and (name in ("href", "src") and tag != "base"):
                self.links.append(value)
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)


def broken(folder: Path) -> list[str]:
    """Return a line for each link that leads nowhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or parts.query:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            where = f"{path.relative_to(folder)}: {link}"
            if not target.exists():
                found.append(f"{where}: no such file")
            elif parts.fragment and target.suffix == ".html":
                known = pages[folder / target.relative_to(folder.resolve())].anchors
                if unquote(parts.fragment) not in known:
                    found.append(f"{where}: no such anchor")
    return found


if __name__ == "__main__":
    lines = broken(Path(sys.argv[1]))
    print("\n".join(lines) or "every link leads somewhere")
    sys.exit(bool(lines))
