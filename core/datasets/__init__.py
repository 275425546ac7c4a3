"""Labelled folders: discovery, checks, train/validation/test splits, and the labels and corrections users give."""
