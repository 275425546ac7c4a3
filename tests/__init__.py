"""Tests of Fovea. A package, because an installed distribution brings a folder `tests` of its own."""
