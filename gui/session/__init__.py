"""What the window is about: the photos, the model in use, the settings, the corrections."""
