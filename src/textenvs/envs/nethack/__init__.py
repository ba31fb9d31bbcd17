"""NetHack as a text environment."""
