from quoth.decoding.drafting.votes import grow as grow
from quoth.decoding.drafting.worth import best_part as best_part
