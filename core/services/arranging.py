"""Computing the order of a job's rows from the features of their photos."""

from __future__ import annotations

from core.base.progress import CancelToken, ProgressCallback
from core.jobs.arrangements import arrange
from core.jobs.queries import ResultStore
from core.jobs.values import View
from core.services.jobs import request_of


def arrange_rows(job: str, view: View, *, report: ProgressCallback, token: CancelToken) -> None:
    """Compute the places of the rows of a view as `core.jobs.arrangements.arrange`; open views show them soon."""
    with ResultStore(job) as store:
        arrange(store, view, request_of(job), report=report, token=token)
