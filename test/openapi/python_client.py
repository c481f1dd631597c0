"""
Drives the Worker with the client that openapi-python-client makes of its document, with its default settings: argument 1
is the Worker's URL, 2 the folder of expected values (scikit-learn, transformers).
"""

import json
import sys
from pathlib import Path

from onnxflare_client import Client
from onnxflare_client.api.models import get_model
from onnxflare_client.api.predictions import create_embeddings, infer, predict, predict_of_version
from onnxflare_client.models import (
    EmbeddingsRequest,
    InferInput,
    InferInputDatatype,
    InferRequest,
    InferRequestedOutput,
    LabelScore,
    TaskRequest,
)
from onnxflare_client.types import UNSET

LABELS = ["setosa", "versicolor", "virginica"]
origin, folder = sys.argv[1:]
client = Client(base_url=origin)


def read(name):
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


iris = read("iris-logistic")
rows = [iris["inputs"][0]["data"][row * 4 : row * 4 + 4] for row in range(4)]
(probabilities,) = [output["data"] for output in iris["outputs"] if output["name"] == "probabilities"]


def check_scores(scores, row):
    assert len(scores) == len(LABELS)
    for score in scores:
        assert isinstance(score, LabelScore), score
        expected = probabilities[row * 3 + LABELS.index(score.label)]
        assert abs(score.score - expected) <= 1e-6, (score, expected)


# The task API: `parameters` has a default and may be left out.
check_scores(predict.sync("iris-logistic", client=client, body=TaskRequest(inputs=rows[0])), 0)
several = predict_of_version.sync("iris-logistic", "1", client=client, body=TaskRequest(inputs=rows))
assert len(several) == 4
for row, scores in enumerate(several):
    check_scores(scores, row)

# The Open Inference Protocol, with nested data.
tensor = InferInput(name="features", datatype=InferInputDatatype.FP32, shape=[4, 4], data=rows)
request = InferRequest(inputs=[tensor], outputs=[InferRequestedOutput(name="probabilities")])
inferred = infer.sync("iris-logistic", client=client, body=request, x_request_id="typed")
assert inferred.model_name == "iris-logistic" and inferred.id is UNSET
(output,) = inferred.outputs
assert output.shape == [4, 3]
assert all(abs(value - wanted) <= 1e-6 for value, wanted in zip(output.data, probabilities))

# Embeddings: `encoding_format` and `truncate` have defaults and may be left out.
texts = read("sentence-embeddings-texts")["texts"][:2]
request = EmbeddingsRequest(model="sentence-embeddings", input_=[text["text"] for text in texts])
embedded = create_embeddings.sync(client=client, body=request)
assert [item.index for item in embedded.data] == [0, 1]
for item, text in zip(embedded.data, texts):
    assert sum(a * b for a, b in zip(item.embedding, text["embedding"])) > 0.98

# Metadata, and a typed error.
assert get_model.sync("iris-logistic", client=client).inputs[0].shape == [-1, 4]
failed = predict.sync_detailed("iris-logistic", client=client, body=TaskRequest(inputs=[1, 2]))
assert failed.status_code == 400 and failed.parsed.code == "invalid_shape", failed
