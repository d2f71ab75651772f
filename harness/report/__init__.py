"""Draws a run: facts and traces in, a folder of files that people and machines read out.

`model` holds the facts, `write_report` writes every file. What costs time to import (matplotlib, numpy, jinja2)
is imported when something is drawn, not before.
"""

from __future__ import annotations

from harness.report.evidence import ProbeEvidence
from harness.report.model import ArmResult, BoundaryResult, ReleaseResult, Report
from harness.report.write import write_report

__all__ = ["ArmResult", "BoundaryResult", "ProbeEvidence", "ReleaseResult", "Report", "write_report"]
