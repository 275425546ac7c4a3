"""The place *Training*: current, unfinished and past trainings, and the wizard."""
