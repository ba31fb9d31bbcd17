"""Phases one and two: pairs of messages, their labels, a reward of each annotator."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np

from motivated.sizes import RECORDED, STEERED, Size
from textenvs import rollout
from textenvs.agents import get_agent
from textenvs.llm import Cache, Gateway, Sampling, get_model
from textenvs.motif import Pairs
from textenvs.motif.annotating import KeywordAnnotator, ModelAnnotator, annotate, annotate_by_info
from textenvs.motif.collecting import pairs_from_traces
from textenvs.motif.pairs import FIRST, SECOND, UNKNOWN, write_pairs
from textenvs.motif.prompts import goal_text

__all__ = ["Rewards", "make_rewards", "quantiles_of"]

_ID = "NetHack-Text-Score-v0"
_AGENTS = ("random", "expert")
_WORDS = {
    "gold": ("$ -",),  # as the game tells what was picked up, by oneself and not by a dog
    "combat": ("you kill", "you destroy"),
    "stairs": ("you descend", "staircase down", "you fall through"),
}
_WISHES = Path(__file__).parent.parent / "answers" / "motif_wishes.jsonl"
_RULES = ("score", "chance")
_MESSAGE_WIDTH = 256
# Of a thousand labels, as the reward that came with the package was learned; the published rate is
# for half a million.
_FEW, _FEW_BATCH, _FEW_RATE = 100_000, 64, 1e-3


class Rewards(NamedTuple):
    """The rewards of a comparison.

    Attributes:
        teacher: the annotator of the first group.
        folders: annotator -> the folder of its reward.
        labels: annotator -> what tells its labels from others.
    """

    teacher: str
    folders: dict[str, Path]
    labels: dict[str, str]


def make_rewards(
    size: Size, groups: tuple[str, ...], llm: str | None, label: str, work: Path
) -> Rewards:
    """Make the rewards that the groups need; what is there is kept.

    Args:
        size: how much.
        groups: of :data:`motivated.sizes.GROUPS`.
        llm: who annotates; None for the labels that came with the package, and for rules.
        label: what the model is called.
        work: where it all goes.
    """
    from textenvs.motif.reward_training import RewardTraining, train_reward

    if llm and label in (RECORDED, *_RULES):
        raise ValueError(f"expected a --label of its own, got {label!r}, which means another one")
    teacher = label if llm else RECORDED
    wanted = {teacher: ""}
    if "annotators" in groups:
        wanted |= dict.fromkeys(_RULES, "")
    if "steering" in groups:
        judges = (label,) if llm else ("keyword", RECORDED)
        wanted |= {f"{judge}_{goal}": goal for judge in judges for goal in STEERED}
    rewards = Rewards(teacher, {}, {})
    for name, goal in wanted.items():
        if name.startswith(RECORDED) and not llm:
            pairs = _recorded_pairs(work / "recorded")
        else:
            pairs = _played_pairs(size, work, distinct=bool(goal) and size.pairs < _FEW)
            _label(pairs, name, goal, llm, work)
        out = work / "rewards" / name
        many = len(pairs) >= _FEW
        training = RewardTraining(
            epochs=size.epochs,
            batch_size=1024 if many else _FEW_BATCH,
            learning_rate=1e-5 if many else _FEW_RATE,
        )
        told = train_reward(pairs, name, out, training)
        print(f"reward of {name}: held-out accuracy {told['held_out_accuracy']:.3f}", flush=True)
        rewards.folders[name] = out
        read = pairs.messages.tobytes() + pairs.labels(name).tobytes()
        rewards.labels[name] = blake2b(read, digest_size=8).hexdigest()
    return rewards


def quantiles_of(rewards: Mapping[str, Path]) -> dict[str, float]:
    """From which share of the messages on a rule over words pays, by annotator.

    Nearly all messages have none of its words, and the network tells them apart by noise alone:
    half of them would be above the median, and pay less than nothing, since they are below the
    mean. So a rule pays from the mean on; what others call better pays from the published median.
    """
    from textenvs.motif.reward_model import load_reward

    found = {}
    for name, folder in rewards.items():
        if name.startswith("keyword_"):
            quantiles = load_reward(folder).quantiles
            found[name] = float(np.interp(0.0, quantiles, np.linspace(0, 1, len(quantiles))))
    return found


def _recorded_pairs(folder: Path) -> Pairs:
    """The pairs that came with the package, with their labels and those by other wishes."""
    if not (folder / "preference" / f"{RECORDED}.npy").exists():
        path = files("textenvs.motif") / "ready" / "nethack" / "preferences.jsonl.gz"
        rows = [json.loads(x) for x in gzip.decompress(path.read_bytes()).splitlines()]
        texts = [row[side] for row in rows for side in ("first", "second")]
        chosen = np.arange(len(texts)).reshape(len(rows), 2, 1)
        about = {"caption": "message", "source": "textenvs.motif.ready"}
        write_pairs(folder, texts, chosen, {}, _MESSAGE_WIDTH, about)
        _write_labels(Pairs(folder), RECORDED, [row["label"] for row in rows])
    pairs = Pairs(folder)
    wishes = [json.loads(x) for x in _WISHES.read_text(encoding="utf-8").splitlines()]
    if [(each["first"], each["second"]) for each in wishes] != [
        *map(pairs.captions, range(len(pairs)))
    ]:
        raise ValueError(f"{_WISHES}: expected labels of the package's pairs, in their order")
    for goal in STEERED:
        _write_labels(pairs, f"{RECORDED}_{goal}", [each[goal] for each in wishes])
    return pairs


def _write_labels(pairs: Pairs, name: str, labels: Sequence[int]) -> None:
    written = pairs.labels(name, "r+")
    written[:] = labels
    written.flush()  # type: ignore[attr-defined]


def _played_pairs(size: Size, work: Path, distinct: bool) -> Pairs:
    """Pairs from games of a weak and a strong agent.

    ``distinct`` draws from different messages, each once: for a wish that few steps are about, and
    which few pairs of any steps would tell nothing of.
    """
    folder = work / ("distinct_pairs" if distinct else "pairs")
    if not (folder / "data" / "message.npy").exists():
        folders = []
        for agent in _AGENTS:
            folders.append(work / "traces" / agent)
            rollout(_ID, get_agent(agent), episodes=size.episodes, seed=0, directory=folders[-1])
        pairs_from_traces(folders, folder, count=size.pairs, caption="message", distinct=distinct)
    found = Pairs(folder)
    if len(found) != size.pairs:
        raise ValueError(
            f"{folder} has {len(found)} pairs: expected {size.pairs}, or another --work"
        )
    return found


def _label(pairs: Pairs, name: str, goal: str, llm: str | None, work: Path) -> None:
    if name == "score":
        annotate_by_info(pairs, name)
    elif name == "chance":
        drawn = np.random.default_rng(0).choice((FIRST, SECOND), len(pairs))
        _write_labels(pairs, name, drawn.tolist())
    elif llm:
        gateway = Gateway(get_model(llm), cache=Cache(work / "answers.sqlite"))
        wish = goal_text(goal or "defaultgoal", "nethack")
        sampling = Sampling(temperature=0.1, top_p=0.95, max_tokens=1024)
        asker = ModelAnnotator(gateway, sampling, goal=wish)
        annotate(pairs, name, asker, about={"model": gateway.name, "goal": wish})
        gateway.close()
    else:
        annotate(pairs, name, KeywordAnnotator(_WORDS[goal]))
    unknown = int((np.asarray(pairs.labels(name)) == UNKNOWN).sum())
    if unknown:
        print(f"{name}: {unknown} of {len(pairs)} pairs have no label", flush=True)
