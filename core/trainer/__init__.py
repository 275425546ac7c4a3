"""Keras lives here and nowhere else; only the trainer process and the recipe of the shipped models import it."""
