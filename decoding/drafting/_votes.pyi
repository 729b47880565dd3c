from quoth.decoding.drafting.votes import grow as grow
