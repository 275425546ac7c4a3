"""The window: shows values and starts tasks; owns no logic."""
