"""Statistics of the follow graph: rows G of the calibration table."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components, shortest_path

from mimic.schema import LANGUAGES
from prep.arrays import Bools, Floats, Ints
from prep.facts import Facts, Measures, gini, tail_exponent, top_share
from prep.parameters import START


def measure_graph(f: Facts) -> Measures:
    """Rows G1 to G19: who follows whom."""
    n, follower, followed = f.users, *f.edges
    out, into = np.bincount(follower, minlength=n), np.bincount(followed, minlength=n)
    back = f.mutual.nnz / len(follower)
    graph = sp.csr_array((np.ones(len(follower), np.int8), (follower, followed)), shape=(n, n))
    lang = f.hidden("users", "lang")
    share = np.bincount(lang, minlength=len(LANGUAGES)) / n
    memberships = f.hidden("users", "memberships")
    primary = memberships[:, 0]
    posts = np.bincount(f.author, minlength=n)
    none_back = np.bincount(np.repeat(np.arange(n), np.diff(f.mutual.indptr)), minlength=n) == 0
    rng = f.world.rng("measure")
    near = _together(memberships, follower, followed).mean()
    chance = _together(memberships, rng.integers(0, n, len(followed)), followed).mean()
    strong = connected_components(graph, connection="strong")[1]
    weak = connected_components(graph, connection="weak")[1]
    return {
        "G1": len(follower) / n,
        "G2 following": float(np.median(out)),
        "G2 followers": float(np.median(into)),
        "G3": gini(into),
        "G4 Gini": gini(out),
        "G4 top 10 %": top_share(out, 0.1),
        "G5 top 20 %": top_share(into, 0.2),
        "G5 top 1 %": top_share(into, 0.01),
        "G6": tail_exponent(into),
        "G7": float(into.max() / n),
        "G8 followers": float((into == 0).mean()),
        "G8 following": float((out == 0).mean()),
        "G9": back,
        "G10": float(none_back[out > 0].mean()),
        "G13 weak": float(np.bincount(weak).max() / n),
        "G13 strong": float(np.bincount(strong).max() / n),
        "G14": _mean_path(graph, out, rng),
        "G16": float((lang[follower] == lang[followed]).mean()),
        "G16 chance": float((share**2).sum()),
        "G17": float(near),
        "G17 lift": float(near / chance),
        "G18": _interest_lift(f.hidden("users", "interests"), follower, followed, rng),
        "G19 degrees": _correlation(np.log1p(into), np.log1p(out)),
        "G19 tweets": _correlation(np.log1p(into), np.log1p(posts)),
        "G20": float((f.hidden("follows", "created_at") >= START).mean()),
        "primary share": float((primary[follower] == primary[followed]).mean()),
        **_clustering(f.mutual, rng),
    }


def _together(memberships: Ints, users: Ints, others: Ints) -> Bools:
    """Whether two users share a community."""
    mine, theirs = memberships[users], memberships[others]
    shared = np.zeros(len(users), bool)
    for k in range(mine.shape[1]):
        shared |= (mine[:, k] >= 0) & (theirs == mine[:, k : k + 1]).any(axis=1)
    return shared


def _correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _interest_lift(interests: Floats, follower: Ints, followed: Ints, rng: np.random.Generator) -> float:
    """Mean cosine of interests of linked users against random pairs."""
    unit = interests / np.linalg.norm(interests, axis=1, keepdims=True)
    some = rng.integers(0, len(follower), 20_000)
    linked = (unit[follower[some]] * unit[followed[some]]).sum(axis=1).mean()
    a, b = rng.integers(0, len(unit), (2, 20_000))
    return float(linked / (unit[a] * unit[b]).sum(axis=1).mean())


def _mean_path(graph: sp.csr_array, out: Ints, rng: np.random.Generator) -> float:
    """Mean finite directed distance from 50 users who follow somebody."""
    start = rng.choice(np.flatnonzero(out > 0), size=50, replace=False)
    distance = shortest_path(graph, method="D", unweighted=True, indices=start)
    return float(distance[np.isfinite(distance) & (distance > 0)].mean())


def _clustering(mutual: sp.csr_array, rng: np.random.Generator) -> Measures:
    """Local clustering in the mutual graph by degree; at most 20 000 users are looked at."""
    n = mutual.shape[0]
    rows = np.arange(n) if n <= 20_000 else np.sort(rng.choice(n, 20_000, replace=False))
    part = mutual[rows]
    degree = np.diff(part.indptr)
    closed = np.asarray((part @ mutual).multiply(part).sum(axis=1)).ravel()
    local = closed / np.maximum(degree * (degree - 1), 1)
    bands = {"G11 degree 4 to 6": (4, 6), "G11 degree 15 to 25": (15, 25), "G11 degree 60 to 139": (60, 139)}
    means = {}
    for name, (low, high) in bands.items():
        inside = (degree >= low) & (degree <= high)
        means[name] = float(local[inside].mean()) if inside.any() else float("nan")
    return means
