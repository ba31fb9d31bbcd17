"""From played games to a better model: what to train on, and training."""
