"""The log: what was shown, where, and what viewers did."""

from __future__ import annotations

import dataclasses

import numpy as np

from prep.arrays import Bools, Floats, Ints


@dataclasses.dataclass(frozen=True, kw_only=True)
class Log:
    """Impressions in the order in which they were made, one array a column. n rows."""

    user: Ints
    """int32[n], row of the viewer."""
    tweet: Ints
    """int32[n], row of the tweet."""
    shown_at: Ints
    """int64[n], ms."""
    session: Ints
    """int32[n], row of the visit in the plan."""
    position: Ints
    """int16[n], place in the visit's feed, from 0."""
    source: Ints
    """int8[n], component of the policy that drew it, index into SOURCES."""
    propensity: Floats
    """float32[n], probability of the draw given the visit's earlier ones."""
    shuffled: Bools
    """bool[n], the visit's feed was put in random order."""
    proof_user: Ints
    """int32[n], row of the followee named on the card, or -1."""
    dwell_ms: Ints
    """int32[n], time on the screen, ms."""
    survey: Ints
    """int8[n], 1 yes, 0 no, -1 not asked."""
    responses: Bools
    """bool[n, responses], in the order of RESPONSES."""
    responded_at: Ints
    """int64[k], ms: when each response that is true happened, row by row."""
    reply: Ints
    """int32[n], row of the reply that was written, or -1."""
    tie: Floats
    """float32[n], hidden: the viewer's tie to the author, NaN without a follow."""
    proof: Floats
    """float32[n], hidden: kappa."""
    author_seen: Ints
    """int16[n], hidden: tweets of the author above in the visit."""
    topic_seen: Ints
    """int16[n], hidden: tweets of the true topic above in the visit."""
    worth: Bools
    """bool[n], hidden: worth the viewer's time."""

    @classmethod
    def join(cls, parts: list[Log]) -> Log:
        """Logs one after the other."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in dataclasses.fields(cls)}
        )

    def __len__(self) -> int:
        return len(self.user)
