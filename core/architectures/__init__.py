"""The arithmetic of convolutions, and published networks described layer by layer, so that they can be counted."""
