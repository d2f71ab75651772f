"""Confirms what was found on one device on another one: the sides of every boundary in verdict, executed twice there.

What is executed is stored as any other result; `beside` reads it for the report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.sessions.calibrate import calibrate
from harness.sessions.driver import Driver
from harness.words import counted

if TYPE_CHECKING:
    from harness.sessions.investigation import Investigation

TIMES = 2
"""Executions of each side."""


def confirm(investigation: Investigation) -> list[str]:
    """Execute the sides of every boundary in verdict on the question's other device.

    Returns:
        What the reader must know.

    Raises:
        KeyboardInterrupt: After every running probe was ended.
    """
    driver = investigation.driver
    session, asked = driver.session, driver.session.asked
    wanted = asked.question.plan.confirm_on
    if wanted is None:
        return []
    notes = []
    with session.provider.executor(session.environments, session.reference, wanted, warm=False) as executor:
        there = Driver(replace(session, device=wanted, executor=executor, calibrations={}), driver.watcher)
        for name, answer in investigation.answers().items():
            found = [*answer.boundaries, *answer.other_failures]
            sides = sorted({side for one in found if not one.untested for side in (one.before, one.after)})
            if not sides:
                continue
            driver.watcher.note(f"{name}: {counted(len(sides), 'release')} to confirm on {wanted}")
            try:
                calibrate(there.session, there.arms[name])
            except UsageError as error:
                notes.append(f"{name} could not be confirmed on {wanted}: {error}")
                continue
            there.execute([(name, side, repeat) for repeat in range(TIMES) for side in sides])
    return [*notes, *executor.notes]
