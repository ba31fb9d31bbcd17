"""GLAM's action scoring without training: which action does a model find most probable?

    python benchmarks/glam.py --llm hf:PATH             # plays the most probable action
    python benchmarks/glam.py --llm hf:PATH --sample    # draws it, as published
    python benchmarks/glam.py --llm untrained           # a model of random weights
    python benchmarks/glam.py                           # random play and Minigrid's bot only
    python benchmarks/glam.py --smoke

The level is GLAM's mix of five kinds of task, ``BabyAI-Text-MixedTrainLocal-v0``, the prompt
``glam``: three observations, two actions. Each of six actions is scored by its log-probability as
the continuation of the prompt. Published are 1000 test episodes of Flan-T5-large, zero-shot.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium

import common
import players
import result_rows
import textenvs  # noqa: F401  # registers the ids
from result_rows import Row
from textenvs.errors import require
from textenvs.evaluation import Settings
from textenvs.llm import LanguageModel, get_model
from textenvs.metrics import wilson
from textenvs.traces import read_trace

ENV_ID = "BabyAI-Text-MixedTrainLocal-v0"
GAME = "MixedTrainLocal"
UNTRAINED = "untrained"
_ACTIONS = 6  # not Minigrid's seventh, "done"
_EPISODES = 1000
_SMOKE_EPISODES, _SMOKE_STEPS = 3, 5

# Success rates, read from the bars of docs/images/generalization_tests.png of
# flowersteam/Grounding_LLMs_with_online_RL 31847fb, to +-0.01: 1000 test episodes, 2 seeds.
PUBLISHED_COLUMNS = ("test", "Random", "DRRN", "NPAE", "Flan-T5", "GFlan-T5")
PUBLISHED = (
    ("(a) training tasks", ".15", ".14", ".17", ".11", ".89 (± .05)"),
    ("(b) nouns out of vocabulary", ".15", ".15", ".16", ".09", ".87"),
    ("(c) invented words", ".15", ".16", ".16", ".11", ".77"),
    ("(d) new composition", ".05", ".06", ".06", "~.02", ".12 (± .06)"),
    ("(e) synonyms of actions", ".15", ".17", ".16", "~.01", ".12"),
    ("(f) go-to tasks, before French", ".30", ".31", ".30", ".27", "~.95 to 1.0"),
    ("(f) the same in French", "-", "-", "-", ".03", "~.01"),
)
# Panel (a), for the figure: name -> success rate.
PUBLISHED_TRAINING = {
    "random": 0.15,
    "DRRN": 0.14,
    "NPAE": 0.17,
    "Flan-T5, zero-shot": 0.11,
    "GFlan-T5, trained": 0.89,
}
READING_ERROR = 0.01

KINDS = ("go to", "pick up", "open", "put next", "sequence")


def kind_of(mission: str) -> str:
    """Which of the five kinds of task a mission is."""
    if "pick up" in mission and "go to" in mission:
        return "sequence"
    start = {"go": "go to", "pick": "pick up", "open": "open", "put": "put next"}
    return start[mission.split()[0]]


def untrained_model(folder: pathlib.Path, seed: int) -> LanguageModel:
    """A GPT-2 of two layers with random weights, its tokenizer trained on captions.

    It knows nothing, so that what it reaches is what an order among six actions reaches by itself.
    """
    needed_by = "the untrained model"
    torch = require("torch", extra="hf", needed_by=needed_by)
    transformers = require("transformers", extra="hf", needed_by=needed_by)
    tokenizers = require("tokenizers", extra="hf", needed_by=needed_by)
    transformers.utils.logging.disable_progress_bar()
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_captions(seed), trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>"
    )
    torch.manual_seed(seed)
    end = fast.eos_token_id
    config = transformers.GPT2Config(
        vocab_size=len(fast),
        n_positions=1024,
        n_embd=64,
        n_layer=2,
        n_head=2,
        bos_token_id=end,
        eos_token_id=end,
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return get_model(f"hf:{folder}?device=cpu")


def _captions(seed: int) -> list[str]:
    """Texts of the level, for the tokenizer."""
    env = gymnasium.make(ENV_ID, style="glam")
    texts = ["turn left, turn right, go forward, pick up, drop, toggle"]
    for number in range(30):
        text, info = env.reset(seed=seed + number)
        texts += [text, info["mission"]]
        for action in (0, 2, 2, 1, 2):
            texts.append(env.step(action)[0])
    env.close()
    return texts


def settings_of(args: argparse.Namespace, episodes: int, **own: Any) -> Settings:
    """What all players share."""
    return Settings(
        ids=(ENV_ID,),
        episodes=episodes,
        seed=args.seed,
        style="glam",
        max_steps=_SMOKE_STEPS if args.smoke else None,
        **own,
    )


def model_rows(args: argparse.Namespace, episodes: int, samples: Sequence[bool]) -> list[Row]:
    """A model's rows: the most probable action, or a drawn one."""
    is_untrained = (args.smoke and args.llm is None) or args.llm == UNTRAINED
    label = "an untrained model (random weights)" if is_untrained else args.label or args.llm
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        own = untrained_model(pathlib.Path(temporary), args.seed) if is_untrained else None
        folder = args.runs / players.folder_name(label)
        gateway = players.open_model(args, folder, own)
        if own is not None:
            gateway.name = f"{UNTRAINED}:{args.seed}"  # not the name of the temporary folder
        try:
            for sample in samples:
                way = "sampled" if sample else "greedy"
                settings = settings_of(
                    args,
                    episodes,
                    agent="score",
                    llm=args.llm or UNTRAINED,
                    prompt="glam",
                    sample=sample,
                    keep_prompts=False,
                )
                row = players.play(
                    settings,
                    folder / way,
                    player=f"{label}, {way}",
                    kind="untrained" if is_untrained else "model",
                    game=GAME,
                    model=gateway,
                    concurrency=args.concurrency,
                )
                rows.append(_with_details(row, folder / way, settings))
        finally:
            gateway.close()
    return rows


def baseline_rows(args: argparse.Namespace, episodes: int, rows: Sequence[Row]) -> list[Row]:
    """Random play and Minigrid's bot, on the same episodes."""
    found = []
    for agent, player, kind in (
        ("random", "random", "random"),
        ("bot", "Minigrid's bot", "expert"),
    ):
        stored = result_rows.stored_episodes(rows, player, GAME, args.seed)
        settings = settings_of(args, max(episodes, stored), agent=agent)
        row = players.play(
            settings,
            args.runs / agent,
            player=player,
            kind=kind,
            game=GAME,
            concurrency=args.concurrency,
            random_of=_ACTIONS if agent == "random" else None,
        )
        found.append(_with_details(row, args.runs / agent, settings))
    return found


def _with_details(row: Row, folder: pathlib.Path, settings: Settings) -> Row:
    """The row with its episodes' kinds of task and the shares of its actions."""
    kinds, actions = [], Counter[str]()
    for path in players.traces(folder, settings):
        steps = read_trace(path).steps
        kinds.append(kind_of(steps[0]["mission"]))
        actions.update(step["text_action"] for step in steps)
    by_kind = {kind: {"episodes": 0, "successes": 0, "steps": 0} for kind in KINDS}
    played = zip(kinds, row.values["success"], row.values["length"], strict=True)
    for kind, success, length in played:
        counts = by_kind[kind]
        counts["episodes"] += 1
        counts["successes"] += round(success)
        counts["steps"] += round(length)
    total = actions.total()
    shares = {name: round(count / total, 4) for name, count in actions.most_common()}
    row.more.update(kinds=by_kind, actions=shares)
    return row


# The page

PAGE = """# GLAM's action scoring, zero-shot

Written by `python benchmarks/glam.py`. Success rates of GLAM's mix of five kinds of task with 95 %
intervals (Wilson).

## Ours

{ours}

- Each action is scored by the sum of its tokens' log-probabilities as the continuation of GLAM's
  prompt. "Greedy" plays the most probable action, "sampled" draws it by the softmax of the six.
- Players of one seed played the same episodes; the difference to random is paired, p is of a
  permutation test. Random play draws among the six actions that GLAM offers.
- "An untrained model" is a GPT-2 of two layers with random weights. What it reaches takes no
  language at all.

### By kind of task

Successes in % with their intervals, and the episodes of that kind.

{kinds}

### What was played

Shares of the actions in %.

{actions}

## Published

Success rates read from the bars of a figure, so to ± {error}: GLAM (Carta et al., ICML 2023),
`docs/images/generalization_tests.png` of flowersteam/Grounding_LLMs_with_online_RL; 1000 test
episodes, two seeds. Flan-T5-large (780M) is zero-shot, GFlan-T5 trained by reinforcement learning.
"~" marks rougher readings.

{published}

Ours are comparable with (a) only, and these are the differences:

- The published score of an action is the sum of its tokens' logits, not normalised, with 1.0 for
  each place by which it is shorter than the longest; ours is the log-probability.
- The published actions are drawn, also in tests: compare "sampled".
- GLAM draws the kind of task once an instance of the environment, ours in every episode. If its
  instances run side by side and episodes are counted as they end, kinds with short episodes count
  more often. "Equal time" is what our episodes come to under that count (each kind played for the
  same number of steps). Whether the published numbers were counted so was not checked.

![success rates](glam{smoke}.png)
"""


def page(args: argparse.Namespace, rows: Sequence[Row]) -> str:
    """The page in Markdown."""
    ours, kinds, actions = [], [], []
    for row in ordered(rows):
        baseline = result_rows.find(rows, "random", GAME, row.seed)
        length = row.interval("length")
        name = f"{row.player}, seed {row.seed}"
        ours.append(
            (
                row.player,
                row.seed,
                row.episodes,
                result_rows.shown(row.interval("success"), percent=True),
                "-" if length is None else f"{length.mean:.1f}",
                _equal_time(row.more["kinds"]),
                result_rows.against(row, baseline, "success", percent=True),
            )
        )
        kinds.append((name, *(_kind_cell(row.more["kinds"][kind]) for kind in KINDS)))
        shares = row.more["actions"].items()
        actions.append((name, ", ".join(f"{action} {100 * s:.1f}" for action, s in shares)))
    return PAGE.format(
        ours=result_rows.table(
            (
                *("player", "seed", "episodes", "success %", "steps"),
                *("equal time %", "success - random's"),
            ),
            ours,
        ),
        kinds=result_rows.table(("player", *KINDS), kinds),
        actions=result_rows.table(("player", "actions"), actions),
        error=READING_ERROR,
        published=result_rows.table(PUBLISHED_COLUMNS, PUBLISHED),
        smoke=".smoke" if args.smoke else "",
    )


def _equal_time(kinds: Mapping[str, Mapping[str, int]]) -> str:
    """The success rate if every kind were played for the same number of steps."""
    if not all(counts["episodes"] for counts in kinds.values()):
        return "-"
    # Episodes of a kind in a step, and its successes in a step.
    often = [counts["episodes"] / counts["steps"] for counts in kinds.values()]
    good = [counts["successes"] / counts["steps"] for counts in kinds.values()]
    return f"{100 * sum(good) / sum(often):.1f}"


def _kind_cell(counts: dict[str, int]) -> str:
    if not counts["episodes"]:
        return "-"
    interval = wilson(counts["successes"], counts["episodes"])
    return f"{result_rows.shown(interval, percent=True)} ({counts['episodes']})"


def ordered(rows: Sequence[Row]) -> list[Row]:
    """Models first, then the untrained one, random play and the bot."""
    kinds = ("model", "untrained", "random", "expert")
    return sorted(rows, key=lambda row: (kinds.index(row.kind), row.player, row.seed or 0))


def figure(rows: Sequence[Row]) -> Any:
    """What draws success rates as bars, ours above the published ones."""
    bars = []
    for row in ordered(rows):
        interval = row.interval("success")
        assert interval is not None
        mean, low, high = interval
        color = "tab:blue" if row.kind == "model" else "tab:orange"
        bars.append((f"{row.player}, seed {row.seed}", mean, (mean - low, high - mean), color))
    error = (READING_ERROR, READING_ERROR)
    bars += [
        (f"{name} (published)", rate, error, "lightgrey")
        for name, rate in PUBLISHED_TRAINING.items()
    ]
    bars.reverse()

    def draw(pyplot: Any) -> Any:
        chart, axes = pyplot.subplots(figsize=(9, 0.4 * len(bars) + 1), layout="constrained")
        axes.barh(
            range(len(bars)),
            [bar[1] for bar in bars],
            xerr=[[max(bar[2][side], 0) for bar in bars] for side in (0, 1)],
            color=[bar[3] for bar in bars],
            ecolor="black",
            capsize=2,
        )
        axes.set_yticks(range(len(bars)), [bar[0] for bar in bars], fontsize=8)
        axes.set_xlabel("success rate (ours: 95 % intervals; published: the reading error)")
        axes.set_xlim(0, 1.02)
        return chart

    return draw


def main(argv: Sequence[str] | None = None) -> None:
    """Play what was asked for, and write the results."""
    parser = common.options(__doc__, f"{_EPISODES}, as published; of a smoke run {_SMOKE_EPISODES}")
    parser.add_argument(
        "--sample", action="store_true", help="draw actions by their probability, as published"
    )
    args = common.read_arguments(parser, "glam", argv)
    _, rows = common.read_results(args)
    episodes = args.episodes or (_SMOKE_EPISODES if args.smoke else _EPISODES)
    new = []
    if args.llm is not None or args.smoke:
        # A smoke run tries both ways.
        new += model_rows(args, episodes, (False, True) if args.smoke else (args.sample,))
    new += baseline_rows(args, episodes, rows)
    rows = result_rows.merge(rows, new)
    common.write_results(args, rows, {}, page(args, rows), figure(rows))


if __name__ == "__main__":
    common.guarded(main)
