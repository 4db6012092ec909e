"""Open a page of another origin that tries to get into the local AWS, and print what was answered, as JSON.

The page has every advantage: it holds a request that the local root has signed, and a presigned URL. Runs in an
environment that holds Playwright alone.
"""
from __future__ import annotations

import argparse
import json
import os
import sys

from playwright.sync_api import sync_playwright

# Each try ends, whatever comes of it; what the server answered is seen from outside the page
TRIES = """async ({endpoint, signed, presigned}) => {
    const read = [];
    const attempt = async (path, options) => {
        try {
            const answer = await fetch(path.startsWith('http') ? path : endpoint + path, options);
            read.push(await answer.text());
        } catch (error) { }
    };
    for (const path of ['/_ministack/reset', '/_local/faults'])
        for (const mode of ['cors', 'no-cors'])
            await attempt(path, {method: 'POST', mode, body: '{}'});
    await attempt('/', {method: 'POST', headers: signed, body: '{}'});
    await attempt(presigned, {mode: 'no-cors'});
    await attempt(presigned, {mode: 'cors'});
    await new Promise(done => {
        const image = new Image();
        image.onload = () => { read.push('image'); done(); };
        image.onerror = done;
        image.src = presigned;
    });
    await new Promise(done => {
        const frame = document.createElement('iframe');
        frame.name = 'target';
        document.body.append(frame);
        const form = document.createElement('form');
        Object.assign(form, {method: 'POST', enctype: 'text/plain', target: 'target',
                             action: endpoint + '/_ministack/reset'});
        document.body.append(form);
        frame.onload = done;
        form.submit();
    });
    await new Promise(done => {
        const socket = new WebSocket(endpoint.replace('http', 'ws') + '/');
        socket.onopen = () => { read.push('socket'); done(); };
        socket.onerror = socket.onclose = done;
    });
    return read.filter(text => text);
}"""


def main() -> None:
    """Open the page, let it try, and print what it could read and what the server answered to each request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("--browser", required=True)
    options = parser.parse_args()
    given = json.load(sys.stdin)
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=arguments)
        page, answered = browser.new_page(), []
        page.on("response", lambda answer: answered.append((answer.request.method, answer.url, answer.status))
                if answer.url.startswith(given["endpoint"]) else None)
        page.goto(options.page)
        read = page.evaluate(TRIES, given)
        print(json.dumps({"read": read, "answered": answered}))
        browser.close()


if __name__ == "__main__":
    main()
