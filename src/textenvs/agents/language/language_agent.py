"""An agent that asks a language model for every action."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import gymnasium
from gymnasium import spaces

from textenvs.agents.agent import Agent
from textenvs.agents.language.memory import Memory
from textenvs.errors import UnknownName, choose
from textenvs.llm.model import Completion, LanguageModel, Sampling
from textenvs.parsing import ActionParser
from textenvs.prompts import ASK, HISTORIES, Message, Prompt, Situation, alternating, get_prompt

__all__ = ["LanguageAgent"]

_SAMPLE_BITS = 62  # positive in SQLite and in every generator
_SUMMARY_TOKENS = 256
_ASK_SUMMARY = (
    "Sum up what happened so far in the game, for yourself: where things are, what you have, what "
    "worked and what did not, and what you are about to do. At most 120 words, no action."
)


class LanguageAgent(Agent):
    """Shows a model the game and plays what it answers.

    All running episodes that need an answer are asked about in one batch. Actions are texts, for
    an environment that :class:`textenvs.wrappers.ParseTextAction` reads them for.

    Args:
        model: who answers.
        ask: how it is to answer: ``"naive"`` (an action and nothing else), ``"cot"`` (think, then
            ``ACTION: ...``), ``"robust"`` and ``"robust_cot"`` (between tags).
        prompt: how it is asked: a name of :data:`textenvs.prompts.PROMPTS`, or a prompt.
        sampling: how it draws its answers.
        history: one of :data:`textenvs.prompts.HISTORIES` that the prompt can show.
        turns: how many past turns are shown; None for what the prompt does.
        feedback: whether the model is told that an answer named no action.
        reads_cut: whether an answer that ran into its limit is read like any other, as published
            systems do; otherwise it counts only as far as it says which action it chooses.
        alternate_roles: whether messages of one role that follow one another are joined, for models
            whose chat template refuses them.
        keep_prompts: whether traces have the prompts.
        seed: the agent's seed, for sampling.

    Raises:
        UnknownName: for a way to ask, a prompt or a history that does not exist.
        ValueError: if ``turns`` is negative.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        ask: str = "naive",
        prompt: str | Prompt = "default",
        sampling: Sampling | None = None,
        history: str = "window",
        turns: int | None = None,
        feedback: bool = True,
        reads_cut: bool = False,
        alternate_roles: bool = False,
        keep_prompts: bool = True,
        seed: int = 0,
    ) -> None:
        choose("way to ask", ask, self._ways_to_ask())
        self._prompt = get_prompt(prompt) if isinstance(prompt, str) else prompt
        choose("history", history, HISTORIES)
        if history not in self._prompt.histories:
            shown = ", ".join(self._prompt.histories)
            raise UnknownName(
                f"prompt {self._prompt.name!r} does not show the history {history!r}: expected "
                f"one of {shown}"
            )
        if turns is not None and turns < 0:
            raise ValueError(f"expected turns of 0 or more, got {turns}")
        self.name = ask
        self.model = model
        self.independent = model.concurrent
        self._ask = ask
        self._sampling = Sampling() if sampling is None else sampling
        self._history = history
        self._turns = self._prompt.turns if turns is None else turns
        self._feedback = feedback
        self._reads_cut = reads_cut
        self._alternate_roles = alternate_roles
        self._keep_prompts = keep_prompts
        self._seed = seed
        self._memories: dict[int, Memory] = {}

    def begin(self, episode: int, env: gymnasium.Env[Any, Any], seed: int) -> None:
        """Forget all of earlier episodes.

        Raises:
            UnknownName: if the prompt is not made for the game.
            ValueError: if the environment does not take texts.
        """
        if not isinstance(env.action_space, spaces.Text):
            raise ValueError(
                "expected an environment that takes texts (textenvs.wrappers.ParseTextAction), got "
                f"one with the actions {env.action_space}"
            )
        env_id = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        game = env_id.partition("-Text-")[0]
        if game not in self._prompt.games:
            raise UnknownName(
                f"prompt {self._prompt.name!r} asks about {', '.join(self._prompt.games)}, got the "
                f"id {env_id!r}"
            )
        names = tuple(env.get_wrapper_attr("action_names"))
        feedback = self._prompt.feedback if self._feedback else ""
        self._memories[episode] = Memory(game, names, seed, self._form(), feedback)

    def act(self, observations: Sequence[Any], infos: Sequence[Mapping[str, Any]]) -> list[str]:
        """Answer what was seen, with one batch of requests for all episodes that need one."""
        memories = [self._memories[info.get("episode_index", 0)] for info in infos]
        for memory, observation, info in zip(memories, observations, infos, strict=True):
            memory.notes = {}
            memory.see(_text(observation), info)
        asked = [memory for memory in memories if not memory.queue]
        self._summarize([memory for memory in asked if self._wants_summary(memory)])
        if asked:
            self._decide(asked)
        return [memory.queue.popleft() for memory in memories]

    def replay(
        self,
        observations: Sequence[Any],
        infos: Sequence[Mapping[str, Any]],
        steps: Sequence[Mapping[str, Any]],
    ) -> None:
        """Take recorded answers instead of asking again."""
        for observation, info, step in zip(observations, infos, steps, strict=True):
            memory = self._memories[info.get("episode_index", 0)]
            memory.see(_text(observation), info)
            if "summary_status" in step:
                self._keep_summary(memory, step.get("summary"))
            memory.drop_before(self._first_shown(memory))
            if not memory.queue:
                self._take(memory, _recorded(step))
            memory.queue.popleft()

    def notes(self, episode: int) -> Mapping[str, Any]:
        """The prompt, the answer and what it took; nothing where the answer is an earlier one's."""
        return self._memories[episode].notes

    def stop(self, why: BaseException) -> None:
        """End the model's waiting."""
        self.model.stop(why)

    def end(self, episode: int) -> None:
        """Forget the episode."""
        del self._memories[episode]

    @classmethod
    def _ways_to_ask(cls) -> tuple[str, ...]:
        return tuple(ASK)

    def _decide(self, memories: Sequence[Memory]) -> None:
        """Ask about all of some episodes at once."""
        prompts = [self._messages(memory) for memory in memories]
        answers = self._generate(memories, prompts, "answer")
        if self._prompt.follow_up:
            prompts = [
                [
                    *prompt,
                    {"role": "assistant", "content": answer.text},
                    {"role": "user", "content": _filled(self._prompt.follow_up, memory.actions)},
                ]
                for memory, prompt, answer in zip(memories, prompts, answers, strict=True)
            ]
            first, answers = answers, self._generate(memories, prompts, "follow_up")
            answers = [_joined(a, b) for a, b in zip(first, answers, strict=True)]
        for memory, prompt, answer in zip(memories, prompts, answers, strict=True):
            memory.notes.update(self._noted(prompt, answer))
            self._take(memory, answer)

    def _messages(self, memory: Memory) -> list[Message]:
        """The prompt for an episode."""
        layout = "text" if self._history == "text" else "window"
        return self._prompt.messages(self._situation(memory), self._how(), layout)

    def _how(self) -> str:
        """How to answer."""
        return ASK[self._ask]

    def _situation(self, memory: Memory) -> Situation:
        memory.drop_before(self._first_shown(memory))
        return Situation(
            game=memory.game,
            actions=memory.actions,
            observation=memory.observation,
            turns=tuple(memory.turns),
            status=memory.status,
            mission=memory.mission,
            summary=memory.summary,
        )

    def _first_shown(self, memory: Memory) -> int:
        """Which turn is the first that is shown, counted from the episode's first."""
        if self._history == "summary":
            return memory.summarized
        if self._prompt.sliding or self._turns == 0:
            return max(0, memory.played - self._turns)
        # Whole blocks are dropped, so that the rest stays the same for as many steps.
        return max(0, memory.played // self._turns - 1) * self._turns

    def _wants_summary(self, memory: Memory) -> bool:
        if self._history != "summary" or memory.played < memory.summary_due:
            return False
        return memory.played - memory.summarized >= 2 * max(1, self._turns)

    def _summarize(self, memories: Sequence[Memory]) -> None:
        if not memories:
            return
        # Joined to the last message: not every model takes two of the user's in a row.
        prompts = [
            alternating([*self._messages(memory), {"role": "user", "content": _ASK_SUMMARY}])
            for memory in memories
        ]
        longest = max(_SUMMARY_TOKENS, self._sampling.max_tokens)
        sampling = replace(self._sampling, max_tokens=longest, tools=())
        answers = self._generate(memories, prompts, "summary", sampling)
        for memory, answer in zip(memories, answers, strict=True):
            notes: dict[str, Any] = {"summary_status": answer.status}
            if answer.status == "ok":
                notes["summary"] = answer.text.strip()
            notes["summary_usage"] = answer.usage.as_json()
            notes["summary_usd"] = answer.usd
            memory.notes.update(notes)
            self._keep_summary(memory, notes.get("summary"))

    def _keep_summary(self, memory: Memory, summary: str | None) -> None:
        """Put a summary in place of the oldest turns; without one they stay, for a while more."""
        block = max(1, self._turns)
        if summary is None:
            memory.summary_due = memory.played + block
            return
        memory.summary = summary
        memory.summarized = memory.played - block

    def _generate(
        self,
        memories: Sequence[Memory],
        prompts: Sequence[Sequence[Message]],
        purpose: str,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        samples = [self._sample(memory, purpose) for memory in memories]
        if self._alternate_roles:
            prompts = [alternating(prompt) for prompt in prompts]
        return self.model.generate(prompts, sampling or self._sampling, samples)

    def _sample(self, memory: Memory, purpose: str) -> int:
        """A number for each question of each episode: they are answered independently."""
        text = f"{self._seed} {memory.seed} {memory.played} {purpose}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> (64 - _SAMPLE_BITS)

    def _take(self, memory: Memory, answer: Completion) -> None:
        """Make actions of an answer."""
        said = answer.text
        unfinished = answer.status == "cut" and not self._reads_cut
        if unfinished and not _is_chosen(memory.actions, said):
            said = ""  # what a thought mentions on the way is no choice
        memory.answered(answer.text, [said])

    def _form(self) -> str:
        """How a valid answer stays in the history: as it was asked for, without the thoughts."""
        if self._ask.startswith("robust"):
            return "<|ACTION|>{action}<|END|>"
        return "ACTION: {action}" if self._ask == "cot" else "{action}"

    def _noted(self, prompt: Sequence[Message], answer: Completion) -> dict[str, Any]:
        """What the trace says of an answer."""
        notes: dict[str, Any] = {"prompt": list(prompt)} if self._keep_prompts else {}
        notes["answer"] = answer.text
        notes["answer_status"] = answer.status
        if answer.tool_calls:
            notes["tool_calls"] = [asdict(call) for call in answer.tool_calls]
        if answer.reasoning:
            notes["reasoning"] = answer.reasoning
        notes["usage"] = answer.usage.as_json()
        if answer.usd is not None:
            notes["usd"] = answer.usd
        return notes


def _text(observation: Any) -> str:
    return str(observation["text"] if isinstance(observation, Mapping) else observation)


def _filled(question: str, actions: Sequence[str]) -> str:
    return question.replace("{actions}", "\n".join(actions))


def _joined(first: Completion, second: Completion) -> Completion:
    """The second of two answers, with what both of them took; what was wrong with either shows."""
    known = first.usd is not None and second.usd is not None
    return replace(
        second,
        status=second.status if second.status != "ok" else first.status,
        usage=first.usage + second.usage,
        usd=(first.usd or 0.0) + (second.usd or 0.0) if known else None,
    )


@lru_cache(maxsize=64)
def _parser(actions: tuple[str, ...]) -> ActionParser:
    return ActionParser(actions)


def _is_chosen(actions: tuple[str, ...], text: str) -> bool:
    """Whether a text says which action it chooses, rather than mention one."""
    return _parser(actions).parse(text).stage in ("exact", "folded", "tagged")


def _recorded(step: Mapping[str, Any]) -> Completion:
    """An answer of a trace."""
    record = {
        **Completion(step.get("answer", "")).as_json(),
        "status": step.get("answer_status", "ok"),
        "tool_calls": step.get("tool_calls", ()),
    }
    return Completion.from_json(record)
