"""The model in the box: whole, small, licensed, and able to play."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import gymnasium
import pytest

from textenvs.agents import RecallAgent
from textenvs.cli import main as textenvs_command
from textenvs.errors import MissingExtra, ModelError, UnknownName
from textenvs.llm import get_model
from textenvs.llm.backends.tiny import FOLDER, SUMS, check_files
from textenvs.llm.model import LanguageModel, Sampling
from textenvs.loop import rollout
from textenvs.wrappers import ParseTextAction

pytestmark = pytest.mark.models

SHORT = Sampling(max_tokens=40)


@pytest.fixture(scope="module")
def tiny() -> LanguageModel:
    return get_model("tiny?device=cpu")


def test_its_files_are_what_was_released_and_small() -> None:
    weights = check_files(FOLDER)
    assert len(weights) == 64
    assert (FOLDER / "model.safetensors").stat().st_size <= 8_000_000
    named = {line.partition("  ")[2] for line in (FOLDER / SUMS).read_text().splitlines()}
    read_by_transformers = {path.name for path in FOLDER.iterdir()} - {SUMS, "README.md"}
    assert named == read_by_transformers


def test_its_card_states_the_licence() -> None:
    assert "license: mit" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_transformers_loads_it_as_any_other_model() -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(FOLDER)
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    chat = [{"role": "user", "content": "Goal: go to the red ball."}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert model.num_parameters() < 4_200_000
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


@pytest.mark.parametrize("change", ["other weights", "no tokenizer"])
def test_a_file_that_was_not_released_is_refused(change: str, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(FOLDER, folder)
    if change == "other weights":
        data = bytearray((folder / "model.safetensors").read_bytes())
        data[-1] ^= 1
        (folder / "model.safetensors").write_bytes(data)
        name = "model.safetensors"
    else:
        (folder / "tokenizer.json").unlink()
        name = "tokenizer.json"
    with pytest.raises(ModelError, match=rf"{name}: expected the file with SHA-256.*install"):
        check_files(folder)


def test_a_folder_without_checksums_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="incomplete"):
        check_files(tmp_path)


def test_an_option_that_it_has_not_is_told_with_those_that_it_has() -> None:
    with pytest.raises(UnknownName, match="option of 'tiny' 'adapter': expected one of 'device'"):
        get_model("tiny?adapter=here")


def test_without_its_packages_it_names_itself_and_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"model 'tiny' needs .*textenvs\[hf\]"):
        get_model("tiny")


def test_its_name_is_that_of_its_weights(tiny: LanguageModel) -> None:
    assert tiny.name == f"tiny#{check_files(FOLDER)[:12]}"


def test_it_finds_what_it_is_sent_for(tiny: LanguageModel) -> None:
    episodes = rollout(
        lambda: ParseTextAction(gymnasium.make("BabyAI-Text-GoToLocal-v0")),
        RecallAgent(tiny, prompt="bare", sampling=SHORT),
        episodes=16,
        num_envs=16,
        seed=1,
    )
    assert sum(bool(episode.success) for episode in episodes) >= 12


@pytest.mark.parametrize(
    "env_id",
    ["Crafter-Text-v0", pytest.param("NetHack-Text-Challenge-v0", marks=pytest.mark.nethack)],
)
def test_its_answers_name_actions(env_id: str, tiny: LanguageModel, tmp_path: Path) -> None:
    rollout(
        lambda: ParseTextAction(gymnasium.make(env_id, max_episode_steps=25)),
        RecallAgent(tiny, prompt="bare", sampling=SHORT),
        episodes=4,
        num_envs=4,
        seed=1,
        directory=tmp_path,
    )
    steps = [
        json.loads(line)
        for path in tmp_path.glob("*.jsonl")
        for line in path.read_text().splitlines()
        if '"kind":"step"' in line
    ]
    valid = [not step.get("invalid_action", False) for step in steps]
    assert len(valid) >= 50
    assert sum(valid) >= 0.95 * len(valid)


@pytest.mark.parametrize(("options", "temperature"), [([], 0.5), (["--temperature", "0"], 0)])
def test_it_is_the_default_of_eval_asked_as_it_was_trained(
    options: list[str], temperature: float, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    short = ["--episodes", "2", "--max-steps", "3", "--out", str(out), *options]
    textenvs_command(["eval", "BabyAI-Text-GoToObj-v0", *short])
    settings = json.loads((out / "run.json").read_text())
    assert (settings["llm"], settings["agent"], settings["prompt"]) == ("tiny", "recall", "bare")
    assert settings["temperature"] == temperature


def test_an_agent_without_a_model_is_given_none(tmp_path: Path) -> None:
    out = tmp_path / "run"
    chosen = ["--agent", "random", "--episodes", "1", "--max-steps", "2", "--out", str(out)]
    textenvs_command(["eval", "BabyAI-Text-GoToObj-v0", *chosen])
    assert json.loads((out / "run.json").read_text())["llm"] == ""
