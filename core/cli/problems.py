"""Saying what is wrong with a folder of images, so that a person can read all of it."""

from __future__ import annotations

from collections.abc import Iterable

from core.cli.streams import print_message
from core.datasets.problems import Problem, summarize


def print_problems(problems: Iterable[Problem]) -> None:
    """Say on standard error what was found; of many alike only the first few, and how many more."""
    for problem in summarize(problems):
        print_message(problem.message, hint=problem.hint)
