from quoth.decoding.drafting.worth import best_part as best_part
