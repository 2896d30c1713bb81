"""What a model can learn from the texts, and what it cannot: shares, lengths, and linear probes."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

from mimic.schema import LANGUAGES
from prep.text import GLOSSARY, TweetPlan, check, write_tweets
from prep.text.phrasebook import phrasebook
from prep.text.safety import explicit, obfuscations, reclaimed, slurs
from prep.topics import EVENT_LEAVES, EVENTS, LEAVES, ROOT_OF, ROOTS

N = 24_000
FIT = 18_000
TEMPERATURE = 0.6
"""Trust in a text model of 18,000 rows, which is surer than it should be (best of a few tried)."""

HOME_OF_EVENT = np.array([EVENT_LEAVES[event] for event in EVENTS])


def ordinary_plan(n: int, lang: int) -> TweetPlan:
    """Tweets on leaves of very unequal popularity, as in the world."""
    rng = np.random.default_rng(11)
    plan = check.sample_plan(rng, n, lang)
    weight = 1 / (np.arange(len(LEAVES)) + 8)
    topic = rng.permutation(len(LEAVES))[rng.choice(len(LEAVES), n, p=weight / weight.sum())]
    topic = np.where(plan.event >= 0, HOME_OF_EVENT[plan.event], topic).astype(np.int16)
    return dataclasses.replace(plan, topic=topic)


@pytest.fixture(scope="module")
def english() -> tuple[TweetPlan, list[str]]:
    plan = ordinary_plan(N, 0)
    return plan, write_tweets(plan, np.random.default_rng(12)).to_pylist()


@pytest.fixture(scope="module")
def words(english: tuple[TweetPlan, list[str]]) -> sparse.csr_matrix:
    """Hashed words and pairs of words, the input of every linear probe."""
    hashing = HashingVectorizer(
        ngram_range=(1, 2),
        n_features=2**17,
        alternate_sign=False,
        token_pattern=r"(?u)\b\w+\b|[^\w\s]",
    )
    return hashing.transform(english[1])


# ---------------------------------------------------------------- variety and length


def test_english_lengths_are_those_of_twitter(english: tuple[TweetPlan, list[str]]) -> None:
    """Realism T1."""
    length = np.array([len(text) for text in english[1]])
    assert np.mean(length > 140) == pytest.approx(0.12, abs=0.02)
    assert np.mean(length > 190) == pytest.approx(0.05, abs=0.015)
    assert np.mean(length == 280) <= 0.02
    assert np.median(length) == pytest.approx(65, abs=3)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_texts_differ_and_come_near_their_length(lang: str) -> None:
    code = LANGUAGES.index(lang)
    n = 20_000
    plan = ordinary_plan(n, code)
    texts = write_tweets(plan, np.random.default_rng(13)).to_pylist()
    counts = collections.Counter(texts)
    assert len(counts) > 0.85 * n
    assert counts.most_common(1)[0][1] < 0.002 * n
    free = ~(plan.has_link | plan.hashtag | plan.toxic | plan.nsfw | (plan.bait > 0)) & (plan.length > 30)
    wanted = plan.length * phrasebook(lang).scale
    error = np.array([len(text) for text in texts]) - wanted
    assert np.mean(np.abs(error[free])) < 0.15 * np.mean(wanted[free])


# ---------------------------------------------------------------- what the text tells


def label_of(topic: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The platform's topic: right for .70, half of the errors within the root."""
    size = len(LEAVES) // len(ROOTS)
    u, shift = rng.random(len(topic)), rng.integers(1, size, len(topic))
    near = ROOT_OF[topic] * size + (topic % size + shift) % size
    far = (near + size * rng.integers(1, len(ROOTS), len(topic))) % len(LEAVES)
    return np.where(u < 0.7, topic, np.where(u < 0.85, near, far))


def log_chances(texts: list[str], topic: np.ndarray) -> np.ndarray:
    """log P(leaf | text) of the held-out rows by a linear model of words, float[N - FIT, leaves]."""
    hashing = HashingVectorizer(n_features=2**14, alternate_sign=False, binary=True)
    words = hashing.transform(texts)
    model = LogisticRegression(C=10, max_iter=25).fit(words[:FIT], topic[:FIT])
    assert model.classes_.tolist() == list(range(len(LEAVES)))
    return model.predict_log_proba(words[FIT:])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # stopping early regularises
def test_text_and_label_together_do_not_give_the_leaf_away(english: tuple[TweetPlan, list[str]]) -> None:
    plan, topic = english[0], english[0].topic.astype(np.int64)
    text = log_chances(english[1], topic)
    label = label_of(topic, np.random.default_rng(14))[FIT:]
    leaf = np.arange(len(LEAVES))
    same_root = ROOT_OF[leaf][:, None] == ROOT_OF[label]
    told = np.where(leaf[:, None] == label, 0.7, np.where(same_root, 0.15 / 9, 0.15 / 110)).T
    right = topic[FIT:]
    alone = text.argmax(axis=1) == right
    together = (TEMPERATURE * text + np.log(told)).argmax(axis=1) == right
    assert 0.2 < alone.mean() < 0.55
    assert max(0.70, np.mean(label == right)) < together.mean() <= 0.80
    vague, root, clear = (alone[plan.clarity[FIT:] == level].mean() for level in range(3))
    assert vague < 0.06 < root < 0.25 < clear


def test_wording_shows_but_not_perfectly(
    english: tuple[TweetPlan, list[str]], words: sparse.csr_matrix
) -> None:
    wording = english[0].wording
    model = Ridge(alpha=2.0).fit(words[:FIT], wording[:FIT])
    correlation = spearmanr(model.predict(words[FIT:]), wording[FIT:])[0]
    assert 0.6 < correlation < 0.8


@pytest.mark.parametrize("trait", ["toxic", "nsfw"])
def test_safety_is_learnable_from_text_but_not_solved(
    english: tuple[TweetPlan, list[str]], words: sparse.csr_matrix, trait: str
) -> None:
    truth = getattr(english[0], trait)
    model = LogisticRegression(C=10, solver="liblinear").fit(words[:FIT], truth[:FIT])
    assert 0.85 < roc_auc_score(truth[FIT:], model.decision_function(words[FIT:])) < 0.965


# ---------------------------------------------------------------- safety


def share_with(texts: list[str], terms: tuple[str, ...], rows: np.ndarray) -> float:
    lowered = [texts[i].lower() for i in np.flatnonzero(rows)]
    return float(np.mean([any(term.lower() in text for term in terms) for text in lowered]))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_terms_show_as_often_as_they_should(lang: str) -> None:
    plan = ordinary_plan(30_000, LANGUAGES.index(lang))
    plan = dataclasses.replace(plan, toxic=np.random.default_rng(15).random(30_000) < 0.2)
    texts = write_tweets(plan, np.random.default_rng(16)).to_pylist()
    hidden = {
        "slur": tuple(spelling for term in slurs(lang) for spelling in obfuscations(term)),
        "explicit": tuple(spelling for term in explicit(lang) for spelling in obfuscations(term)),
    }
    nsfw_only, clean = plan.nsfw & ~plan.toxic, ~plan.nsfw & ~plan.toxic
    assert share_with(texts, slurs(lang), plan.toxic) == pytest.approx(0.43, abs=0.05)
    assert share_with(texts, hidden["slur"], plan.toxic) == pytest.approx(0.19, abs=0.04)
    assert share_with(texts, explicit(lang), nsfw_only) == pytest.approx(0.43, abs=0.06)
    assert share_with(texts, hidden["explicit"], nsfw_only) == pytest.approx(0.19, abs=0.05)
    assert 0.004 < share_with(texts, slurs(lang), clean) < 0.02
    assert share_with(texts, (*hidden["slur"], *hidden["explicit"]), clean) == 0


def test_the_glossary_knows_every_spelling_and_role() -> None:
    for lang in LANGUAGES:
        for term in slurs(lang):
            friendly = term in reclaimed(lang)
            assert GLOSSARY[term] == "slur stand-in" + ", reclaimed among friends" * friendly
            assert {GLOSSARY[spelling] for spelling in obfuscations(term)} == {"obfuscated slur stand-in"}
        assert {GLOSSARY[term] for term in explicit(lang)} == {"explicit stand-in"}
    with pytest.raises(TypeError):
        GLOSSARY["new"] = "role"  # type: ignore[index]
