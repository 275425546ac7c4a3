"""The definition of the columns for all formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.base.label_sets import NO_CLASS, label_of
from core.jobs.values import Review, Row, State, Verdict
from core.outputs.reports.columns import ColumnSet, ReportRow, as_object, columns, outcome_columns, values
from core.prediction import Evidence, Level, Neighbour, Prediction
from tests.core.outputs.reports.conftest import failed, predicted
from tests.rows import classified


def test_the_columns_are_those_that_scripts_rely_on() -> None:
    assert [column.name for column in columns(ColumnSet(2))] == [
        *("path", "label", "confidence", "labels", "unknown", "unknown_score", "set", "set_coverage", "nearest"),
        *("rolled_up", "rolled_up_probability", "model", "provider", "precision"),
        *("decode_ms", "preprocess_ms", "inference_ms", "error", "hint", "warnings", "label_2", "probability_2"),
    ]


def test_review_columns_are_optional() -> None:
    names = [column.name for column in outcome_columns(ColumnSet(1, reviewed=True))]
    assert names[8:13] == ["nearest", "rolled_up", "rolled_up_probability", "answer", "review"]
    assert "answer" not in [column.name for column in columns(ColumnSet(9))]


def row_cells(row: ReportRow, shape: ColumnSet) -> dict[str, object]:
    shown = columns(shape)
    return {column.name: value for column, value in zip(shown, values(row, shown), strict=True)}


def test_a_prediction_fills_every_column_except_those_of_failures() -> None:
    near = Neighbour("green", 0.5, path=Path("train/g.jpg")), Neighbour("red", 0.25)
    levels = Level(("warm",), 0.9375), Level(("warm", "orange"), 0.875)
    found = replace(predicted("a.png", unknown=False), evidence=Evidence(0.75, ("red", "green"), near, 0.9, levels))
    row = ReportRow(found, Review(Verdict.CORRECTED, "blue"))
    assert row_cells(row, ColumnSet(4, reviewed=True)) == {
        "path": "a.png",
        "label": "red",
        "confidence": 0.75,
        "labels": None,
        "unknown": False,
        "unknown_score": 0.75,
        "set": "red; green",
        "set_coverage": 0.9,
        "nearest": "green 0.50; red 0.25",
        "rolled_up": "warm > orange",
        "rolled_up_probability": 0.875,
        "answer": "blue",
        "review": "corrected",
        "model": "colours",
        "provider": "cpu",
        "precision": "",
        "decode_ms": 1.5,
        "preprocess_ms": 0.25,
        "inference_ms": 3.125,
        "error": None,
        "hint": None,
        "warnings": None,
        "label_2": "green",
        "probability_2": 0.125,
        "label_3": "blue",
        "probability_3": 0.0625,
        "label_4": None,
        "probability_4": None,
    }


def test_an_unknown_image_is_in_no_group_of_classes() -> None:
    found = replace(predicted("a.png", unknown=True), evidence=Evidence(0.75, levels=(Level(("warm",), 0.9375),)))
    assert row_cells(ReportRow(found), ColumnSet(1))["rolled_up"] is None
    assert as_object(ReportRow(found), ColumnSet(1))["rolled_up"] is None


def test_a_failure_fills_only_its_columns() -> None:
    said = {
        name: value for name, value in row_cells(ReportRow(failed("a.png")), ColumnSet(2)).items() if value is not None
    }
    assert said == {"path": "a.png", "error": "It is damaged.", "hint": "Take another copy."}


def test_json_has_the_same_values_as_the_columns() -> None:
    row = ReportRow(predicted("a.png", unknown=False), Review(Verdict.ACCEPTED, "red"))
    content = as_object(row, ColumnSet(2, reviewed=True))
    scores = content.pop("scores")
    assert scores == [{"label": "red", "probability": 0.75}, {"label": "green", "probability": 0.125}]
    flat = {column.name: column.value_of(row) for column in outcome_columns(ColumnSet(2, reviewed=True))}
    assert content.pop("warnings") == []
    assert [content.pop(name) for name in ("unknown_score", "set", "set_coverage", "nearest")] == [None, None, None, []]
    assert [content.pop(name) for name in ("rolled_up", "labels")] == [None, None]
    assert content == {name: value for name, value in flat.items() if value is not None}


def test_json_has_the_evidence() -> None:
    """Paths of training images are there only where this computer knows them."""
    near = Neighbour("green", 0.5, "ab" * 32, Path("train/g.jpg")), Neighbour("red", 0.25, "cd" * 32)
    levels = Level(("warm",), 0.9375), Level(("warm", "orange"), 0.875)
    row = ReportRow(replace(predicted("a.png"), evidence=Evidence(0.125, (), near, 0.9, levels)))
    content = as_object(row, ColumnSet(1))
    assert content["rolled_up"] == {"label": "orange", "path": ["warm", "orange"], "probability": 0.875}
    assert (content["unknown_score"], content["set"], content["set_coverage"]) == (0.125, [], 0.9)
    assert content["nearest"] == [
        {"label": "green", "similarity": 0.5, "path": str(Path("train/g.jpg"))},
        {"label": "red", "similarity": 0.25},
    ]
    assert "ab" * 32 not in str(content)


def test_warnings_are_in_every_format() -> None:
    row = ReportRow(replace(predicted("a.png"), warnings=("It is damaged.", "It is reduced.")))
    assert row_cells(row, ColumnSet(1))["warnings"] == "It is damaged. It is reduced."
    assert as_object(row, ColumnSet(1))["warnings"] == ["It is damaged.", "It is reduced."]


def test_a_row_of_a_job_is_reported_unless_waiting() -> None:
    waiting = Row(1, Path("a/b.png"), Path("a"), State.WAITING)
    assert ReportRow.of(waiting) is None
    done = classified(Path("a/c.png"), ("red", 0.75), review=Review(Verdict.CORRECTED, "blue"))
    made = ReportRow.of(done)
    assert made is not None
    assert isinstance(made.outcome, Prediction)
    assert (made.final_label, made.outcome.best.label) == ("blue", "red")
    torn = ReportRow.of(Row(3, Path("d.png"), Path(), State.FAILED, failed("d.png")))
    assert torn == ReportRow(failed("d.png"))


def test_the_classes_of_an_image_are_one_text() -> None:
    found = replace(predicted("a.png", unknown=False), labels=("red", "green"))
    shape = ColumnSet(1, reviewed=True)
    assert row_cells(ReportRow(found), shape)["labels"] == "red; green"
    assert row_cells(ReportRow(found), shape)["answer"] == "green; red"
    assert as_object(ReportRow(found), shape)["labels"] == ["red", "green"]
    said = Review(Verdict.CORRECTED, label_of(("blue", "red")))
    assert row_cells(ReportRow(found, said), shape)["answer"] == "blue; red"


def test_an_image_without_any_class_has_no_answer() -> None:
    found = replace(predicted("a.png", unknown=True), labels=())
    for row in (ReportRow(found), ReportRow(found, Review(Verdict.ACCEPTED, NO_CLASS))):
        assert [row_cells(row, ColumnSet(1, reviewed=True))[name] for name in ("labels", "answer")] == [None, None]
        assert as_object(row, ColumnSet(1))["labels"] == []
        assert row.answer == "no class"
