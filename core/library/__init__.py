"""The installed models: heads, versions, and one .onnx file for a whole model."""
