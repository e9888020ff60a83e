"""The page as a real browser shows it: nothing runs, nothing is fetched, nothing overflows."""

import shutil
from dataclasses import replace
from itertools import combinations

import pytest
from playwright.sync_api import sync_playwright

from diagnose.page.page import render
from diagnose.page.text import visible
from diagnose.schema import Diagnosis, Node, Paragraph, Signal
from tests.diagnose.page.hostile import (
    ALERT,
    HOSTILE,
    diagnosis_of,
    edges_between,
    guidance_of,
    nodes,
    window_of,
)

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TABLET, A4 = {"width": 800, "height": 1100}, {"width": 718, "height": 1046}
HALO = 4  # pixels around a label that only hide the line behind it
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA, of text
# The contrast of each text with what is painted behind it, in the colours that the browser chose.
CONTRASTS = """() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const box = at.closest('svg') && at.parentElement.querySelector(':scope > rect.box');
      const style = getComputedStyle(box || at);
      const colour = channels(box ? style.fill : style.backgroundColor);
      if (colour.length === 3) return colour;
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  return [...document.body.querySelectorAll('*')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
    && element.getClientRects().length && !element.closest('title, desc')
  ).map(element => {
    const style = getComputedStyle(element);
    const text = channels(element.closest('text') ? style.fill : style.color);
    const [dark, light] = [luminance(text), luminance(ground(element))].sort((a, b) => a - b);
    return [(light + 0.05) / (dark + 0.05), element.textContent.trim().slice(0, 40)];
  });
}"""


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        pytest.skip("THE PAGE IS NOT SEEN IN A BROWSER: Debian's package chromium is missing")
    with sync_playwright() as playwright:
        # Its sandbox refuses to run as root; what is opened is our own.
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a document as a file; return its page and what the browser complained about."""
    contexts = []

    def opened(document, viewport=DESKTOP, scheme="light"):
        file = tmp_path / "page.html"
        file.write_text(document, encoding="utf-8")
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme))
        page, said = contexts[-1].new_page(), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url))
        page.on("requestfailed", lambda request: said.append(f"{request.failure} {request.url}"))
        page.goto(file.as_uri())
        assert said.pop(0) == file.as_uri()
        return page, said

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def plain_page():
    signals = [Node(f"service-{i}", f"http_request_duration_seconds/route={i}") for i in range(9)]
    guidance = guidance_of(signals[0], ("free the disk", "disk-full", "fills up", "inodes"))
    diagnosis = replace(diagnosis_of(signals, edges_between(signals, 14)), guidance=(guidance,))
    return render(diagnosis, window_of([Signal(node) for node in signals]))


@pytest.fixture(scope="module")
def quiet_page():
    ranking = diagnosis_of(nodes(9)).ranking_without_graph
    story = (Paragraph("Answer", ("No incident: all is well.",)),)
    quiet = Diagnosis("inc-1", ranking_without_graph=ranking, story=story, alert_time=ALERT)
    return render(quiet, window_of([Signal(node) for node in nodes(9)]))


def test_nothing_hostile_runs_or_is_fetched(opened, hostile_page):
    page, said = opened(hostile_page)
    for details in page.query_selector_all("summary"):
        details.click()
    page.wait_for_timeout(200)
    assert said == []
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.scripts.length") == 0
    shown = " ".join(page.inner_text("body").split())
    for text in HOSTILE[:3]:
        assert visible(text) in shown


def test_what_slipped_through_would_be_stopped_by_the_policy(opened, plain_page):
    smuggled = (
        "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
        "<img src=https://evil.example/x.png><p style='color: red' id=styled>styled</p></main>"
    )
    page, said = opened(plain_page.replace("</main>", smuggled))
    page.wait_for_timeout(200)
    assert page.evaluate("window.hit") is None
    assert "csp https://evil.example/x.png" in said  # asked for, and refused
    assert len([text for text in said if "Content Security Policy" in text]) >= 4


def test_the_style_is_the_one_that_the_policy_names(opened, plain_page):
    page, said = opened(plain_page)
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "1160px"
    assert said == []


@pytest.mark.parametrize("viewport", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
@pytest.mark.parametrize("name", ["hostile_page", "plain_page", "quiet_page"])
def test_nothing_is_wider_than_the_screen(opened, request, name, viewport):
    page, _ = opened(request.getfixturevalue(name), viewport)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_answer_is_seen_without_scrolling(opened, plain_page, viewport):
    page, _ = opened(plain_page, viewport)
    for words in ("h1", ".probability", ".calibration", ".facts"):
        box = page.locator(words).bounding_box()
        assert box["y"] + box["height"] < viewport["height"]


@pytest.mark.parametrize("name", ["hostile_page", "plain_page"])
def test_boxes_and_labels_of_the_graph_do_not_cover_each_other(opened, request, name):
    page, _ = opened(request.getfixturevalue(name))
    drawn = [*page.locator(".node .box").all(), *page.locator("text.label").all()]
    boxes = [element.bounding_box() for element in drawn]
    assert len(boxes) > 9
    for one, other in combinations(boxes, 2):
        apart = (
            one["x"] + one["width"] <= other["x"] + HALO
            or other["x"] + other["width"] <= one["x"] + HALO
            or one["y"] + one["height"] <= other["y"] + HALO
            or other["y"] + other["height"] <= one["y"] + HALO
        )
        assert apart, (one, other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain_page", "quiet_page"])
def test_every_text_can_be_read(opened, request, name, scheme):
    page, _ = opened(request.getfixturevalue(name), scheme=scheme)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    assert [found for found in contrasts if found[0] < LEAST_CONTRAST] == []


def test_every_picture_has_words(opened, plain_page):
    page, _ = opened(plain_page)
    pictures = page.locator("svg[role=img]").all()
    assert len(pictures) > 5
    for picture in pictures:
        assert picture.get_attribute("aria-label") or picture.get_attribute("aria-labelledby")
    assert page.locator("svg:not([role]):not([aria-hidden]):not(svg svg)").count() == 0


def test_it_prints_on_few_sheets(opened, plain_page, tmp_path):
    page, _ = opened(plain_page, A4)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
    sheets = page.pdf(path=tmp_path / "page.pdf", format="A4").count(b"/Type /Page\n")
    assert 1 <= sheets <= 5
