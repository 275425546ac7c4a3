"""Whose keywords are whose: every case as values, no file."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.outputs.keywords.merging import Changes, Copying, Found, Lists, changes, keyword

WORDS = st.lists(st.sampled_from(["bird", "Bird", "cat", "holiday", "a/b", "x|y", "Fovea|bird"]), unique=True).map(
    tuple
)


def after(found: Found, planned: Changes) -> Found:
    """What exiftool makes of a file."""

    def made(now: Lists, gone: Lists, new: Lists) -> Lists:
        kept = now.without(gone)
        return Lists(kept.subject + new.subject, kept.hierarchy + new.hierarchy, kept.tags + new.tags)

    present, ours = made(found.present, planned.gone, planned.new), made(found.ours, planned.forgotten, planned.noted)
    return replace(found, present=present, ours=ours)


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


def test_flat_keywords_that_no_path_names_are_copied_too() -> None:
    mine = Found(Lists(subject=("Rome", "holiday"), hierarchy=("places|Rome",)))
    assert told(mine, "bird").present.tags == ("places/Rome", "holiday", "Fovea/bird")


def test_a_list_that_we_begin_does_not_hide_keywords_of_other_standards() -> None:
    mine = Found(elsewhere=Lists(subject=("Anna", "Bird"), tags=("places/Rome",)))
    made = told(mine, "bird")
    assert made.present == Lists(
        ("Anna", "Bird"), ("Anna", "Bird", "Fovea|bird"), ("places/Rome", "Anna", "Bird", "Fovea/bird")
    )
    assert told(made, None) == mine


def test_a_list_that_we_began_and_the_user_went_on_with_keeps_the_copies() -> None:
    made = told(Found(elsewhere=Lists(subject=("Anna", "Rome"))), "bird")
    more = replace(made, present=replace(made.present, subject=("Anna", "Rome", "bird", "holiday")))
    assert told(more, "cat").present.subject == ("Anna", "Rome", "holiday", "cat")
    assert told(more, None).present.subject == ("Anna", "Rome", "holiday")


def test_a_file_that_we_begin_says_both_what_it_begins_with_and_what_it_hides() -> None:
    seeded = Found(Lists(subject=("Berlin",)), elsewhere=Lists(subject=("Anna",)))
    planned = changes(seeded, "bird", Copying.ALL)
    assert planned.new.subject == ("Anna", "bird")
    assert planned.new.hierarchy == ("Berlin", "Anna", "Fovea|bird")


def test_a_copy_that_the_user_deleted_is_not_copied_again() -> None:
    made = told(Found(elsewhere=Lists(subject=("Anna", "Rome"))), "bird")
    fewer = replace(made, present=replace(made.present, subject=("Rome", "bird")))
    assert changes(fewer, "bird").is_empty
    assert told(told(fewer, "cat"), "bird").present.subject == ("Rome", "bird")


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
