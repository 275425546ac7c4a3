"""Runs of a session whose input and output stay in the device's memory, so that nothing is allocated for each run."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


class BoundSession:
    """One output of a session, for batches of one shape; callable from one thread at a time.

    Attributes:
        shape: of the input, [n, ...].
    """

    def __init__(
        self, session: ort.InferenceSession, names: tuple[str, str], shape: tuple[int, ...], width: int, device: str
    ) -> None:
        """Allocate the input and the output.

        Args:
            session: the session.
            names: of its input and of the output.
            shape: of the input uint8, [n, ...].
            width: d of the output float32 [n, d].
            device: where they are, as ONNX Runtime calls it: `cuda` or `cpu`.
        """
        self._session, self.shape = session, shape
        self._input = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.uint8, device, 0)
        self._output = ort.OrtValue.ortvalue_from_shape_and_type((shape[0], width), np.float32, device, 0)
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(names[0], self._input)
        self._binding.bind_ortvalue_output(names[1], self._output)

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The output float32 [n, d] for an input of the same shape."""
        self._input.update_inplace(np.ascontiguousarray(batch))
        self._session.run_with_iobinding(self._binding)
        return np.array(self._output.numpy(), np.float32)
