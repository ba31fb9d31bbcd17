"""The fine-tuning workflow in one command: roll out, filter, fine-tune, roll out again, compare.

    python benchmarks/crafter_finetune.py --llm hf:PATH --games runs/best          # Crafter
    python benchmarks/crafter_finetune.py --llm small --level babyai --teacher bot  # BabyAI
    python benchmarks/crafter_finetune.py --smoke

Each step is a command of ``textenvs``, printed as it would be typed; all of them go on where they
were stopped, and so does this one. The games to learn from are the traces in ``--games``, or those
of ``--teacher``: the model itself ("self", as in the published guide), "random" or "bot". They are
played with another seed than the games on which base and tuned are compared.

``--llm small`` is a language model of under a million parameters, with random weights and a
tokenizer trained on the level's captions, made for this run: it shows what the workflow does,
without a download. Writes ``crafter_finetune_LEVEL.json`` and ``.md``, and the comparison's figure.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

import common
import textenvs  # noqa: F401  # registers the ids
from textenvs.cli import main as textenvs_command
from textenvs.cli.arguments import positive, seed
from textenvs.errors import require
from textenvs.traces import replace_file

ROOT = Path(__file__).resolve().parent.parent
SMALL = "small"
_AT_ONCE = 32  # games, and so prompts in a batch

# The example of the published guide (synth-laboratories/synth-ai, its workflow's README).
PUBLISHED = (
    ("achievement rate (3 or more)", "23.4 %", "41.2 % (+17.8)"),
    ("average reward", "8.7", "12.3 (+3.6)"),
    ("efficiency, reward a turn", "0.29", "0.41 (+0.12)"),
)


@dataclass(frozen=True)
class Level:
    """What is played, how the model is asked, and which games are good."""

    env_id: str
    prompt: str
    criteria: tuple[str, ...]
    teacher: str
    max_steps: int
    turns: int  # past ones that the model is shown


LEVELS = {
    "crafter": Level("Crafter-Text-v0", "default", ("--min-achievements", "3"), "self", 300, 4),
    "babyai": Level("BabyAI-Text-GoToObj-v0", "glam", ("--success",), "bot", 32, 0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workflow, and write what it came to."""
    args = _parser().parse_args(arguments)
    if args.smoke:
        args.llm, args.level, args.epochs = SMALL, "babyai", 1
        args.teacher, args.games_played, args.episodes = "bot", 20, 6
    level = LEVELS[args.level]
    if args.llm == SMALL:
        args.full, args.learning_rate = True, args.learning_rate or "1e-3"
    if args.smoke:
        args.work = common.temporary(args.work, "finetune")
    work = (args.work or Path("runs") / "finetune") / args.level
    out = work if args.smoke else args.out
    work.mkdir(parents=True, exist_ok=True)
    base = _base(args.llm, level, work)
    style = f"hf:{base}"
    shown = ("--prompt", level.prompt, "--turns", level.turns)
    ask = ("--agent", "naive", *shown, "--answer-tokens", 12)
    play = (
        "--concurrency",
        _AT_ONCE,
        "--episodes",
        args.episodes,
        "--seed",
        args.seed,
        "--max-steps",
        level.max_steps,
    )
    _run("eval", level.env_id, *ask, "--llm", style, *play, "--out", work / "base")
    _run("eval", level.env_id, "--agent", "random", *play, "--out", work / "random")
    games = args.games or _games(args, level, ask, style, work)
    rows = work / "train.jsonl"
    if not rows.exists():
        _run(
            *("filter", "--input", games, "--output", rows, *level.criteria),
            *(*shown, "--ask", "naive", "--validation", "0.1", "--metadata"),
        )
    _run("validate", rows)
    _run(
        *("finetune", "--training-file", rows, "--model", base, "--out", work / "tuned-model"),
        *("--validation-file", rows.with_suffix(".validation.jsonl"), "--suffix", args.level),
        *("--epochs", args.epochs, "--batch-size", args.batch_size),
        *(("--full",) if args.full else ()),
        *(("--learning-rate", args.learning_rate) if args.learning_rate else ()),
    )
    tuned = json.loads((work / "tuned-model" / "finetune.json").read_text())["model"]
    _run("eval", level.env_id, *ask, "--llm", tuned, *play, "--out", work / "tuned")
    _run(
        *("compare", "--experiment", f"base={work / 'base'}"),
        *("--experiment", f"tuned={work / 'tuned'}"),
        *("--experiment", f"random={work / 'random'}", "--output-dir", work / "comparison"),
    )
    _write(args, level, work, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--llm", default=SMALL, help="hf:PATH, or small (small)")
    parser.add_argument("--level", choices=tuple(LEVELS), default="crafter")
    parser.add_argument("--games", type=Path, help="traces to learn from")
    parser.add_argument("--teacher", choices=("self", "random", "bot"), help="who plays them")
    parser.add_argument("--games-played", type=positive, default=500, help="by the teacher (500)")
    parser.add_argument("--episodes", type=positive, default=100, help="of base and of tuned (100)")
    parser.add_argument("--seed", type=seed, default=0)
    parser.add_argument("--epochs", type=positive, default=3)
    parser.add_argument("--batch-size", type=positive, default=16)
    parser.add_argument("--learning-rate", help="(the default of textenvs finetune)")
    parser.add_argument("--full", action="store_true", help="train all weights, no adapter")
    parser.add_argument(
        "--work", type=Path, help="its folder (runs/finetune; of a smoke run a temporary one)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    parser.add_argument("--smoke", action="store_true", help="a minute, in a temporary folder")
    return parser


def _run(*arguments: Any) -> None:
    """Run a command of textenvs, shown as it would be typed.

    Raises:
        SystemExit: with its status, if it fails.
    """
    typed = [str(argument) for argument in arguments]
    print(f"\n$ textenvs {shlex.join(typed)}", flush=True)
    status = textenvs_command(typed)
    if status:
        raise SystemExit(status)


def _games(
    args: argparse.Namespace, level: Level, ask: Sequence[Any], llm: str, work: Path
) -> Path:
    """Let the teacher play, on other worlds than the comparison's."""
    teacher = args.teacher or level.teacher
    player = (*ask, "--llm", llm) if teacher == "self" else ("--agent", teacher)
    _run(
        *("eval", level.env_id, *player, "--episodes", args.games_played),
        *("--seed", args.seed + 1, "--style", "glam" if level.prompt == "glam" else "default"),
        *("--max-steps", level.max_steps, "--out", work / "games"),
    )
    return work / "games"


def _base(llm: str, level: Level, work: Path) -> Path:
    """The folder of the model to begin with."""
    if llm != SMALL:
        kind, _, path = llm.partition(":")
        if kind != "hf":
            raise SystemExit(f"expected a local model, hf:PATH, or small, got {llm!r}")
        return Path(path)
    folder = work / "small"
    if not (folder / "config.json").exists():
        _make_small(level, folder)
    return folder


def _make_small(level: Level, folder: Path) -> None:
    """A small language model that knows nothing."""
    torch = require("torch", extra="hf", needed_by="the small model")
    transformers = require("transformers", extra="hf", needed_by="the small model")
    tokenizers = require("tokenizers", extra="hf", needed_by="the small model")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    ends = ["<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=ends,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_captions(level), trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>"
    )
    fast.chat_template = (
        "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
        "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(fast),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=8192,
        bos_token_id=1,
        eos_token_id=1,
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    half = folder.with_suffix(".new")
    shutil.rmtree(half, ignore_errors=True)
    transformers.LlamaForCausalLM(config).save_pretrained(half)
    fast.save_pretrained(half)
    half.replace(folder)


def _captions(level: Level) -> list[str]:
    """Texts of the level, on worlds of their own, for the tokenizer."""
    env = gymnasium.make(level.env_id, style="glam" if level.prompt == "glam" else "default")
    env.action_space.seed(0)
    texts = [", ".join(env.get_wrapper_attr("action_names")), "Possible action of the agent: "]
    for number in range(50):
        text, info = env.reset(seed=10_000 + number)
        texts += [str(text), str(info.get("mission", "")), "Goal of the agent: Observation Action"]
        texts += [str(env.step(env.action_space.sample())[0]) for _ in range(5)]
    env.close()
    return texts


def _write(args: argparse.Namespace, level: Level, work: Path, out: Path) -> None:
    """The page, the numbers and the figure."""
    name = f"crafter_finetune_{args.level}" + (".smoke" if args.smoke else "")
    comparison = json.loads((work / "comparison" / "comparison.json").read_text())
    tuning = json.loads((work / "tuned-model" / "finetune.json").read_text())
    stats = json.loads((work / "train.jsonl.stats.json").read_text()) if not args.games else {}
    kept = {
        "level": level.env_id,
        "llm": args.llm,
        "teacher": str(args.games) if args.games else args.teacher or level.teacher,
        "comparison": comparison,
        "metrics": tuning.get("metrics"),
        "rows": stats.get("rows"),
    }
    written = json.dumps(kept, indent=2).replace(str(work), "runs")
    replace_file(out / f"{name}.json", f"{written}\n")
    replace_file(out / f"{name}.md", _page(args, level, work, kept))
    for figure in ("success_rate", "achievement_rate", "average_reward"):
        drawn = work / "comparison" / f"{figure}.png"
        if drawn.exists():
            shutil.copyfile(drawn, out / f"{name}.png")
            break
    print(f"\nWritten: {out / name}.md")


def _page(args: argparse.Namespace, level: Level, work: Path, kept: dict[str, Any]) -> str:
    comparison = (work / "comparison" / "comparison.md").read_text()
    body = comparison.partition("\n")[2].strip().replace(str(work), "runs")
    published = "\n".join(f"| {name} | {base} | {tuned} |" for name, base, tuned in PUBLISHED)
    model = "a Llama of four layers with random weights" if args.llm == SMALL else f"`{args.llm}`"
    smoke = "**A smoke run, no result.**\n\n" if args.smoke else ""
    return f"""# Fine-tuning on {level.env_id}

{smoke}Written by `python benchmarks/crafter_finetune.py --level {args.level} --llm {args.llm}
--games-played {args.games_played} --episodes {args.episodes} --epochs {args.epochs}`. Base:
{model}. Learnt from: the games of `{kept["teacher"]}` that pass `{" ".join(level.criteria)}`. Base,
tuned and random play the same {args.episodes} worlds, none of which was learnt from.

{body}

## Published

The example of the published guide (synth-laboratories/synth-ai); it names neither seeds nor the
number of episodes, and is no result that ours could be held against.

| | base | tuned |
|---|---|---|
{published}
"""


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    main()
