"""The *Photos* page: the gallery, the inspector, corrections, and retraining with them."""
