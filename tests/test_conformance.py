"""Every registered id keeps Gymnasium's contract."""

import gc
import pickle
import warnings

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import textenvs

SPECS = {spec.id: spec for spec in textenvs.env_specs()}
# Where Minigrid registers a level in two versions, making the older one warns that it is older.
SUPERSEDED = "ignore:.*The environment .* is out of date:DeprecationWarning"


def _param(env_id: str) -> object:
    marks = [pytest.mark.nethack] if env_id.startswith("NetHack-") else []
    return pytest.param(env_id, marks=marks, id=env_id)


every_id = pytest.mark.parametrize("env_id", [_param(env_id) for env_id in SPECS])


@every_id
@pytest.mark.filterwarnings(SUPERSEDED)
def test_check_env_passes_without_warnings(env_id: str) -> None:
    env = gymnasium.make(env_id)
    gc.collect()  # a game that another test left open is not this one's
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


@every_id
@pytest.mark.filterwarnings(SUPERSEDED)
def test_dict_observations_lie_in_their_space(env_id: str) -> None:
    env = gymnasium.make(env_id, obs="dict")
    observation, info = env.reset(seed=1)
    assert observation in env.observation_space
    observation, reward, terminated, truncated, info = env.step(0)
    assert observation in env.observation_space
    assert isinstance(observation["text"], str)
    assert type(reward) is float
    assert type(terminated) is bool
    assert type(truncated) is bool
    assert info["text_action"] == env.unwrapped.action_names[0]
    env.close()


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_spec_survives_pickling_and_json(spec: EnvSpec) -> None:
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert EnvSpec.from_json(spec.to_json()) == spec
