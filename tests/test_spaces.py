"""The space of text: what belongs to it, and how it travels."""

from __future__ import annotations

import copy
import multiprocessing
import pickle

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces.utils import flatdim, flatten, flatten_space, unflatten
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from gymnasium.vector.utils.shared_memory import (
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textenvs.spaces import Utf8Text

# Every code point, lone surrogates and NUL included: whatever Python calls a str.
any_text = st.text(st.characters(exclude_categories=()), max_size=40)
fixed = settings(derandomize=True, deadline=None)


@fixed
@given(any_text, st.integers(0, 40))
@example("", 0)
@example("🙂", 1)
@example("\ud800", 1)
@example("👩‍👩‍👧", 5)
def test_a_string_belongs_if_it_is_short_enough(text: str, max_length: int) -> None:
    assert (text in Utf8Text(max_length)) is (len(text) <= max_length)


@pytest.mark.parametrize("value", [None, 3, b"noop", ["noop"], np.array("noop"), 1.5])
def test_only_strings_belong(value: object) -> None:
    assert value not in Utf8Text(100)


def test_numpy_strings_belong() -> None:
    assert np.str_("noop") in Utf8Text(4)


def test_the_space_is_a_gymnasium_text() -> None:
    space = Utf8Text(12)
    assert isinstance(space, spaces.Text)
    assert (space.min_length, space.max_length) == (0, 12)
    assert space.max_bytes == 48
    assert repr(space) == "Utf8Text(12)"


@fixed
@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_samples_belong_to_the_space(max_length: int, seed: int) -> None:
    space = Utf8Text(max_length, seed=seed)
    assert all(space.sample() in space for _ in range(8))


def test_samples_follow_the_seed() -> None:
    def draw() -> list[str]:
        space = Utf8Text(100, seed=7)
        return [space.sample() for _ in range(20)]

    assert draw() == draw()
    assert set(draw()) == {
        "",
        "noop",
        "You see a red ball.\n- 2 steps left",
        "naïve café, 中文, 🙂",
    }


@pytest.mark.parametrize("argument", ["mask", "probability"])
def test_sampling_takes_no_mask_and_no_probability(argument: str) -> None:
    with pytest.raises(ValueError, match="takes no mask and no probability"):
        Utf8Text(10).sample(**{argument: (None, None)})


@fixed
@given(st.lists(any_text, min_size=1, max_size=4))
@example(["🙂" * 40, "", "\ud83d\ude00", "a\0"])
def test_a_batch_crosses_shared_memory_unchanged(texts: list[str]) -> None:
    space = Utf8Text(40)
    memory = create_shared_memory(space, n=len(texts), ctx=multiprocessing)
    for index, text in enumerate(texts):
        write_to_shared_memory(space, index, text, memory)
    assert tuple(read_from_shared_memory(space, memory, n=len(texts))) == tuple(texts)


def test_a_shorter_text_leaves_nothing_of_a_longer_one_in_shared_memory() -> None:
    space = Utf8Text(20)
    memory = create_shared_memory(space, n=2, ctx=multiprocessing)
    write_to_shared_memory(space, 0, "a long text 🙂", memory)
    write_to_shared_memory(space, 1, "its neighbour", memory)
    write_to_shared_memory(space, 0, "short", memory)
    assert tuple(read_from_shared_memory(space, memory, n=2)) == ("short", "its neighbour")


def test_fresh_shared_memory_reads_as_empty_texts() -> None:
    space = Utf8Text(20)
    memory = create_shared_memory(space, n=3, ctx=multiprocessing)
    assert tuple(read_from_shared_memory(space, memory, n=3)) == ("", "", "")


def test_texts_in_shared_memory_are_a_view_and_copies_of_it_stay() -> None:
    space = Utf8Text(20)
    memory = create_shared_memory(space, n=2, ctx=multiprocessing)
    view = read_from_shared_memory(space, memory, n=2)
    for index, text in enumerate(["one", "two"]):
        write_to_shared_memory(space, index, text, memory)
    copies = [copy.deepcopy(view), copy.copy(view)]
    write_to_shared_memory(space, 1, "three", memory)
    assert copies == [("one", "two")] * 2
    assert tuple(view) == ("one", "three")
    assert (len(view), view[-1], view[:1]) == (2, "three", ("one",))
    with pytest.raises(IndexError):
        view[2]


def test_shared_memory_refuses_a_text_that_is_too_long() -> None:
    space = Utf8Text(3)
    memory = create_shared_memory(space, n=1, ctx=multiprocessing)
    with pytest.raises(ValueError, match="at most 3 characters, got a str of 4 characters"):
        write_to_shared_memory(space, 0, "four", memory)


@pytest.mark.parametrize("value", [None, 5, b"abc"])
def test_shared_memory_refuses_what_is_no_text(value: object) -> None:
    space = Utf8Text(3)
    memory = create_shared_memory(space, n=1, ctx=multiprocessing)
    with pytest.raises(ValueError, match=f"expected a str .*, got a {type(value).__name__}"):
        write_to_shared_memory(space, 0, value, memory)


def test_texts_in_a_dict_cross_shared_memory() -> None:
    space = spaces.Dict({"text": Utf8Text(10), "n": spaces.Discrete(3)})
    memory = create_shared_memory(space, n=2, ctx=multiprocessing)
    for index, text in enumerate(["é\n", "🙂"]):
        write_to_shared_memory(space, index, {"text": text, "n": index}, memory)
    read = read_from_shared_memory(space, memory, n=2)
    assert tuple(read["text"]) == ("é\n", "🙂")
    assert read["n"].tolist() == [0, 1]


@fixed
@given(any_text)
@example("a\0")
@example("\0")
def test_flattening_loses_nothing(text: str) -> None:
    space = Utf8Text(40)
    flat = flatten(space, text)
    assert flat in flatten_space(space)
    assert flat.shape == (flatdim(space),)
    assert unflatten(space, flat) == text


def test_the_flat_form_of_a_dict_comes_back() -> None:
    space = spaces.Dict({"n": spaces.Discrete(3), "text": Utf8Text(6)})
    value = {"n": 2, "text": "naïve"}
    flat = flatten(space, value)
    assert flat in flatten_space(space)
    assert unflatten(space, flat) == value


def test_a_batch_of_texts_is_a_tuple() -> None:
    space = Utf8Text(10)
    batch = batch_space(space, 2)
    assert ("a", "b") in batch
    assert ("a", "b" * 11) not in batch
    assert concatenate(space, ["a", "b"], create_empty_array(space, n=2)) == ("a", "b")


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda space: pickle.loads(pickle.dumps(space))])
def test_copies_are_equal_and_continue_the_same_samples(clone: object) -> None:
    space = Utf8Text(30, seed=3)
    space.sample()
    twin = clone(space)  # type: ignore[operator]
    assert twin == space
    assert [twin.sample() for _ in range(10)] == [space.sample() for _ in range(10)]


def test_spaces_are_equal_if_their_lengths_are() -> None:
    assert Utf8Text(10) == Utf8Text(10, seed=1)
    assert hash(Utf8Text(10)) == hash(Utf8Text(10, seed=1))
    assert Utf8Text(10) != Utf8Text(11)


def test_the_stock_text_is_another_space() -> None:
    stock = spaces.Text(10, min_length=0)
    assert Utf8Text(10) != stock
    assert stock != Utf8Text(10)


def test_texts_survive_the_way_through_json() -> None:
    space = Utf8Text(10)
    texts = ["", "a\nb", "🙂"]
    assert space.from_jsonable(space.to_jsonable(texts)) == texts
