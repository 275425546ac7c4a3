"""Problems of a folder of images, in a readable number of lines."""

from __future__ import annotations

from collections.abc import Iterable

from core.cli.streams import print_message
from core.datasets.problems import Problem, summarize


def print_problems(problems: Iterable[Problem]) -> None:
    """Print problems to standard error; of many similar ones, the first few and how many more there are."""
    for problem in summarize(problems):
        print_message(problem.message, hint=problem.hint)
