"""Chapter 7: faults planted in embeddings, vectors that come too late, towers asked; and its exercises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mimic.course.benched import tables_of
from mimic.course.climb import Truth
from mimic.course.exercise import Exercise, Misconception, WrongKind, close_to, number, number_from
from mimic.data_loader import HOUR_MS, DataLoader
from mimic.errors import MimicError
from mimic.held_out import HOURS, engaged_users, held_out
from mimic.history import WEIGHT_OF_KIND
from mimic.schema import ENGAGEMENTS, RESPONSES

if TYPE_CHECKING:  # torch takes seconds to import
    from mimic.models.embedding_model import Edges

__all__ = ["BATCH_LOSS", "FAULTS", "LENT", "WITHOUT_VECTOR", "Batch", "Factors", "Faulty"]
__all__ += ["answering_strangers", "ask", "faulty", "late_vectors", "peers", "response_matrix"]

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

_KINDS: Final = np.array([RESPONSES.index(kind) for kind in ENGAGEMENTS])


# ---------------------------------------------------------------- 7a: faults, planted

FAULTS: Final = (
    "negatives labelled 1",
    "translations without gradient",
    "negatives without translation",
    "no uniform negatives",
)
"""What the published TwHIN code does (the-algorithm-ml, projects/twhin/models/models.py)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Faulty:
    """A small model of translations with faults, and what became of it."""

    users: Floats
    """float32[users, dims]."""
    tweets: Floats
    """float32[tweets, dims]."""
    translations: Mapping[str, Floats]
    """float32[dims] for each relation."""
    loss: Floats
    """float32[steps]: logistic loss, positives and negatives weighing the same."""

    def moved(self, relation: str, users: Ints) -> Floats:
        """e_s + θ_r, float32[n, dims]."""
        return np.asarray(self.users[users] + self.translations[relation])

    def targets(self, relation: str, rows: Ints) -> Floats:
        """e_t, float32[n, dims]."""
        return np.asarray((self.users if relation == "follow" else self.tweets)[rows])

    def scores(self, relation: str, users: Ints, rows: Ints) -> Floats:
        """(e_s + θ_r) · e_t of pairs, float32[n]."""
        return np.asarray((self.moved(relation, users) * self.targets(relation, rows)).sum(axis=1))


def faulty(
    tables: Mapping[str, int],
    edges: Mapping[str, Edges],
    faults: tuple[str, ...] = (),
    *,
    dims: int = 16,
    epochs: int = 1,
    batch: int = 1024,
    negatives: int = 20,
    seed: int = 0,
) -> Faulty:
    """Train a model as TwHIN's paper has it, with some of the FAULTS of the published code.

    Each edge is set against `negatives` targets that the batch shares, half of them lent by its other edges
    and half uniform; the loss is logistic, and negatives are scaled to weigh as much as positives.

    Raises:
        MimicError: there is no such fault.
    """
    import torch

    from mimic.models.embedding_model import EmbeddingModel
    from mimic.models.training import RowwiseAdagrad, fit, seeded, shuffled_batches

    if unknown := set(faults) - set(FAULTS):
        raise MimicError(f"no fault {min(unknown)!r}; there are: {', '.join(FAULTS)}")
    rng, kinds = np.random.default_rng(seed), list(edges.values())
    with seeded(seed):
        model = EmbeddingModel(tables, {name: one.tables for name, one in edges.items()}, dims)
        for vector in model.translations.values():
            torch.nn.init.uniform_(vector)  # as published
            vector.requires_grad_(FAULTS[1] not in faults)
    kind = np.repeat(np.arange(len(kinds)), [len(one.source) for one in kinds])
    source, target = (
        np.concatenate([getattr(one, end) for one in kinds]).astype(np.int64) for end in ("source", "target")
    )

    def loss_of(rows: NDArray[np.int64]) -> torch.Tensor:
        name, one = list(edges.items())[kind[rows[0]]]
        uniform = 0 if FAULTS[3] in faults else negatives // 2
        false = np.concatenate(
            (
                target[rows][rng.integers(0, len(rows), negatives - uniform)],
                rng.integers(0, tables[one.tables[1]], uniform),
            )
        )
        start = torch.from_numpy(source[rows])
        moved = model.moved(name, start)
        plain = model.vectors[one.tables[0]](start) if FAULTS[2] in faults else moved
        true = (moved * model.targets(name, torch.from_numpy(target[rows]))).sum(dim=1)
        others = plain @ model.targets(name, torch.from_numpy(false)).T
        label = torch.full_like(others, float(FAULTS[0] in faults))
        bce = torch.nn.functional.binary_cross_entropy_with_logits
        return (bce(true, torch.ones_like(true)) + bce(others, label)) / 2

    learnt = [values for values in model.parameters() if values.requires_grad]
    batches = shuffled_batches(kind, batch, epochs, rng)
    loss = fit(RowwiseAdagrad(learnt, 0.3), batches, loss_of, what="embeddings")
    arrays = model.arrays()
    return Faulty(
        users=arrays["users"],
        tweets=arrays.get("tweets", np.zeros((0, dims), np.float32)),
        translations={name: arrays[name] for name in edges},
        loss=loss,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """A matrix factorised, to be asked what `Twhin` is: sources and targets have vectors of their own."""

    left: Floats
    """float[sources, dims]."""
    right: Floats
    """float[targets, dims]."""

    def moved(self, _relation: str, users: Ints) -> Floats:
        """Vectors of sources; nothing moves them."""
        return np.asarray(self.left[users])

    def targets(self, _relation: str, rows: Ints) -> Floats:
        """Vectors of targets."""
        return np.asarray(self.right[rows])


# ---------------------------------------------------------------- 7a: vectors that come too late


def late_vectors(data: DataLoader, hours: tuple[float, ...]) -> pd.Series[float]:
    """Share of the likes after a snapshot whose tweet has no vector, by hours between two trainings.

    With 0 hours a vector is there at the second response; otherwise a like finds a vector where anybody
    had liked, retweeted or answered the tweet before the latest training, which is at the snapshot's own
    moment and every so many hours from then on. NaN where nothing is liked.
    """
    log, new = data.as_of(data.manifest.end).interactions, len(data.interactions)
    answers = np.flatnonzero(np.isin(log["kind"], [RESPONSES.index(n) for n in ("like", "retweet", "reply")]))
    tweets, first = np.unique(log["tweet"][answers], return_index=True)
    born = np.full(int(log["tweet"].max(initial=0)) + 1, np.iinfo(np.int64).max)
    born[tweets] = log["at"][answers[first]]  # the first response to each
    likes = new + np.flatnonzero(log["kind"][new:] == RESPONSES.index("like"))
    at, since = log["at"][likes], born[log["tweet"][likes]]
    shares = {}
    for every in hours:
        step = max(round(every * HOUR_MS), 1)
        trained = data.now + (at - data.now) // step * step
        shares[every] = float(np.mean(since >= trained)) if len(likes) else float("nan")
    return pd.Series(shares, name="share without a vector")


# ---------------------------------------------------------------- 7b: methods, asked for strangers' tweets


Scores = Callable[[int], NDArray[Any]]
"""From a user (row) to a score of every tweet since `data.since("tweets")`."""


def answering_strangers(data: DataLoader, hours: float = HOURS) -> NDArray[np.int64]:
    """Ids of all who, in the `hours` after a snapshot, engage with a live tweet by a stranger."""
    log, new = data.as_of(data.now + round(hours * HOUR_MS)).interactions, len(data.interactions)
    user, tweet = log["user"][new:], log["tweet"][new:]
    here = np.isin(log["kind"][new:], _KINDS) & (tweet < len(data.tweets)) & (tweet >= data.since("tweets"))
    user, author = user[here].astype(np.int64), data.tweets["author"][tweet[here]]
    size = len(data.users)
    follows = data.follows["follower"].astype(np.int64) * size + data.follows["followed"]
    strangers = ~np.isin(user * size + author, follows) & (user != author)
    ids = np.unique(data.users["user_id"][user[strangers]])
    return np.intersect1d(ids, engaged_users(data, hours))


def ask(
    data: DataLoader, truth: Truth, methods: Mapping[str, Scores], users: Ints, *, limit: int = 200
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the `limit` best strangers' tweets of each method hold: of the log's next answers, of the best.

    Args:
        data: the snapshot that is asked.
        truth: the oracle; its own 200 best are the last method, "the truth".
        methods: by name.
        users: ids of those who ask.
        limit: how many tweets each method may name.

    Returns:
        One row a held-out engagement with a stranger's tweet: user_id, tweet_id, cold, and for each method
        1 where it is found. And one row a user: user_id, and for each method the share of the hundred most
        valuable tweets (by anybody) that it holds, per cent.
    """
    first, answers, held = data.since("tweets"), [], []
    touched = np.sum([data.counts(kind) for kind in ENGAGEMENTS], axis=0) > 0
    for user_id in np.asarray(users).tolist():
        user = data.user_row(user_id)
        ids, value = truth.values_of_eligible(user_id, data.now)
        place = data.tweet_rows(ids) - first
        followed = np.isin(data.tweets["author"][first + place], data.following.of(user))
        wanted = held_out(data, user_id, ids[~followed])
        row = pd.DataFrame({"user_id": user_id, "tweet_id": wanted})
        row["cold"] = ~touched[data.tweet_rows(wanted)] if len(wanted) else False
        best = ids[_best(value, 100)]
        holds: dict[str, float] = {"user_id": user_id}
        for name in (*methods, "the truth"):
            score = methods[name](user)[place] if name in methods else value
            score = np.where(followed, -np.inf, score)
            found = ids[_best(score, limit)]
            row[name] = np.isin(wanted, found) * 1.0
            holds[name] = 100.0 * float(np.isin(best, found).mean())
        answers.append(row)
        held.append(holds)
    empty = pd.DataFrame(columns=["user_id", "tweet_id", "cold", *methods, "the truth"])
    return pd.concat(answers or [empty], ignore_index=True), pd.DataFrame(held)


def _best(score: NDArray[Any], limit: int) -> NDArray[np.int64]:
    """Places of the `limit` largest scores, in no order; −∞ is never among them."""
    places = np.argpartition(-score, limit)[:limit] if limit < len(score) else np.arange(len(score))
    return np.asarray(places[np.isfinite(score[places])])


def response_matrix(data: DataLoader, of: str = "tweet") -> sparse.csr_array:
    """Who responded to what: users × tweets, or users × authors with `of="author"`, float32.

    An entry is 1 for a tweet that somebody engaged with and ½ for one that they only looked at closely;
    for an author, the logarithm of 1 + the sum of these.
    """
    log, users = data.interactions, len(data.users)
    weight = WEIGHT_OF_KIND[log["kind"]]
    some = weight > 0
    tweet, user = log["tweet"][some], log["user"][some]
    columns, size = {
        "tweet": (tweet, len(data.tweets)),
        "author": (data.tweets["author"][tweet], users),
    }[of]
    matrix = sparse.csr_array((weight[some], (user, columns)), shape=(users, size))
    matrix.sum_duplicates()
    matrix.data = np.minimum(matrix.data, 1.0) if of == "tweet" else np.log1p(matrix.data)
    return matrix


_RECALL: Final = "recall@200 of held-out engagements"


def peers(data: DataLoader, path: Path) -> pd.DataFrame | None:
    """What `benchmarks/peers.py` measured of the library implicit on this data set; None where it has not.

    Returns:
        A row a method (the library's, tuned, and the rules beside them), recall@200 in per cent by kind of
        answer; and coverage, where it was measured.

    Raises:
        MimicError: the file speaks of another data set, or holds no such table.
    """
    if not path.is_file():
        return None
    tables = tables_of(path, data)
    if tables is None:
        raise MimicError(f"{path.name} was measured on another data set: run benchmarks/peers.py again")
    if _RECALL not in tables:
        raise MimicError(f"{path.name} has no table {_RECALL!r}: run benchmarks/peers.py again")
    truth: dict[str, Any] = next(
        (table for title, table in tables.items() if "against the truth" in title), {}
    )
    rows = {}
    for name, figures in tables[_RECALL].items():
        row = {
            kind: figures[kind] for kind in ("in training", "OON", "OON warm", "OON cold") if kind in figures
        }
        column = next((c for c in truth.get(name, {}) if c.startswith("coverage@200")), None)
        row |= {"coverage": truth[name][column]} if column else {}
        rows[name] = {kind: 100 * figure["value"] for kind, figure in row.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


# ---------------------------------------------------------------- exercises


def _later_likes(data: DataLoader) -> NDArray[np.int64]:
    """Tweets (rows) of all likes after the snapshot."""
    log, new = data.as_of(data.manifest.end).interactions, len(data.interactions)
    likes: NDArray[np.int64] = log["tweet"][new:][log["kind"][new:] == RESPONSES.index("like")].astype(
        np.int64
    )
    return likes


def _answered(data: DataLoader) -> NDArray[np.int64]:
    """Tweets (rows) that somebody liked, retweeted or answered before the snapshot, ascending."""
    kinds = [RESPONSES.index(name) for name in ("like", "retweet", "reply")]
    return np.unique(data.interactions["tweet"][np.isin(data.interactions["kind"], kinds)]).astype(np.int64)


def _unknown(data: DataLoader) -> float:
    return float(np.mean(~np.isin(_later_likes(data), _answered(data))))


_RTOL: Final = 2e-3
"""Room for an answer with three digits."""

WITHOUT_VECTOR: Final[Exercise[DataLoader]] = Exercise(
    solve=_unknown,
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda data: 1 - _unknown(data),
            "This is the share of likes whose tweet has a vector. The question is about the others.",
            _RTOL,
        ),
        number_from(
            lambda data: 100 * _unknown(data),
            "This is a percentage. A share lies between 0 and 1: divide by 100.",
            _RTOL,
        ),
        number_from(
            lambda data: 1 - len(_answered(data)) / len(data.tweets),
            "This counts tweets of the past that nobody answered. Count likes to come, each once.",
            _RTOL,
        ),
        number_from(
            lambda data: float(np.mean(~np.isin(np.unique(_later_likes(data)), _answered(data)))),
            "This counts each tweet once, however many likes it gets. Count likes.",
            _RTOL,
        ),
        number_from(
            lambda data: float(np.mean(_later_likes(data) >= len(data.tweets))),
            "These are likes of tweets that were not written yet. Tweets that were written, and that nobody "
            "had answered, have no vector either.",
            _RTOL,
        ),
    ),
    praise="Whatever the vectors have learnt, for these likes it cannot help.",
    hint="Not this one. Take the likes after the snapshot, and ask for each whether its tweet has an edge in "
    "`edges_of(data)`.",
)
"""Share of the likes to come whose tweet no edge leads to."""


BATCH: Final = 512
"""Rows of a batch, as in `TowerConfig`."""


def _likes(data: DataLoader) -> NDArray[np.int64]:
    return np.asarray(data.counts("like"), np.int64)


LENT: Final[Exercise[DataLoader]] = Exercise(
    solve=lambda data: float(BATCH * _likes(data).max() / _likes(data).sum()),
    read=number,
    agrees=close_to(_RTOL),
    misconceptions=(
        number_from(
            lambda data: float(_likes(data).max() / _likes(data).sum()),
            "This is the chance of one row. A batch has 512.",
            _RTOL,
        ),
        number_from(
            lambda data: BATCH / len(_likes(data)),
            "This would be right if each tweet were as likely as any other. Rows are likes, so a tweet "
            "comes as often as it is liked.",
            _RTOL,
        ),
        number_from(
            lambda data: BATCH / int((_likes(data) > 0).sum()),
            "This takes each liked tweet once. Rows are likes, so a tweet comes as often as it is liked.",
            _RTOL,
        ),
        number_from(
            lambda data: float(_likes(data).max()),
            "This is how many likes the tweet has in all. How many of them fall into one batch?",
            _RTOL,
        ),
        number_from(
            lambda data: float(BATCH * _likes(data).max() / max(len(data.interactions), 1)),
            "This divides by all responses. The rows of the question are likes.",
            _RTOL,
        ),
    ),
    praise="That often everybody else in the batch is told that they did not choose it.",
    hint="Not this one. One row is the tweet with chance q = its likes / all likes; a batch has 512 rows.",
)
"""How often the most liked tweet is expected in a batch of 512 likes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """n readers and the n tweets that they liked, to compute a loss of."""

    scores: Floats
    """float64[n, n]: score of each reader (row) with each tweet (column), over the temperature."""
    q: Floats
    """float64[n]: how often each tweet is lent, as a share."""
    known: NDArray[np.bool_]
    """bool[n, n]: whether each reader liked each tweet; the diagonal is true."""

    @classmethod
    def draw(cls, data: DataLoader, size: int = 64, seed: int = 0) -> Batch:
        """Some likes of a snapshot, the most liked tweets first so that several readers share one."""
        rng, counts = np.random.default_rng(seed), _likes(data)
        log = data.interactions
        likes = np.flatnonzero(log["kind"] == RESPONSES.index("like"))
        likes = likes[np.argsort(-counts[log["tweet"][likes]], kind="stable")[: 8 * size]]
        likes = rng.permutation(likes)[:size]
        user, tweet = log["user"][likes], log["tweet"][likes]
        size_of = len(data.tweets)
        pairs = np.unique(log["user"].astype(np.int64) * size_of + log["tweet"])
        asked = user[:, None].astype(np.int64) * size_of + tweet
        return cls(
            scores=rng.uniform(-1.0, 1.0, asked.shape) / 0.2,
            q=counts[tweet] / counts.sum(),
            known=np.isin(asked, pairs),
        )


def _losses(
    batch: Batch, *, sign: float = -1.0, mask: bool = True, own: bool = True, power: float = 1.0
) -> NDArray[np.float64]:
    """The loss of each row; the arguments are what can go wrong."""
    diagonal = np.eye(len(batch.q), dtype=bool)
    correction = sign * power * np.log(batch.q) * np.where(diagonal & (not own), 0.0, 1.0)
    logits = batch.scores + correction
    if mask:
        logits = np.where(batch.known & ~diagonal, -np.inf, logits)
    top = logits.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logits - top).sum(axis=1)) - logits[diagonal])


def _loss_of(answer: object, batch: Batch) -> float:
    if not callable(answer):
        raise WrongKind(f"A function of scores, q and known was expected, got {type(answer).__name__}.")
    return number(answer(batch.scores.copy(), batch.q.copy(), batch.known.copy()), None)


def _loss_from(message: str, **wrong: Any) -> Misconception[Batch]:
    agrees = close_to(_CLOSE)
    return Misconception(lambda given, batch: agrees(given, float(_losses(batch, **wrong).mean())), message)


_CLOSE: Final = 1e-5
"""Room for sums in single precision."""

BATCH_LOSS: Final[Exercise[Batch]] = Exercise(
    solve=lambda batch: float(_losses(batch).mean()),
    read=_loss_of,
    agrees=close_to(_CLOSE),
    misconceptions=(
        _loss_from("The sign is turned round: ln q is taken off, so that rare tweets gain.", sign=1.0),
        _loss_from("The scores are uncorrected: take ln q off each column.", power=0.0),
        _loss_from(
            "The mask is missing: a tweet that the row's reader liked too is no negative. Its score must not "
            "count.",
            mask=False,
        ),
        _loss_from(
            "Negatives are corrected and the true tweet is not. Take ln q off whole columns, the diagonal "
            "included.",
            own=False,
        ),
        _loss_from("This takes off half of ln q. The exercise asks for all of it.", power=0.5),
        Misconception(
            lambda given, batch: close_to(_CLOSE)(given, float(_losses(batch).sum())),
            "This is the sum over the rows. A loss that does not grow with the batch is their mean.",
        ),
    ),
    praise="Scores less ln q, false negatives out, and the logarithm of the softmax on the diagonal.",
    hint="Not this one. From each column take ln q; put −∞ where `known` is true off the diagonal; the loss "
    "of a row is −ln of the softmax at its own place; take the mean.",
)
"""The loss of a batch with logQ and masked false negatives."""
