"""Everything that uses Keras; imported only by the trainer process and the build recipe of the built-in models."""
