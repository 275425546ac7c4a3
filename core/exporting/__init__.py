"""Export of models as single files for other programs, in 8 bits or as LiteRT, and the accuracy lost by that."""
