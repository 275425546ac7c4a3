"""The place *Training*: what is being trained and what was, and the wizard."""
