"""Published networks: their names in the library, and what is refused."""

from __future__ import annotations

import pytest

from core.base.errors import UsageError
from core.training.networks import BackboneRequest, Design, check_request


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (BackboneRequest("mobilenet-v2", 0.35, 96), "mobilenet-v2-0.35-96"),
        (BackboneRequest("mobilenet-v1"), "mobilenet-v1-1.0-224"),
        (BackboneRequest("inception-v3"), "inception-v3-299"),
        (BackboneRequest("efficientnet-lite2", untrained=True), "efficientnet-lite2-260-untrained"),
        (BackboneRequest("xception-1000"), "xception-1000"),
        (
            BackboneRequest("xception", 0.5, untrained=True, design=Design(40, pointwise_first=True)),
            "xception-40-blocks-pointwise-first-0.5-299-untrained",
        ),
    ],
)
def test_a_backbone_is_named_after_its_network(request_: BackboneRequest, name: str) -> None:
    check_request(request_)
    assert request_.name == name


@pytest.mark.parametrize(
    ("request_", "what", "hint"),
    [
        (BackboneRequest("alexnet"), "no network named “alexnet”", "xception, inception-v3"),
        (BackboneRequest("mobilenet-v2", alpha=0.3), "alpha 0.3", "0.35, 0.5, 0.75, 1.0, 1.3, 1.4"),
        (BackboneRequest("resnet50", alpha=0.5), "only one width", "--alpha"),
        (BackboneRequest("mobilenet-v1", size=30), "30 pixels", "32 to 1,024"),
        (BackboneRequest("xception", size=70), "70 pixels", "71 to 1,024"),
        (BackboneRequest("xception", alpha=0.5), "only one width", "--alpha"),
        (BackboneRequest("xception", alpha=3.0, untrained=True), "width 3.0", "0.05 to 2"),
        (BackboneRequest("xception", design=Design(16)), "another design", "--weights none"),
        (BackboneRequest("vgg16", untrained=True, design=Design(16)), "another design", "--middle-blocks"),
        (BackboneRequest("xception", untrained=True, design=Design(1000)), "1,000 middle blocks", "1 to 100"),
        (BackboneRequest("efficientnet-lite0"), "Keras has no weights", "--weights none"),
        (BackboneRequest("xception-1000", untrained=True), "1,000 classes", "xception instead"),
        (BackboneRequest("xception-1000", size=320), "320 pixels", "--image-size"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(request_: BackboneRequest, what: str, hint: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        check_request(request_)
    assert hint in caught.value.hint
