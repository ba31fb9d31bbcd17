"""Captions: pure functions from a game's state to text, one module a game."""
