"""How fast passages are embedded, next to what the processor can do at all.

    python bench/embedding.py corpus.jsonl.gz --texts 200 > embedding.json

`before` is sentence-transformers as it comes: 32 texts a batch, alike in characters, in float32.
Both ways run in turns in one process, on whole texts as the embedder reads them; tokens are without
padding. The limit is the rate of this process's matrix products, of the model's own shapes, over
the operations of a token: 2 for every weight of the layers, and 4 * width * length * layers for
attention. Rates are by processor time, which a busy machine does not distort so much; threads
multiply it. The last line on stdout is one JSON document.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from quoth.app.evaluating.judged import read_corpus
from quoth.retrieval.embedding import SentenceTransformerEmbedder, batches_by_length, load_embedder


def main() -> int:
    """Measure and print."""
    arguments = parsed_arguments()
    embedder = load_embedder()
    if not isinstance(embedder, SentenceTransformerEmbedder):
        raise TypeError("the packaged embedder is no sentence-transformers model")
    documents = read_corpus(arguments.corpus).documents
    texts = [one.text for one in documents[:: max(1, len(documents) // arguments.texts)]]
    lengths = embedder._lengths(texts)
    ways = {"before": lambda: before(embedder, texts), "after": lambda: embedder.embed(texts)}
    times, vectors = in_turns(ways, arguments.repeats)
    alone = np.concatenate([embedder.embed([text]) for text in texts[:32]])
    report = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "texts": len(texts),
        "tokens": sum(lengths),
        **speeds(embedder, lengths, times),
        "padding": padding(lengths, embedder),
        "counting_tokens": round(spent(lambda: embedder._lengths(texts)) / min(times["after"]), 3),
        "least_cosine": {
            "before and after": least_cosine(vectors["before"], vectors["after"]),
            "alone and in batches": least_cosine(alone, vectors["after"][:32]),
        },
        "same_ten_nearest": same_nearest(vectors["before"], vectors["after"]),
    }
    print(json.dumps(report))
    return 0


def parsed_arguments() -> argparse.Namespace:
    """What to measure on, and how often."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="JSONL of BEIR")
    parser.add_argument("--texts", type=int, default=200, help="evenly spread over the corpus")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def speeds(
    embedder: SentenceTransformerEmbedder, lengths: Sequence[int], times: dict[str, list[float]]
) -> dict[str, Any]:
    """How fast both ways are, next to each other and to the limit."""
    operations = flops_a_token(embedder, sum(n * n for n in lengths) / sum(lengths))
    limits = {kind: operations_per_s(embedder, dtype) for kind, dtype in KINDS.items()}
    rates = {way: sum(lengths) / statistics.median(spent) for way, spent in times.items()}
    return {
        "tokens_per_processor_s": {way: round(rate) for way, rate in rates.items()},
        "ratio": round(rates["after"] / rates["before"], 2),
        "ratio_by_run": [
            round(a / b, 2) for a, b in zip(times["before"], times["after"], strict=True)
        ],
        "flops_per_token": round(operations / 1e6, 1),
        "matmul_gflops": {kind: round(limit / 1e9) for kind, limit in limits.items()},
        "tokens_per_s_limit": {kind: round(limit / operations) for kind, limit in limits.items()},
        "share_of_limit": {
            "before, float32": round(rates["before"] * operations / limits["float32"], 2),
            "after, bfloat16": round(rates["after"] * operations / limits["bfloat16"], 2),
        },
    }


KINDS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def before(embedder: SentenceTransformerEmbedder, texts: Sequence[str]) -> Any:  # noqa: ANN401
    """What was done before: 32 texts alike in characters, in float32."""
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
    vectors = np.empty((len(texts), embedder.dim), dtype=np.float32)
    for start in range(0, len(order), 32):
        places = order[start : start + 32]
        vectors[places] = embedder._model.encode_document(
            [texts[place] for place in places],
            batch_size=32,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
    return vectors


def in_turns(
    ways: dict[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Processor seconds of each way in each round, and what it gave."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    given = {way: run() for way, run in ways.items()}  # to warm up
    for number in range(repeats):
        for way in list(ways) if number % 2 else list(ways)[::-1]:
            times[way].append(spent(ways[way]))
    return times, given


def spent(run: Callable[[], object]) -> float:
    """Processor seconds."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def flops_a_token(embedder: SentenceTransformerEmbedder, length: float) -> float:
    """Operations that the model needs for a token in a text of so many."""
    config = embedder._model[0].auto_model.config
    width, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    weights = layers * (4 * width * width + 2 * width * inner)
    return float(2 * weights + 4 * width * length * layers)


def operations_per_s(embedder: SentenceTransformerEmbedder, dtype: torch.dtype) -> float:
    """Of the fastest of some matrix products of the model's largest shape."""
    config = embedder._model[0].auto_model.config
    rows, width, inner = 2048, config.hidden_size, config.intermediate_size
    layer = torch.nn.Linear(width, inner).to(dtype)
    given = torch.randn(rows, width).to(dtype)
    with torch.inference_mode():
        layer(given)
        fastest = min(spent(lambda: layer(given)) for _ in range(20))
    return 2 * rows * width * inner / fastest


def padding(lengths: Sequence[int], embedder: SentenceTransformerEmbedder) -> dict[str, float]:
    """The share of padding in what the model reads: in the order given, by 32, and as it is now."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    places = range(len(lengths))
    ways = {
        "32 as they come": [list(places[at : at + 32]) for at in range(0, len(places), 32)],
        "32 by length": [order[at : at + 32] for at in range(0, len(order), 32)],
        "now": list(batches_by_length(lengths, embedder._batch_tokens)),
    }
    return {
        way: round(1 - sum(lengths) / sum(len(b) * max(lengths[p] for p in b) for b in batches), 3)
        for way, batches in ways.items()
    }


def least_cosine(one: Any, other: Any) -> float:  # noqa: ANN401
    """Of the vectors that belong together."""
    return round(float((one * other).sum(axis=1).min()), 6)


def same_nearest(one: Any, other: Any) -> float:  # noqa: ANN401
    """The share of each text's ten nearest others that stays the same."""
    shares = []
    for place in range(len(one)):
        ten = [set(np.argsort(-(v @ v[place]))[:11].tolist()) for v in (one, other)]
        shares.append(len(ten[0] & ten[1]) / 11)
    return round(float(np.mean(shares)), 4)


if __name__ == "__main__":
    sys.exit(main())
