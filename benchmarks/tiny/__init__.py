"""The parts of the training of the model in the box."""
