"""A panel with a model's architecture, size, cost, classes, origin and licence, and its latency in this session."""

from __future__ import annotations

from typing import Final

from core.base.i18n import mark, tr, tr_n
from core.card import ResizeMode
from core.models.values import InstalledModel, OpenedModel
from core.services.wording import card_wording
from gui.widgets.basic import Panel, PropertyList, label
from gui.widgets.formats import milliseconds, percent, size

_INPUTS: Final = {
    ResizeMode.STRETCH: mark("{side} × {side} px, stretched"),
    ResizeMode.PAD: mark("{side} × {side} px, on a grey square"),
    ResizeMode.CENTRE_CROP: mark("{side} × {side} px, centre square"),
}


class ModelDetails(Panel):
    """A panel that describes a model."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._summary = label(wrap=True)
        self._properties = PropertyList()
        self.body.addWidget(self._summary)
        self.body.addWidget(self._properties)
        self._summary.setText(tr("Opening model…"))

    def show_model(self, model: InstalledModel, opened: OpenedModel | None = None, latency: str = "") -> None:
        """Show a model; `opened` and `latency` are given for the model in use."""
        self.heading.setText(model.card.title)
        self._summary.setText(card_wording(model.card.summary))
        rows = _card_properties(model) + _session_properties(opened, latency) + _origin_properties(model)
        self._properties.show_properties(rows)

    def show_unavailable(self, reason: str, title: str = "") -> None:
        """Show why a model cannot be shown; without a title, there is none."""
        self.heading.setText(title or tr("Model"))
        self._summary.setText(reason)
        self._properties.show_properties(())


def _card_properties(model: InstalledModel) -> list[tuple[str, str]]:
    backbone, card = model.backbone.card, model.card
    rows = [
        (tr("Architecture"), backbone.architecture),
        (tr("Parameters"), f"{model.parameters or 0:,}"),
        (tr("Size on disk"), size(model.size_bytes)),
        (tr("Multiply-adds"), tr("{billions:.2f} billion per photo", billions=backbone.multiply_adds / 1e9)),
        (tr("Input"), tr(_INPUTS[backbone.preprocessing.fit], side=backbone.preprocessing.size)),
        (tr("Classes"), f"{len(card.classes):,}"),
        (tr("Groups"), card.hierarchy.outline if card.hierarchy else ""),
        (tr("Answer"), tr("Several classes per photo, or none") if card.is_multi_label else ""),
        (tr("Version"), tr("built in") if model.is_builtin else str(model.version)),
        (tr("All classes right") if card.is_multi_label else tr("Accuracy"), _accuracy(model)),
    ]
    return [(name, value) for name, value in rows if value]


def _origin_properties(model: InstalledModel) -> list[tuple[str, str]]:
    head, backbone = model.card.origin, model.backbone.card.origin
    if head == backbone:
        return [(tr("Source"), card_wording(head.source)), (tr("Licence"), head.licence)]
    return [
        (tr("Head source"), card_wording(head.source)),
        (tr("Head licence"), head.licence),
        (tr("Backbone source"), backbone.source),
        (tr("Backbone licence"), backbone.licence),
    ]


def _accuracy(model: InstalledModel) -> str:
    """The accuracy in the card with its confidence interval and method; empty if the card has none."""
    match model.card.evaluation:
        case {"accuracy": float(accuracy), "accuracy_interval_95": [float(low), float(high)], "images": int(images)}:
            text = tr_n(
                "{accuracy} on {count:,} photo; 95% confidence interval: {low:.0%} to {high:.0%}",
                "{accuracy} on {count:,} photos; 95% confidence interval: {low:.0%} to {high:.0%}",
                images,
                accuracy=percent(accuracy, 1),
                low=low,
                high=high,
            )
        case {"accuracy": float(accuracy)}:
            text = percent(accuracy, 1)
        case _:
            return ""
    method = model.card.evaluation.get("method", "")
    return f"{text} ({card_wording(method)})" if isinstance(method, str) and method else text


def _session_properties(opened: OpenedModel | None, latency: str) -> list[tuple[str, str]]:
    if opened is None:
        return []
    detector = opened.detector_refusal
    return [
        *([(tr("Detector"), str(detector))] if detector else []),
        (tr("Agreement"), tr("cosine {cosine:.5f} to the reference features", cosine=opened.agreement)),
        (tr("Opened in"), milliseconds(opened.opening_ms)),
        (tr("Latency"), latency),
    ]
