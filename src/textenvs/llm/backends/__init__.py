"""The kinds of models, one a module; none is imported before it is used."""
