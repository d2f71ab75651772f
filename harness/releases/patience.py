"""Requests to an index that is busy are repeated after the time that it asks for, within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Session

_BUSY = (429, 500, 502, 503, 504)
_TIMES = 2
_LONGEST = 20.0
"""Seconds that an index's Retry-After may ask for; a longer one is cut."""


def be_patient(session: Session) -> None:
    """Let a session repeat what an index answers with "too many requests" or an error of its own."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - slow to import
    from urllib3.util import Retry  # noqa: PLC0415

    class Patient(Retry):
        """Waits as long as the server asks, but never longer than `_LONGEST`."""

        def get_retry_after(self, response):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - urllib3's own types differ from version to version
            asked = super().get_retry_after(response)
            return asked if asked is None else min(asked, _LONGEST)

    retry = Patient(
        total=_TIMES,
        connect=0,
        read=0,
        redirect=None,
        status=_TIMES,
        status_forcelist=_BUSY,
        backoff_factor=0.3,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
