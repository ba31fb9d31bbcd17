"""The tables of ids, and what importing the package brings along."""

import subprocess
import sys

import gymnasium
import pytest

import textenvs
from textenvs.envs.babyai.level_table import LEVELS, MINIGRID_IDS
from textenvs.envs.crafter.tasks import TASKS as CRAFTER_TASKS
from textenvs.errors import UnknownName

BACKGROUND_KNOWLEDGE = 17
HEAVY = ("torch", "nle", "pygame", "crafter", "minigrid", "rich", "duckdb", "transformers")


def _ids(prefix: str) -> list[str]:
    return [spec.id for spec in textenvs.env_specs() if spec.id.startswith(prefix)]


def test_every_id_of_the_installed_minigrid_has_a_text_id() -> None:
    import minigrid  # noqa: F401

    registered = [
        spec.id
        for spec in gymnasium.registry.values()
        if spec.id.startswith(("BabyAI-", "MiniGrid-")) and "-Text-" not in spec.id
    ]
    without_wfc = [env_id for env_id in registered if "-WFC-" not in env_id]
    assert sorted(MINIGRID_IDS) == sorted(without_wfc)
    assert len([i for i in without_wfc if i.startswith("BabyAI-")]) == 96
    assert len([i for i in without_wfc if i.startswith("MiniGrid-")]) == 76
    for env_id in without_wfc:
        assert env_id.replace("-", "-Text-", 1) in gymnasium.registry


def test_the_levels_of_background_knowledge_rl_are_there() -> None:
    assert len([level for level in LEVELS if level[-3:-2] == "S"]) == BACKGROUND_KNOWLEDGE
    for level in ("GoToLocal-Pretraining-S20", "PickUp-PurpleKey-S20", "GoToLocal-RedBall-S30"):
        assert f"BabyAI-Text-{level}-v0" in gymnasium.registry


def test_crafter_ids_are_the_tasks() -> None:
    tasks = [f"Crafter-Text-{task}-v0".replace("--", "-") for task in CRAFTER_TASKS]
    assert _ids("Crafter-Text-") == tasks


def test_nethack_ids_are_the_tasks() -> None:
    from textenvs.envs.nethack.tasks import TASKS

    assert _ids("NetHack-Text-") == [f"NetHack-Text-{task}-v0" for task in TASKS]


def test_registering_twice_changes_nothing_and_warns_of_nothing(
    recwarn: pytest.WarningsRecorder,
) -> None:
    before = dict(gymnasium.registry)
    textenvs.register_envs()
    assert dict(gymnasium.registry) == before
    assert not recwarn.list


def test_an_id_can_be_made_without_importing_the_package_first() -> None:
    code = (
        "import gymnasium; e = gymnasium.make('textenvs:BabyAI-Text-GoToLocal-v0');"
        "print(type(e.reset(seed=0)[0]).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "str\n"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, textenvs; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("env_id", "package", "extra"),
    [
        ("Crafter-Text-SmartPlay-v0", "crafter", "crafter"),
        ("BabyAI-Text-GoToLocal-v0", "minigrid", "babyai"),
        ("BabyAI-Text-MixedTrainLocal-v0", "minigrid", "babyai"),
        ("MiniGrid-Text-DoorKey-8x8-v0", "minigrid", "babyai"),
        ("NetHack-Text-Staircase-v0", "nle", "nethack"),
    ],
)
def test_a_missing_game_is_named_with_the_line_that_installs_it(
    env_id: str, package: str, extra: str
) -> None:
    code = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import gymnasium, textenvs
try:
    gymnasium.make({env_id!r})
except textenvs.errors.MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"{env_id} needs the package '{package}', which is not installed: "
        f'pip install "textenvs[{extra}]"\n'
    )


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"style": "shakespeare"},
            "unknown style 'shakespeare': expected one of 'default', 'glam'",
        ),
        ({"obs": "image"}, "unknown obs 'image': expected one of 'text', 'dict'"),
        ({"render_mode": "human"}, "unknown render_mode 'human': expected one of 'ansi', 'rgb_"),
    ],
)
def test_a_wrong_argument_is_named_with_the_choices(kwargs: dict[str, str], message: str) -> None:
    from textenvs.envs.babyai.env import MiniGridTextEnv

    with pytest.raises(UnknownName, match=message):
        MiniGridTextEnv("BabyAI-GoToLocal-v0", **kwargs)


def test_env_specs_of_a_game_are_found_in_any_case() -> None:
    assert [spec.id for spec in textenvs.env_specs("minigrid")] == _ids("MiniGrid-Text-")
    with pytest.raises(UnknownName, match="unknown game 'chess': expected one of 'crafter'"):
        textenvs.env_specs("chess")
