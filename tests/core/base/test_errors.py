"""Errors say what happened and what to do, and cross the pipe between processes whole."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.base.errors import (
    Cancelled,
    FoveaError,
    ImageError,
    ImageErrorKind,
    ModelError,
    ProviderError,
    StorageError,
    UsageError,
    os_reason,
)
from core.models.versions import NameTakenError
from core.prediction import Failure
from tests.patience import PATIENCE_S

WHAT = "It broke: 'x\n\udcff'."
HINT = "Mend it."


FAMILIES = [FoveaError, ImageError, ModelError, NameTakenError, ProviderError, StorageError, UsageError]


def made(family: type[FoveaError]) -> FoveaError:
    if issubclass(family, ImageError):
        return family(ImageErrorKind.TOO_LARGE, WHAT, hint=HINT)
    return family(WHAT, hint=HINT)


def send_back(pipe: Connection) -> None:
    """What a helper process does: receive an error, raise it, send what was caught."""
    while True:
        try:
            raise pipe.recv()
        except FoveaError as error:
            pipe.send(error)
        except EOFError:
            return


def test_every_kind_of_error_crosses_a_pipe_there_and_back() -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=send_back, args=(there,))
    process.start()
    there.close()
    try:
        for family in FAMILIES:
            here.send(made(family))
            assert here.poll(PATIENCE_S)
            error = here.recv()
            assert type(error) is family
            assert (error.what, error.hint, error.kind) == (WHAT, HINT, made(family).kind)
            assert str(error) == f"{WHAT} {HINT}"
            assert error.args == made(family).args
    finally:
        here.close()
        process.join(PATIENCE_S)
    assert process.exitcode == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_will_do(family: type[FoveaError], protocol: int) -> None:
    error = pickle.loads(pickle.dumps(made(family), protocol))
    assert (type(error), error.what, error.hint, error.kind) == (family, WHAT, HINT, made(family).kind)


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_can_be_copied(family: type[FoveaError]) -> None:
    for error in (copy.copy(made(family)), copy.deepcopy(made(family))):
        assert str(error) == str(made(family))


def test_programs_can_distinguish_the_kinds() -> None:
    kinds = {family: family.kind for family in (ModelError, ProviderError, UsageError, StorageError)}
    assert sorted(kinds.values()) == ["model", "provider", "storage", "usage"]
    assert [kind.value for kind in ImageErrorKind] == [
        ImageError(kind, WHAT, hint=HINT).kind for kind in ImageErrorKind
    ]


def test_a_failure_carries_what_its_error_said() -> None:
    error = ImageError(ImageErrorKind.EMPTY, WHAT, hint=HINT)
    assert Failure.of(Path("x"), error) == Failure(Path("x"), "empty", WHAT, HINT)


def test_what_was_called_off_is_no_failure() -> None:
    assert not issubclass(Cancelled, FoveaError)


def test_the_reason_of_the_system_is_never_empty() -> None:
    assert os_reason(OSError(28, "No space left on device")) == "No space left on device"
    assert os_reason(TimeoutError()) == "TimeoutError"
