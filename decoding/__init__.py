"""The decoding engine: token ids in, token ids out, and where each copied token came from.

Public names load on first use, so that importing this costs nothing: torch is not imported before
`Decoder` is touched.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quoth.decoding.config import DecodingConfig
    from quoth.decoding.decoder import Decoder
    from quoth.decoding.draft import Draft, Origin
    from quoth.decoding.drafting.lookahead import LookaheadDrafter
    from quoth.decoding.drafting.lookahead_store import LookaheadStore, LookaheadStores
    from quoth.decoding.drafting.phrase_building import build_phrases
    from quoth.decoding.drafting.phrase_store import PhraseStore
    from quoth.decoding.drafting.phrases import PhrasesDrafter
    from quoth.decoding.drafting.protocol import Drafter, DraftSession, Outcome
    from quoth.decoding.generation import CopiedSpan, Generation, Reference, Step, TokenLogprob
    from quoth.decoding.hugging_face.generating import hf_generate
    from quoth.decoding.options import DecodingOptions
    from quoth.decoding.stats import DrafterStats, Stats
    from quoth.decoding.vocabulary import fingerprint

_HOMES = {
    "CopiedSpan": "quoth.decoding.generation",
    "Decoder": "quoth.decoding.decoder",
    "DecodingConfig": "quoth.decoding.config",
    "DecodingOptions": "quoth.decoding.options",
    "Draft": "quoth.decoding.draft",
    "DraftSession": "quoth.decoding.drafting.protocol",
    "Drafter": "quoth.decoding.drafting.protocol",
    "DrafterStats": "quoth.decoding.stats",
    "Generation": "quoth.decoding.generation",
    "LookaheadDrafter": "quoth.decoding.drafting.lookahead",
    "LookaheadStore": "quoth.decoding.drafting.lookahead_store",
    "LookaheadStores": "quoth.decoding.drafting.lookahead_store",
    "Origin": "quoth.decoding.draft",
    "Outcome": "quoth.decoding.drafting.protocol",
    "PhraseStore": "quoth.decoding.drafting.phrase_store",
    "PhrasesDrafter": "quoth.decoding.drafting.phrases",
    "Reference": "quoth.decoding.generation",
    "Stats": "quoth.decoding.stats",
    "Step": "quoth.decoding.generation",
    "TokenLogprob": "quoth.decoding.generation",
    "build_phrases": "quoth.decoding.drafting.phrase_building",
    "fingerprint": "quoth.decoding.vocabulary",
    "hf_generate": "quoth.decoding.hugging_face.generating",
}

__all__ = [
    "CopiedSpan",
    "Decoder",
    "DecodingConfig",
    "DecodingOptions",
    "Draft",
    "DraftSession",
    "Drafter",
    "DrafterStats",
    "Generation",
    "LookaheadDrafter",
    "LookaheadStore",
    "LookaheadStores",
    "Origin",
    "Outcome",
    "PhraseStore",
    "PhrasesDrafter",
    "Reference",
    "Stats",
    "Step",
    "TokenLogprob",
    "build_phrases",
    "fingerprint",
    "hf_generate",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'quoth.decoding' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
