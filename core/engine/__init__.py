"""The engine: backbones proven safe, opened on the provider that works, and run; and the features that they give."""
