"""Problems are summarized in readable lines."""

from __future__ import annotations

from pathlib import Path

from core.datasets.problems import Problem, ProblemKind, summarize, unreadable


def _problem(kind: ProblemKind, number: int) -> Problem:
    return Problem(kind, (Path("pets", f"{number}.jpg"),), f"the message {number}", "the hint")


def test_a_few_problems_are_listed_individually() -> None:
    problems = [_problem(ProblemKind.DUPLICATE, number) for number in range(5)]
    assert summarize(problems) == problems


def test_many_problems_of_a_kind_are_summarized_without_losing_paths() -> None:
    problems = [_problem(ProblemKind.UNREADABLE, number) for number in range(10_000)]
    other = _problem(ProblemKind.EMPTY_CLASS, 0)
    *shown, rest, last = summarize([*problems[:7], other, *problems[7:]])
    assert shown == problems[:3]
    assert rest.kind is ProblemKind.UNREADABLE
    assert rest.message.startswith("9,997 more of the same kind: “pets/3.jpg”, “pets/4.jpg”")
    assert rest.message.endswith("and 9,992 more.")
    assert rest.paths == tuple(problem.paths[0] for problem in problems[3:])
    assert rest.hint == "the hint"
    assert last == other


def test_copies_in_two_sets_are_named_with_their_sets() -> None:
    """Found with a folder whose test set repeated training images: “bird/crow.png”, “bird/crow.png” were listed."""
    pairs = [tuple(Path("/data", part, "bird", f"{number}.png") for part in ("test", "train")) for number in range(8)]
    *_, rest = summarize(Problem(ProblemKind.DUPLICATE, pair, "the same", "") for pair in pairs)
    assert rest.message.startswith("5 more of the same kind: “test/bird/3.png”, “train/bird/3.png”")


def test_problems_without_a_file_are_only_counted() -> None:
    problems = [Problem(ProblemKind.CASE_CLASH, (), f"{number}", "") for number in range(6)]
    assert summarize(problems)[-1].message == "3 more of the same kind."


def test_an_unreadable_file_is_named_with_its_folder() -> None:
    problem = unreadable(Path("pets", "cat", "1.jpg"), "“1.jpg” is empty, says “1.jpg”.", "Take another.")
    assert problem.message == "“cat/1.jpg” is empty, says “1.jpg”."
