"""What `throughput.py` measures, a module for each part."""
