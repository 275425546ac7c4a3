"""Widgets and styles shared by several pages."""
