"""The commands of the harness: which of them take an option, its heading in their help, and how a person types one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ASKING = ("bisect", "plan")
PROBING = ("bisect", "plan", "probe")
ANSWERING = ("bisect", "blame")
EXECUTING = (*PROBING, "blame")
WHERE = (*EXECUTING, "selftest")

OF_FIRST = "the options that matter most"
OF_SUBJECT = "what: the environments"
OF_RANGE = "range: which releases"
OF_JOB = "job: how it is executed"
OF_JUDGING = "judge: what counts as bad, for a script or a command"
OF_SEARCH = "search: which releases are executed"
OF_WHY = "why: causes and remedies"
OF_PLACE = "where: machines and folders"
GROUPS = {
    OF_FIRST: "",
    OF_SUBJECT: "",
    OF_RANGE: "",
    OF_JOB: "",
    OF_JUDGING: "Without these options the exit status decides: 0 is good; 1 to 127 is bad, but 125 is skip;\n  "
    "128 and more is skip. A failed import is skip.",
    OF_SEARCH: "",
    OF_WHY: "",
    OF_PLACE: "",
}
"""{heading: text below it} of the help, in its order."""


def shell(words: Sequence[str]) -> str:
    """Return a command line of the harness as a person types it."""
    return shlex.join(["python", "-m", "harness", *words])
