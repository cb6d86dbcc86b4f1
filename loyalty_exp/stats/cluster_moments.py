"""What is kept of the clusters of one arm: the moments of cluster totals, grouped by cluster size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loyalty_exp.stats.moments import Matrix, Moments, Vector, checked, from_rows


@dataclass(frozen=True, slots=True, eq=False)
class ClusterArm:
    """The clusters of one arm, grouped by size.

    Attributes
    ----------
    sizes : tuple of int
        Distinct numbers of members in a cluster, ascending.
    cells : tuple of Moments
        For each size, over the clusters of that size: moments of the cluster totals of every column.
    """

    sizes: tuple[int, ...]
    cells: tuple[Moments, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.cells) or list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError("one cell for each distinct size, ascending")
        if any(m < 1 for m in self.sizes) or len({c.columns for c in self.cells}) > 1:
            raise ValueError("cluster sizes of at least 1, and the same columns in every cell")

    @property
    def n_clusters(self) -> int:
        """Clusters in the arm."""
        return sum(c.n for c in self.cells)

    @property
    def n(self) -> int:
        """Members in the arm."""
        return sum(m * c.n for m, c in zip(self.sizes, self.cells, strict=True))

    def mean(self, columns: Sequence[str]) -> Vector:
        """Means over members, shape (k,)."""
        totals = sum((c.n * c.select(columns).mean for c in self.cells), np.zeros(len(columns)))
        return np.asarray(totals) / self.n

    def __add__(self, other: ClusterArm) -> ClusterArm:
        """Join disjoint sets of clusters, exactly."""
        found: dict[int, Moments] = dict(zip(self.sizes, self.cells, strict=True))
        for m, cell in zip(other.sizes, other.cells, strict=True):
            found[m] = found[m] + cell if m in found else cell
        return ClusterArm(tuple(sorted(found)), tuple(found[m] for m in sorted(found)))

    def residual_products(self, columns: Sequence[str]) -> tuple[Matrix, ...]:
        """For each size, ``sum_g r_g r_g'`` with ``r_g = total_g - size_g * mean``; rounding error is 0.

        Each has shape (k, k).

        Raises
        ------
        ValueError
            For moments that no data can have.
        """
        center = self.mean(columns)
        out = []
        for m, cell in zip(self.sizes, self.cells, strict=True):
            chosen = checked(cell.select(columns))
            gap = chosen.mean - m * center
            out.append(chosen.comoment + cell.n * np.outer(gap, gap))
        floor = sum(
            c.n * (1e-12 * m * np.abs(center)) ** 2 for m, c in zip(self.sizes, self.cells, strict=True)
        )
        gone = np.diag(sum(out, np.zeros((len(columns),) * 2))) <= floor
        for s in out:
            s[gone, :] = 0.0
            s[:, gone] = 0.0
        return tuple(out)


def from_totals(totals: Mapping[str, npt.ArrayLike], sizes: npt.ArrayLike) -> ClusterArm:
    """Group plain cluster rows by size.

    Parameters
    ----------
    totals : mapping of column to array, shape (G,)
        Sum over the members of each cluster.
    sizes : array of int, shape (G,)
        Members in each cluster, at least 1.
    """
    m = np.asarray(sizes)
    columns = {k: np.asarray(v, dtype=np.float64) for k, v in totals.items()}
    distinct = np.unique(m)
    cells = tuple(from_rows({k: v[m == size] for k, v in columns.items()}) for size in distinct)
    return ClusterArm(tuple(int(s) for s in distinct), cells)


def cluster_totals(
    columns: Mapping[str, npt.ArrayLike], cluster: npt.ArrayLike
) -> tuple[dict[str, Vector], npt.NDArray[np.int64]]:
    """Sum member rows by cluster: totals by column, and sizes, in the order of the sorted cluster ids.

    Parameters
    ----------
    columns : mapping of name to array, shape (n,)
        One value a member.
    cluster : array, shape (n,)
        Id of the cluster of each member.
    """
    _, at, sizes = np.unique(np.asarray(cluster), return_inverse=True, return_counts=True)
    totals: dict[str, Vector] = {
        k: np.bincount(at, np.asarray(v, dtype=np.float64), len(sizes)).astype(np.float64)
        for k, v in columns.items()
    }
    return totals, sizes.astype(np.int64)


def from_members(columns: Mapping[str, npt.ArrayLike], cluster: npt.ArrayLike) -> ClusterArm:
    """Group member rows of one arm by cluster, then clusters by size.

    Parameters
    ----------
    columns : mapping of name to array, shape (n,)
        One value a member.
    cluster : array, shape (n,)
        Id of the cluster of each member.
    """
    return from_totals(*cluster_totals(columns, cluster))
