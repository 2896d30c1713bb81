"""What can go wrong, as a tree. Each message says what was expected, what came, and what to do.

MimicError(ValueError)
├── BadQuery         a request that makes no sense, such as a feed of 1,000
├── UnknownUser      a user id that this snapshot does not know
├── UnknownTweet     a tweet id that this snapshot does not know
├── UnknownColumn    a column that no component has written
├── BadDataset       a folder that is not a whole, unharmed data set
├── StaleArtifact    something cached that does not fit what it was made for
└── BrokenContract   a component that returned what it must not return
"""

from __future__ import annotations

__all__ = [
    "BadDataset",
    "BadQuery",
    "BrokenContract",
    "MimicError",
    "StaleArtifact",
    "UnknownColumn",
    "UnknownTweet",
    "UnknownUser",
]


class MimicError(ValueError):
    """Anything that Mimic refuses to do. The message is one line, fit for a terminal."""


class BadQuery(MimicError):
    """A request with a field of the wrong type or out of range."""


class UnknownUser(MimicError):
    """A user id that is not in the data set."""


class UnknownTweet(MimicError):
    """A tweet id that is not in the data set, or not yet: a snapshot knows no later tweets."""


class UnknownColumn(MimicError):
    """A column of candidates that nobody has written, or not yet."""


class BadDataset(MimicError):
    """A data set that is missing, incomplete, altered, or contradicts itself."""


class StaleArtifact(MimicError):
    """A cached model or index that was made from something else than what is at hand."""


class BrokenContract(MimicError):
    """A component returned something that its protocol does not allow."""
