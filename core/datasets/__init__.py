"""Labelled folders: what is in them, what is wrong with them, and how they are divided; what users say of photos."""
