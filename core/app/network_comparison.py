"""Published networks, the backbones of this machine, and the user's models, by accuracy and cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from core.app.benchmark_record import load_record
from core.app.values import ComparedNetwork, LiteRTTime, MeasuredTime, NetworkComparison, NetworkKind
from core.architectures.networks import CLASSES
from core.architectures.published import OTHERS, PUBLISHED, PublishedNetwork
from core.base.i18n import tr
from core.base.providers import ComputePrecision, Provider
from core.card import BackboneCard
from core.evaluation.kept import load_evaluation
from core.evaluation.values import Evaluation
from core.models import examine
from core.models.library import Library
from core.models.values import InstalledBackbone, InstalledModel, ModelName

_SAME_COST: Final = 0.02
"""Difference of multiply-adds up to which a backbone is a published network: a graph's padding may be another."""


def compare_networks(library: Library) -> NetworkComparison:
    """Collect what is known about networks, without running any."""
    record = load_record()
    published = map(_published, (*PUBLISHED, *OTHERS))
    measured = (*_measured(library, record.times), *_litert(library, record.litert))
    return NetworkComparison((*published, *measured, *_own(library, record.times)), record.measured_at)


def _published(one: PublishedNetwork) -> ComparedNetwork:
    counts = one.counts
    return ComparedNetwork(
        NetworkKind.PUBLISHED,
        one.title,
        one.top1,
        counts.weights,
        counts.float32_bytes,
        counts.multiply_adds,
        one.source,
    )


def _measured(library: Library, times: Mapping[str, MeasuredTime]) -> Iterator[ComparedNetwork]:
    """The backbones that are published networks, if they were measured."""
    for backbone in _backbones(library):
        network = published_network(backbone.card)
        if network is not None and backbone.name in times:
            yield ComparedNetwork(
                NetworkKind.MEASURED,
                network.title,
                network.top1,
                backbone.card.weights,
                backbone.size_bytes,
                backbone.card.multiply_adds,
                network.source,
                times[backbone.name],
            )


def _litert(library: Library, times: Sequence[LiteRTTime]) -> Iterator[ComparedNetwork]:
    """The LiteRT files of such backbones."""
    backbones = {one.name: one.card for one in _backbones(library)}
    for one in times:
        card = backbones.get(one.backbone)
        network = published_network(card) if card else None
        if card and network:
            precision = ComputePrecision.INT8 if one.storage == ComputePrecision.INT8 else ComputePrecision.FLOAT32
            yield ComparedNetwork(
                NetworkKind.LITERT,
                tr("{name}, LiteRT {storage}", name=network.title, storage=one.storage),
                network.top1,
                card.weights,
                one.size_bytes,
                card.multiply_adds,
                network.source,
                MeasuredTime(one.ms, Provider.CPU, precision),
            )


def _backbones(library: Library) -> Iterator[InstalledBackbone]:
    """Those with published weights: shared ones, and those of built-in models; the user's may be fine-tuned."""
    for entry in library.entries():
        match entry:
            case InstalledBackbone():
                yield entry
            case InstalledModel(is_builtin=True, card=card) if isinstance(card.backbone, BackboneCard):
                yield entry.backbone
            case _:
                pass


def published_network(card: BackboneCard) -> PublishedNetwork | None:
    """The published network that a backbone is, without its classifier; None if it is none of them."""
    for one in (*PUBLISHED, *OTHERS):
        expected = one.counts.multiply_adds
        found = card.multiply_adds + card.feature_width * CLASSES
        is_same_shape = (one.architecture, one.size) == (card.architecture, card.preprocessing.size)
        if is_same_shape and abs(found - expected) <= _SAME_COST * expected:
            return one
    return None


def _own(library: Library, times: Mapping[str, MeasuredTime]) -> Iterator[ComparedNetwork]:
    """Each of the user's models in its active version or, if that has no evaluation, in the newest that has one."""
    for one in examine.list_names(library):
        for model in _evaluated(one):
            evaluation = load_evaluation(model)
            if isinstance(evaluation, Evaluation):  # what a multi-label model gets right can't be compared
                yield ComparedNetwork(
                    NetworkKind.OWN,
                    model.card.title,
                    evaluation.accuracy,
                    model.parameters or 0,
                    model.size_bytes,
                    model.backbone.card.multiply_adds,
                    time=times.get(model.backbone.name),
                    interval=evaluation.interval,
                    images=evaluation.images,
                )
                break


def _evaluated(one: ModelName) -> list[InstalledModel]:
    """Its versions with an evaluation: the active one first, then the newest."""
    ordered = sorted(one.versions, key=lambda version: (not version.is_active, -version.number))
    return [model for version in ordered if (model := version.model) and model.has_evaluation and not model.is_builtin]
