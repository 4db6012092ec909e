"""Walk through the workbook in a real JupyterLab as a reader does, and print what was seen, as JSON.

Everything is done with mouse and keyboard. What the page shows is read from the page; whether all cells have run, and
what they put out, from JupyterLab's own model (`jupyterapp`). Runs in an environment that holds Playwright alone.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright

START = "00_start_here.ipynb"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
RUN_SECONDS = 120
IDLE = "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
CURRENT = "name => jupyterapp.shell.currentWidget?.context?.path?.split('/').pop() === name"

# Prompts are collected from the beginning, so that none goes unseen because it went away
WATCH_FOR_DIALOGS = """
window.seenDialogs = [];
new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node => {
    if (node.classList?.contains('jp-Dialog')) window.seenDialogs.push(node.innerText);
}))).observe(document, {childList: true, subtree: true});
"""

RUN_SO_FAR = """() => {
    const cells = [...jupyterapp.shell.currentWidget.content.model.cells]
        .filter(cell => cell.type === 'code' && cell.sharedModel.getSource().trim());
    const outputs = cells.flatMap(({outputs}) => Array.from({length: outputs.length}, (_, at) => outputs.get(at)));
    return {
        cells: cells.length,
        executed: cells.filter(cell => cell.executionCount && cell.executionState !== 'running').length,
        errors: outputs.filter(output => output.type === 'error')
            .map(output => output.toJSON()).map(error => error.ename + ': ' + error.evalue),
        charts: outputs.filter(({data}) => 'image/png' in data || 'image/svg+xml' in data).length,
    };
}"""

# An image counts as drawn when it has loaded and is not of one colour all over
DRAWN = """images => Promise.all(images.map(async image => {
    await image.decode().catch(() => null);
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [200, 120];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 200, 120);
    const pixels = new Uint32Array(context.getImageData(0, 0, 200, 120).data.buffer);
    return {alt: image.alt, width: image.naturalWidth, colours: new Set(pixels).size};
}))"""


class Walk:
    """One reader's way through the notebooks; `seen` grows as it goes."""

    def __init__(self, page: Page, screenshots: Path | None):
        self.page, self.screenshots = page, screenshots
        self.seen: dict = {"notebooks": {}, "unopened": []}
        page.add_init_script(WATCH_FOR_DIALOGS)

    def go(self, url: str) -> None:
        self.page.goto(url)
        self._arrive(START)
        self._hide_sidebar()
        self._shoot("start")
        self._run_all(START)
        links = self.page.locator(f"{PANEL} .jp-RenderedMarkdown a[href*='.ipynb']")
        names = links.evaluate_all("links => links.map(link => new URL(link.href).pathname.split('/').pop())")
        for name in dict.fromkeys(names):
            if name == START:
                continue
            links.nth(names.index(name)).click()
            try:
                self._arrive(name)
            except TimeoutError:
                self.seen["unopened"].append(name)
                self.page.keyboard.press("Escape")  # whatever JupyterLab has to say about it
            else:
                self._run_all(name)
                if name.startswith("01"):
                    self.seen["exercise"] = self._do_an_exercise()
                if name.startswith("05"):
                    self._show_a_chart()
                    self.seen["picker"] = self._pick_an_order()
            self._tab(START).click()
            self.page.wait_for_function(CURRENT, arg=START)
        self.seen["dialogs"] = self.page.evaluate("seenDialogs")

    def _arrive(self, name: str) -> None:
        """Wait until the notebook is open in front, and its kernel ready without anybody having been asked for one."""
        self.page.wait_for_function("() => window.jupyterapp", timeout=60_000)
        self.page.wait_for_function(CURRENT, arg=name, timeout=20_000)
        self.page.wait_for_function(IDLE, timeout=60_000)

    def _run_all(self, name: str) -> None:
        self._menu("Edit", "Clear Outputs of All Cells")  # what is seen afterwards was made now
        began = time.monotonic()
        self._menu("Run", "Run All Cells")
        while True:
            ran = self.page.evaluate(RUN_SO_FAR)
            if ran["executed"] == ran["cells"] or ran["errors"] or time.monotonic() - began > RUN_SECONDS:
                break
            self.page.wait_for_timeout(200)
        print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        ran["kernel"] = self.page.locator(f"{PANEL} .jp-KernelName").inner_text()
        if name == START or not ran["errors"]:
            self.page.wait_for_function(IDLE)
        ran["pictures"] = self._drawn(self.page.locator(f"{PANEL} .jp-MarkdownCell img"))
        ran["drawn"] = self._drawn(self.page.locator(f"{PANEL} .jp-OutputArea .jp-RenderedImage img"))
        # Two dollars in a text are a formula to JupyterLab; this workbook has prices and no formulas
        ran["formulas"] = self.page.locator(f"{PANEL} .jp-MarkdownCell mjx-container").evaluate_all(
            "formulas => formulas.map(formula => formula.parentElement.innerText)")
        self.seen["notebooks"][name] = ran

    def _drawn(self, images: Locator) -> list[dict]:
        """What is drawn in `images`, once that has settled: an image that has just come takes a moment."""
        deadline = time.monotonic() + 5
        while True:
            drawn = images.evaluate_all(DRAWN)
            if all(image["colours"] > 1 for image in drawn) or time.monotonic() > deadline:
                return drawn
            self.page.wait_for_timeout(100)

    def _do_an_exercise(self) -> dict:
        """Exercise 1.1, as somebody does it who first gets it wrong, then looks at the solution."""
        answer = self._code_cell("answer_1_1 = None")
        check = self._code_cell('check("1.1"')
        solution = self.page.locator(f"{PANEL} .jp-MarkdownCell details", has_text="answer_1_1 =")
        said = {"empty": self._run(check)}
        answer = self._write(answer, 'answer_1_1 = ["orderId", "state"]')
        said["wrong"] = self._run(check)
        solution.locator("summary").click()
        self._write(answer, solution.locator("pre").inner_text())
        said["right"] = self._run(check)
        check.scroll_into_view_if_needed()
        self._shoot("exercise")
        return said

    def _show_a_chart(self) -> None:
        """Bring the transition matrix into view, with the cells that asked for it and drew it above it."""
        self._bring_into_view(self._code_cell("charts.heat_map(").locator("img"), "end")
        self._shoot("chart")

    def _pick_an_order(self) -> dict:
        """Choose another order in the picker, and see that the story below it becomes another one."""
        choice = self.page.locator(".widget-dropdown select")
        output = self.page.locator(f"{PANEL} .jp-CodeCell", has=choice).first.locator(".jp-Cell-outputArea")
        picker = output.locator(choice).first
        picker.scroll_into_view_if_needed()
        before = self._content(output)
        options = picker.locator("option").all_inner_texts()
        chosen = next(option for option in options if option != picker.evaluate("it => it.selectedOptions[0].text"))
        picker.select_option(label=chosen)
        deadline = time.monotonic() + 20
        while self._content(output) == before and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        self.page.wait_for_function(IDLE)
        drawn = self._drawn(output.locator("img"))
        self._bring_into_view(output, "center")
        self._shoot("picker")
        after = self._content(output)
        return {"options": len(options), "chosen": chosen, "before": before, "after": after, "drawn": drawn}

    def _bring_into_view(self, element: Locator, place: str) -> None:
        """Scroll until the element stays where it should: cells that come into view get their height only then."""
        before = None
        while (box := element.bounding_box()) != before:
            before = box
            element.evaluate("(element, block) => element.scrollIntoView({block})", place)
            self.page.wait_for_timeout(200)

    @staticmethod
    def _content(output: Locator) -> dict:
        sources = output.locator("img").evaluate_all("images => images.map(image => image.src)")
        return {"text": output.inner_text(), "images": [hash(source) for source in sources]}

    def _code_cell(self, source: str) -> Locator:
        """The code cell that shows `source` now; it stays the same cell when its source changes."""
        cell = self.page.locator(f"{PANEL} .jp-CodeCell", has_text=source)
        return self.page.locator(f"{PANEL} .jp-CodeCell[data-windowed-list-index='"
                                 f"{cell.get_attribute('data-windowed-list-index')}']")

    def _write(self, cell: Locator, source: str) -> Locator:
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        self._run(cell, click=False)
        return cell

    def _run(self, cell: Locator, click: bool = True) -> str:
        """Run one cell with Shift+Enter, and return what it puts out."""
        if click:
            cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_timeout(100)
        self.page.wait_for_function(IDLE)
        prompt = cell.locator(".jp-InputArea-prompt")
        while "*" in prompt.inner_text():
            self.page.wait_for_timeout(50)
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())

    def _menu(self, menu: str, item: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()

    def _tab(self, name: str) -> Locator:
        return self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name)

    def _hide_sidebar(self) -> None:
        self.page.keyboard.press("ControlOrMeta+b")

    def _shoot(self, name: str) -> None:
        if self.screenshots:
            self.screenshots.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.screenshots / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="JupyterLab's address of 00_start_here.ipynb, token included")
    parser.add_argument("--browser", required=True, help="the Chromium to use")
    parser.add_argument("--screenshots", type=Path, help="the folder to leave screenshots in")
    parser.add_argument("--trouble", type=Path, help="where to leave a picture of the page if something fails")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root, as in a container
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=options.browser, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 1080}, color_scheme="light")
        walk = Walk(page, options.screenshots)
        try:
            walk.go(options.url)
        except Exception as error:
            walk.seen["stopped"] = f"{type(error).__name__}: {error}"
            if options.trouble:
                page.screenshot(path=options.trouble)
        browser.close()
    print(json.dumps(walk.seen))


if __name__ == "__main__":
    main()
