"""Samples from a spec or a CSV file, and what is said of those that cannot be used."""

from pathlib import Path

import pytest

from workbook_tools.errors import InputError
from workbook_tools.spec.data import DataTable
from workbook_tools.spec.experiment import Experiment
from workbook_tools.spec.load import load_experiment

CSV = """length, width ,kind
1.5,2,round
2.5,4,square

3.5,7,round
"""
SPEC = """
title = "test"
[network]
layers = [2, 2]
activation = "softmax"
loss = "categorical-cross-entropy"
[data]
file = "things.csv"
inputs = ["length", "width"]
class = "kind"
[start]
draw = "xavier"
[training]
learning_rates = [0.1]
iterations = 3
"""


def load(folder: Path, spec: str = SPEC, content: str = CSV) -> Experiment:
    (folder / "things.csv").write_text(content, encoding="utf-8")
    (folder / "spec.toml").write_text(spec, encoding="utf-8")
    return load_experiment(folder / "spec.toml")


def refusal(folder: Path, spec: str = SPEC, content: str = CSV) -> str:
    with pytest.raises(InputError) as refused:
        load(folder, spec, content)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_a_csv_file_beside_the_spec_is_read(tmp_path: Path) -> None:
    data = load(tmp_path).data
    assert data.inputs == [[1.5, 2.0], [2.5, 4.0], [3.5, 7.0]]
    assert data.input_names == ["length", "width"]
    assert data.outputs == ["round", "square"]
    assert data.target_rows(2) == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]


def test_a_file_as_a_spreadsheet_program_exports_it_is_read(tmp_path: Path) -> None:
    content = "\ufeff" + CSV.replace("\n", "\r\n").replace("round", '"round"')
    assert load(tmp_path, content=content).data == load(tmp_path).data


def test_class_names_put_the_outputs_in_order(tmp_path: Path) -> None:
    named = SPEC.replace('class = "kind"', 'class = "kind"\nclass_names = ["square", "round"]')
    assert load(tmp_path, named).data.target_rows(2)[0] == [0.0, 1.0]


def test_one_output_tells_of_the_second_of_two_classes(tmp_path: Path) -> None:
    spec = SPEC.replace("[2, 2]", "[2, 1]").replace('"softmax"', '"sigmoid"')
    spec = spec.replace("categorical", "binary")
    assert load(tmp_path, spec).data.target_rows(1) == [[0.0], [1.0], [0.0]]


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("2.5,4,", "2.5,,", "things.csv line 3, column 'width' is empty"),
        ("2.5,4,", "2.5,four,", "things.csv line 3, column 'width' is 'four'"),
        ("3.5,7,", "3.5,inf,", "things.csv line 5, column 'width' is 'inf'"),
        ("3.5,7,round", "3.5,7", "things.csv line 5, column 'kind' is empty"),
        ("length,", "width,", "no column 'length'; its columns are width, width, kind"),
        (CSV, "length,width,kind\n", "no samples below its header"),
        (CSV, "", "no samples below its header"),
        ("square", "round", "every sample is a 'round'"),
        ("square", "Round", "data.classes: 'Round' is there twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_line_and_column(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    assert good in CSV
    assert said in refusal(tmp_path, content=CSV.replace(good, bad))


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('"things.csv"', '"nothing.csv"', "nothing.csv cannot be read"),
        ('class = "kind"', 'klass = "kind"', "data.klass: unknown key"),
        ('class = "kind"', 'targets = ["kind"]', "line 2, column 'kind' is 'round'"),
        ('class = "kind"', "", "either targets or classes"),
        (
            'class = "kind"',
            'class = "kind"\nclass_names = ["round", "square", "oval"]',
            "no sample is a 'oval'",
        ),
        ('class = "kind"', 'class = "kind"\nclass_names = ["round", "oval"]', "a 'oval'"),
        ("[2, 2]", "[2, 3]", "data.classes: 2 classes (round, square)"),
        ("[2, 2]", "[3, 2]", "data.inputs: 2 values given"),
    ],
)
def test_a_spec_that_does_not_fit_its_file_is_refused(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    assert good in SPEC
    assert said in refusal(tmp_path, SPEC.replace(good, bad))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "things.csv").write_bytes(b"length,width,kind\n1,2,\xff\n")
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        load_experiment(tmp_path / "spec.toml")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"inputs": [[1.0], [2.0, 3.0]], "targets": [[1.0], [0.0]]}, "sample 2 has 2 values"),
        ({"inputs": [[1.0], [2.0]], "targets": [[1.0]]}, "1 samples given, data.inputs has 2"),
        ({"inputs": [[1.0], [2.0]], "classes": ["a", "b"], "targets": [[1.0]]}, "not both"),
        (
            {"inputs": [1.0], "targets": [1.0], "standardise": True},
            "one sample has no standard deviation",
        ),
        (
            {"inputs": [[1.0, 2.0], [1.0, 3.0]], "targets": [[1.0], [0.0]], "standardise": True},
            "input 1 is 1 in every sample",
        ),
        (
            {"inputs": [[1.0], [2.0]], "targets": [[1.0], [0.0]], "input_names": ["a", "b"]},
            "2 given for 1 inputs",
        ),
    ],
)
def test_samples_that_do_not_go_together_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        DataTable.model_validate(given)
    assert said in str(refused.value)
