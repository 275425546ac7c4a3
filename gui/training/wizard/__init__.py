"""The retraining wizard: photos, how, training, result; a window of its own beside the main one."""
