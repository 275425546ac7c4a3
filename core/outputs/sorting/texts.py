"""What a sorting will do and did, in sentences for the window and the command line."""

from __future__ import annotations

from collections.abc import Iterator

from core.base.i18n import tr_n
from core.base.text import display_path
from core.outputs.sorting.values import PlanSummary, SortingSummary, TransferMode


def plan_details(planned: PlanSummary) -> Iterator[str]:
    """What a sorting will do besides sorting photos."""
    if planned.renamed:
        yield tr_n(
            "{count:,} photo gets a new name because its name is taken.",
            "{count:,} photos get new names because their names are taken.",
            planned.renamed,
        )
    if planned.companions:
        yield tr_n("Includes {count:,} companion file.", "Includes {count:,} companion files.", planned.companions)
    yield from left_texts(planned)


def left_texts(planned: PlanSummary) -> Iterator[str]:
    """What a sorting leaves in place."""
    if planned.left:
        yield tr_n("{count:,} photo stays in place.", "{count:,} photos stay in place.", planned.left)
    if planned.shared:
        yield tr_n(
            "{count:,} companion file shared by several photos stays in place.",
            "{count:,} companion files shared by several photos stay in place.",
            planned.shared,
        )


def sorted_text(sorting: SortingSummary) -> str:
    """What a sorting did."""
    return " ".join(_sorted_sentences(sorting))


def _sorted_sentences(sorting: SortingSummary) -> Iterator[str]:
    yield tr_n(
        "Sorted {count:,} photo into “{folder}”.",
        "Sorted {count:,} photos into “{folder}”.",
        sorting.sorted,
        folder=display_path(sorting.request.destination),
    )
    if sorting.companions:
        yield tr_n("Included {count:,} companion file.", "Included {count:,} companion files.", sorting.companions)
    if sorting.failed:
        yield tr_n("Couldn't sort {count:,} file.", "Couldn't sort {count:,} files.", sorting.failed)


def undone_text(sorting: SortingSummary) -> str:
    """What undoing a sorting did."""
    return " ".join(_undone_sentences(sorting))


def _undone_sentences(sorting: SortingSummary) -> Iterator[str]:
    count = sorting.undone
    match sorting.request.by:
        case TransferMode.MOVE:
            yield tr_n(
                "Undid sorting: moved {count:,} photo back.", "Undid sorting: moved {count:,} photos back.", count
            )
        case TransferMode.COPY:
            yield tr_n("Undid sorting: removed {count:,} copy.", "Undid sorting: removed {count:,} copies.", count)
        case _:
            yield tr_n("Undid sorting: removed {count:,} link.", "Undid sorting: removed {count:,} links.", count)
    if sorting.kept:
        yield tr_n(
            "{count:,} item was changed since and stays in place.",
            "{count:,} items were changed since and stay in place.",
            sorting.kept,
        )
