"""An agent that plays the action that a model finds most probable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from textenvs.agents.language.language_agent import LanguageAgent
from textenvs.agents.language.memory import Memory
from textenvs.errors import Unsupported
from textenvs.llm.model import Completion, LanguageModel, Messages, Usage

__all__ = ["ScoreAgent"]

_NOT_OFFERED = {"BabyAI": ("done",), "MiniGrid": ("done",)}  # as GLAM, whose actions are six


class ScoreAgent(LanguageAgent):
    """Compares the log-probabilities of the actions' texts, each as the continuation of the prompt.

    The published system adds up logits instead, without normalising them, and fills what a shorter
    text leaves with 1.0; these are true log-probabilities.

    Args:
        model: who tells log-probabilities.
        sample: whether an action is drawn by its probability (the softmax of the sums) instead of
            the most probable being played.
        prompt: how it is asked.
        **kwargs: as :class:`LanguageAgent`, but for ``ask``.

    Raises:
        Unsupported: if the model does not tell log-probabilities.

    Source: Carta et al., Grounding Large Language Models in Interactive Environments with Online
    Reinforcement Learning (ICML 2023, arXiv:2302.02662), section 3.2.
    """

    def __init__(
        self, model: LanguageModel, *, sample: bool = False, prompt: str = "glam", **kwargs: Any
    ) -> None:
        if not model.tells_scores:
            raise Unsupported(
                f"agent 'score' compares log-probabilities, which {model.name} does not tell: "
                "expected a model of the kind 'hf' or 'vllm'"
            )
        super().__init__(model, ask="score", prompt=prompt, **kwargs)
        self.independent = False  # one batch reads all prompts
        self._draws = sample

    @classmethod
    def _ways_to_ask(cls) -> tuple[str, ...]:
        return ("score",)

    def _how(self) -> str:
        return ""

    def _decide(self, memories: Sequence[Memory]) -> None:
        prompts: list[Messages | str] = []
        for memory in memories:
            messages = self._messages(memory)
            prompts.append(messages[0]["content"] if self._prompt.is_text else messages)
        offered = [
            [name for name in memory.actions if name not in _NOT_OFFERED.get(memory.game, ())]
            for memory in memories
        ]
        scores = self.model.score(prompts, offered)
        for memory, prompt, names, values in zip(memories, prompts, offered, scores, strict=True):
            action = names[self._choose(memory, values)]
            if self._keep_prompts:
                memory.notes["prompt"] = prompt
            memory.notes["answer"] = action
            memory.notes["scores"] = dict(zip(names, values, strict=True))
            tokens = sum(map(self.model.count_tokens, [prompt, *names]))
            memory.notes["usage"] = Usage(input_tokens=tokens).as_json()
            memory.notes["answer_status"] = "ok"
            self._take(memory, Completion(action))

    def _choose(self, memory: Memory, scores: Sequence[float]) -> int:
        if not self._draws:
            return int(np.argmax(scores))
        weights = np.exp(np.asarray(scores) - max(scores))
        random = np.random.default_rng(self._sample(memory, "answer"))
        return int(random.choice(len(scores), p=weights / weights.sum()))
