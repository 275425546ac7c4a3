"""Messages about what went wrong, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.cli.streams import print_message
from core.datasets.problems import Problem, summarize
from core.prediction import Failure


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems to standard error; of many similar ones, the first few and how many more there are."""
    print_failures(summarize(problems))


def print_failures(failures: Iterable[Failure | Problem]) -> None:
    """Print failures to standard error."""
    for failure in failures:
        print_failure(failure)


def print_failure(failure: Failure | Problem) -> None:
    """Print a failure to standard error."""
    print_message(failure.message, failure.hint)


def problem_json(problem: Failure | Problem) -> dict[str, str]:
    """What went wrong, as a JSON object."""
    return {"kind": problem.kind, "message": problem.message, "hint": problem.hint}


def failure_json(failure: Failure) -> dict[str, Any]:
    """An image that could not be read, as a JSON object."""
    return {"path": str(failure.path), "error": problem_json(failure)}
