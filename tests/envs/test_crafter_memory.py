"""Many games of Crafter fit into one process."""

import subprocess
import sys

GAMES = 64
MOST_MEGABYTES = 300

PLAY = f"""
import tracemalloc

from textenvs.envs.crafter import vector, worldgen
from textenvs.envs.crafter.env import CrafterTextEnv

tracemalloc.start()
envs = [CrafterTextEnv() for _ in range({GAMES})]
for seed, env in enumerate(envs):
    env.reset(seed=seed)
    for step in range(40):
        env.step(step % 17)
print(tracemalloc.get_traced_memory()[1] / 2**20)
"""


def test_the_peak_of_64_games_is_small() -> None:
    done = subprocess.run([sys.executable, "-c", PLAY], capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) < MOST_MEGABYTES
