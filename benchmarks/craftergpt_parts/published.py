"""What is published of CrafterGPT and of others on Crafter, each with its source."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "DESPAWN_CHOICES",
    "ENV_ID",
    "GAMES",
    "PUBLISHED_GAMES",
    "PUBLISHED_MEANS",
    "PUBLISHED_RANDOM",
    "PUBLISHED_REWARDS",
    "PUBLISHED_SCORES",
    "PUBLISHED_SKEW",
    "PUBLISHED_TOP",
]

ENV_ID = "Crafter-Text-SmartPlay-v0"

# CrafterGPT's twenty recorded games: seed -> (rows, the reward they add up to).
# Source: techandy42/CrafterGPT b5c33d3, results/.
PUBLISHED_GAMES: Mapping[str, Mapping[int, tuple[int, float]]] = {
    "prompt_only": {
        44: (174, 3.1),
        59: (200, 1.1),
        106: (144, 0.1),
        255: (75, 0.1),
        277: (155, 1.1),
        383: (162, 0.1),
        474: (171, 0.1),
        620: (195, 0.1),
        804: (209, 2.1),
        996: (164, 1.1),
    },
    "fine_tuned": {
        92: (185, -0.9),
        159: (154, -0.9),
        162: (178, -0.9),
        245: (148, -0.9),
        385: (37, 0.1),
        576: (337, -0.9),
        708: (91, -0.9),
        777: (209, -0.9),
        807: (37, -0.9),
        993: (54, -0.9),
    },
}
GAMES = sum(map(len, PUBLISHED_GAMES.values()))
PUBLISHED_MEANS = {"prompt_only": 0.90, "fine_tuned": -0.80}
# What was counted when all twenty were there: of single games (group, seed) -> (the most frequent
# action, its uses), and the most frequent actions of the groups.
PUBLISHED_SKEW: Mapping[tuple[str, int], tuple[str, int]] = {
    ("fine_tuned", 576): ("Make Stone Pickaxe", 187),
    ("fine_tuned", 708): ("Make Stone Pickaxe", 83),
}
PUBLISHED_TOP: Mapping[str, tuple[str, ...]] = {
    "prompt_only": ("Make Iron Sword", "Make Iron Pickaxe", "Move West", "Make Wood Pickaxe"),
    "fine_tuned": ("Make Stone Pickaxe", "Make Iron Pickaxe", "Make Wood Pickaxe"),
}

# The published game draws the creature to remove from a set ordered by memory address; ours takes
# them in order of creation. In these eight games that makes a difference: event -> index of the
# creature that went. An event is a removal where there were two creatures or more to choose from.
# They were found on the published game; those of 576 are a list of every event, in which 32 entries
# stand against 27 events by another count, which is not resolved.
DESPAWN_CHOICES: Mapping[int, Mapping[int, int]] = {
    59: {2: 1},
    159: {0: 0, 1: 1, 2: 0, 3: 1, 4: 2, 5: 2},
    162: {4: 0},
    474: {2: 0},
    576: dict(
        enumerate(
            (
                *(1, 1, 1, 1, 2, 2, 0, 0, 2, 2, 1, 1, 0, 2, 0, 0),
                *(0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1),
            )
        )
    ),
    620: {2: 0},
    807: {2: 0},
    993: {0: 1, 1: 2},
}

# danijar/crafter e04542a, README: agent -> score, reward. Both are means over a training of 1M
# steps (humans: five players), +- the deviation between its seeds (players).
PUBLISHED_SCORES = (
    ("human experts", "50.5 ± 6.8", "14.3 ± 2.3"),
    ("SPRING (GPT-4)", "27.3 ± 1.2", "12.3 ± 0.7"),
    ("Achievement Distillation", "21.8 ± 1.4", "12.6 ± 0.3"),
    ("Curious Replay", "19.4 ± 1.6", "-"),
    ("PPO (ResNet)", "15.6 ± 1.6", "10.3 ± 0.5"),
    ("DreamerV3", "14.5 ± 1.6", "11.7 ± 1.9"),
    ("LSTM-SPCNN", "12.1 ± 0.8", "-"),
    ("EDE", "11.7 ± 1.0", "-"),
    ("OC-SA", "11.1 ± 0.7", "-"),
    ("DreamerV2", "10.0 ± 1.2", "9.0 ± 1.7"),
    ("ELLM", "-", "6.0 ± 0.4 (5M steps)"),
    ("PPO", "4.6 ± 0.3", "4.2 ± 1.2"),
    ("Rainbow", "4.3 ± 0.2", "6.0 ± 1.3"),
    ("Plan2Explore", "2.1 ± 0.1", "2.1 ± 1.5"),
    ("RND", "2.0 ± 0.1", "0.7 ± 1.3"),
    ("random", "1.6 ± 0.0", "2.1 ± 1.3"),
)
PUBLISHED_RANDOM = 1.38
PUBLISHED_REWARDS = (
    ("CrafterGPT, prompt-only (Llama-2-7B-chat)", 10, "0.90", "techandy42/CrafterGPT b5c33d3"),
    ("CrafterGPT, fine-tuned (Llama-2-7B)", 10, "-0.80", "the same"),
    ("random", "about 29,500", PUBLISHED_RANDOM, "danijar/crafter e04542a, scores/"),
)
