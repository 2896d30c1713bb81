"""The text of the world: tweets, names, handles and bios in six languages, from a small grammar.

Read `plan.py` (what is asked for), `lexicon/README.md` (what a language can say), `compose.py` (how one
becomes the other).
"""

from __future__ import annotations

from prep.text.compose import write_tweets
from prep.text.mutable import MUTABLE_WORDS
from prep.text.people import write_people
from prep.text.plan import TweetPlan
from prep.text.safety import GLOSSARY

__all__ = ["GLOSSARY", "MUTABLE_WORDS", "TweetPlan", "write_people", "write_tweets"]
