"""Separating Fovea's keywords from the user's, without files."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.outputs.keywords.merging import CopyMode, FoundKeywords, KeywordDiff, KeywordLists, diff_keywords, keyword

WORDS = st.lists(st.sampled_from(["bird", "Bird", "cat", "holiday", "a/b", "x|y", "Fovea|bird"]), unique=True).map(
    tuple
)


def after(found: FoundKeywords, planned: KeywordDiff) -> FoundKeywords:
    """The keywords of a file as exiftool changes them."""

    def made(now: KeywordLists, gone: KeywordLists, new: KeywordLists) -> KeywordLists:
        kept = now.without(gone)
        return KeywordLists(kept.subject + new.subject, kept.hierarchy + new.hierarchy, kept.tags + new.tags)

    present, ours = (
        made(found.present, planned.removed, planned.added),
        made(found.own_recorded, planned.forgotten, planned.recorded),
    )
    return replace(found, present=present, own_recorded=ours)


def merged(found: FoundKeywords, label: str | None) -> FoundKeywords:
    return after(found, diff_keywords(found, label))


def test_a_photo_without_keywords_gets_flat_and_hierarchical_ones() -> None:
    made = merged(FoundKeywords(), "bird")
    assert made.present == made.own_recorded == KeywordLists(("bird",), ("Fovea|bird",), ("Fovea/bird",))


def test_another_label_replaces_only_fovea_s_keyword() -> None:
    mine = FoundKeywords(KeywordLists(("holiday",), ("places|Rome",), ("places/Rome",)))
    made = merged(merged(mine, "bird"), "cat")
    assert made.present == KeywordLists(("holiday", "cat"), ("places|Rome", "Fovea|cat"), ("places/Rome", "Fovea/cat"))
    assert merged(made, None) == mine


def test_the_same_keyword_of_the_user_stays_the_user_s() -> None:
    mine = FoundKeywords(KeywordLists(subject=("Bird",)))
    made = merged(mine, "bird")
    assert made.present.subject == ("Bird",)
    assert made.own_recorded.subject == ()
    assert merged(merged(made, "cat"), None) == mine


def test_a_new_list_does_not_hide_another_list() -> None:
    made = merged(FoundKeywords(KeywordLists(subject=("holiday", "a/b"))), "bird").present
    assert made.hierarchy == ("holiday", "a∕b", "Fovea|bird")
    assert made.tags == ("holiday", "a∕b", "Fovea/bird")
    deeper = merged(FoundKeywords(KeywordLists(subject=("Rome",), hierarchy=("places|Rome",))), "bird").present
    assert deeper.hierarchy == ("places|Rome", "Fovea|bird")
    assert deeper.tags == ("places/Rome", "Fovea/bird")


def test_flat_keywords_outside_hierarchies_are_copied_too() -> None:
    mine = FoundKeywords(KeywordLists(subject=("Rome", "holiday"), hierarchy=("places|Rome",)))
    assert merged(mine, "bird").present.tags == ("places/Rome", "holiday", "Fovea/bird")


def test_a_new_list_does_not_hide_keywords_of_other_standards() -> None:
    mine = FoundKeywords(elsewhere=KeywordLists(subject=("Anna", "Bird"), tags=("places/Rome",)))
    made = merged(mine, "bird")
    assert made.present == KeywordLists(
        ("Anna", "Bird"), ("Anna", "Bird", "Fovea|bird"), ("places/Rome", "Anna", "Bird", "Fovea/bird")
    )
    assert merged(made, None) == mine


def test_a_list_extended_by_the_user_keeps_its_copies() -> None:
    made = merged(FoundKeywords(elsewhere=KeywordLists(subject=("Anna", "Rome"))), "bird")
    more = replace(made, present=replace(made.present, subject=("Anna", "Rome", "bird", "holiday")))
    assert merged(more, "cat").present.subject == ("Anna", "Rome", "holiday", "cat")
    assert merged(more, None).present.subject == ("Anna", "Rome", "holiday")


def test_a_new_sidecar_has_its_seed_and_the_hidden_keywords() -> None:
    seeded = FoundKeywords(KeywordLists(subject=("Berlin",)), elsewhere=KeywordLists(subject=("Anna",)))
    planned = diff_keywords(seeded, "bird", CopyMode.ALL)
    assert planned.added.subject == ("Anna", "bird")
    assert planned.added.hierarchy == ("Berlin", "Anna", "Fovea|bird")


def test_a_copy_that_the_user_deleted_is_not_copied_again() -> None:
    made = merged(FoundKeywords(elsewhere=KeywordLists(subject=("Anna", "Rome"))), "bird")
    fewer = replace(made, present=replace(made.present, subject=("Rome", "bird")))
    assert diff_keywords(fewer, "bird").is_empty
    assert merged(merged(fewer, "cat"), "bird").present.subject == ("Rome", "bird")


def test_keywords_added_later_are_respected() -> None:
    once = merged(FoundKeywords(), "bird")
    added = FoundKeywords(
        KeywordLists((*once.present.subject, "holiday"), once.present.hierarchy, once.present.tags), once.own_recorded
    )
    assert merged(added, "bird").present.tags == ("Fovea/bird", "holiday")


def test_a_label_is_one_level_and_one_line() -> None:
    made = merged(FoundKeywords(), " a|b/c\n d\x00")
    assert made.present == KeywordLists(("a|b/c d",), ("Fovea|a¦b∕c d",), ("Fovea/a¦b∕c d",))
    assert keyword("\n") == "?"


@given(WORDS, WORDS, WORDS, st.sampled_from(["bird", "cat"]), st.sampled_from(["bird", "cat", None]))
def test_removing_fovea_s_keyword_restores_the_original(
    subject: tuple[str, ...], hierarchy: tuple[str, ...], tags: tuple[str, ...], first: str, second: str | None
) -> None:
    mine = FoundKeywords(KeywordLists(subject, hierarchy, tags))
    made = merged(merged(mine, first), second)
    assert not set(subject) - set(made.present.subject)
    assert diff_keywords(made, second).is_empty, "the same run again has nothing to do"
    assert merged(made, None) == mine


def test_groups_are_levels_of_hierarchical_keywords_alone() -> None:
    planned = diff_keywords(FoundKeywords(), "owl", groups=("animal", "bird/prey"))
    made = after(FoundKeywords(), planned)
    path = "animal", "bird∕prey", "owl"
    assert made.present == KeywordLists(("owl",), ("|".join(("Fovea", *path)),), ("/".join(("Fovea", *path)),))
    assert diff_keywords(made, "owl", groups=("animal", "bird/prey")).is_empty
    assert after(made, diff_keywords(made, None)).present.is_empty
