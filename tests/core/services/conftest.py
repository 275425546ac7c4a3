"""A service that serves views of jobs."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from core.services import batch_messages
from core.services.batch_views import ViewService


@pytest.fixture
def messages() -> queue.Queue[batch_messages.Answer]:
    """The answers of the service that serves views of jobs."""
    return queue.Queue()


@pytest.fixture
def views(messages: queue.Queue[batch_messages.Answer]) -> Iterator[ViewService]:
    """A service that runs until the test ends."""
    made = ViewService(messages.put)
    yield made
    made.close()
