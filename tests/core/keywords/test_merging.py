"""Whose keywords are whose: every case as values, no file."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.keywords.merging import Changes, Found, Lists, changes, keyword

WORDS = st.lists(st.sampled_from(["bird", "Bird", "cat", "holiday", "a/b", "x|y", "Fovea|bird"]), unique=True).map(
    tuple
)


def after(found: Found, planned: Changes) -> Found:
    """What exiftool makes of a file."""

    def made(now: Lists, gone: Lists, new: Lists) -> Lists:
        kept = now.without(gone)
        return Lists(kept.subject + new.subject, kept.hierarchy + new.hierarchy, kept.tags + new.tags)

    return Found(made(found.present, planned.gone, planned.new), made(found.ours, planned.forgotten, planned.noted))


def told(found: Found, label: str | None) -> Found:
    return after(found, changes(found, label))


def test_a_bare_photo_gets_the_label_flat_and_under_our_root() -> None:
    made = told(Found(), "bird")
    assert made.present == made.ours == Lists(("bird",), ("Fovea|bird",), ("Fovea/bird",))


def test_another_label_replaces_ours_alone() -> None:
    mine = Found(Lists(("holiday",), ("places|Rome",), ("places/Rome",)))
    made = told(told(mine, "bird"), "cat")
    assert made.present == Lists(("holiday", "cat"), ("places|Rome", "Fovea|cat"), ("places/Rome", "Fovea/cat"))
    assert told(made, None) == mine


def test_the_same_word_of_the_person_stays_the_person_s() -> None:
    mine = Found(Lists(subject=("Bird",)))
    made = told(mine, "bird")
    assert made.present.subject == ("Bird",)
    assert made.ours.subject == ()
    assert told(told(made, "cat"), None) == mine


def test_a_list_that_we_begin_does_not_hide_the_one_behind_it() -> None:
    made = told(Found(Lists(subject=("holiday", "a/b"))), "bird").present
    assert made.hierarchy == ("holiday", "a∕b", "Fovea|bird")
    assert made.tags == ("holiday", "a∕b", "Fovea/bird")
    deeper = told(Found(Lists(subject=("Rome",), hierarchy=("places|Rome",))), "bird").present
    assert deeper.hierarchy == ("places|Rome", "Fovea|bird")
    assert deeper.tags == ("places/Rome", "Fovea/bird")


def test_what_the_person_adds_later_is_seen_by_the_next_run() -> None:
    once = told(Found(), "bird")
    added = Found(Lists((*once.present.subject, "holiday"), once.present.hierarchy, once.present.tags), once.ours)
    assert told(added, "bird").present.tags == ("Fovea/bird", "holiday")


def test_a_label_is_one_level_and_one_line() -> None:
    made = told(Found(), " a|b/c\n d\x00")
    assert made.present == Lists(("a|b/c d",), ("Fovea|a¦b∕c d",), ("Fovea/a¦b∕c d",))
    assert keyword("\n") == "?"


@given(WORDS, WORDS, WORDS, st.sampled_from(["bird", "cat"]), st.sampled_from(["bird", "cat", None]))
def test_whatever_was_there_is_there_again_once_ours_is_gone(
    subject: tuple[str, ...], hierarchy: tuple[str, ...], tags: tuple[str, ...], first: str, second: str | None
) -> None:
    mine = Found(Lists(subject, hierarchy, tags))
    made = told(told(mine, first), second)
    assert not set(subject) - set(made.present.subject)
    assert changes(made, second).is_empty, "the same run again has nothing to do"
    assert told(made, None) == mine
