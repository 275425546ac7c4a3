"""The state of the window: photos, the model in use, settings, and corrections."""
