"""``textenvs finetune``: from training rows to a model, here or at a server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textenvs.cli.arguments import not_negative, positive, positive_number
from textenvs.cli.consoles import result_console, status_console

if TYPE_CHECKING:
    from textenvs.finetuning.trainer import Progress

__all__ = ["add", "run"]

_EPOCHS, _BATCH_SIZE = 3, 4
# The options of one provider alone, and what they are if they are not given.
_LOCAL: dict[str, Any] = {
    "learning_rate": 2e-5,
    "gradient_accumulation": 1,
    "schedule": "linear",
    "warmup": 0.0,
    "weight_decay": 0.0,
    "full": False,
    "lora_rank": 16,
    "lora_alpha": None,
    "lora_dropout": 0.0,
    "lora_targets": "all-linear",
    "max_length": None,
    "eval_steps": None,
    "save_steps": None,
    "patience": 3,
    "device": None,
    "dtype": "auto",
    "gradient_checkpointing": False,
}
_HOSTED: dict[str, Any] = {
    "base_url": None,
    "learning_rate_multiplier": None,
    "prices": None,
    "max_usd": None,
    "encoding": None,
    "dry_run": False,
    "job": None,
    "poll_seconds": 5.0,
    "retries": 10,
}


def add(add_command: Callable[..., argparse.ArgumentParser], commands: Any) -> None:
    """Add the command and its options."""
    parser = add_command(
        commands,
        "finetune",
        run,
        "fine-tune a model on training rows, here or at a server",
        "  textenvs finetune --training-file train.jsonl --model models/small --out runs/tuned\n"
        "  textenvs finetune --provider openai --training-file train.jsonl --model MODEL "
        "--out runs/tuned\n"
        "The same command goes on with a run that was stopped.",
    )
    parser.add_argument("--training-file", metavar="FILE", help="JSON Lines to learn from")
    parser.add_argument(
        "--model", metavar="MODEL", help="a folder or a name, as behind hf: or openai:"
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder of the run")
    parser.add_argument(
        "--provider",
        choices=("local", "openai"),
        default="local",
        help="who trains: TRL here, or a server that speaks OpenAI's API (local)",
    )
    parser.add_argument("--suffix", default="", metavar="S", help="part of the tuned model's name")
    parser.add_argument(
        "--epochs",
        type=positive,
        default=_EPOCHS,
        metavar="N",
        help=f"passes over the rows ({_EPOCHS})",
    )
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=_BATCH_SIZE,
        metavar="N",
        help=f"rows at once ({_BATCH_SIZE})",
    )
    parser.add_argument("--validation-file", metavar="FILE", help="JSON Lines that are held out")
    parser.add_argument(
        "--validation",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="hold out this share of the training file, whole episodes where rows tell them (0)",
    )
    parser.add_argument("--seed", type=not_negative, default=0, metavar="S", help="seed (0)")
    _add_local(parser)
    _add_hosted(parser)


def _add_local(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("provider local")

    def option(name: str, **arguments: Any) -> None:
        group.add_argument(name, default=None, **arguments)

    option("--learning-rate", type=positive_number, metavar="R", help="the highest (2e-5)")
    option("--gradient-accumulation", type=positive, metavar="N", help="batches a step (1)")
    option("--schedule", choices=("linear", "cosine", "constant"), help="how it falls (linear)")
    option("--warmup", type=_share, metavar="SHARE", help="of the steps, in which it rises (0)")
    option("--weight-decay", type=_zero_or_more, metavar="X", help="of AdamW (0)")
    option("--full", action="store_true", help="train all weights, and not a LoRA adapter")
    option("--lora-rank", type=positive, metavar="N", help="of the adapter (16)")
    option("--lora-alpha", type=positive_number, metavar="X", help="its scale (twice the rank)")
    option("--lora-dropout", type=_share, metavar="SHARE", help="in the adapter (0)")
    option("--lora-targets", metavar="NAMES", help="modules, with commas between (all-linear: all)")
    option(
        "--max-length",
        type=positive,
        metavar="N",
        help="leave out rows of more tokens (what the model can read)",
    )
    option(
        "--eval-steps",
        type=positive,
        metavar="N",
        help="steps between evaluations and checkpoints (the end of each epoch)",
    )
    option("--save-steps", type=positive, metavar="N", help="steps between further checkpoints")
    option(
        "--patience",
        type=not_negative,
        metavar="N",
        help="stop after N evaluations without a better one; 0 for never (3)",
    )
    option("--device", metavar="DEVICE", help="cpu, cuda or cuda:N (a GPU if there is one)")
    option("--dtype", choices=("auto", "float32", "bfloat16"), help="what it computes in (auto)")
    option("--gradient-checkpointing", action="store_true", help="less memory for more computation")


def _add_hosted(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("provider openai")

    def option(name: str, **arguments: Any) -> None:
        group.add_argument(name, default=None, **arguments)

    option("--base-url", metavar="URL", help="the server's address (OPENAI_BASE_URL, else OpenAI)")
    option(
        "--learning-rate-multiplier",
        type=positive_number,
        metavar="X",
        help="of the server's own learning rate (the server's choice)",
    )
    option(
        "--prices",
        metavar="FILE",
        help='JSON: {"MODEL": {"training": X}}, USD for 1M tokens, to estimate the cost',
    )
    option("--max-usd", type=positive_number, metavar="X", help="refuse a job estimated above it")
    option(
        "--encoding",
        metavar="NAME",
        help="count tokens with this encoding of tiktoken (characters / 4)",
    )
    option("--dry-run", action="store_true", help="check and estimate, and send nothing")
    option("--job", metavar="ID", help="wait for this job, and make none")
    option(
        "--poll-seconds",
        type=positive_number,
        metavar="X",
        help="the first wait between two looks at the job; the waits grow to a minute (5)",
    )
    option(
        "--retries",
        type=not_negative,
        metavar="N",
        help="how often a failed request is sent again (10)",
    )


def run(options: argparse.Namespace) -> int:
    """Fine-tune, and print the name of the model."""
    local = options.provider == "local"
    own, others = (_LOCAL, _HOSTED) if local else (_HOSTED, _LOCAL)
    for name in others:
        if getattr(options, name) is not None:
            raise ValueError(_misplaced(name, options.provider))
    given = {name: getattr(options, name) for name in own}
    settings = {name: own[name] if value is None else value for name, value in given.items()}
    if settings.get("job") is None:
        for name in ("training_file", "model"):
            if getattr(options, name) is None:
                raise ValueError(f"expected {_option(name)}, got none")
    record = _run_local(options, settings) if local else _run_hosted(options, settings)
    console = result_console()
    for key, value in (record.get("metrics") or {}).items():
        shown = f"{value:.4g}" if isinstance(value, float) else value
        console.print(f"{key.replace('_', ' ')}: {shown}", soft_wrap=True)
    if record["model"] is not None:
        console.print(f"Run: {Path(options.out)}", soft_wrap=True)
        console.print(f"Model: {record['model']}", soft_wrap=True)
    return 0


def _misplaced(name: str, provider: str) -> str:
    if name == "learning_rate":
        return (
            "expected --learning-rate-multiplier with --provider openai, got --learning-rate: the "
            "API takes a multiplier of its own learning rate and no rate"
        )
    return f"expected options of --provider {provider}, got {_option(name)}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _common(options: argparse.Namespace) -> dict[str, Any]:
    names = (
        *("training_file", "model", "validation_file", "validation", "suffix", "epochs"),
        *("batch_size", "seed"),
    )
    return {name: getattr(options, name) for name in names}


def _run_local(options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    from textenvs.finetuning.local import LocalSettings, finetune_local

    device = settings.pop("device")
    gradient_checkpointing = settings.pop("gradient_checkpointing")
    with _Display() as display:
        return finetune_local(
            LocalSettings(**_common(options), **settings),
            options.out,
            device=device,
            gradient_checkpointing=gradient_checkpointing,
            on_progress=display.show,
            say=display.say,
        )


def _run_hosted(options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    from textenvs.finetuning.hosted import (
        HostedSettings,
        Waiting,
        finetune_hosted,
        follow_job,
        read_training_price,
    )
    from textenvs.llm.retry import RetryPolicy

    console = status_console()

    def say(text: str) -> None:
        console.print(text, soft_wrap=True)

    waiting = Waiting(settings["poll_seconds"], max(settings["poll_seconds"], Waiting.longest))
    retry = RetryPolicy(retries=settings["retries"])
    if settings["job"] is not None:
        return follow_job(
            settings["job"],
            options.out,
            base_url=settings["base_url"],
            waiting=waiting,
            retry=retry,
            say=say,
        )
    price = None
    if settings["prices"] is not None:
        price = read_training_price(settings["prices"], options.model)
    return finetune_hosted(
        HostedSettings(
            **_common(options),
            learning_rate_multiplier=settings["learning_rate_multiplier"],
            base_url=settings["base_url"],
        ),
        options.out,
        price=price,
        max_usd=settings["max_usd"],
        encoding=settings["encoding"],
        dry_run=settings["dry_run"],
        waiting=waiting,
        retry=retry,
        say=say,
    )


class _Display:
    """A bar of steps, on stderr."""

    def __init__(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps{task.description}"),
            TimeElapsedColumn(),
            console=status_console(),
        )
        self._task: Any = None

    def __enter__(self) -> _Display:
        return self

    def __exit__(self, *error: object) -> None:
        if self._task is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=progress.steps)
        said = ""
        if progress.loss is not None:
            said += f", loss {progress.loss:.3f}"
        if progress.validation_loss is not None:
            said += f", held out {progress.validation_loss:.3f}"
        if progress.predicted is not None:
            said += f", predicted {progress.predicted:.1%}"
        self._bar.update(
            self._task, completed=progress.step, total=progress.steps, description=said
        )

    def say(self, text: str) -> None:
        """Print a remark above the bar."""
        self._bar.console.print(text, soft_wrap=True)


def _share(text: str) -> float:
    """A number in [0, 1)."""
    number = _zero_or_more(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"expected a share in [0, 1), got {text!r}")
    return number


def _zero_or_more(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, got {text!r}")
    return number
