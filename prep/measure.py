"""Statistics of a world, defined exactly: what the calibration table measures.

Each function takes the facts of a built world and returns a dictionary from a row's id to its
value. Definitions follow the data set card of the book: Gini with zeros, exponents of the density,
reciprocity by edges, clustering in the mutual graph.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mimic.schema import LANGUAGES, RESPONSES, SOURCES
from prep.arrays import Bools, Ints, first_of_runs, found_in, rank_in_runs
from prep.facts import Facts, Measures, gini, top_share
from prep.measure_graph import measure_graph
from prep.parameters import DAY, HOUR, START
from prep.tables import column_values
from prep.world import World


def measure_activity(f: Facts) -> Measures:
    """Rows A1 to A13: when and how much."""
    posts = np.bincount(f.author, minlength=f.users)
    top = np.sort(posts)[::-1][: f.users // 10]
    seen = np.bincount(f.viewer, minlength=f.users)
    sessions = np.bincount(f.column("impressions", "session_id"))
    sessions = sessions[sessions > 0]
    created = f.column("tweets", "created_at")
    local = np.floor((created - START) / HOUR + f.hidden("users", "utc_offset")[f.author]) % 24
    utc = (created - START) // HOUR % 24
    by_local, by_utc = (np.bincount(h.astype(np.int64), minlength=24) for h in (local, utc))
    return {
        "A1": top_share(posts, 0.1),
        "A2": top_share(posts, 0.25),
        "A3": float((posts == 0).mean()),
        "A4": float((posts < 5).mean()),
        "A5 top tenth": float(np.median(top)),
        "A5 the rest": float(np.median(np.sort(posts)[: -(f.users // 10)])),
        "A6": float((f.hidden("tweets", "reply_to") >= 0).mean()),
        "A8 links": float(f.column("tweets", "has_link").mean()),
        "A8 hashtags": float(f.hidden("tweets", "hashtag").mean()),
        "A8 media": float(f.column("tweets", "has_media").mean()),
        "A9 local": float(by_local.max() / by_local.min()),
        "A9 UTC": float(by_utc.max() / by_utc.min()),
        "A11": _burstiness(f.author, created),
        "A12 median": float(np.median(sessions)),
        "A12 top tenth": float(np.quantile(sessions, 0.9)),
        "A13 median": float(np.median(seen)),
        "A13 top tenth": top_share(seen, 0.1),
        "A13 none": float((seen == 0).mean()),
    }


def _burstiness(author: Ints, created: Ints) -> float:
    """Median over users with 50 tweets or more of (sd - mean) / (sd + mean) of the gaps."""
    order = np.lexsort((created, author))
    who, at = author[order], created[order]
    gap, same = np.diff(at).astype(np.float64), who[1:] == who[:-1]
    gap, owner = gap[same], who[1:][same]
    count = np.bincount(owner)
    mean = np.bincount(owner, gap) / np.maximum(count, 1)
    sd = np.sqrt(np.maximum(np.bincount(owner, gap**2) / np.maximum(count, 1) - mean**2, 0))
    many = count >= 49
    return float(np.median((sd[many] - mean[many]) / (sd[many] + mean[many])))


def measure_engagement(f: Facts) -> Measures:
    """Rows E1 to E25: what is shown and what is done."""
    tweets = f.public["tweets"].num_rows
    like, retweet = f.response("like"), f.response("retweet")
    rates = {f"rate {name}": float(f.response(name).mean()) for name in RESPONSES}
    shown = np.bincount(f.shown, minlength=tweets)
    likes = np.bincount(f.shown[like], minlength=tweets)
    retweets = np.bincount(f.shown[retweet], minlength=tweets)
    of_user = np.bincount(f.viewer[like], minlength=f.users)
    stranger = np.isnan(f.hidden("impressions", "tie"))
    position = f.column("impressions", "position")
    shuffled = np.asarray(f.column("impressions", "random_order"), bool)
    random = f.source() == SOURCES.index("random")
    together = {
        f"E8 {name}": float((like & f.response(name)).mean() / (like.mean() * f.response(name).mean()))
        for name in ("retweet", "reply", "click", "not_interested")
    }
    return {
        **rates,
        **together,
        "E9": _slope(position, like, shuffled),
        "E10": _slope(position, like, ~shuffled),
        "E11": float(stranger.mean()),
        "E12": float((like & ~stranger).sum() / like.sum()),
        "E13 none": float((likes == 0).mean()),
        "E13 Gini": gini(likes),
        "E13 top 1 %": top_share(likes, 0.01),
        "E14": float((retweets == 0).mean()),
        "E15": float((retweets >= 10).mean()),
        "E17 none": float((shown == 0).mean()),
        "E17 Gini": gini(shown),
        "E17 top 1 %": top_share(shown, 0.01),
        "E18": _half_life(f),
        "E19 median": float(np.median(f.age)),
        "E19 under 1 h": float((f.age < 1).mean()),
        "E19 under 24 h": float((f.age < 24).mean()),
        "E19 over 48 h": float((f.age > 48.5).mean()),
        "E21 none": float((of_user == 0).mean()),
        "E21 top tenth": top_share(of_user, 0.1),
        "E21 median": float(np.median(of_user)),
        "E24": _cold_share(f),
        "E25": float(random.mean()),
        "E25 least": float(f.column("impressions", "propensity").min()),
    }


def _slope(position: Ints, like: Bools, rows: Bools) -> float:
    """Slope of the log of the like rate on the log of the place (from 1), over the first 20 places."""
    rows = rows & (position < 20)
    shown = np.bincount(position[rows], minlength=20)
    rate = np.bincount(position[rows], like[rows], minlength=20) / np.maximum(shown, 1)
    good = rate > 0
    place = np.log(np.arange(1, 21))[good]
    return float(np.polyfit(place, np.log(rate[good]), 1, w=np.sqrt(shown[good]))[0])


def _half_life(f: Facts) -> float:
    """Median over tweets with 5 impressions or more of the median age at which they were seen, minutes.

    Tweets younger than 48 h at the end are left out.
    """
    rows = f.by_tweet[f.column("tweets", "created_at")[f.shown[f.by_tweet]] < START + 28 * DAY]
    tweet, age = f.shown[rows], f.age[rows]
    first = np.flatnonzero(first_of_runs(tweet))
    count = np.diff(np.append(first, len(tweet)))
    middle = (age[first + (count - 1) // 2] + age[first + count // 2]) / 2
    return float(np.median(middle[count >= 5]) * 60)


def _cold_share(f: Facts) -> float:
    """Share of impressions of tweets that were shown less than three times before."""
    return float((rank_in_runs(f.shown[f.by_tweet]) < 3).mean())


def measure_text(f: Facts) -> Measures:
    """Rows T1 to T8: language, length, harm."""
    length = column_values(pc.utf8_length(f.public["tweets"]["text"]))
    english = f.hidden("tweets", "lang") == 0
    lang = f.hidden("users", "lang")
    nsfw, toxic = f.hidden("tweets", "nsfw"), f.hidden("tweets", "toxic")
    by_author = np.bincount(f.author, nsfw, minlength=f.users)
    reply = f.hidden("tweets", "reply_to") >= 0
    report, harmful = f.response("report"), (nsfw | toxic)[f.shown]
    shares = {f"T2 {code}": float((lang == k).mean()) for k, code in enumerate(LANGUAGES)}
    wrong = f.hidden("tweets", "topic") != f.column("tweets", "topic_id")
    return {
        **shares,
        "T1 over 140": float((length[english] > 140).mean()),
        "T1 over 190": float((length[english] > 190).mean()),
        "T1 at 280": float((length[english] >= 280).mean()),
        "T3": float(nsfw.mean()),
        "T3 by 3 %": top_share(by_author, 0.03),
        "T4": float(toxic.mean()),
        "T4 replies": float(toxic[reply].mean() / toxic[~reply].mean()),
        "T5": _toxic_by_tie(f, toxic, reply),
        "T6 accounts": float(f.hidden("users", "spam").mean()),
        "T6 tweets": float(f.hidden("users", "spam")[f.author].mean()),
        "T7": float(report[harmful].mean() / max(report[~harmful].mean(), 1e-9)),
        "T8": float(wrong.mean()),
    }


def _toxic_by_tie(f: Facts, toxic: Bools, reply: Bools) -> float:
    """Toxic rate of replies to strangers against replies within mutual follows."""
    rows = np.flatnonzero(reply)
    writer, addressed = f.author[rows], f.author[f.hidden("tweets", "reply_to")[rows]]
    follower, followed = f.edges
    key = follower * f.users + followed
    there = found_in(key, writer * f.users + addressed)[0]
    back = found_in(key, addressed * f.users + writer)[0]
    other = writer != addressed
    return float(toxic[rows[~there & ~back & other]].mean() / toxic[rows[there & back]].mean())


def measure_communities(f: Facts) -> Measures:
    """Rows C1 to C3: planted communities."""
    memberships = f.hidden("users", "memberships")
    size = np.bincount(memberships[:, 0], minlength=f.world.preset.communities)
    count = (memberships >= 0).sum(axis=1)
    return {
        "C1": float(len(size)),
        "C2 median": float(np.median(size)),
        "C2 largest": float(size.max() / np.median(size)),
        "C2 least": float(size.min()),
        "C3 mean": float(count.mean()),
        "C3 two or more": float((count >= 2).mean()),
    }


def measure(public: dict[str, pa.Table], truth: dict[str, pa.Table], world: World) -> Measures:
    """All statistics of the calibration table."""
    facts = Facts(world=world, public=public, truth=truth)
    parts = (measure_graph, measure_activity, measure_engagement, measure_text, measure_communities)
    return {row: value for part in parts for row, value in part(facts).items()}
