"""Teaching aids of the course: the cast, the village, checks of exercises, where we are.

Nothing in the recommender imports this package.
"""

from mimic.course import check
from mimic.course.cast import Cast, Member, cast
from mimic.course.climb import climb
from mimic.course.say import say
from mimic.course.stages import product_at, strip
from mimic.course.village import Village, village

__all__ = ["Cast", "Member", "Village", "cast", "check", "climb", "product_at", "say", "strip", "village"]
