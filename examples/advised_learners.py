"""Any learner of Stable-Baselines3 with advice: sb3-contrib's, one with memory, one with masks.

    python examples/advised_learners.py --algo recurrent_ppo
    python examples/advised_learners.py --algo maskable_ppo --total-timesteps 50000

The same without code: ``textenvs train MiniGrid-Text-DoorKey-5x5-v0 --algo maskable_ppo ...``. Here
one sees the parts: games, the wrappers around them, the adapter, the policy. The adviser is a rule
in this file, in place of a language model, so that it runs anywhere: give its name any model of
``textenvs.llm`` instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from textenvs.llm import Messages
from textenvs.llm.backends.scripted import ScriptedModel
from textenvs.rl.advice_policy import MaskableAdvicePolicy, RecurrentAdvicePolicy
from textenvs.rl.features import GameFeatures
from textenvs.rl.making import make_games
from textenvs.rl.sb3_vec_env import Sb3VecEnv
from textenvs.wrappers import vector

ENV_ID = "MiniGrid-Text-DoorKey-5x5-v0"


def advise(messages: Messages) -> str:
    """Take the key if it is in front, else look for it; with it, to the door and beyond."""
    seen = str(messages[-1]["content"])
    if "see a yellow key directly in front" in seen:
        return "pick up yellow key."
    if "have a yellow key" in seen and "see a locked yellow door directly in front" in seen:
        return "use locked yellow door with yellow key."
    if "LEFT" in seen:
        return "move forward.\nturn left."
    return "move forward.\nturn right."


def make_env(num_envs: int) -> Sb3VecEnv:
    """Games whose text the adviser reads, the advice in the observation, paid if it is followed."""
    games = make_games(ENV_ID, num_envs, {"obs": "dict", "style": "in5490"})
    adviser = ScriptedModel(advise, "rule")
    games = vector.AdviceReward(games, adviser, threshold=0.0, match="names", captions="effects")
    return Sb3VecEnv(vector.AddAdviceObservation(games, adviser, match="names", captions="effects"))


def make_learner(algo: str, env: Sb3VecEnv, seed: int) -> BaseAlgorithm:
    """PPO with memory or with masks, its policy advised."""
    policy_kwargs = {"features_extractor_class": GameFeatures, "advice_strength": 2.0}
    if algo == "recurrent_ppo":
        return RecurrentPPO(
            RecurrentAdvicePolicy, env, n_steps=64, policy_kwargs=policy_kwargs, seed=seed
        )
    return MaskablePPO(
        MaskableAdvicePolicy, env, n_steps=64, policy_kwargs=policy_kwargs, seed=seed
    )


class Successes(BaseCallback):
    """Notes of every episode whether it succeeded."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[bool] = []

    def _on_step(self) -> bool:
        for done, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                self.found.append(bool(info["success"]))
        return True


def main(argv: Sequence[str] | None = None) -> None:
    """Learn, and print what the last episodes gave."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--algo", choices=("recurrent_ppo", "maskable_ppo"), required=True)
    parser.add_argument("--total-timesteps", type=int, default=20_000)
    parser.add_argument("--num-envs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    env = make_env(args.num_envs)
    env.seed(args.seed)
    learner = make_learner(args.algo, env, args.seed)
    successes = Successes()
    learner.learn(args.total_timesteps, callback=successes)
    env.close()
    last = successes.found[-100:]
    print(f"{args.algo}: {np.mean(last):.2f} of the last {len(last)} episodes succeeded")


if __name__ == "__main__":
    main()
