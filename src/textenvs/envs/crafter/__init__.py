"""Crafter as a text environment."""
