"""Help > Why Xception is small: what a convolution costs, and what others can be built of instead, to try out."""
