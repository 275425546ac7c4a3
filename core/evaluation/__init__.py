"""Evaluation of models: metrics, calibration, comparison, reports."""
