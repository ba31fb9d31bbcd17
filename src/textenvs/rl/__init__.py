"""Stable-Baselines3 on text environments."""
