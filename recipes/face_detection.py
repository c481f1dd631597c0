"""face-detection: BlazeFace (short range) of MediaPipe, with its anchors in the graph.

Weights and network: ``face_detection_short_range.tflite`` of mediapipe 0.10.21 (Apache-2.0, Google), written
down again as ONNX, operator by operator. Pictures: those that come with scikit-image and scikit-learn.

Wants the Python registry.
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
import onnx
import skimage
import sklearn
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import TensorProto
from PIL import Image, ImageOps

from graph_builder import GraphBuilder
from packages import read_exactly, unpack_wheel
from publish import Fixture, Publication, max_error, plain, publish, run, significant, tolerance_for
from rendering import Card

NAME = "face-detection"
PACKAGE = "mediapipe==0.10.21"
WEIGHTS_SHA256 = "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
ENGINE = f"LiteRT {ai_edge_litert.__version__} (Python), the published network"
SIZE = 128
# Rows and columns of anchors, and anchors per position; a face's centre is relative to its anchor.
ANCHORS = [(16, 2), (8, 6)]
SCORE_THRESHOLD = 0.5
IOU_THRESHOLD = 0.3

PICTURES = [
    *("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"),
    *("china.jpg", "flower.jpg", "brick.png", "cell.png", "clock_motion.png", "coins.png", "grass.png"),
    *("gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png", "retina.jpg"),
    "text.png",
]
FIXTURE_PICTURES = 2
# How much of the side of a frame a small portrait takes.
PORTRAIT_SIDE = 64
EXAMPLE_SIZE = (160, 120)
# Of a score, and of a place in pixels: the decoders give the same levels.
EXAMPLE_TOLERANCE = 1e-3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = unpack_wheel(Path(folder), PACKAGE) / "mediapipe" / "modules" / "face_detection"
        network = Network(read_exactly(files / "face_detection_short_range.tflite", WEIGHTS_SHA256))
    model = to_graph(network)

    pictures = [fit(open_picture(name)) for name in PICTURES]
    faces, others = read_portraits()
    frames = np.stack([*pictures, *faces, *others])
    expected = {name: np.concatenate(list(values)) for name, values in zip_outputs(network, frames)}
    actual = run(model, {"image": frames})
    errors = {name: max_error(actual[name], expected[name]) for name in expected}
    best = actual["scores"].max(axis=(1, 2))
    first, second = len(pictures), len(pictures) + len(faces)
    found = {
        "facesFound": f"{(best[first:second] >= SCORE_THRESHOLD).sum()} of {len(faces)} portraits",
        "falseFinds": f"{(best[second:] >= SCORE_THRESHOLD).sum()} of {len(others)} patches without a face",
    }

    fixture = np.stack(pictures[:FIXTURE_PICTURES])
    answers = {name: values[:FIXTURE_PICTURES] for name, values in expected.items()}
    description = "Finds faces within about two metres of a camera, by BlazeFace (short range) of MediaPipe."
    publish(
        Publication(
            name=NAME,
            description=description,
            recipe="face_detection.py",
            model=model,
            task="object-detection",
            preprocess={
                "type": "image",
                "version": 1,
                "input": "image",
                "resize": {"mode": "letterbox", "width": SIZE, "height": SIZE, "filter": "bilinear"},
                "color": "RGB",
                "layout": "NHWC",
            },
            postprocess={
                "type": "object-detection",
                "version": 1,
                "boxes": "boxes",
                "scores": "scores",
                "boxFormat": "xyxy",
                "coordinates": "normalized",
                "scoreActivation": "none",
                "scoreThreshold": SCORE_THRESHOLD,
                "iouThreshold": IOU_THRESHOLD,
                "maxDetections": 100,
            },
            labels=["face"],
            example=to_example(network),
            source="face_detection_short_range.tflite of PyPI mediapipe 0.10.21, from https://github.com/google-ai-edge/mediapipe",
            license="Apache-2.0",
            metrics={
                **found,
                "dataset": f"{PICTURES[0]} and {len(pictures) - 1} other pictures, and the {len(faces) + len(others)} patches of lfw_subset.npy, of scikit-image {skimage.__version__} and scikit-learn {sklearn.__version__}",
                "samples": len(frames),
                **{f"maxAbsError_{name}": significant(error, 2) for name, error in errors.items()},
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs={"image": fixture},
                outputs=answers,
                tolerance={name: tolerance_for(max(error, 1e-6)) for name, error in errors.items()},
            ),
            descriptions={
                "image": f"red, green and blue of {SIZE} x {SIZE} pixels, rows from the top, as they are in the picture",
                "boxes": "left, top, right and bottom of a face by each of the 896 anchors; 1 is the input's side",
                "keypoints": "x and y of the right eye, left eye, nose tip, mouth, right and left ear, in the same unit",
                "scores": "how sure it is that there is a face, from 0 to 1",
            },
            card=to_card(description, found),
        )
    )


class Network:
    """The published network in its own engine."""

    def __init__(self, content: bytes) -> None:
        self.interpreter = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.interpreter.allocate_tensors()
        self.operators = self.interpreter._get_ops_details()
        self.shapes = {t["index"]: tuple(t["shape"]) for t in self.interpreter.get_tensor_details()}
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.outputs = {o["name"]: o["index"] for o in self.interpreter.get_output_details()}

    def constant(self, index: int) -> np.ndarray:
        return self.interpreter.get_tensor(index)

    def run(self, frame: np.ndarray) -> dict[str, np.ndarray]:
        """Boxes, keypoints and scores, decoded as MediaPipe's TensorsToDetectionsCalculator does."""
        self.interpreter.set_tensor(self.input, (frame.astype(np.float32) / 127.5 - 1)[None])
        self.interpreter.invoke()
        regressors = self.interpreter.get_tensor(self.outputs["regressors"]).reshape(1, -1, 8, 2) / SIZE
        logits = self.interpreter.get_tensor(self.outputs["classificators"])
        middle, size = regressors[:, :, 0] + anchors(), regressors[:, :, 1]
        # As MediaPipe clips them; beyond that a float is 0 or 1 anyway.
        logits = np.clip(logits.astype(np.float64), -100, 100)
        return {
            "boxes": np.concatenate([middle - size / 2, middle + size / 2], axis=-1).astype(np.float32),
            "keypoints": (regressors[:, :, 2:] + anchors()[:, None]).reshape(1, -1, 12).astype(np.float32),
            "scores": (1 / (1 + np.exp(-logits))).astype(np.float32),
        }


def zip_outputs(network: Network, frames: np.ndarray) -> list[tuple[str, list[np.ndarray]]]:
    outputs = [network.run(frame) for frame in frames]
    return [(name, [output[name] for output in outputs]) for name in ("boxes", "keypoints", "scores")]


def anchors() -> np.ndarray:
    """The centres of the anchors, x and y, in the order of MediaPipe's SsdAnchorsCalculator: [896, 2]."""
    found = []
    for side, count in ANCHORS:
        for y in range(side):
            for x in range(side):
                found += [((x + 0.5) / side, (y + 0.5) / side)] * count
    return np.array(found, np.float32)


def to_graph(network: Network) -> onnx.ModelProto:
    """The same operators over planes instead of pixels, from bytes to boxes."""
    graph = GraphBuilder()
    graph.add("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    graph.add("Cast", ["planes"], "floats", to=TensorProto.FLOAT)
    graph.add("Div", ["floats", graph.constant("half_range", np.float32(127.5))], "from_0_to_2")
    graph.add("Sub", ["from_0_to_2", graph.constant("one", np.float32(1))], "t0")
    weights: dict[int, np.ndarray] = {}
    for operator in network.operators:
        name, inputs, output = operator["op_name"], list(operator["inputs"]), operator["outputs"][0]
        if name == "DEQUANTIZE":
            # Weights are stored as 16-bit floats.
            weights[output] = network.constant(inputs[0]).astype(np.float32)
        else:
            write_operator(graph, network, weights, name, inputs, output)
    regressors, logits = (f"t{network.outputs[name]}" for name in ("regressors", "classificators"))
    graph.add("Sigmoid", [logits], "scores")
    write_boxes(graph, regressors)
    return graph.finish(
        NAME,
        {"image": (TensorProto.UINT8, ["batch", SIZE, SIZE, 3])},
        {
            "boxes": (TensorProto.FLOAT, ["batch", len(anchors()), 4]),
            "keypoints": (TensorProto.FLOAT, ["batch", len(anchors()), 12]),
            "scores": (TensorProto.FLOAT, ["batch", len(anchors()), 1]),
        },
    )


def write_operator(
    graph: GraphBuilder,
    network: Network,
    weights: dict[int, np.ndarray],
    name: str,
    inputs: list[int],
    output: int,
) -> None:
    x, y = f"t{inputs[0]}", f"t{output}"
    shape = network.shapes
    match name:
        case "CONV_2D" | "DEPTHWISE_CONV_2D":
            kernel, bias = weights[inputs[1]], weights[inputs[2]]
            depthwise = name == "DEPTHWISE_CONV_2D"
            # Filters, rows, columns, channels; of a depthwise one 1, rows, columns, filters.
            kernel = kernel.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
            graph.add(
                "Conv",
                [x, graph.constant(f"{y}_weight", kernel), graph.constant(f"{y}_bias", bias)],
                y,
                group=kernel.shape[0] if depthwise else 1,
                **window(shape[inputs[0]], shape[output], kernel.shape[2:]),
            )
        case "MAX_POOL_2D":
            graph.add("MaxPool", [x], y, kernel_shape=[2, 2], strides=[2, 2])
        case "RELU":
            graph.add("Relu", [x], y)
        case "ADD":
            graph.add("Add", [x, f"t{inputs[1]}"], y)
        case "PAD":
            # Of pixels only the channels grow.
            (_, _, _, (before, after)) = network.constant(inputs[1])
            assert before == 0 and not network.constant(inputs[1])[:3].any()
            pads = np.array([0, 0, 0, 0, 0, after, 0, 0], np.int64)
            graph.add("Pad", [x, graph.constant(f"{y}_pads", pads)], y)
        case "RESHAPE":
            # To a row for each anchor, which lie pixel by pixel.
            graph.add("Transpose", [x], f"{y}_pixels", perm=[0, 2, 3, 1])
            rows = graph.constant(f"{y}_shape", np.array([0, *shape[output][1:]], np.int64))
            graph.add("Reshape", [f"{y}_pixels", rows], y)
        case "CONCATENATION":
            graph.add("Concat", [f"t{index}" for index in inputs], y, axis=1)
        case "DELEGATE":
            pass
        case _:
            raise ValueError(f"the network has an operator {name}")


def window(before: tuple[int, ...], after: tuple[int, ...], kernel: tuple[int, ...]) -> dict[str, Any]:
    """Stride and padding of TFLite's SAME, which puts the odd row and column at the end."""
    stride = before[1] // after[1]
    whole = [max((after[1 + axis] - 1) * stride + kernel[axis] - before[1 + axis], 0) for axis in (0, 1)]
    pads = [*(total // 2 for total in whole), *(total - total // 2 for total in whole)]
    return {"kernel_shape": list(kernel), "strides": [stride, stride], "pads": pads}


def write_boxes(graph: GraphBuilder, regressors: str) -> None:
    """Anchors' offsets, in pixels of the input, to boxes and points."""

    def part(first: int, last: int, name: str) -> str:
        bounds = [
            graph.constant(f"{key}", np.array([value], np.int64))
            for key, value in ((f"{name}_first", first), (f"{name}_last", last), ("axis", 2))
        ]
        return graph.add("Slice", ["offsets", *bounds], name)

    points = graph.constant("points_shape", np.array([0, len(anchors()), 8, 2], np.int64))
    graph.add("Reshape", [regressors, points], "pixel_offsets")
    graph.add("Div", ["pixel_offsets", graph.constant("side", np.float32(SIZE))], "offsets")
    places = graph.constant("anchors", anchors()[None, :, None])
    graph.add("Add", [part(0, 1, "middle_offset"), places], "middle")
    half = graph.constant("half", np.float32(0.5))
    graph.add("Mul", [part(1, 2, "size"), half], "half_size")
    graph.add("Sub", ["middle", "half_size"], "first_corner")
    graph.add("Add", ["middle", "half_size"], "last_corner")
    graph.add("Concat", ["first_corner", "last_corner"], "corners", axis=2)
    rows = graph.constant("boxes_shape", np.array([0, len(anchors()), 4], np.int64))
    graph.add("Reshape", ["corners", rows], "boxes")
    graph.add("Add", [part(2, 8, "point_offsets"), places], "points")
    rows = graph.constant("keypoints_shape", np.array([0, len(anchors()), 12], np.int64))
    graph.add("Reshape", ["points", rows], "keypoints")


def open_picture(name: str) -> Image.Image:
    folders = [Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"]
    (path,) = (folder / name for folder in folders if (folder / name).exists())
    return Image.open(path).convert("RGB")


def fit(picture: Image.Image) -> np.ndarray:
    """A picture as preprocessed by the manifest's `image` block."""
    return np.asarray(ImageOps.pad(picture, (SIZE, SIZE), Image.Resampling.BILINEAR))


def read_portraits() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Faces of Labeled Faces in the Wild, and patches without a face: 25 x 25 pixels, grey."""
    patches = np.load(Path(skimage.__file__).parent / "data" / "lfw_subset.npy")
    frames = []
    for patch in patches:
        grey = Image.fromarray(np.rint(patch / patch.max() * 255).astype(np.uint8))
        frame = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
        left = (SIZE - PORTRAIT_SIDE) // 2
        frame.paste(grey.resize((PORTRAIT_SIDE,) * 2, Image.Resampling.BICUBIC).convert("RGB"), (left, left))
        frames.append(np.asarray(frame))
    return frames[:100], frames[100:]


def to_example(network: Network) -> dict[str, Any]:
    """A small photograph, and the face in it."""
    picture = open_picture(PICTURES[0])
    width, height = EXAMPLE_SIZE
    # Wider than high, so that the box has to be brought back from the letterbox.
    picture = picture.crop((0, 0, picture.width, picture.width * height // width))
    file = io.BytesIO()
    picture.resize(EXAMPLE_SIZE, Image.Resampling.LANCZOS).save(file, "JPEG", quality=85)
    decoded = Image.open(file).convert("RGB")
    return {
        "inputs": f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}",
        "output": [detect(network, decoded)],
        "tolerance": EXAMPLE_TOLERANCE,
        "engine": f"{ENGINE}, after Pillow",
    }


def detect(network: Network, picture: Image.Image) -> dict[str, Any]:
    """The best face, in pixels of the picture."""
    answer = network.run(fit(picture))
    best = int(answer["scores"][0, :, 0].argmax())
    scale = min(SIZE / picture.width, SIZE / picture.height)
    pad = [round((SIZE - length * scale) / 2) for length in picture.size]
    corners = [(value * SIZE - pad[at % 2]) / scale for at, value in enumerate(answer["boxes"][0, best])]
    keys = ("xmin", "ymin", "xmax", "ymax")
    box = {key: plain(significant(v, 6)) for key, v in zip(keys, corners, strict=True)}
    return {"label": "face", "score": plain(answer["scores"][0, best, 0]), "box": box}


def to_card(description: str, found: dict[str, str]) -> Card:
    return Card(
        title="Face detection, BlazeFace (short range)",
        summary=description,
        model=(
            "BlazeFace: 5 x 5 depthwise and 1 x 1 convolutions, 0.1 million parameters, stored as 16-bit floats by "
            f"its authors and as fp32 here. Its input is {SIZE} x {SIZE} pixels, its output 896 anchors. The input is "
            "the picture's bytes; scaling them to -1 to 1, decoding the anchors and the sigmoid are part of the graph.\n\n"
            "MediaPipe averages overlapping boxes; the task API keeps the one with the highest score."
        ),
        data=(
            "The weights are those of `face_detection_short_range.tflite` in [mediapipe](https://pypi.org/project/mediapipe/) "
            "0.10.21 (Apache-2.0, The MediaPipe Authors), converted to ONNX. The package does not say what they "
            "were trained on. The pictures of the test fixture and of the example, an astronaut by NASA and the "
            "cameraman by Lav Varshney (CC0), come with scikit-image."
        ),
        results=(
            "The errors are against the published network in LiteRT, on the same frames. The portraits are 100 faces of "
            "Labeled Faces in the Wild, 25 x 25 pixels and grey, enlarged in the middle of a grey frame; the "
            "patches are the 100 without a face of the same file. That is far from what the network was made for, so "
            "the figures say that it works, not how well it does with photographs."
        ),
        request=(
            f"```sh\ncurl --data-binary @people.jpg -H 'content-type: image/jpeg' http://127.0.0.1:8787/models/{NAME}\n```\n\n"
            'The answer is a list of `{"label": "face", "score", "box": {"xmin", "ymin", "xmax", "ymax"}}`, in pixels of '
            "the picture, best first. `?threshold=0.8` asks for surer ones."
        ),
        limits=[
            f"Small faces are missed: all there is to see are {SIZE} x {SIZE} pixels of the whole picture.",
            "It finds faces and does not tell whose they are.",
            "How its hits differ between groups of people was not measured here.",
        ],
    )


if __name__ == "__main__":
    main()
