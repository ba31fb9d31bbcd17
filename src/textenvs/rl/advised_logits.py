"""How advice changes a policy: a term that is added to its logits."""

from __future__ import annotations

import torch

__all__ = ["advised_logits"]


def advised_logits(
    logits: torch.Tensor,
    advice: torch.Tensor,
    *,
    strength: float,
    threshold: float,
    scaled: bool,
) -> torch.Tensor:
    """The logits of a policy that is advised.

    ``scaled`` is in5490's ``logits + v * |logits| / |v| * strength``: the advice is as strong as
    the policy is sure of itself, whatever the advice's own size. Else ``logits + strength * v``.
    In both v is the advice above the threshold; where none is, the logits stay. The lengths are
    constants to the gradient.

    Args:
        logits: (batch, actions).
        advice: (batch, actions).
        strength: how much it counts; 0 for not at all.
        threshold: advice up to which nothing is added.
        scaled: in5490's rule.

    Returns:
        (batch, actions).
    """
    if not strength:
        return logits
    values = torch.where(advice > threshold, advice, torch.zeros_like(advice)).to(logits.dtype)
    if not scaled:
        return logits + strength * values
    length = values.norm(dim=-1, keepdim=True)
    unit = values / torch.where(length > 0, length, torch.ones_like(length))
    return logits + strength * logits.detach().norm(dim=-1, keepdim=True) * unit
