"""How good a model is: figures, calibration, comparison, reports."""
