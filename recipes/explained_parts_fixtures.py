"""What is left of a model's answer without parts of a text or a picture: test/fixtures/explanations/parts.json.

The models run in ONNX Runtime, texts are split by Python's tokenizers, pictures are scaled by Pillow and blurred by SciPy, and Shapley
values and LIME are those of the packages shap and lime over the same parts.
"""

import json
import pathlib
import re

import numpy as np
import onnxruntime
import shap
import soundfile
from lime.lime_image import LimeImageExplainer
from PIL import Image
from scipy.ndimage import gaussian_filter
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = ROOT / "test" / "fixtures" / "explanations"
IMAGES = ROOT / "test" / "fixtures" / "images"
BLUR_OF_SIDE = 1 / 14
MASK = 103

SPAM = "Dear friend, claim your FREE prize money today!"
HAM = "The patch for the kernel module fails to build on my machine, see the log below."
SENTENCES = {
    "source_sentence": "The old cat sleeps on the warm windowsill",
    "sentences": ["Stocks fell sharply in New York", "A kitten is napping by the window"],
}
RISE_MASKS = 4000
LIME_SEEDS, LIME_SAMPLES = 10, 200
PROMPT = "The old man looked at the sea and"
ANSWER_TOKENS = 4
WINDOW_MS, BANDS = 400, 5
# Of silero-vad, in test/fixtures/audio/clips.json.
SPEECH = (0.226, 1.598)
SPOKEN, SPOKEN_WINDOW_MS = "rms-09", 2000
START, NO_TIMES, END_OF_TEXT = 50257, 50362, 50256


def session(name: str) -> onnxruntime.InferenceSession:
    folder = ROOT / "models" / name / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    return onnxruntime.InferenceSession(folder / manifest["file"])


def tokenizer(name: str) -> Tokenizer:
    made = Tokenizer.from_file(str(ROOT / "models" / name / "1" / "tokenizer.json"))
    made.no_padding()
    return made


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def words_of(text: str) -> list[re.Match]:
    return list(re.finditer(r"\S+", text))


def without(text: str, kept) -> str:
    """The words that are kept, each with the space after it."""
    words = words_of(text)
    ends = [word.start() for word in words[1:]] + [len(text)]
    parts = [text[word.start() : end] for word, end in zip(words, ends, strict=True)]
    return "".join(part for part, keep in zip(parts, kept, strict=True) if keep)


def occlude(value, count: int) -> dict:
    """What is lost without one part."""
    full = value(np.ones(count, dtype=bool))
    left = [value(np.arange(count) != part) for part in range(count)]
    return {
        "values": [float(full - one) for one in left],
        "output": float(full),
        "base_value": float(value(np.zeros(count, dtype=bool))),
    }


def spam() -> dict:
    model, words = session("spam-detection"), tokenizer("spam-detection")

    def logits(ids: list[int]) -> np.ndarray:
        feeds = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)}
        return model.run(None, feeds)[0][0]

    def margin_of(label: int):
        return lambda ids: float(logits(ids)[label] - logits(ids)[1 - label])

    def probability_of(label: int):
        return lambda ids: softmax(logits(ids))[label]

    found = {}
    for text, label in ((SPAM, 1), (HAM, 0)):
        ids = words.encode(text).ids

        def by_word(score, text=text):
            return lambda kept: score(words.encode(without(text, kept)).ids)

        def by_token(score, ids=ids):
            return lambda kept: score([ids[0], *np.array(ids[1:-1])[kept].tolist(), ids[-1]])

        count = len(words_of(text))
        entry = {
            "text": text,
            "label": ["ham", "spam"][label],
            "probability": occlude(by_word(probability_of(label)), count),
            "margin": occlude(by_word(margin_of(label)), count),
            "tokens": occlude(by_token(margin_of(label)), len(ids) - 2),
            "token_texts": [text[a:b] for a, b in words.encode(text).offsets[1:-1]],
        }
        if count <= 11:
            score = by_word(margin_of(label))

            def rows(masks, score=score):
                return np.array([score(mask > 0.5) for mask in masks])

            shapley = shap.explainers.Exact(rows, np.zeros((1, count)))(np.ones((1, count)))
            entry["shapley"] = shapley.values[0].tolist()
        found[entry["label"]] = entry
    return found


def embeddings() -> dict:
    model, words = session("sentence-embeddings"), tokenizer("sentence-embeddings")

    def embed(ids: list[int]) -> np.ndarray:
        row = np.array([ids])
        feeds = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        return model.run(None, feeds)[0][0].astype(np.float64).mean(axis=0)

    source = SENTENCES["source_sentence"]
    encoding = words.encode(source)
    spans = [word.span() for word in words_of(source)]
    targets = [embed(words.encode(sentence).ids) for sentence in SENTENCES["sentences"]]

    def word_of(offsets: tuple[int, int]) -> int:
        return next(at for at, (start, end) in enumerate(spans) if start <= offsets[0] < end)

    def cosine(kept, removal: str, target: np.ndarray) -> float:
        ids = []
        for at, (token, offsets) in enumerate(zip(encoding.ids, encoding.offsets, strict=True)):
            is_special = at in (0, len(encoding.ids) - 1)
            if is_special or kept[word_of(offsets)]:
                ids.append(token)
            elif removal == "mask":
                ids.append(MASK)
        vector = embed(ids)
        return float(vector @ target / np.linalg.norm(vector) / np.linalg.norm(target))

    def explain(removal: str, target: np.ndarray) -> dict:
        return occlude(lambda kept: cosine(kept, removal, target), len(spans))

    return {
        **SENTENCES,
        "mask": [explain("mask", target) for target in targets],
        "remove": [explain("remove", target) for target in targets],
        "itself": explain("mask", embed(encoding.ids)),
    }


def cells(area: tuple[int, int, int, int], grid: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """By pixel of the frame the cell that its middle is in; -1 around the picture."""
    left, top, width, height = area
    found = np.full(shape, -1)
    rows = ((np.arange(height) + 0.5) * grid[0] // height).astype(int)
    columns = ((np.arange(width) + 0.5) * grid[1] // width).astype(int)
    found[top : top + height, left : left + width] = rows[:, None] * grid[1] + columns[None, :]
    return found


def blurred(picture: np.ndarray) -> np.ndarray:
    """[height, width, channels]"""
    sigma = min(picture.shape[:2]) * BLUR_OF_SIDE
    return np.stack(
        [
            gaussian_filter(picture[..., channel].astype(np.float64), sigma, mode="nearest")
            for channel in range(picture.shape[2])
        ],
        axis=2,
    )


def hide(frame: np.ndarray, area, fill: str, cell_of: np.ndarray, kept) -> np.ndarray:
    left, top, width, height = area
    part = frame[top : top + height, left : left + width]
    stand_in = blurred(part) if fill == "blur" else np.broadcast_to(part.mean(axis=(0, 1)), part.shape)
    if frame.dtype == np.uint8:
        stand_in = np.floor(stand_in + 0.5)
    filled = frame.copy()
    filled[top : top + height, left : left + width] = stand_in
    hidden = (cell_of >= 0) & ~np.append(kept, True)[cell_of]
    return np.where(hidden[..., None], filled, frame)


def imagenet() -> dict:
    model = session("imagenet-classification")
    image = Image.open(IMAGES / "chelsea.webp").convert("RGB")
    width, height = image.size
    image = image.resize((int(256 * width / height), 256), Image.Resampling.BICUBIC)
    left, top = round((image.size[0] - 224) / 2), round((256 - 224) / 2)
    frame = np.asarray(image.crop((left, top, left + 224, top + 224)))
    grid, area = (3, 3), (0, 0, 224, 224)
    cell_of = cells(area, grid, (224, 224))
    label = int(np.argmax(model.run(None, {"image": frame[None]})[0][0]))

    def value(kept, fill: str) -> float:
        shown = hide(frame, area, fill, cell_of, kept).astype(np.uint8)
        return softmax(model.run(None, {"image": shown[None]})[0][0])[label]

    return {
        "file": "chelsea.webp",
        "grid": grid,
        "label": label,
        "blur": occlude(lambda kept: value(kept, "blur"), 9),
    }


def overlap(a, b) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[tuple[float, np.ndarray]]:
    kept: list[tuple[float, np.ndarray]] = []
    for at in np.argsort(-scores, kind="stable"):
        if scores[at] < threshold:
            break
        if all(overlap(boxes[at], box) <= 0.3 for _, box in kept):
            kept.append((float(scores[at]), boxes[at]))
    return kept


def faces() -> dict:
    model = session("face-detection")
    image = Image.open(IMAGES / "astronaut.png").convert("RGB")
    size = image.size[0]
    frame = np.asarray(image.resize((128, 128), Image.Resampling.BILINEAR))
    grid, area = (4, 4), (0, 0, 128, 128)
    cell_of = cells(area, grid, (128, 128))

    def detect(shown: np.ndarray, threshold: float):
        boxes, _, scores = model.run(["boxes", "keypoints", "scores"], {"image": shown[None]})
        return suppress(boxes[0].astype(np.float64), scores[0, :, 0], threshold)

    ((_, own),) = detect(frame, 0.5)

    def value(kept) -> float:
        found = detect(hide(frame, area, "mean", cell_of, kept).astype(np.uint8), 0.01)
        return max((score for score, box in found if overlap(box, own) >= 0.5), default=0.0)

    return {
        "file": "astronaut.png",
        "grid": grid,
        "box": (own * size).tolist(),
        "mean": occlude(value, 16),
    }


def digits() -> dict:
    model = session("digits-cnn")
    manifest = json.loads((ROOT / "models" / "digits-cnn" / "1" / "manifest.json").read_text())
    image = np.array(manifest["example"]["inputs"], dtype=np.float32).reshape(8, 8, 1)
    area = (0, 0, 8, 8)

    def score(shown: np.ndarray) -> float:
        return softmax(model.run(None, {"image": shown.reshape(1, 1, 8, 8).astype(np.float32)})[0][0])[1]

    def value(kept, fill: str, cell_of: np.ndarray) -> float:
        return score(hide(image, area, fill, cell_of, kept))

    each, grid = cells(area, (8, 8), (8, 8)), (4, 2)
    coarse = cells(area, grid, (8, 8))

    def rows(masks):
        return np.array([value(mask > 0.5, "mean", coarse) for mask in masks])

    shapley = shap.explainers.Exact(rows, np.zeros((1, 8)))(np.ones((1, 8)))
    return {
        "inputs": image[..., 0].tolist(),
        "mean": occlude(lambda kept: value(kept, "mean", each), 64),
        "blur": occlude(lambda kept: value(kept, "blur", each), 64),
        "shapley": {"grid": grid, "values": shapley.values[0].tolist()},
        "lime": {"grid": grid, **lime(coarse, lambda kept: value(kept, "mean", coarse))},
        "rise": rise(image, blurred(image), score),
    }


def lime(cell_of: np.ndarray, value) -> dict:
    """Coefficients by the package lime: mean over seeds, and the deviation of one seed. Its picture has the numbers of the parts."""
    count = int(cell_of.max()) + 1
    numbers = np.repeat(cell_of[..., None] + 1.0, 3, axis=2)

    def scores(pictures):
        kept = [np.isin(np.arange(count) + 1, picture[..., 0]) for picture in pictures]
        return np.array([[1 - value(one), value(one)] for one in kept])

    found = []
    for seed in range(LIME_SEEDS):
        explainer = LimeImageExplainer(random_state=seed, feature_selection="none")
        explanation = explainer.explain_instance(
            numbers,
            scores,
            labels=(1,),
            hide_color=0,
            num_features=count,
            num_samples=LIME_SAMPLES,
            batch_size=50,
            segmentation_fn=lambda _: cell_of,
        )
        found.append([weight for _, weight in sorted(explanation.local_exp[1])])
    return {
        "samples": LIME_SAMPLES,
        "values": np.mean(found, axis=0).tolist(),
        "std": np.std(found, axis=0, ddof=1).tolist(),
    }


def rise(image: np.ndarray, filled: np.ndarray, score) -> dict:
    """Petsiuk et al. 2018, with cells of 7 x 7, half of them shown: mean and standard error of each pixel's value."""
    random = np.random.default_rng(1)
    side, cell = 8, -(-8 // 7)
    values, masks = [], []
    for _ in range(RISE_MASKS):
        coarse = (random.random((7, 7)) < 0.5).astype(np.float64)
        large = upsample(coarse, 8 * cell)
        x, y = random.integers(0, cell, 2)
        mask = large[y : y + side, x : x + side]
        masks.append(mask)
        values.append(score(image * mask[..., None] + filled * (1 - mask[..., None])))
    values, masks = np.array(values), np.array(masks)
    centred = values - values.mean()
    terms = centred[:, None, None] * (masks - masks.mean(axis=0)) / masks.mean(axis=0)
    return {
        "values": terms.mean(axis=0).tolist(),
        "std_error": (terms.std(axis=0) / np.sqrt(RISE_MASKS)).tolist(),
        "mean": float(values.mean()),
    }


def upsample(coarse: np.ndarray, side: int) -> np.ndarray:
    """Bilinear, by the middles of cells."""
    image = Image.fromarray(coarse.astype(np.float32), mode="F")
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR), dtype=np.float64)


def generation() -> dict:
    """How much each word of a prompt adds to the log probability of the answer, read token by token."""
    model, words = session("pocket-gpt"), tokenizer("pocket-gpt")
    caches = [one for one in model.get_inputs() if one.name.startswith("past_key_values.")]

    def log_probabilities(ids: list[int]):
        """Of each next token, after each token."""
        held = {
            one.name: onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros((1, one.shape[1], len(ids), one.shape[3]), np.float32)
            )
            for one in caches
        }
        for at, token in enumerate(ids):
            binding = model.io_binding()
            binding.bind_cpu_input("input_ids", np.array([[token]], np.int64))
            binding.bind_cpu_input("attention_mask", np.ones((1, at + 1), np.int64))
            for name, cache in held.items():
                binding.bind_ortvalue_input(name, cache)
                binding.bind_ortvalue_output(name.replace("past_key_values", "present"), cache)
            binding.bind_output("logits", "cpu")
            model.run_with_iobinding(binding)
            logits = binding.get_outputs()[-1].numpy()[0, -1].astype(np.float64)
            logits -= logits.max()
            yield logits - np.log(np.exp(logits).sum())

    encoding = words.encode(PROMPT, add_special_tokens=False)
    spans = [word.span() for word in words_of(PROMPT)]
    parts = [next(at for at, (_, end) in enumerate(spans) if end > start) for start, _ in encoding.offsets]
    answer: list[int] = []
    while len(answer) < ANSWER_TOKENS:
        *_, last = log_probabilities([0, *encoding.ids, *answer])
        answer.append(int(last.argmax()))

    def value(kept) -> float:
        prompt = [0, *(token for token, part in zip(encoding.ids, parts, strict=True) if kept[part])]
        found = list(log_probabilities([*prompt, *answer]))[len(prompt) - 1 :]
        return float(sum(one[token] for one, token in zip(found, answer, strict=False)))

    return {
        "prompt": PROMPT,
        "tokens": answer,
        "text": words.decode(answer),
        "words": occlude(value, len(spans)),
    }


def voices() -> dict:
    """The probability of speech without windows or bands of a recording, by Silero VAD."""
    model = session("voice-activity")
    samples, rate = soundfile.read(ROOT / "test" / "fixtures" / "audio" / "two-sentences-16k.wav", dtype="float32")

    def probabilities(heard: np.ndarray) -> np.ndarray:
        count = -(-len(heard) // 512)
        padded = np.concatenate([np.zeros(64), heard, np.zeros(count * 512 - len(heard))])
        windows = np.stack([padded[at * 512 : at * 512 + 576] for at in range(count)])
        state = np.zeros((1, 1, 128), np.float32)
        feeds = {"input": windows.astype(np.float32), "h": state, "c": state}
        return model.run(["speech_probs"], feeds)[0].astype(np.float64)

    def segment_mean(heard: np.ndarray) -> float:
        found = probabilities(heard)
        middles = (np.arange(len(found)) + 0.5) * 512 / rate
        return float(found[(middles >= SPEECH[0]) & (middles < SPEECH[1])].mean())

    length = round(WINDOW_MS * rate / 1000)
    count = -(-len(samples) // length)

    def in_time(kept) -> float:
        return segment_mean(samples * np.repeat(kept, length)[: len(samples)])

    mels = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), BANDS + 1)
    edges = 700 * (10 ** (mels / 2595) - 1)
    edges[-1] = np.inf
    band_of = np.searchsorted(edges, np.fft.rfftfreq(512, 1 / rate), side="right") - 1
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)

    def in_frequency(kept) -> float:
        padded = np.concatenate([np.zeros(256), samples, np.zeros(512)])
        left = np.zeros(len(padded))
        for at in range(0, len(samples) + 256, 256):
            spectrum = np.fft.rfft(padded[at : at + 512] * hann)
            left[at : at + 512] += np.fft.irfft(spectrum * np.asarray(kept)[band_of], 512)
        return segment_mean(left[256 : 256 + len(samples)])

    return {
        "file": "two-sentences-16k.wav",
        "window_ms": WINDOW_MS,
        "bands": BANDS,
        "in_time": occlude(in_time, count),
        "in_frequency": occlude(in_frequency, BANDS),
    }


def mel_filters() -> np.ndarray:
    """80 triangles from 0 to 8 kHz on Slaney's scale, each of area 1, over the bins of 400 samples at 16 kHz."""
    knee, step, ratio = 1000.0, 200 / 3, np.log(6.4) / 27
    top = knee / step + np.log(8000 / knee) / ratio
    mels = np.linspace(0, top, 82)
    linear = mels * step
    edges = np.where(linear < knee, linear, knee * np.exp(ratio * (mels - knee / step)))
    bins = np.fft.rfftfreq(400, 1 / 16000)
    rise = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def log_mel(samples: np.ndarray) -> np.ndarray:
    """[1, 80, frames], as Whisper computes it."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    padded = np.pad(samples.astype(np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:-1] * hann
    power = np.abs(np.fft.rfft(frames)) ** 2
    found = np.log10(np.maximum(mel_filters() @ power.T, 1e-10))
    return ((np.maximum(found, found.max() - 8) + 4) / 4).astype(np.float32)[None]


def transcripts() -> dict:
    """The mean log probability of a transcript without windows of the recording."""
    folder = ROOT / "models" / "whisper-tiny-en" / "1"
    encoder, decoder = (onnxruntime.InferenceSession(folder / f"{name}.ort") for name in ("encoder", "decoder"))
    sounds = [one.name for one in encoder.get_outputs()]
    caches = [one for one in decoder.get_inputs() if one.name.startswith("past_key_values.")]
    samples, rate = soundfile.read(ROOT / "test" / "fixtures" / "speech" / f"{SPOKEN}.wav", dtype="float32")
    recordings = json.loads((ROOT / "test" / "fixtures" / "speech" / "transcripts.json").read_text())
    (tokens,) = (one["tokens"] for one in recordings["recordings"] if one.get("name") == SPOKEN)
    # Of text alone: without times and the end.
    tokens = [token for token in tokens if token < END_OF_TEXT]

    def mean_log_probability(heard: np.ndarray) -> float:
        window = np.pad(heard, (0, 12 * rate - len(heard)))
        sound = dict(zip(sounds, encoder.run(sounds, {"input_features": log_mel(window)}), strict=True))
        held = {
            one.name: onnxruntime.OrtValue.ortvalue_from_numpy(
                np.zeros((1, one.shape[1], 448, one.shape[3]), np.float32)
            )
            for one in caches
        }
        text = [START, NO_TIMES, *tokens, END_OF_TEXT]
        total = 0.0
        for at, token in enumerate(text[:-1]):
            binding = decoder.io_binding()
            binding.bind_cpu_input("input_ids", np.array([[token]], np.int64))
            binding.bind_cpu_input("attention_mask", np.ones((1, at + 1), np.int64))
            for name, values in sound.items():
                binding.bind_cpu_input(name, values)
            for name, cache in held.items():
                binding.bind_ortvalue_input(name, cache)
                binding.bind_ortvalue_output(name.replace("past_key_values", "present"), cache)
            binding.bind_output("logits", "cpu")
            decoder.run_with_iobinding(binding)
            logits = binding.get_outputs()[-1].numpy()[0, -1].astype(np.float64)
            logits -= logits.max()
            if at > 0:
                total += logits[text[at + 1]] - np.log(np.exp(logits).sum())
        return float(total / (len(tokens) + 1))

    length = round(SPOKEN_WINDOW_MS * rate / 1000)
    count = -(-len(samples) // length)
    return {
        "name": SPOKEN,
        "window_ms": SPOKEN_WINDOW_MS,
        "tokens": tokens,
        "in_time": occlude(
            lambda kept: mean_log_probability(samples * np.repeat(kept, length)[: len(samples)]), count
        ),
    }


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value


if __name__ == "__main__":
    fixture = {
        "engine": f"onnxruntime {onnxruntime.__version__}, shap {shap.__version__}",
        "spam": spam(),
        "embeddings": embeddings(),
        "imagenet": imagenet(),
        "faces": faces(),
        "digits": digits(),
        "generation": generation(),
        "voices": voices(),
        "transcripts": transcripts(),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "parts.json").write_text(json.dumps(rounded(fixture), separators=(",", ":")) + "\n")
