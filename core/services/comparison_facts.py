"""How two models differ, as light values that cross the pipe to the window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from core.datasets.problems import quantity
from core.evaluation.comparison import Agreement, Contest, Contestant, Flip
from core.evaluation.images import match_labels
from core.prediction import Failure
from core.services.library_values import AgreementFacts, Change, ClassChange, KnownFacts
from core.services.training_values import FlippedImage, UnreadImage

_MOST_FLIPS: Final = 3000
_MOST_UNREAD: Final = 200


def agreement_facts(found: Contest | Agreement, a: Contestant, b: Contestant, seconds: float) -> AgreementFacts:
    """What the window shows of a comparison that took so many seconds."""
    flips = found.comparison.flips if isinstance(found, Contest) else found.flips
    changes = Counter((flip.named_by_a, flip.named_by_b) for flip in flips)
    return AgreementFacts(
        a=a.name,
        b=b.name,
        images=found.a.images if isinstance(found, Contest) else found.images,
        flips=tuple(map(_flipped, flips[:_MOST_FLIPS])),
        flip_count=len(flips),
        changes=tuple(Change(*names, images) for names, images in changes.most_common()),
        known=_known(found) if isinstance(found, Contest) else None,
        unread=tuple(_unread(found.failures[:_MOST_UNREAD])),
        unread_count=len(found.failures),
        notes=tuple(_contest_notes(found) if isinstance(found, Contest) else _agreement_notes(a, b)),
        computed=found.computed,
        seconds=seconds,
    )


def _flipped(flip: Flip) -> FlippedImage:
    return FlippedImage(flip.path, flip.label, flip.named_by_a, flip.confidence_a, flip.named_by_b, flip.confidence_b)


def _unread(failures: Iterable[Failure]) -> Iterator[UnreadImage]:
    return (UnreadImage(one.path, one.message, one.hint) for one in failures)


def _known(contest: Contest) -> KnownFacts:
    a, b, found = contest.a, contest.b, contest.comparison
    in_b = match_labels(a.classes, b.classes)
    classes = tuple(
        ClassChange(of_a.label, of_a.support, of_a.recall, recall_b)
        for of_a in a.per_class
        if of_a.recall is not None
        and of_a.label in in_b
        and (recall_b := b.per_class[in_b[of_a.label]].recall) is not None
    )
    return KnownFacts(
        accuracy_a=a.accuracy,
        interval_a=a.interval,
        accuracy_b=b.accuracy,
        interval_b=b.interval,
        broke=found.only_a_right,
        fixed=found.only_b_right,
        p=found.p,
        could_be_chance=found.could_be_chance,
        learnt_a=contest.learnt_a,
        learnt_b=contest.learnt_b,
        classes=classes,
    )


def _contest_notes(contest: Contest) -> Iterator[str]:
    yield from (f"{problem.message} {problem.hint}" for problem in contest.problems[:5])


def _agreement_notes(a: Contestant, b: Contestant) -> Iterator[str]:
    shared = len(match_labels(a.card.classes, b.card.classes))
    if not shared:
        yield "The two know different classes: no answer of one can be an answer of the other."
    elif shared < max(len(a.card.classes), len(b.card.classes)):
        yield f"They have {quantity(shared, 'answer')} in common; where another is given, they differ."
