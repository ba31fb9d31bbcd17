"""OpenSimplex noise on a fixed grid, whole fields at once, equal to the last bit.

Three-dimensional OpenSimplex noise (K. Spencer's algorithm, as in opensimplex 0.4.5, which Crafter
draws its worlds with) sums the contributions of up to eight points of a lattice around a place.
Which points, how far they are, and how much they weigh does not depend on the seed: only the
gradients at the points do. So all geometry is worked out once for a grid (:class:`Field`), and a
new seed costs a look-up of gradients and a weighted sum.

Every floating-point operation is done in the order of the published code, so that the values are
the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "gradient_table"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_STRETCH = -1.0 / 6
_SQUISH = 1.0 / 3
_NORM = 103
_REACH = 2  # a point contributes while its squared distance is less

# The 24 gradients: (+-11, +-4, +-4) in all orders, eight triples by signs.
_SIGNS = (
    *((-1, 1, 1), (1, 1, 1), (-1, -1, 1), (1, -1, 1)),
    *((-1, 1, -1), (1, 1, -1), (-1, -1, -1), (1, -1, -1)),
)
_GRADIENTS = np.array(
    [
        [(11 if axis == long else 4) * signs[axis] for axis in range(3)]
        for signs in _SIGNS
        for long in range(3)
    ],
    np.float64,
)

_LCG_FACTOR, _LCG_TERM = 6364136223846793005, 1442695040888963407
_WORD = 1 << 64


def gradient_table(seed: int) -> tuple[list[int], Floats]:
    """The permutation that a seed makes, and the gradient that each of its entries stands for.

    Args:
        seed: any integer; taken modulo 2**64.

    Returns:
        256 integers, and (256, 3) gradients.
    """
    permutation = [0] * 256
    source = list(range(256))
    state = seed
    for _ in range(3):
        state = (state * _LCG_FACTOR + _LCG_TERM) % _WORD
    for i in range(255, -1, -1):
        state = (state * _LCG_FACTOR + _LCG_TERM) % _WORD
        signed = state - _WORD if state >= _WORD // 2 else state
        chosen = (signed + 31) % (i + 1)
        permutation[i] = source[chosen]
        source[chosen] = source[i]
    return permutation, _GRADIENTS[np.array(permutation) % len(_GRADIENTS)]


# The lattice points of the three regions of a cell, as offsets from its corner, in the order in
# which their contributions are added.
_MAIN = {
    "near": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "far": ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)),
    "between": ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)),
}
_SLOTS = 8

# The two extra points, by the code of the closest vertices (bit 0 is x, bit 1 is y, bit 2 is z).
_NEAR_ONE = {1: ((1, -1, 0), (1, 0, -1)), 2: ((-1, 1, 0), (0, 1, -1)), 4: ((-1, 0, 1), (0, -1, 1))}
_FAR_ONE = {3: ((2, 1, 0), (1, 2, 0)), 5: ((2, 0, 1), (1, 0, 2)), 6: ((0, 2, 1), (0, 1, 2))}
_TWICE = {1: (2, 0, 0), 2: (0, 2, 0), 4: (0, 0, 2)}
_LACKING = {3: (1, 1, -1), 5: (1, -1, 1), 6: (-1, 1, 1)}


def _bits(code: int, one: int, none: int) -> tuple[int, int, int]:
    return (one if code & 1 else none, one if code & 2 else none, one if code & 4 else none)


class Field:
    """A noise field on a grid: give it a seed's gradients, get its values.

    Args:
        x: the first coordinates, any shape.
        y: the second, the same shape.
        z: the third, one for all.
    """

    def __init__(self, x: Floats, y: Floats, z: float) -> None:
        self.shape = x.shape
        x, y = x.ravel().astype(np.float64), y.ravel().astype(np.float64)
        offset = (x + y + z) * _STRETCH
        stretched = [x + offset, y + offset, z + offset]
        corner = [np.floor(axis).astype(np.int64) for axis in stretched]
        squish = (corner[0] + corner[1] + corner[2]) * _SQUISH
        inside = [axis - c for axis, c in zip(stretched, corner, strict=True)]
        from_corner = [
            axis - (c + squish) for axis, c in zip((x, y, np.full_like(x, z)), corner, strict=True)
        ]
        points, swapped = _lattice_points(inside)
        self._weigh(points, swapped, np.stack(corner, 1), np.stack(from_corner, 1))

    def _weigh(
        self, points: Integers, swapped: NDArray[np.bool_], corner: Integers, from_corner: Floats
    ) -> None:
        """Keep of each cell's points the weight, the offset and the lattice place."""
        squish = points.sum(2, keepdims=True) * _SQUISH
        distance = (from_corner[:, None] - points) - squish
        # Of one point the published code subtracts the two in the other order.
        distance[swapped, 7] = (from_corner[swapped] - squish[swapped, 7]) - points[swapped, 7]
        dx, dy, dz = np.moveaxis(distance, 2, 0)
        attenuation = _REACH - dx * dx - dy * dy - dz * dz
        attenuation[points[..., 0] == _NO_POINT] = 0
        attenuation = np.maximum(attenuation, 0)
        attenuation *= attenuation
        self._weight = (attenuation * attenuation).T.copy()  # (8, cells)
        self._distance = distance.transpose(2, 1, 0).copy()  # (3, 8, cells)
        places = (corner[:, None] + points) & 0xFF
        flat, self._place = np.unique(
            places[..., 0] << 16 | places[..., 1] << 8 | places[..., 2], return_inverse=True
        )
        self._place = np.ascontiguousarray(self._place.reshape(points.shape[:2]).T)
        self._lattice = np.stack((flat >> 16, flat >> 8 & 0xFF, flat & 0xFF))

    def values(
        self, table: tuple[list[int], Floats], cells: NDArray[np.intp] | None = None
    ) -> Floats:
        """The noise for a seed's gradients.

        Args:
            table: see :func:`gradient_table`.
            cells: flat indices of the cells that are wanted; None for the whole grid.

        Returns:
            The values: (n,) for n cells, or the grid's shape.
        """
        permutation, gradients = np.array(table[0]), table[1]
        x, y, z = self._lattice
        found = gradients[(permutation[(permutation[x] + y) & 0xFF] + z) & 0xFF]
        place, weight, distance = self._place, self._weight, self._distance
        if cells is not None:
            place, weight, distance = place[:, cells], weight[:, cells], distance[:, :, cells]
        # weight * (gx * dx + gy * dy + gz * dz), in that order and in place.
        contributions = found[:, 0].take(place)
        contributions *= distance[0]
        for axis in (1, 2):
            term = found[:, axis].take(place)
            term *= distance[axis]
            contributions += term
        contributions *= weight
        value = contributions[0].copy()
        for contribution in contributions[1:]:
            value += contribution
        value /= _NORM
        return value if cells is not None else value.reshape(self.shape)


_NO_POINT = 9  # marks an empty slot; no offset is as large


def _lattice_points(inside: list[Floats]) -> tuple[Integers, NDArray[np.bool_]]:
    """Choose each cell's lattice points.

    Args:
        inside: where in its stretched cube each cell lies, three arrays in [0, 1).

    Returns:
        (cells, 8, 3) offsets, empty slots marked, and which cells are of the kind whose last point
        is reckoned in the other order.
    """
    x, y, z = inside
    total = x + y + z
    near, far = total <= 1, total >= 2
    points = np.full((len(x), _SLOTS, 3), _NO_POINT, np.int64)
    swapped = np.zeros(len(x), bool)
    for region, mask in (("near", near), ("far", far), ("between", ~near & ~far)):
        main = _MAIN[region]
        points[mask, : len(main)] = main
        # The extra points come last, so that the order of addition is the published one.
        extra, is_swapped = _EXTRAS[region](x[mask], y[mask], z[mask], total[mask])
        points[mask, 6:8] = extra
        swapped[mask] = is_swapped
    return points, swapped


def _look_up(table: Mapping[int, Sequence[Sequence[int]]], codes: Integers) -> Integers:
    dense = np.zeros((8, 2, 3), np.int64)
    for code, pair in table.items():
        dense[code] = pair
    return dense[codes]


def _extra_near(
    x: Floats, y: Floats, z: Floats, total: Floats
) -> tuple[Integers, NDArray[np.bool_]]:
    a, a_score, b, b_score = np.full(len(x), 1), x, np.full(len(x), 2), y
    to_b = (a_score >= b_score) & (z > b_score)
    to_a = (a_score < b_score) & (z > a_score)
    b, b_score = np.where(to_b, 4, b), np.where(to_b, z, b_score)
    a, a_score = np.where(to_a, 4, a), np.where(to_a, z, a_score)
    rest = 1 - total
    corner_is_close = (rest > a_score) | (rest > b_score)
    one = _look_up(_NEAR_ONE, np.where(b_score > a_score, b, a))
    both = _look_up({c: (_bits(c, 1, 0), _bits(c, 1, -1)) for c in (3, 5, 6)}, a | b)
    return np.where(corner_is_close[:, None, None], one, both), np.zeros(len(x), bool)


def _extra_far(
    x: Floats, y: Floats, z: Floats, total: Floats
) -> tuple[Integers, NDArray[np.bool_]]:
    a, a_score, b, b_score = np.full(len(x), 6), x, np.full(len(x), 5), y
    to_b = (a_score <= b_score) & (z < b_score)
    to_a = (a_score > b_score) & (z < a_score)
    b, b_score = np.where(to_b, 3, b), np.where(to_b, z, b_score)
    a, a_score = np.where(to_a, 3, a), np.where(to_a, z, a_score)
    rest = 3 - total
    corner_is_close = (rest < a_score) | (rest < b_score)
    one = _look_up(_FAR_ONE, np.where(b_score < a_score, b, a))
    both = _look_up({c: (_bits(c, 1, 0), _bits(c, 2, 0)) for c in (1, 2, 4)}, a & b)
    return np.where(corner_is_close[:, None, None], one, both), np.zeros(len(x), bool)


def _extra_between(
    x: Floats, y: Floats, z: Floats, total: Floats
) -> tuple[Integers, NDArray[np.bool_]]:
    def side(pair: Floats, far: int, near: int) -> tuple[Floats, Integers, NDArray[np.bool_]]:
        is_far = pair > 1
        return np.where(is_far, pair - 1, 1 - pair), np.where(is_far, far, near), is_far

    a_score, a, a_far = side(x + y, 3, 4)
    b_score, b, b_far = side(x + z, 5, 2)
    score, c, c_far = side(y + z, 6, 1)
    to_a = (a_score <= b_score) & (a_score < score)
    to_b = (a_score > b_score) & (b_score < score)
    a, a_far = np.where(to_a, c, a), np.where(to_a, c_far, a_far)
    b, b_far = np.where(to_b, c, b), np.where(to_b, c_far, b_far)
    both_far = _look_up({c: ((1, 1, 1), point) for c, point in _TWICE.items()}, a & b)
    both_near = _look_up({c: ((0, 0, 0), point) for c, point in _LACKING.items()}, a | b)
    further, nearer = np.where(a_far, a, b), np.where(a_far, b, a)
    lacking = _look_up({c: (point, point) for c, point in _LACKING.items()}, further)
    twice = _look_up({c: (point, point) for c, point in _TWICE.items()}, nearer)
    mixed = np.stack((lacking[:, 0], twice[:, 1]), 1)
    same = np.where((a_far & b_far)[:, None, None], both_far, both_near)
    is_mixed = a_far != b_far
    return np.where(is_mixed[:, None, None], mixed, same), is_mixed


_EXTRAS = {"near": _extra_near, "far": _extra_far, "between": _extra_between}
