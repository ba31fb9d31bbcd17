"""Show a language model's advice to many learners, in one batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from textenvs.advice import Advisor, check_captions
from textenvs.advice.embeddings import DEFAULT_EMBEDDINGS
from textenvs.advice.scene import read_scene
from textenvs.llm import LanguageModel
from textenvs.wrappers.add_advice_observation import advised_space, with_advice
from textenvs.wrappers.vector.borders import Borders
from textenvs.wrappers.vector.scenes import Scenes, action_names, info_of

__all__ = ["AddAdviceObservation"]


class AddAdviceObservation(VectorWrapper):
    """Show a language model's advice: :class:`textenvs.wrappers.AddAdviceObservation`, batched.

    Observations have ``advice``, (num_envs, actions) float32; what is asked in a step is asked in
    one batch. Nothing is asked about the end of an episode, whose advice is 0, but in the mode
    ``SAME_STEP`` about ``info["final_obs"]``, from which learners estimate what was cut off.

    Args:
        env: a vector environment of games as there.
        llm: a model, or its name.
        match: as there.
        captions: as there.
        prompt: as there.
        embeddings: as there.
        missing: as there.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        llm: str | LanguageModel,
        match: str = "similarity",
        captions: str = "names",
        prompt: str = "advice",
        embeddings: str = DEFAULT_EMBEDDINGS,
        missing: str = "raise",
    ) -> None:
        super().__init__(env)
        check_captions(captions, env.single_observation_space)
        self._names = action_names(env)
        self._captions = captions
        self._borders = Borders(env)
        self._scenes = Scenes(env, self._names, captions)
        self.advisor = Advisor(
            llm,
            self._names,
            match=match,
            prompt=prompt,
            embeddings=embeddings,
            missing=missing,
        )
        self.single_observation_space = advised_space(
            env.single_observation_space, len(self._names)
        )
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Begin episodes."""
        self._borders.reset(options)
        observations, infos = self.env.reset(seed=seed, options=options)
        return self._advised(observations, infos, np.ones(self.num_envs, np.bool_))

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Play an action in each game."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = np.asarray(terminated | truncated)
        self._borders.step(ended)
        asked = np.ones_like(ended) if self._borders.mode == AutoresetMode.SAME_STEP else ~ended
        observations, infos = self._advised(observations, infos, asked)
        return observations, rewards, terminated, truncated, infos

    def _advised(
        self, observations: Any, infos: dict[str, Any], asked: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        scenes = self._scenes.read(observations, infos)
        finals = {
            i: (observation, info_of(infos["final_info"], i))
            for i, observation in enumerate(infos.get("final_obs", ()))
            if observation is not None
        }
        last = {
            i: read_scene(seen, str(info.get("mission", "")), self._names, self._captions)
            for i, (seen, info) in finals.items()
        }
        wanted = [scene for scene, ask in zip(scenes, asked, strict=True) if ask]
        advised = self.advisor.advise([*wanted, *last.values()])
        found = dict(zip(np.flatnonzero(asked).tolist(), advised, strict=False))
        values = np.zeros((self.num_envs, len(self._names)), np.float32)
        answers = np.full(self.num_envs, "", object)
        for i, advice in found.items():
            values[i], answers[i] = advice.values, advice.answer
        infos = {**infos, "advice": values.copy(), "advice_answer": answers}
        infos |= {f"_{key}": np.asarray(asked).copy() for key in ("advice", "advice_answer")}
        if last:
            shown = infos["final_obs"].copy()
            for i, advice in zip(last, advised[len(wanted) :], strict=True):
                shown[i] = with_advice(finals[i][0], advice)
            infos["final_obs"] = shown
        kept = observations if isinstance(observations, Mapping) else {"text": observations}
        return {**kept, "advice": values}, infos
