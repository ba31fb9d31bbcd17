"""The parts of ``benchmarks/motif.py``."""
