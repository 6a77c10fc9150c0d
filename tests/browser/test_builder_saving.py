"""The builder's draft, in a browser: saved by itself, never lost, never overwritten in silence."""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import Dialog, Page, Route, expect

from conftest import make_member
from leadforms import publishing
from leadforms.models import FormVersion, LeadForm
from tests.browser.builder import (
    ADDRESS,
    PASSWORD,
    SIMPLE,
    OpenPage,
    bar,
    card,
    document,
    draft,
    first_name,
    has_saved,
    labels,
    make_form,
    open_builder,
    preview,
    question,
    state,
)
from tests.browser.conftest import sign_in
from workspaces.models import Membership, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
SAVE = f"**{ADDRESS}/draft/save"


def refuse(route: Route) -> None:
    route.abort("internetdisconnected")


def rename(page: Page, old: str, new: str) -> None:
    card(page, old).locator("[data-toggle]").click()
    page.get_by_label("Question", exact=True).fill(new)


def save_as_somebody_else(**changes: Any) -> None:
    form = LeadForm.objects.get()
    other = get_user_model().objects.filter(username="noor").first()
    other = other or make_member(form.workspace, username="noor", role="admin", is_staff=False)
    content = json.loads(json.dumps(form.draft)) | changes
    publishing.save_draft(form, content, revision=form.draft_revision, by_id=other.pk, now=timezone.now())


def test_keeps_the_draft_without_being_asked(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, complaints = open_page()
    open_builder(page)

    rename(page, "Question 1", "What brings you here?")
    expect(state(page)).to_have_text("Unsaved changes")
    has_saved(page)
    page.reload()

    expect(card(page, "What brings you here?")).to_be_visible()
    assert labels(draft())[0][0] == "What brings you here?"
    assert complaints == []


def test_saves_also_while_somebody_never_pauses(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    page.clock.install()
    open_builder(page)
    page.get_by_label("Consent").focus()
    saves: list[str] = []
    page.on("request", lambda request: saves.append(request.url) if request.url.endswith("/draft/save") else None)

    # 13 seconds, each pause shorter than what a save waits for.
    for _n in range(26):
        page.keyboard.type("x")
        page.clock.run_for(500)

    assert saves


def test_says_truly_that_nothing_is_saved_and_saves_once_it_can(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    page.route(SAVE, refuse)

    rename(page, "Question 1", "Written offline")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    page.get_by_label("Question", exact=True).fill("Written offline, and on")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    assert labels(draft())[0][0] == "Question 1"
    page.unroute(SAVE)
    page.evaluate("dispatchEvent(new Event('online'))")

    has_saved(page)
    assert labels(draft())[0][0] == "Written offline, and on"


def test_brings_back_what_a_crashed_tab_had_not_saved(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    page.route(SAVE, refuse)
    rename(page, "Question 1", "Nearly lost")
    expect(state(page)).to_have_text("Not saved: offline, trying again")

    again = page.context.new_page()
    # Without asking the page anything, as a crash does.
    page.close(run_before_unload=False)
    again.goto(ADDRESS)

    expect(again.locator("[data-local-notice]")).to_contain_text("that were not saved")
    expect(first_name(again)).to_have_text("Question 1")
    again.get_by_role("button", name="Restore").click()
    expect(first_name(again)).to_have_text("Nearly lost")
    has_saved(again)
    assert labels(draft())[0][0] == "Nearly lost"
    again.reload()
    expect(bar(again)).to_be_visible()
    expect(again.locator("[data-local-notice]")).to_be_hidden()


def test_offers_nothing_back_that_arrived_without_an_answer(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route(SAVE, lose_the_answer)
    rename(page, "Question 1", "It arrived ")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    again = page.context.new_page()
    page.close(run_before_unload=False)
    again.goto(ADDRESS)

    expect(bar(again)).to_be_visible()
    expect(first_name(again)).to_have_text("It arrived")
    again.wait_for_function("Object.keys(localStorage).every((key) => !key.startsWith('coachbot:form:'))")
    expect(again.locator("[data-local-notice]")).to_be_hidden()


def test_knows_its_own_save_again_where_the_answer_to_it_was_lost(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route(SAVE, lose_the_answer, times=1)
    rename(page, "Question 1", "It arrived")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    # What is undone now is not what is stored.
    bar(page).get_by_role("button", name="Undo").click()
    page.evaluate("dispatchEvent(new Event('online'))")
    has_saved(page)
    assert labels(draft())[0][0] == "Question 1"

    page.route(SAVE, lose_the_answer, times=1)
    rename(page, "Question 2", "It arrived, too")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    page.get_by_label("Question", exact=True).fill("And more")
    page.evaluate("dispatchEvent(new Event('online'))")
    has_saved(page)
    assert labels(draft())[0][:2] == ["Question 1", "And more"]
    expect(page.locator("[data-conflict-notice]")).to_be_hidden()


def test_forgets_what_a_crashed_tab_had_not_saved_when_told_to(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    page.route(SAVE, refuse)
    rename(page, "Question 1", "Not wanted")
    expect(state(page)).to_have_text("Not saved: offline, trying again")
    again = page.context.new_page()
    page.close(run_before_unload=False)
    save_as_somebody_else(consent="Theirs")

    again.goto(ADDRESS)
    expect(again.locator("[data-local-notice]")).to_contain_text("Since then noor saved the form")
    again.get_by_role("button", name="Discard").click()
    again.reload()

    expect(bar(again)).to_be_visible()
    expect(again.locator("[data-local-notice]")).to_be_hidden()
    expect(first_name(again)).to_have_text("Question 1")


def test_tells_the_later_of_two_editors_and_overwrites_nothing_unasked(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    save_as_somebody_else(consent="Theirs")

    rename(page, "Question 1", "Mine")
    expect(page.locator("[data-conflict-notice]")).to_contain_text("noor saved this form at")
    expect(state(page)).to_have_text("Not saved: the form was saved elsewhere meanwhile")
    assert draft()["consent"] == "Theirs"
    assert labels(draft())[0][0] == "Question 1"
    page.get_by_role("button", name="Load the saved version").click()

    expect(page.get_by_label("Consent")).to_have_value("Theirs")
    expect(first_name(page)).to_have_text("Question 1")
    # What was mine is a step back away.
    page.locator("[data-toast]").get_by_role("button", name="Undo").click()
    expect(first_name(page)).to_have_text("Mine")
    has_saved(page)
    assert labels(draft())[0][0] == "Mine"


def test_overwrites_the_other_editor_when_told_to(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    save_as_somebody_else(consent="Theirs")
    rename(page, "Question 1", "Mine")

    page.get_by_role("button", name="Keep mine, overwrite it").click()

    has_saved(page)
    assert (labels(draft())[0][0], draft()["consent"]) == ("Mine", "I agree to be called.")


def test_saves_again_after_a_new_login_in_another_tab(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    page.context.clear_cookies()

    rename(page, "Question 1", "Written signed out")
    expect(state(page)).to_contain_text("you are signed out")
    other = page.context.new_page()
    sign_in(other, "maya", PASSWORD)
    page.evaluate("dispatchEvent(new Event('focus'))")

    has_saved(page)
    assert labels(draft())[0][0] == "Written signed out"
    frame = preview(page)
    expect(frame.get_by_text("Written signed out")).to_be_visible()


def test_says_why_nothing_can_be_saved_any_more(open_page: OpenPage) -> None:
    form = make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)

    Membership.objects.update(role="agent")
    rename(page, "Question 1", "Mine")
    expect(state(page)).to_contain_text("your role no longer opens this form")
    Workspace.objects.update(slug="northlight-2")
    page.get_by_label("Question", exact=True).fill("Mine, too")
    expect(state(page)).to_contain_text("The workspace got another address, or you are no longer in it.")
    assert LeadForm.objects.get().draft_revision == form.draft_revision


def test_guards_the_page_only_while_something_is_unsaved(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.reload()
    expect(bar(page)).to_be_visible()
    assert asked == []
    page.route(SAVE, refuse)
    rename(page, "Question 1", "Unsaved")
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")

    assert asked == ["beforeunload"]
    expect(first_name(page)).to_have_text("Unsaved")


def test_saves_before_a_link_is_followed(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, complaints = open_page()
    open_builder(page)

    rename(page, "Question 1", "Just written")
    page.get_by_role("link", name="History").click()

    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert labels(draft())[0][0] == "Just written"
    assert complaints == []


def test_publishes_after_a_look_at_what_changed(open_page: OpenPage) -> None:
    make_form(SIMPLE, published=True)
    page, complaints = open_page()
    open_builder(page)
    expect(page.get_by_text("Live: version 1")).to_be_visible()

    rename(page, "Question 1", "What brings you here?")
    bar(page).get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("“Question 1” is now “What brings you here?”.")
    assert FormVersion.objects.count() == 1
    dialog.get_by_role("button", name="Publish").click()

    expect(dialog.get_by_role("heading", name="Version 2 is live")).to_be_focused()
    dialog.get_by_role("button", name="Copy").click()
    assert str(page.evaluate("navigator.clipboard.readText()")).endswith("/forms/northlight")
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Live: version 2")).to_be_visible()
    expect(page.get_by_text("Unpublished changes")).to_be_hidden()
    assert labels(FormVersion.objects.get(number=2).content)[0][0] == "What brings you here?"
    bar(page).get_by_role("button", name="Publish").click()
    expect(dialog).to_contain_text("nothing has changed since version 2")
    assert complaints == []


def test_publishes_nothing_that_somebody_else_wrote_meanwhile(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    rename(page, "Question 1", "Mine")
    has_saved(page)
    save_as_somebody_else(consent="Theirs")

    bar(page).get_by_role("button", name="Publish").click()
    expect(page.locator("[data-conflict-notice]")).to_contain_text("noor saved this form at")
    page.get_by_role("button", name="Keep mine, overwrite it").click()
    has_saved(page)

    assert (labels(draft())[0][0], draft()["consent"]) == ("Mine", "I agree to be called.")
    assert not FormVersion.objects.exists()


def test_names_what_keeps_it_from_being_published_at_its_place(open_page: OpenPage) -> None:
    make_form(document([question(1), question(2, "single_choice", options=[])]))
    page, _complaints = open_page()
    open_builder(page)
    expect(card(page, "Question 2")).to_contain_text("Add an option.")

    bar(page).get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Question 2: Add an option.")
    expect(dialog.get_by_role("button", name="Publish")).to_be_hidden()
    dialog.get_by_role("button", name="Question 2").click()

    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Add option")).to_be_visible()
    assert not FormVersion.objects.exists()


def test_restores_a_version_and_offers_the_replaced_draft(open_page: OpenPage) -> None:
    make_form(SIMPLE, published=True)
    page, complaints = open_page()
    open_builder(page)
    rename(page, "Question 1", "Never published")
    has_saved(page)

    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="View version 1").click()
    expect(page.frame_locator("iframe").get_by_text("Question 1", exact=True)).to_be_visible()
    page.get_by_role("link", name="Restore").click()
    expect(page.get_by_text("Your draft has changes that were never published.")).to_be_visible()
    page.get_by_role("button", name="Restore").click()

    expect(page.get_by_text("Version 1 is your draft now.")).to_be_visible()
    expect(first_name(page)).to_have_text("Question 1")
    page.locator("[data-toast]").get_by_role("button", name="Undo").click()
    expect(first_name(page)).to_have_text("Never published")
    has_saved(page)
    assert labels(draft())[0][0] == "Never published"
    assert complaints == []
