"""The world: a synthetic Twitter whose truth is known.

`ensure_dataset` gives the folder of a data set, made first where it is missing. `Oracle` knows what
`mimic` cannot: what people would truly do with any tweet at any moment.
"""

from prep.dataset import ensure_dataset
from prep.oracle import Oracle
from prep.parameters import PrepError

__all__ = ["Oracle", "PrepError", "ensure_dataset"]
