"""Export formats."""

from __future__ import annotations

from enum import StrEnum


class ExportFormat(StrEnum):
    """A file format and the type of its stored weights; without a type, that of the model."""

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
        """The file name extension."""
        return ".tflite" if self.value.startswith("litert") else ".onnx"

    @property
    def needs_images(self) -> bool:
        """Whether the export needs labelled images for calibration and evaluation."""
        return self.value.endswith("int8")

    @property
    def fits_multi_label(self) -> bool:
        """Whether a multi-label model can be exported: accuracy, by which 8 bits are judged, and LiteRT's metadata know
        exactly one class per image.
        """
        return self.suffix == ".onnx" and not self.needs_images
