"""Agents that ask a language model: what they show it, and what they make of its answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from textenvs.agents import FewShotAgent, LanguageAgent, RandomAgent, ReactAgent, ScoreAgent
from textenvs.agents.language.making import make_language_agent
from textenvs.agents.language.react import read_actions
from textenvs.errors import TraceError, UnknownName, Unsupported
from textenvs.llm.model import Completion, LanguageModel, Messages, Sampling, ToolCall, Usage
from textenvs.loop import rollout
from textenvs.prompts import Prompt
from textenvs.traces import read_trace
from textenvs.wrappers import ParseTextAction

LEVEL = "BabyAI-Text-GoToLocal-v0"


class Model(LanguageModel):
    """Answers with a script, over and over, and keeps what it was asked."""

    name = "test"

    def __init__(self, *answers: str | Completion, concurrent: bool = False) -> None:
        self.answers = answers or ("go forward",)
        self.concurrent = concurrent
        self.batches: list[list[list[dict[str, Any]]]] = []
        self.samplings: list[Sampling] = []
        self.samples: list[list[int]] = []

    def generate(
        self, prompts: Sequence[Messages], sampling: Sampling, samples: Sequence[int] | None = None
    ) -> list[Completion]:
        self.batches.append([[dict(message) for message in messages] for messages in prompts])
        self.samplings.append(sampling)
        self.samples.append(list(samples or []))
        answer = self.answers[(len(self.batches) - 1) % len(self.answers)]
        if isinstance(answer, str):
            answer = Completion(answer, usage=Usage(10, 2), usd=0.5)
        return [answer] * len(prompts)

    @property
    def prompts(self) -> list[list[dict[str, Any]]]:
        """What was asked about the only episode."""
        return [prompts[0] for prompts in self.batches]


def make(env_id: str = LEVEL, steps: int = 6, **kwargs: Any) -> Any:
    return lambda: ParseTextAction(gymnasium.make(env_id, max_episode_steps=steps, **kwargs))


def play(agent: LanguageAgent, steps: int = 6, episodes: int = 1, **kwargs: Any) -> Any:
    env_id = kwargs.pop("env_id", LEVEL)
    style = {"style": kwargs.pop("style")} if "style" in kwargs else {}
    return rollout(make(env_id, steps, **style), agent, episodes=episodes, **kwargs)


def test_all_running_episodes_are_asked_about_in_one_batch() -> None:
    model = Model()
    play(LanguageAgent(model), steps=5, episodes=8, num_envs=8)
    assert {len(batch) for batch in model.batches[:2]} == {8}
    assert len(model.batches) <= 5


def test_results_do_not_depend_on_how_many_run_at_once() -> None:
    def outcome(num_envs: int, concurrent: bool) -> Any:
        def answer(messages: Messages) -> str:
            return "turn left" if len(messages[-1]["content"]) % 2 else "go forward"

        from textenvs.llm.backends.scripted import ScriptedModel

        model = ScriptedModel(answer)
        model.concurrent = concurrent
        return play(LanguageAgent(model), steps=12, episodes=6, num_envs=num_envs)

    alone = outcome(1, False)
    assert outcome(6, False) == alone
    assert outcome(4, True) == alone  # each episode in a thread of its own


def test_an_error_of_the_model_ends_all_threads() -> None:
    class Failing(Model):
        def generate(self, *args: Any) -> list[Completion]:
            super().generate(*args)
            if len(self.batches) > 5:
                raise RuntimeError("no more")
            return [Completion("turn left")]

    model = Failing(concurrent=True)
    with pytest.raises(RuntimeError, match="no more"):
        play(LanguageAgent(model), steps=50, episodes=30, num_envs=4)
    assert len(model.batches) < 30


def test_the_past_is_shown_as_messages_and_its_beginning_stays() -> None:
    model = Model("turn left")
    play(LanguageAgent(model, turns=4), steps=7)
    for before, after in pairwise(model.prompts):
        assert after[: len(before)] == before
        assert [message["role"] for message in after[len(before) :]] == ["assistant", "user"]
    assert model.prompts[-1][2] == {"role": "assistant", "content": "turn left"}


def test_old_turns_leave_in_blocks() -> None:
    model = Model("turn left")
    play(LanguageAgent(model, turns=4), steps=17, env_id="BabyAI-Text-BossLevel-v0")
    shown = [(len(prompt) - 2) // 2 for prompt in model.prompts]
    assert shown == [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4]


def test_published_prompts_slide() -> None:
    model = Model("Noop")
    agent = LanguageAgent(model, prompt="craftergpt", turns=2)
    play(agent, steps=6, env_id="Crafter-Text-v0", style="smartplay")
    history = [prompt[0]["content"].count("- Noop\n") for prompt in model.prompts]
    assert max(history) - min(history) == 2


def test_no_turns_show_the_present_alone() -> None:
    model = Model("turn left")
    play(LanguageAgent(model, turns=0), steps=4)
    assert {len(prompt) for prompt in model.prompts} == {2}


def test_the_past_as_text_is_one_message() -> None:
    model = Model("turn left")
    play(LanguageAgent(model, history="text"), steps=4)
    assert {len(prompt) for prompt in model.prompts} == {2}
    assert model.prompts[-1][1]["content"].count("turn left") >= 3


def test_what_leaves_the_window_is_summed_up_by_the_model(tmp_path: Path) -> None:
    model = Model("turn left", "turn left", "turn left", "turn left", "All is quiet.", "turn left")
    play(LanguageAgent(model, history="summary", turns=2), steps=6, directory=tmp_path)
    summing = [prompt for prompt in model.prompts if "Sum up" in prompt[-1]["content"]]
    assert len(summing) == 1
    after = model.prompts[5]
    assert any("All is quiet." in message["content"] for message in after)
    assert sum(message["role"] == "assistant" for message in after) == 2
    steps = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert [step.get("summary") for step in steps] == [None] * 4 + ["All is quiet.", None]
    assert "summary_usage" in steps[4]


def test_an_answer_without_an_action_is_told_to_the_model() -> None:
    model = Model("fly away", "turn left")
    play(LanguageAgent(model), steps=3)
    told = model.prompts[1][-1]["content"]
    assert told.startswith("Your last answer named none of the actions")
    assert model.prompts[1][2] == {"role": "assistant", "content": "fly away"}
    silent = Model("fly away", "turn left")
    play(LanguageAgent(silent, feedback=False), steps=3)
    assert "named none" not in json.dumps(silent.prompts)


def test_thoughts_do_not_stay_in_the_history() -> None:
    model = Model("The ball may be behind me.\nACTION: turn left")
    play(LanguageAgent(model, ask="cot"), steps=3)
    assert model.prompts[1][2]["content"] == "ACTION: turn left"
    model = Model("<|ACTION|>turn left<|END|> since I like it")
    play(LanguageAgent(model, ask="robust"), steps=3)
    assert model.prompts[1][2]["content"] == "<|ACTION|>turn left<|END|>"


def test_what_a_cut_thought_mentions_is_no_choice(tmp_path: Path) -> None:
    cut = Completion("I could turn left, but then", "cut")
    tagged = Completion("ACTION: turn left\nThis is because", "cut")
    play(LanguageAgent(Model(cut, tagged), ask="cot"), steps=2, directory=tmp_path)
    steps = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert [step["invalid_action"] for step in steps] == [True, False]
    assert [step["answer_status"] for step in steps] == ["cut", "cut"]
    assert steps[0]["answer"] == "I could turn left, but then"
    play(LanguageAgent(Model(cut), ask="cot", reads_cut=True), steps=1, directory=tmp_path / "read")
    (step,) = read_trace(tmp_path / "read" / "episode-00000.jsonl").steps
    assert step["text_action"] == "turn left"


def test_the_trace_has_the_prompt_the_answer_and_what_it_took(tmp_path: Path) -> None:
    model = Model("turn left")
    play(LanguageAgent(model), steps=2, directory=tmp_path / "a")
    steps = read_trace(tmp_path / "a" / "episode-00000.jsonl").steps
    assert [step["prompt"] for step in steps] == model.prompts
    assert steps[0]["answer"] == "turn left"
    assert steps[0]["usage"]["input_tokens"] == 10
    assert steps[0]["usd"] == 0.5
    play(LanguageAgent(model, keep_prompts=False), steps=2, directory=tmp_path / "b")
    assert "prompt" not in read_trace(tmp_path / "b" / "episode-00000.jsonl").steps[0]


@pytest.mark.parametrize("agent", ["naive", "cot", "summary", "react", "follow_up"])
@pytest.mark.parametrize("kept", [1, 5, 9])
def test_a_resumed_episode_asks_nothing_again_and_goes_on_as_it_would_have(
    tmp_path: Path, agent: str, kept: int
) -> None:
    def new(model: Model) -> LanguageAgent:
        if agent == "react":
            return ReactAgent(model)
        if agent == "follow_up":
            return LanguageAgent(model, ask="cot", prompt="smartplay")
        if agent == "summary":
            return LanguageAgent(model, history="summary", turns=2)
        return LanguageAgent(model, ask=agent, turns=3)

    def answer(messages: Messages) -> str | Completion:
        options = ["turn left", "go forward", "hm?"]
        text = json.dumps(messages)
        if agent == "follow_up":
            options = ["Noop", "Move West", "hm?"]
        if agent == "react":
            call = {
                "actions": [options[len(text) % 2], "turn right", "fly", "drop"][: len(text) % 5]
            }
            return Completion("", tool_calls=(ToolCall("interact", json.dumps(call)),))
        return options[len(text) % 3]

    from textenvs.llm.backends.scripted import ScriptedModel

    env_id = "Crafter-Text-SmartPlay-v0" if agent == "follow_up" else "BabyAI-Text-BossLevel-v0"
    asked: list[Messages] = []

    def counted(messages: Messages) -> str | Completion:
        asked.append(messages)
        return answer(messages)

    model = ScriptedModel(counted, name="test")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    play(new(model), steps=12, directory=whole, env_id=env_id)
    path = cut / "episode-00000.jsonl"
    cut.mkdir()
    lines = (whole / "episode-00000.jsonl").read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: kept + 1]))
    before = len(asked)
    play(new(model), steps=12, directory=cut, env_id=env_id)
    assert path.read_text() == "".join(lines)
    assert len(asked) < 2 * before


def test_the_second_question_follows_the_first_answer(tmp_path: Path) -> None:
    model = Model("I should explore.", "Move West")
    agent = LanguageAgent(model, ask="cot", prompt="smartplay")
    play(agent, steps=1, env_id="Crafter-Text-SmartPlay-v0", directory=tmp_path)
    first, second = model.prompts
    assert second[: len(first)] == first
    assert second[len(first)] == {"role": "assistant", "content": "I should explore."}
    assert "Make Iron Sword" in second[-1]["content"]
    (step,) = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert (step["text_action"], step["usage"]["input_tokens"], step["usd"]) == (
        "Move West",
        20,
        1.0,
    )


def test_every_question_of_every_episode_has_a_sample_index_of_its_own() -> None:
    def indices(seed: int, num_envs: int) -> set[int]:
        model = Model("turn left")
        agent = LanguageAgent(model, sampling=Sampling(temperature=1.0), seed=seed)
        play(agent, steps=4, episodes=3, num_envs=num_envs)
        samples = [index for batch in model.samples for index in batch]
        assert len(samples) == len(set(samples)) >= 9
        return set(samples)

    assert indices(0, 1) == indices(0, 3)
    assert not indices(0, 1) & indices(1, 1)


def test_short_term_context_is_shown_but_not_remembered() -> None:
    model = Model("Noop")
    play(LanguageAgent(model, prompt="balrog"), steps=3, env_id="Crafter-Text-BALROG-v0")
    last = model.prompts[-1]
    assert "health" in last[-1]["content"]
    assert not any("health: 9" in message["content"] for message in last[1:-1])


def test_an_environment_that_takes_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="ParseTextAction"):
        rollout(LEVEL, LanguageAgent(Model()), episodes=1)


def test_a_prompt_of_another_game_is_refused() -> None:
    with pytest.raises(UnknownName, match="asks about Crafter, got the id 'BabyAI"):
        play(LanguageAgent(Model(), prompt="craftergpt"))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"ask": "loudly"}, "way to ask 'loudly'"),
        ({"prompt": "mine"}, "prompt 'mine'"),
        ({"history": "all"}, "history 'all'"),
    ],
)
def test_what_does_not_exist_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UnknownName, match=named):
        LanguageAgent(Model(), **settings)


def test_agents_by_name() -> None:
    assert make_language_agent("cot", Model()).name == "cot"
    with pytest.raises(UnknownName, match="unknown agent 'nobody'"):
        make_language_agent("nobody", Model())
    with pytest.raises(UnknownName, match=r"agent 'cot'.*mood"):
        make_language_agent("cot", Model(), mood="good")


# react


def call(*actions: str, name: str = "interact") -> Completion:
    arguments = json.dumps({"actions": list(actions), "reasoning": "why not"})
    return Completion("", tool_calls=(ToolCall(name, arguments),))


def test_several_actions_a_turn_are_played_in_order(tmp_path: Path) -> None:
    model = Model(call("turn left", "turn right", "drop"), call("toggle"))
    play(ReactAgent(model), steps=5, env_id="BabyAI-Text-BossLevel-v0", directory=tmp_path)
    steps = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert [step["text_action"] for step in steps] == [
        *("turn left", "turn right", "drop", "toggle", "turn left"),
    ]
    assert ["answer" in step for step in steps] == [True, False, False, True, True]
    (tool,) = model.samplings[0].tools
    assert tool["function"]["parameters"]["properties"]["actions"]["maxItems"] == 5


def test_what_is_behind_an_invalid_action_is_dropped(tmp_path: Path) -> None:
    model = Model(call("turn left", "fly", "drop"), call("toggle"))
    play(ReactAgent(model), steps=3, env_id="BabyAI-Text-BossLevel-v0", directory=tmp_path)
    steps = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert [step["action"] for step in steps] == ["turn left", "fly", "toggle"]
    assert [step["invalid_action"] for step in steps] == [False, True, False]


@pytest.mark.parametrize(
    ("answer", "actions"),
    [
        (call("a", "b", "c", "d", "e", "f"), ["a", "b", "c", "d", "e"]),
        (call("a", name="other"), [""]),
        (Completion('I do {"actions": ["a", "b"], "reasoning": "x"}'), ["a", "b"]),
        (Completion('{"actions": "a"}'), ["a"]),
        (Completion('{"actions": []} so turn left'), ['{"actions": []} so turn left']),
        (Completion('{"actions": [1, "a"]}'), ["a"]),
        (Completion("go forward"), ["go forward"]),
        (Completion("", tool_calls=(ToolCall("interact", '{"actions": ["a'),)), [""]),
        (Completion("", tool_calls=(ToolCall("interact", "[" * 10_000),)), [""]),
        (Completion("{" * 10_000), ["{" * 10_000]),
    ],
)
def test_actions_are_read_from_calls_and_from_text(answer: Completion, actions: list[str]) -> None:
    assert read_actions(answer) == actions


# score


class Scorer(Model):
    tells_scores = True

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self.values = values
        self.scored: list[tuple[Any, Any]] = []

    def score(
        self, prompts: Sequence[Messages | str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        self.scored.append((list(prompts), [list(texts) for texts in continuations]))
        return [list(self.values) for _ in prompts]


def test_the_most_probable_action_is_played(tmp_path: Path) -> None:
    model = Scorer([-9.0, -1.0, -2.0, -9.0, -9.0, -9.0])
    play(ScoreAgent(model), steps=2, style="glam", directory=tmp_path, episodes=3, num_envs=3)
    steps = read_trace(tmp_path / "episode-00000.jsonl").steps
    assert {step["text_action"] for step in steps} == {"turn right"}
    assert steps[0]["scores"]["turn right"] == -1.0
    prompts, texts = model.scored[0]
    assert len(prompts) == 3
    assert prompts[0].startswith("Possible action of the agent: turn left, turn right, go forward")
    assert prompts[0].endswith(" Action 0: ")
    assert texts[0] == ["turn left", "turn right", "go forward", "pick up", "drop", "toggle"]


def test_an_action_can_be_drawn_by_its_probability(tmp_path: Path) -> None:
    model = Scorer([-0.6931471805599453, -0.6931471805599453, -50.0, -50.0, -50.0, -50.0])
    agent = ScoreAgent(model, sample=True)
    play(agent, steps=60, style="glam", directory=tmp_path, episodes=4)
    played = [
        step["text_action"]
        for path in sorted(tmp_path.glob("*.jsonl"))
        for step in read_trace(path).steps
    ]
    assert set(played) == {"turn left", "turn right"}
    assert 0.35 < played.count("turn left") / len(played) < 0.65


# few_shot


def test_the_best_recorded_episodes_are_shown_first(tmp_path: Path) -> None:
    rollout(make(steps=30), RandomAgent(), episodes=5, directory=tmp_path)
    best = max(
        (read_trace(path) for path in tmp_path.glob("*.jsonl")),
        key=lambda trace: trace.end["return"] if trace.end else 0,
    )
    model = Model("turn left")
    agent = FewShotAgent(model, demonstrations=tmp_path, episodes=2, steps=3, ask="cot")
    play(agent, steps=2)
    prompt = model.prompts[0]
    assert prompt[0]["role"] == "system"
    assert prompt[1]["content"].startswith("Demonstration 1 begins.")
    assert prompt[1]["content"].endswith(best.steps[0]["observation"])
    assert prompt[2]["content"] == f"ACTION: {best.steps[0]['text_action']}"
    assert sum(message["content"].count(" begins.") for message in prompt) == 2
    assert model.prompts[1][: len(prompt)] == prompt  # the prefix stays


def test_demonstrations_of_another_game_are_refused(tmp_path: Path) -> None:
    rollout("Crafter-Text-v0", RandomAgent(), episodes=1, directory=tmp_path)
    with pytest.raises(TraceError, match="expected demonstrations of BabyAI, got those of Crafter"):
        play(FewShotAgent(Model(), demonstrations=tmp_path), steps=1)


def test_a_model_that_tells_no_scores_is_refused_before_anything_is_played() -> None:
    with pytest.raises(Unsupported, match="'score' compares log-probabilities, which test"):
        ScoreAgent(Model())


@pytest.mark.parametrize("prompt", ["balrog", "craftergpt", "smartplay", "glam"])
@pytest.mark.parametrize("history", ["summary", "text"])
def test_a_prompt_that_cannot_show_a_history_is_not_asked_to(prompt: str, history: str) -> None:
    with pytest.raises(UnknownName, match=f"prompt '{prompt}' does not show the history"):
        LanguageAgent(Model(), prompt=prompt, history=history)


def test_roles_alternate_where_a_model_wants_them_to(tmp_path: Path) -> None:
    def roles(model: Model) -> list[str]:
        return [message["role"] for prompt in model.prompts for message in prompt]

    def doubled(found: list[str]) -> bool:
        return any(a == b for a, b in pairwise(found))

    for agent in ("balrog", "few_shot", "summary"):
        model = Model("", "turn left")
        if agent == "balrog":
            play(LanguageAgent(model, prompt="balrog"), steps=3, style="balrog")
            assert doubled(roles(model))  # as published: an empty answer leaves no trace
            model = Model("", "turn left")
            joined = LanguageAgent(model, prompt="balrog", alternate_roles=True)
            play(joined, steps=3, style="balrog")
        elif agent == "few_shot":
            rollout(make(steps=5), RandomAgent(), episodes=2, directory=tmp_path)
            play(FewShotAgent(model, demonstrations=tmp_path), steps=3)
        else:
            play(LanguageAgent(model, history="summary", turns=1), steps=5)
        assert not any(doubled([m["role"] for m in prompt]) for prompt in model.prompts), agent


def test_a_prompt_of_ones_own_needs_no_name() -> None:
    own = Prompt("mine", lambda situation, how, layout: [{"role": "user", "content": how}])
    model = Model("turn left")
    play(LanguageAgent(model, prompt=own), steps=2)
    assert model.prompts[0][0]["content"].startswith("In every step")
