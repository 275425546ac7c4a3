"""The camera: what the model sees in it now, and photos recorded from it into classes."""
