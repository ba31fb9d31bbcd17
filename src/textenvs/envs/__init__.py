"""The games as Gymnasium environments, one package a game."""
