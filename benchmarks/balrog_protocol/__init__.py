"""The parts of the benchmark by BALROG's protocol."""
