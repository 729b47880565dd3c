from quoth.decoding.drafting.matching import Alike as Alike
from quoth.decoding.drafting.matching import Places as Places
