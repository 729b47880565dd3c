from quoth.decoding.drafting.weighing import weigh as weigh
