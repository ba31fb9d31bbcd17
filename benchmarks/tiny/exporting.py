"""The trained model as it is shipped, and the report of how it was trained."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import torch
import transformers
from matplotlib import pyplot

from textenvs import __version__
from textenvs.llm.backends.tiny import SUMS
from textenvs.traces import replace_file
from tiny.rounds import LEARNED, PLAYED, SEED

__all__ = ["copy_model", "export"]

_OF_MODELS = ("config.json", "generation_config.json", "model.safetensors")
_OF_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def copy_model(checkpoint: Path, folder: Path) -> None:
    """Keep of a checkpoint what makes a model; the folder, not there yet, appears as a whole."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in (*_OF_MODELS, *_OF_TOKENIZERS):
        if (checkpoint / name).exists():
            shutil.copy2(checkpoint / name, fresh / name)
    fresh.replace(folder)


def export(model: Path, work: Path, rounds: int, out: Path, report: Path) -> None:
    """Write the model in bfloat16, its checksums, and how it was trained."""
    out.mkdir(parents=True, exist_ok=True)
    found = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    found.config.use_cache = found.generation_config.use_cache = True  # the trainer needs none
    found.save_pretrained(out)
    transformers.AutoTokenizer.from_pretrained(model).save_pretrained(out)
    sums = {
        name: hashlib.sha256((out / name).read_bytes()).hexdigest()
        for name in (*_OF_MODELS, *_OF_TOKENIZERS)
        if (out / name).exists()
    }
    replace_file(out / SUMS, "".join(f"{value}  {name}\n" for name, value in sums.items()))
    history: list[Any] = []
    for number in range(rounds):
        folder = work / f"round-{number}"
        played = json.loads((folder / PLAYED).read_text())
        history.append({"played": played, **json.loads((folder / LEARNED).read_text())})
    record = {"textenvs": __version__, "seed": SEED, "parameters": found.num_parameters()}
    replace_file(
        report.with_suffix(".json"), json.dumps({**record, "rounds": history}, indent=1) + "\n"
    )
    _draw(history, report.with_suffix(".png"))


def _draw(rounds: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the loss, and the share of held-out answers that are right, over all rounds."""
    matplotlib.use("Agg")
    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(8, 5), sharex=True, layout="constrained"
    )
    before = 0
    for number, each in enumerate(rounds):
        for axes, key in ((above, "loss"), (below, "held_out")):
            points = [(before + x["step"], x[key]) for x in each["history"] if key in x]
            axes.plot(*zip(*points, strict=True), color=f"C{number}", label=f"round {number}")
        before += max(x["step"] for x in each["history"])
    above.set_yscale("log")
    above.set_ylabel("loss a token")
    above.legend()
    below.set_ylabel("held-out answers to the letter")
    below.set_xlabel("steps")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
