"""The parts of the comparison with CrafterGPT."""
