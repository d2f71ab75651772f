"""How Sphinx builds the documentation: `nox -s docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness" / "recorder")]

import generate  # noqa: E402 - it lies beside this file

from harness.version import __version__  # noqa: E402

generate.write(HERE / "made")

project = "training-bisect"
author = "training-bisect maintainers"
copyright = author  # noqa: A001 - Sphinx's name for it
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["made"]
source_suffix = {".md": "markdown"}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # made tables stand below headings of their own

smartquotes = False  # two dashes are an option, not a dash

# Docstrings write code in single backticks.
default_role = "code"
autodoc_mock_imports = ["torch", "transformers", "lightning"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
add_module_names = False

html_theme = "furo"
html_title = f"training-bisect {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
