"""Episodes in compact files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge_world import make_dataset, played
from textenvs.errors import TraceError
from textenvs.knowledge import Dataset, Segment, write_shard
from textenvs.knowledge.asking import describe


def test_what_is_written_is_read(dataset: Dataset) -> None:
    game = dataset.meta["game"]
    for number in range(3):
        env_id = dataset.meta["env"]
        episode, names = played(env_id, number, 40)
        found = dataset[number]
        assert list(found.texts) == list(episode.texts)
        assert found.actions.tolist() == episode.actions.tolist()
        np.testing.assert_allclose(found.rewards, episode.rewards, rtol=1e-6)
        assert (found.terminated, found.truncated) == (episode.terminated, episode.truncated)
        assert found.seed == number
        for key, array in episode.observations.items():
            assert found.observations[key].dtype == array.dtype
            np.testing.assert_array_equal(found.observations[key], array)
        assert dataset.meta["action_names"] == names
    assert (len(dataset), game in ("minigrid", "crafter")) == (3, True)
    assert dataset.steps == sum(len(dataset[i].actions) for i in range(3))


def test_segments_are_drawn_from_all_episodes_and_all_starts(dataset: Dataset) -> None:
    rng = np.random.default_rng(0)
    found = dataset.sample(5, 2000, rng)
    assert {each.episode for each in found} == {0, 1, 2}
    assert {each.start for each in found} == set(range(40 - 5 + 1))
    assert dataset.sample(5, 3, np.random.default_rng(7)) == dataset.sample(
        5, 3, np.random.default_rng(7)
    )


def test_a_segment_is_what_was_seen_and_done(dataset: Dataset) -> None:
    history = dataset.history(Segment(1, 7, 3))
    assert [each["text"] for each in history.observations] == dataset[1].texts[7:11]
    assert list(history.actions) == dataset[1].actions[7:10].tolist()
    said = describe(history, dataset.meta["action_names"])
    assert said.count("Seen:") == 4
    assert said.count("Done:") == 3
    assert said.splitlines()[-1].startswith("4. Seen:")


def test_what_is_no_dataset_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="textenvs collect"):
        Dataset(tmp_path)
    (tmp_path / "shard-0.npz").write_bytes(b"something else")
    with pytest.raises(TraceError, match="expected a shard of episodes"):
        Dataset(tmp_path)
    np.savez(tmp_path / "shard-0.npz", meta=np.array([{"a": 1}], object))  # a pickle
    with pytest.raises(TraceError, match="expected a shard of episodes"):
        Dataset(tmp_path)
    with pytest.raises(ValueError, match="got none"):
        write_shard(tmp_path / "shard-1.npz", [], {})


def test_shards_of_two_games_do_not_mix(tmp_path: Path) -> None:
    make_dataset(tmp_path / "a", "minigrid")
    make_dataset(tmp_path / "b", "crafter")
    (tmp_path / "b" / "shard-1.npz").rename(tmp_path / "a" / "shard-2.npz")
    with pytest.raises(TraceError, match="expected env"):
        Dataset(tmp_path / "a")


def test_no_segment_is_longer_than_its_episode(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="41 actions or more, found none"):
        dataset.sample(41, 1, np.random.default_rng(0))
