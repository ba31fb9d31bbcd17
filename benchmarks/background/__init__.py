"""Parts of ``benchmarks/background_knowledge.py``."""
