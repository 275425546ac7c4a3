"""The engine: validated backbones, opened on a working provider; and their features."""
