"""What is small: values of configuration fields by name, and the families that need their own."""

from typing import Any

_HIDDEN, _HEADS, _HEAD, _LAYERS, _WINDOW, _SLIDING, _VOCABULARY = 64, 4, 16, 4, 256, 16, 101

FIELDS: dict[str, Any] = (
    dict.fromkeys(
        ("hidden_size", "d_model", "n_embd", "emb_dim", "embedding_size", "word_embed_proj_dim"),
        _HIDDEN,
    )
    | dict.fromkeys(("embedding_dim", "lru_width", "attention_hidden_size"), _HIDDEN)
    | dict.fromkeys(
        ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "num_blocks"),
        _LAYERS,
    )
    | dict.fromkeys(("encoder_layers", "num_encoder_layers", "num_decoder_layers"), _LAYERS)
    | dict.fromkeys(
        ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"), _HEADS
    )
    | dict.fromkeys(
        ("decoder_attention_heads", "encoder_attention_heads", "num_encoder_attention_heads"),
        _HEADS,
    )
    | dict.fromkeys(("num_decoder_attention_heads", "num_key_value_heads", "num_kv_heads"), _HEADS)
    | dict.fromkeys(("swa_num_attention_heads", "swa_num_key_value_heads"), _HEADS)
    | dict.fromkeys(
        ("head_dim", "v_head_dim", "qk_rope_head_dim", "qk_nope_head_dim", "swa_head_dim"), _HEAD
    )
    | dict.fromkeys(("kv_channels", "attention_head_size", "dim_head", "d_head"), _HEAD)
    | dict.fromkeys(("index_head_dim", "linear_key_head_dim", "linear_value_head_dim"), _HEAD)
    | dict.fromkeys(("linear_head_dim", "mamba_d_head", "mamba_head_dim"), _HEAD)
    | {"qk_head_dim": 32, "rotary_dim": 8, "index_n_heads": 32, "index_topk": 24}
    | dict.fromkeys(("kv_lora_rank", "q_lora_rank", "o_lora_rank"), 32)
    | dict.fromkeys(
        ("intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim", "dff", "dim_ff"), 128
    )
    | dict.fromkeys(("n_inner", "d_inner", "ffn_hidden_size", "feed_forward_size"), 128)
    | dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 48)
    | dict.fromkeys(("shared_intermediate_size", "intermediate_size_mlp"), 48)
    | dict.fromkeys(("shared_experts_intermediate_size", "dense_intermediate_size"), 48)
    | dict.fromkeys(("moe_shared_expert_intermediate_size", "expert_ffn_hidden_size"), 48)
    | dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"), 8)
    | dict.fromkeys(("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k"), 2)
    | dict.fromkeys(("n_group", "topk_group", "num_expert_group"), 1)
    | dict.fromkeys(("first_k_dense_replace", "num_dense_layers", "zero_expert_num"), 1)
    | {"num_nextn_predict_layers": 0}
    | dict.fromkeys(
        ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "context_length"),
        _WINDOW,
    )
    | dict.fromkeys(("model_max_length", "max_target_positions"), _WINDOW)
    | dict.fromkeys(
        ("sliding_window", "window_size", "attention_chunk_size", "sliding_window_size"), _SLIDING
    )
    | dict.fromkeys(("attention_window_size", "local_attention"), _SLIDING)
    | {"vocab_size": _VOCABULARY, "vocab_size_per_layer_input": _VOCABULARY}
    | dict.fromkeys(("hidden_size_per_layer_input", "laurel_rank", "router_hidden_size"), 16)
    | dict.fromkeys(("mamba_d_state", "state_size", "ssm_state_size"), 8)
    | dict.fromkeys(("mamba_n_heads", "mamba_num_heads"), 8)
    | dict.fromkeys(("linear_num_key_heads", "linear_num_heads"), 2)
    | {"linear_num_value_heads": 4, "time_step_rank": 8, "mamba_dt_rank": 8}
    | dict.fromkeys(("mamba_chunk_size", "chunk_size"), 8)
    | {"query_pre_attn_scalar": 16, "block_size": 8}
)

SWITCHES: dict[str, Any] = {
    "tie_word_embeddings": False,
    "is_encoder_decoder": False,
    "is_decoder": True,
}

SPECIAL: dict[str, int] = dict.fromkeys(  # types that cannot do without special tokens
    (
        "bigbird_pegasus",
        "blenderbot",
        "camembert",
        "cwm",
        "data2vec-text",
        "modernbert-decoder",
        "prophetnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xlm",
        "hunyuan_v1_dense",
        "hunyuan_v1_moe",
        "emu3",
        "emu3_text_model",
        "mllama",
        "mllama_text_model",
        "gemma4_text",
        "gemma4_unified_text",
        "reformer",
        "xmod",
    ),
    0,
)

_DOTS3 = {"per_layer_config": {}, "head_dim": 32}
_QWEN4 = {
    "indexer_n_heads": 32,
    "indexer_kv_heads": 1,
    "indexer_head_dim": 16,
    "indexer_budget": 16,
    "indexer_compress_ratio": 2,
}

OWN_FIELDS: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [1, 3], "mamba_d_head": 16},
    "falcon_h1": {"mamba_d_ssm": 128},
    "mamba2": {"num_heads": 8, "n_groups": 2},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "zamba": {"attention_hidden_size": 128, "attention_head_dim": 32, "mamba_dt_rank": 8},
    "zamba2": {
        "attention_hidden_size": 128,
        "attention_head_dim": 32,
        "mamba_headdim": 16,
        "n_mamba_heads": 8,
        "hybrid_layer_ids": [1, 3],
        "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
    },
    "zaya": {"num_experts_per_tok": 1},
    "lfm2": {"full_attn_idxs": [1, 3], "layer_types": None},
    "lfm2_moe": {
        "layer_types": ["conv", "full_attention", "conv", "full_attention"],
    },
    "cohere_compass_text": {
        "rope_parameters": {
            kind: {"rope_type": "default", "rope_theta": 10000.0}
            for kind in ("full_attention", "sliding_attention")
        }
    },
    "deepseek_v2": {"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1},
    "dots1": {"n_routed_experts": 8, "n_shared_experts": 1, "num_experts_per_tok": 2},
    "hunyuan_v1_dense": {"head_dim": 16},
    "hunyuan_v1_moe": {"head_dim": 16},
    "ministral": {"head_dim": 16},
    "nemotron": {"num_key_value_heads": 2},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "gemma3n_text": {
        "num_kv_shared_layers": 2,
        "intermediate_size": [128] * 4,
        "activation_sparsity_pattern": [0.95, 0.0, 0.0, 0.0],
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    },
    "roc_bert": {
        "pronunciation_embed_dim": 16,
        "pronunciation_vocab_size": 101,
        "shape_embed_dim": 16,
        "shape_vocab_size": 101,
    },
    "reformer": {
        "axial_pos_shape": [16, 16],
        "axial_pos_embds_dim": [16, 48],
        "attn_layers": ["local", "lsh", "local", "lsh"],
        "local_attn_chunk_length": 16,
        "lsh_attn_chunk_length": 16,
    },
    "xlm": {"causal": True, "n_langs": 1, "use_lang_emb": False},
    "xmod": {"default_language": "en_XX"},
    "xlstm": {
        "hidden_size": 128,
        "embedding_dim": 128,
        "ffn_round_up_to_multiple_of": 8,
        "chunk_size": 16,
    },
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0}},
    "qwen4_exp_text": _QWEN4,
    "qwen4_exp": {"text_config": _QWEN4},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 2},
    "blt": {
        "encoder_hash_byte_group_vocab": 101,
        "encoder_config": {"hidden_size_global": 64},
        "decoder_config": {"hidden_size_global": 64},
    },
    "moshi": {"sliding_window": 256},
    "hrm_text": {"num_layers_per_stack": 1, "num_hidden_layers": 8},
    "dots3_note": {
        "text_config": _DOTS3,
        "vision_config": {"adapter_in_dim": 64, "adapter_out_dim": 64},
        "audio_config": {"adapter_out_dim": 64, "adapter_input_size": 64},
    },
    "dots3_note_text": _DOTS3,
}

DECODERS = {"musicgen": "decoder", "musicgen_melody": "decoder"}

UNBUILT: dict[str, str] = {
    "gemma3n": "its vision part needs the package timm; its text part is gemma3n_text",
    "gemma4_assistant": "drafts for another model, and has no keys of its own",
    "gemma4_unified_assistant": "drafts for another model, and has no keys of its own",
}
