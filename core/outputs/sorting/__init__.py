"""Sorting photos into class folders, with a record from which every step can be undone."""
