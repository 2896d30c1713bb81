"""Are the communities right, and do they find tweets? `python benchmarks/communities.py --data DIR`.

Ours by both objectives against a library's Leiden (leidenalg, where the bench environment has it, else
networkx's Louvain; the tables name which) on the same producer graph. Both choose their resolution on
held-out follow edges; only then are they compared with the planted primary communities. Then
SimClusters-ANN with each of them plugged in, judged by the true values.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

import networkx as nx  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import samples
import sources
from numpy.typing import NDArray
from samples import Bootstrap, Figure, Request, Table
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
from tqdm import tqdm

from mimic import DataLoader
from mimic.retrieval.communities import Communities, CommunityConfig, Kind, held_out_likelihood
from mimic.retrieval.interested_in import InterestedIn
from mimic.retrieval.metropolis import anneal
from mimic.retrieval.objectives import Network
from mimic.retrieval.producer_graph import Follows, producer_graph
from mimic.retrieval.simclusters import SimClusters
from prep.oracle import Oracle

Array = NDArray[Any]

SEEDS: Final = 5
LIMIT: Final = 200
"""Tweets that SimClusters-ANN returns to a user."""
BASELINE: Final = 500
"""Tweets of topic history × freshness × popularity that it is to find others than."""
PEER: Final = "Leiden" if find_spec("leidenalg") else "Louvain"
PEER_RESOLUTIONS: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
KINDS: Final[tuple[Kind, ...]] = ("modularity", "published")


def peer(graph: Network, resolution: float, seed: int) -> Array:
    """int64[P]: the library's communities of a graph by modularity."""
    one_way = graph.sources < graph.neighbours.values
    ends = graph.sources[one_way], graph.neighbours.values[one_way]
    weights = graph.weights[one_way].tolist()
    pairs = list(zip(*(end.tolist() for end in ends), strict=True))
    label = np.zeros(len(graph), np.int64)
    if PEER == "Leiden":
        import igraph  # type: ignore[import-not-found]
        import leidenalg  # type: ignore[import-not-found]

        found = leidenalg.find_partition(
            igraph.Graph(len(graph), pairs),
            leidenalg.RBConfigurationVertexPartition,
            weights=weights,
            resolution_parameter=resolution,
            seed=seed,
            n_iterations=-1,
        )
        label[:] = found.membership
        return label
    whole = nx.empty_graph(len(graph))
    whole.add_weighted_edges_from((*pair, weight) for pair, weight in zip(pairs, weights, strict=True))
    for number, members in enumerate(
        nx.community.louvain_communities(whole, resolution=resolution, seed=seed)
    ):
        label[list(members)] = number
    return label


def peer_choice(data: DataLoader, ours: Communities, config: CommunityConfig) -> pd.DataFrame:
    """The held-out likelihood of the peer's communities at each resolution, chosen as ours is."""
    follows, language = Follows.of(data, ours.producers), data.users["lang"][ours.producers]
    rows = []
    for turn in tqdm(range(config.rounds), desc=PEER, file=sys.stderr):
        aside = config.rng(1, turn).random(len(follows.follower)) < config.held_out
        seen, held = follows.only(~aside), follows.only(aside)
        graph = producer_graph(seen, config.neighbours)
        for resolution in PEER_RESOLUTIONS:
            label = peer(graph, resolution, turn)
            rows.append((resolution, held_out_likelihood(seen, held, label, language), count(label)))
    table = pd.DataFrame(rows, columns=["resolution", "likelihood", "communities"])
    return table.groupby("resolution", as_index=False).mean()


def count(label: Array) -> int:
    """Communities of two or more."""
    return int((np.bincount(label[label >= 0]) > 1).sum())


def exact(value: float, n: int = 1) -> Figure:
    """A figure without an interval."""
    return {"value": round(float(value), 5), "n": n}


def agreement(
    planted: Array, labels: list[Array], resolutions: list[float], seconds: list[float]
) -> dict[str, Figure]:
    """How well partitions from several seeds match the planted one."""
    named = [
        np.where(x < 0, x.max() + np.cumsum(x < 0), x) for x in labels
    ]  # who is alone is one by themselves
    shared = np.array([adjusted_mutual_info_score(planted, label) for label in named])
    nmi = np.array([normalized_mutual_info_score(planted, label) for label in named])
    many = len(labels)
    return {
        "resolution": exact(np.mean(resolutions), many),
        "communities": exact(np.mean([count(label) for label in labels]), many),
        "AMI": exact(shared.mean(), many),
        "sd of AMI": exact(shared.std(), many),
        "NMI": exact(nmi.mean(), many),
        "seconds": exact(np.mean(seconds), many),
    }


def as_many(graph: Network, wanted: int) -> float:
    """The resolution at which the peer finds about as many communities."""
    low, high = 0.25, 32.0
    for _ in range(6):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if count(peer(graph, middle, 0)) < wanted else (low, middle)
    return float(np.sqrt(low * high))


def fitted(data: DataLoader, kind: Kind, planted: Array) -> tuple[Communities, dict[str, Figure]]:
    """Ours from several seeds: the first, and how well all match."""
    found, seconds = [], []
    for seed in range(SEEDS):
        config = CommunityConfig(objective=kind, seed=seed)
        found.append(Communities.of(data, config))
        objective = config.objective_at(found[-1].resolution)
        start = time.perf_counter()
        anneal(found[-1].graph, objective, config.schedule, config.rng(0))
        seconds.append(time.perf_counter() - start)
    labels, resolutions = [one.community for one in found], [one.resolution for one in found]
    return found[0], agreement(planted[found[0].producers], labels, resolutions, seconds)


def rivalled(graph: Network, resolution: float, planted: Array) -> tuple[Array, dict[str, Figure]]:
    """The peer's from several seeds: the first, and how well all match."""
    found, seconds = [], []
    for seed in range(SEEDS):
        start = time.perf_counter()
        found.append(peer(graph, resolution, seed))
        seconds.append(time.perf_counter() - start)
    return found[0], agreement(planted, found, [resolution], seconds)


def compared(data: DataLoader, planted: Array) -> tuple[Table, Table, dict[str, Communities]]:
    """Agreement with the planted communities, the choices of resolution, and one partition of each kind."""
    table: Table = {}
    choices: Table = {}
    plugged: dict[str, Communities] = {}
    for kind in KINDS:
        plugged[kind], table[f"ours, {kind}"] = fitted(data, kind, planted)
        table_of_kind = pd.DataFrame(
            plugged[kind].choice, columns=["resolution", "likelihood", "communities"]
        )
        choices |= likelihoods(kind, table_of_kind)
    ours = plugged["modularity"]
    rivals = peer_choice(data, ours, CommunityConfig())
    choices |= likelihoods(PEER, rivals)
    best = float(rivals["resolution"][rivals["likelihood"].argmax()])
    equal = as_many(ours.graph, len(ours))
    for name, resolution in {"chosen": best, "resolution 1": 1.0, "as many": equal}.items():
        label, row = rivalled(ours.graph, resolution, planted[ours.producers])
        table[f"{PEER}, {name}"], plugged[f"{PEER}, {name}"] = row, ours.regrouped(label)
    plugged["the truth"] = ours.regrouped(planted[ours.producers])
    return table, choices, plugged


def likelihoods(name: str, choice: pd.DataFrame) -> Table:
    """Rows of the table of choices; likelihoods less the best of the same method, which differ late."""
    return {
        f"{name} {row.resolution:g}": {
            "likelihood": exact(row.likelihood),
            "less the best": exact(row.likelihood - choice["likelihood"].max()),
            "communities": exact(row.communities),
        }
        for row in choice.itertuples()
    }


def measure(r: Request, indexes: Mapping[str, SimClusters], others: Array) -> dict[str, float]:
    """Everything that is averaged later, for one request."""
    unwanted = np.zeros(len(r.data.users), bool)
    unwanted[[r.user, *r.data.following.of(r.user)]] = True
    known = np.union1d(r.rows[np.flatnonzero(r.inside)[-200:]], r.rows[others])
    best = r.rows[r.best]
    row = {"user": float(r.user), "best": r.value[r.best].sum()}
    for name, index in indexes.items():
        for by in ("cosine", "partial"):
            start = time.perf_counter()
            found, _ = index.search(r.user, unwanted, LIMIT, by=by)
            label = f"{name}, {by}"
            row[f"ms of {label}"] = 1e3 * (time.perf_counter() - start)
            found = found[np.isin(found, r.rows)]
            hit = np.isin(best, found)
            row[f"size of {label}"] = len(found)
            row[f"coverage of {label}"] = hit.sum() / 100
            row[f"beyond of {label}"] = (hit & ~np.isin(best, known)).sum() / 100
            values = r.value[np.searchsorted(r.rows, found)]
            row[f"value of {label}"] = np.sort(values)[::-1][:100].sum()
    return row


def covered(
    oracle: Oracle, data: DataLoader, plugged: Mapping[str, Communities], users: int, seed: int
) -> Table:
    """What SimClusters-ANN finds with each partition, over all users."""
    rows = []
    sample = samples.active_users(data, users, seed)
    with samples.progress(sum(len(drawn) for _, drawn in sample)) as bar:
        for at, drawn in sample:
            snapshot = data.as_of(at)
            indexes = {
                name: SimClusters.of(snapshot, InterestedIn.of(snapshot, communities))
                for name, communities in plugged.items()
            }
            moment = sources.Moment(snapshot)
            for request in samples.requests(oracle, snapshot, drawn, bar):
                rows += [measure(request, indexes, sources.topic_popular(moment, request, BASELINE))]
    frame = pd.DataFrame(rows)
    draws = Bootstrap.of(frame["user"].to_numpy(), seed)
    table: Table = {}
    for name in (f"{name}, {by}" for name in plugged for by in ("cosine", "partial")):
        values = {kind: frame[f"{kind} of {name}"].to_numpy(float) for kind in ("size", "coverage", "beyond")}
        table[name] = {kind: draws.mean(column) for kind, column in values.items()}
        table[name]["value coverage"] = draws.mean(
            frame[f"value of {name}"].to_numpy(), frame["best"].to_numpy()
        )
        table[name]["median ms"] = exact(frame[f"ms of {name}"].median(), len(frame))
    return table


def main() -> int:
    """Print the tables and write them."""
    options = samples.options("Are the communities right, and do they find tweets?")
    oracle, data = Oracle.open(options.data), DataLoader.open(options.data)
    agreements, choices, plugged = compared(data, oracle._h.truth.people.memberships[:, 0])
    tables = {
        "agreement with the planted communities, seconds of a search": agreements,
        "held-out follows": choices,
        "SimClusters-ANN": covered(oracle, data, plugged, options.users, options.seed),
    }
    samples.publish(options, data, "communities", tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
