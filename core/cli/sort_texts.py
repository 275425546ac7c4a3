"""The messages of `fovea sort`."""

from __future__ import annotations

from collections.abc import Iterator

from core.base.i18n import tr_n
from core.cli import tables
from core.outputs.sorting.values import PlanSummary, SortingSummary, SortRequest, TransferMode


def undone_text(sorting: SortingSummary) -> str:
    """What undoing did."""
    count, id_ = sorting.undone, sorting.id
    match sorting.request.by:
        case TransferMode.MOVE:
            return tr_n(
                "Undid sorting {id}: moved {count:,} photo back.",
                "Undid sorting {id}: moved {count:,} photos back.",
                count,
                id=id_,
            )
        case TransferMode.COPY:
            return tr_n(
                "Undid sorting {id}: removed {count:,} copy.",
                "Undid sorting {id}: removed {count:,} copies.",
                count,
                id=id_,
            )
        case _:
            return tr_n(
                "Undid sorting {id}: removed {count:,} link.",
                "Undid sorting {id}: removed {count:,} links.",
                count,
                id=id_,
            )


def sorted_text(sorting: SortingSummary, planned: PlanSummary | None) -> str:
    """What a sorting did; without a plan if it was resumed."""
    return " ".join(_sorted_sentences(sorting, planned))


def _sorted_sentences(sorting: SortingSummary, planned: PlanSummary | None) -> Iterator[str]:
    yield tr_n(
        "Sorted {count:,} photo into {folder!r} ({mode}).",
        "Sorted {count:,} photos into {folder!r} ({mode}).",
        sorting.sorted,
        folder=str(sorting.request.destination),
        mode=sorting.request.by,
    )
    if sorting.companions:
        yield tr_n(
            "Included {count:,} companion file.",
            "Included {count:,} companion files.",
            sorting.companions,
        )
    if sorting.failed:
        yield tr_n("{count:,} file failed.", "{count:,} files failed.", sorting.failed)
    if planned is not None and planned.left:
        yield left_text(planned.left)
    if planned is not None and planned.shared:
        yield _shared_text(planned.shared)


def plan_text(planned: PlanSummary, request: SortRequest) -> str:
    """What a sorting will do."""
    return " ".join(_plan_sentences(planned, request))


def _plan_sentences(planned: PlanSummary, request: SortRequest) -> Iterator[str]:
    yield tr_n(
        "{count:,} photo ({size}) to sort into class folders ({mode}).",
        "{count:,} photos ({size}) to sort into class folders ({mode}).",
        planned.photos,
        size=tables.size(planned.size),
        mode=request.by,
    )
    if planned.renamed:
        yield tr_n("{count:,} of them is renamed.", "{count:,} of them are renamed.", planned.renamed)
    if planned.companions:
        yield tr_n(
            "{count:,} companion file goes with them.",
            "{count:,} companion files go with them.",
            planned.companions,
        )
    if planned.left:
        yield left_text(planned.left)
    if planned.shared:
        yield _shared_text(planned.shared)


def left_text(count: int) -> str:
    """How many photos are not sorted."""
    return tr_n("{count:,} photo stays where it is.", "{count:,} photos stay where they are.", count)


def _shared_text(count: int) -> str:
    return tr_n(
        "{count:,} companion file shared by several photos stays.",
        "{count:,} companion files shared by several photos stay.",
        count,
    )
