"""The kinds of file that a model can be exported as."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    """A kind of file, and how it stores the weights; without a storage, as the model stores them."""

    ONNX = "onnx"
    ONNX_FLOAT32 = "onnx-float32"
    ONNX_FLOAT16 = "onnx-float16"
    ONNX_INT8 = "onnx-int8"
    LITERT = "litert"
    LITERT_FLOAT32 = "litert-float32"
    LITERT_FLOAT16 = "litert-float16"
    LITERT_INT8 = "litert-int8"

    @property
    def suffix(self) -> str:
        """What the file's name ends in."""
        return ".tflite" if self.value.startswith("litert") else ".onnx"

    @property
    def needs_images(self) -> bool:
        """Whether labelled images are needed to measure what it loses."""
        return self.value.endswith("int8")
