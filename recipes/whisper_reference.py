"""The weights of a CTranslate2 checkpoint of Whisper in transformers, in fp32."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from whisper_text import Tokens

NORMS = {
    "self_attention": "self_attn_layer_norm",
    "attention": "encoder_attn_layer_norm",
    "ffn": "final_layer_norm",
}
DENSE = {
    "self_attention/linear_0": [f"self_attn.{part}_proj" for part in "qkv"],
    "self_attention/linear_1": ["self_attn.out_proj"],
    "attention/linear_0": ["encoder_attn.q_proj"],
    "attention/linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"],
    "attention/linear_2": ["encoder_attn.out_proj"],
    "ffn/linear_0": ["fc1"],
    "ffn/linear_1": ["fc2"],
}


def reference_model(weights: Mapping[str, np.ndarray], layers: int, heads: int, tokens: Tokens):
    """Every weight of the model is set, or loading them fails."""
    vocabulary, width = weights["decoder/embeddings/weight"].shape
    wide = weights["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=vocabulary,
            d_model=width,
            encoder_layers=layers,
            decoder_layers=layers,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=wide,
            decoder_ffn_dim=wide,
            num_mel_bins=80,
            max_source_positions=len(weights["encoder/position_encodings/encodings"]),
            max_target_positions=len(weights["decoder/position_encodings/encodings"]),
            decoder_start_token_id=tokens.start,
            bos_token_id=tokens.end,
            eos_token_id=tokens.end,
            pad_token_id=tokens.end,
        )
    )
    model.load_state_dict(state_of(weights, layers))
    model.generation_config = GenerationConfig(
        decoder_start_token_id=tokens.start,
        bos_token_id=tokens.end,
        eos_token_id=tokens.end,
        pad_token_id=tokens.end,
        max_length=model.config.max_target_positions,
        suppress_tokens=list(tokens.suppressed),
        begin_suppress_tokens=list(tokens.suppressed_at_begin),
        no_timestamps_token_id=tokens.no_timestamps,
        is_multilingual=False,
        return_timestamps=False,
    )
    return model.eval()


def state_of(weights: Mapping[str, np.ndarray], layers: int) -> dict[str, torch.Tensor]:
    state: dict[str, np.ndarray] = {}

    def norm(source: str, target: str) -> None:
        state[f"{target}.weight"] = weights[f"{source}/gamma"]
        state[f"{target}.bias"] = weights[f"{source}/beta"]

    def dense(source: str, targets: list[str]) -> None:
        parts = (np.split(weights[f"{source}/{kind}"], len(targets)) for kind in ("weight", "bias"))
        for target, weight, bias in zip(targets, *parts, strict=True):
            state[f"{target}.weight"] = weight
            # Keys have no bias in transformers, and one of zeros here.
            if not target.endswith("k_proj"):
                state[f"{target}.bias"] = bias

    for side in ("encoder", "decoder"):
        state[f"model.{side}.embed_positions.weight"] = weights[f"{side}/position_encodings/encodings"]
        norm(f"{side}/layer_norm", f"model.{side}.layer_norm")
        for layer in range(layers):
            source, target = f"{side}/layer_{layer}", f"model.{side}.layers.{layer}"
            for key, name in NORMS.items():
                if f"{source}/{key}/layer_norm/gamma" in weights:
                    norm(f"{source}/{key}/layer_norm", f"{target}.{name}")
            for key, names in DENSE.items():
                if f"{source}/{key}/weight" in weights:
                    dense(f"{source}/{key}", [f"{target}.{name}" for name in names])
    for name in ("conv1", "conv2"):
        dense(f"encoder/{name}", [f"model.encoder.{name}"])
    words = weights["decoder/embeddings/weight"]
    state["model.decoder.embed_tokens.weight"] = state["proj_out.weight"] = words
    return {key: torch.from_numpy(np.array(value)) for key, value in state.items()}


def greedy(model: WhisperForConditionalGeneration, features: np.ndarray) -> list[int]:
    """The tokens of a window of 30 s, without timestamps."""
    with torch.inference_mode():
        return model.generate(torch.from_numpy(features), do_sample=False)[0].tolist()
