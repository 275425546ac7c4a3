"""What a model is: its network, size, cost, classes, origin, licence, and how fast it has been in this session."""

from __future__ import annotations

from collections import deque
from typing import Final

from PySide6.QtWidgets import QWidget

from core.base.providers import TITLES
from core.services.messages import ModelOpened, ModelSummary
from gui.widgets.basic import Panel, PropertyList, label

_MAX_SAMPLES: Final = 2000


class LatencyRecord:
    """Inference times of this session's answers by one model, in milliseconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_MAX_SAMPLES)

    def add(self, inference_ms: float) -> None:
        """Note one answer."""
        self._times.append(inference_ms)

    def summary(self) -> str:
        """Median and 95th percentile, in words."""
        if not self._times:
            return "no photo yet"
        import statistics  # with its fractions and decimals it would delay every start

        median = statistics.median(self._times)
        if len(self._times) < 2:
            return f"{median:.1f} ms (1 photo)"
        slow = statistics.quantiles(self._times, n=20, method="inclusive")[-1]
        return f"median {median:.1f} ms, 95% within {slow:.1f} ms ({len(self._times)} photos)"


class ModelStatistics(Panel):
    """Shows one model."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._summary = label(wrap=True)
        self._facts = PropertyList()
        self.body.addWidget(self._summary)
        self.body.addWidget(self._facts)
        self._summary.setText("Opening the model …")

    def show_model(self, facts: ModelSummary, opened: ModelOpened | None = None, latency: str = "") -> None:
        """Show what is known; `opened` and `latency` where the model is in use."""
        self.heading.setText(facts.card.title)
        self._summary.setText(facts.card.summary)
        self._facts.show_properties(_card_facts(facts) + _session_facts(opened, latency) + _origin_facts(facts))

    def show_unavailable(self, reason: str) -> None:
        """Say why there is no model."""
        self._summary.setText(reason)
        self._facts.show_properties(())


def _card_facts(facts: ModelSummary) -> list[tuple[str, str]]:
    backbone, card = facts.backbone, facts.card
    size = backbone.preprocessing.size
    rows = [
        ("Architecture", backbone.architecture),
        ("Weights", f"{facts.parameters:,}"),
        ("Size on disk", f"{facts.size_bytes / 1e6:.1f} MB"),
        ("Multiply-adds", f"{backbone.multiply_adds / 1e9:.2f} billion per image"),
        ("Input", f"{size} × {size} pixels"),
        ("Classes", f"{len(card.classes):,}"),
        ("Version", "shipped with Fovea" if facts.is_builtin else str(facts.version)),
        ("Accuracy", _accuracy(facts)),
    ]
    return [(name, value) for name, value in rows if value]


def _origin_facts(facts: ModelSummary) -> list[tuple[str, str]]:
    head, backbone = facts.card.origin, facts.backbone.origin
    if head == backbone:
        return [("Comes from", head.source), ("Licence", head.licence)]
    return [
        ("Classes from", head.source),
        ("Their licence", head.licence),
        ("Network from", backbone.source),
        ("Its licence", backbone.licence),
    ]


def _accuracy(facts: ModelSummary) -> str:
    """How good the card says it is, and how sure one can be of that; a card may hold anything."""
    match facts.card.evaluation:
        case {"accuracy": float(accuracy), "accuracy_interval_95": [float(low), float(high)], "images": int(images)}:
            text = f"{accuracy:.1%} of {images:,} images; 95 % interval {low:.1%} to {high:.1%}"
        case {"accuracy": float(accuracy)}:
            text = f"{accuracy:.1%}"
        case _:
            return ""
    how = facts.card.evaluation.get("method", "")
    return f"{text} ({how})" if isinstance(how, str) and how else text


def _session_facts(opened: ModelOpened | None, latency: str) -> list[tuple[str, str]]:
    if opened is None:
        return []
    return [
        ("Provider", TITLES[opened.provider]),
        ("Agreement", f"{opened.agreement:.5f} with the card's golden features"),
        ("Opened in", f"{opened.opening_ms:.0f} ms"),
        ("Latency", latency),
    ]
