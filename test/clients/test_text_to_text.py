"""huggingface_hub against models that write texts about texts, whose texts transformers computed."""

import json

import pytest
from conftest import ROOT
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

FILE = ROOT / "test" / "fixtures" / "generation" / "encoder-decoder.json"
CASES = json.loads(FILE.read_text())["cases"][:8]


def run_of(case: dict, options: dict) -> str:
    return next(run["texts"][0] for run in case["runs"] if run["options"] == options)


@pytest.fixture
def translator(origin: str) -> InferenceClient:
    return InferenceClient(f"{origin}/models/tiny-merged-translation")


@pytest.mark.parametrize("case", CASES)
def test_translations_are_those_of_transformers(translator: InferenceClient, case: dict):
    languages = {"src_lang": case["source"], "tgt_lang": case["target"]}
    greedy = translator.translation(case["text"], **languages)
    assert greedy.translation_text == run_of(case, {})
    options = {"num_beams": 4}
    beams = translator.translation(case["text"], generate_parameters=options, **languages)
    assert beams.translation_text == run_of(case, options)


def test_a_summary_has_parameters_of_the_generation(origin: str):
    case = next(case for case in CASES if (case["source"], case["target"]) == ("en", "de"))
    client = InferenceClient(f"{origin}/models/tiny-merged-summarization")
    summary = client.summarization(
        case["text"],
        generate_parameters={"max_new_tokens": 6},
        truncation="longest_first",
        clean_up_tokenization_spaces=True,
    )
    assert summary.summary_text == run_of(case, {"max_new_tokens": 6})


def test_a_long_text_is_refused_unless_it_may_be_cut(translator: InferenceClient):
    text = "ban " * 100
    with pytest.raises(HfHubHTTPError) as refused:
        translator.translation(text)
    assert "48 at most" in refused.value.response.text
    assert translator.translation(text, truncation="only_first").translation_text


def test_an_unknown_language_is_refused_by_name(translator: InferenceClient):
    with pytest.raises(HfHubHTTPError) as refused:
        translator.translation("ban", src_lang="en", tgt_lang="it")
    assert "tgt_lang" in refused.value.response.text
