"""The same seed and the same actions are the same game, in every process."""

import os
import subprocess
import sys

import pytest

PLAY = """
import hashlib, json, sys
import numpy as np

env_id, variant, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
if variant == "junk":
    junk = [object() for _ in range(100_000)] + [bytearray(n) for n in range(1, 4000, 7)]

import gymnasium, textenvs

env = gymnasium.make(env_id, render_mode="rgb_array" if variant == "render" else None)
digest = hashlib.sha256()

def note(*things):
    digest.update(json.dumps(things, default=lambda x: x.tolist(), sort_keys=True).encode())

actions = np.random.default_rng(5)
note(*env.reset(seed=11))
for _ in range(steps):
    action = int(actions.integers(env.action_space.n))
    observation, reward, terminated, truncated, info = env.step(action)
    note(observation, reward, terminated, truncated, info)
    if variant == "render":
        env.render()
    if terminated or truncated:
        note(*env.reset())
env.close()
print(digest.hexdigest())
"""

STEPS = 500


def _play(env_id: str, variant: str, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PLAY, env_id, variant, str(STEPS)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "env_id",
    [
        "Crafter-Text-v0",
        "BabyAI-Text-BossLevel-v0",
        "BabyAI-Text-MixedTrainLocal-v0",
        "MiniGrid-Text-Dynamic-Obstacles-8x8-v0",
        pytest.param("NetHack-Text-Score-v0", marks=pytest.mark.nethack),
        pytest.param("NetHack-Text-Challenge-v0", marks=pytest.mark.nethack),
    ],
)
def test_texts_rewards_and_infos_depend_on_nothing_but_the_seed(env_id: str) -> None:
    rendering = _play(env_id, "render", hash_seed="1")
    with_junk = _play(env_id, "junk", hash_seed="2")
    assert rendering == with_junk
