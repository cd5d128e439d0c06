#!/usr/bin/env python3
"""Opens reports in headless Chromium and says what is wrong with them.

    python3 tests/html/check.py [--shots FOLDER] REPORT.html ...

Needs Python 3's standard library and Chromium (Debian: chromium; or its path in the variable CHROMIUM). For
each report, at widths of 400 and 1400 pixels, in light and dark colours, and for print: it renders, nothing
is wider than the window but what scrolls by itself, no text of a figure runs over another or out of its
picture, figures have names, texts have contrast, the console has no errors, and nothing is asked of the
network. Exits with 1 if something is wrong, with 2 if it could not look.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--mute-audio", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]

# Width, colours, medium: a phone, a large window, and a page of A4 between its margins.
WINDOWS = [
    (400, "light", ""), (400, "dark", ""), (1400, "light", ""), (1400, "dark", ""),
    (720, "light", "print"),
]

MEASURE = r"""
(() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth)
    wrong.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);
  const scrolls = e => { for (; e; e = e.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true; return false; };
  for (const e of document.querySelectorAll("body *")) {
    const box = e.getBoundingClientRect();
    if (box.width > 0 && box.right > root.clientWidth + 1 && !scrolls(e))
      wrong.push(`<${e.tagName}> reaches ${Math.round(box.right)} px: ${e.textContent.slice(0, 40)}`);
  }
  if (document.querySelectorAll("main section").length < 2) wrong.push("there are no sections");
  for (const svg of document.querySelectorAll("svg")) {
    const title = svg.querySelector("title");
    const name = title ? title.textContent.slice(0, 50) : "a figure";
    if (svg.getAttribute("role") !== "img" || !svg.getAttribute("aria-label"))
      wrong.push(`${name}: without a name`);
    if (!svg.querySelector("desc")) wrong.push(`${name}: without a description`);
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map(t => {
      const b = t.getBoundingClientRect();
      return {words: t.firstChild.textContent.trim(), l: b.left, r: b.right, t: b.top, b: b.bottom};
    });
    for (const t of texts)
      if (t.l < frame.left - 1 || t.r > frame.right + 1 || t.t < frame.top - 1 || t.b > frame.bottom + 1)
        wrong.push(`${name}: out of the picture: ${t.words}`);
    const slack = 0.12;
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i], b = texts[j], h = slack * Math.min(a.b - a.t, b.b - b.t);
      if (Math.min(a.r, b.r) - Math.max(a.l, b.l) > 1 && Math.min(a.b, b.b) - Math.max(a.t, b.t) > 3 * h)
        wrong.push(`${name}: ${a.words} runs over ${b.words}`);
    }
  }
  const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const seen = new Map();
  for (const e of document.querySelectorAll("p, li, td, th, a, summary, figcaption, caption, pre, svg text")) {
    const style = getComputedStyle(e);
    const colour = e.tagName === "text" ? style.fill : style.color;
    if (seen.has(colour)) continue;
    const ink = light(colour);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    seen.set(colour, ratio);
    // 4.5 to 1 for text; names of arms in a legend stand beside their marks: 3 to 1.
    const least = e.tagName === "text" ? 3 : 4.5;
    if (ratio < least)
      wrong.push(`contrast ${ratio.toFixed(2)} of <${e.tagName}> ${e.textContent.trim().slice(0, 40)}`);
  }
  return JSON.stringify(wrong);
})()
"""


class Browser:
    """Chromium, spoken to over a pipe."""

    def __init__(self, profile):
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        if not path:
            raise RuntimeError("there is no Chromium: install it, or name it in the variable CHROMIUM")
        to_read, self.to = os.pipe()
        self.of, to_write = os.pipe()

        def pipes():
            # The browser reads from 3 and writes to 4; neither may be overwritten on the way.
            reading, writing = os.dup(to_read), os.dup(to_write)
            os.dup2(reading, 3)
            os.dup2(writing, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=pipes, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.count, self.rest, self.events = 0, b"", []
        targets = self.ask("Target.getTargets")["targetInfos"]
        page = next(its["targetId"] for its in targets if its["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=page, flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.say(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.of, 1 << 16)
            if not more:
                raise RuntimeError("the browser ended")
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def ask(self, method, session=None, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def say(self, method, **params):
        return self.ask(method, self.session, **params)

    def until(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read())

    def end(self):
        try:
            self.ask("Browser.close")
        except (RuntimeError, OSError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def look(browser, report, width, scheme, media, shots):
    """What is wrong with a report in one window."""
    browser.events.clear()
    browser.say("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.say("Emulation.setEmulatedMedia", media=media, features=features)
    browser.say("Page.navigate", url=report.resolve().as_uri())
    browser.until("Page.loadEventFired")
    # As it is opened, and with every table of numbers unfolded.
    wrong = []
    for unfold in ["false", "true"]:
        browser.say("Runtime.evaluate",
                    expression=f"document.querySelectorAll('details').forEach(d => d.open = {unfold})")
        result = browser.say("Runtime.evaluate", expression=MEASURE)["result"]
        if "value" not in result:
            raise RuntimeError(f"measuring failed: {result.get('description')}")
        wrong += json.loads(result["value"])
        if shots and unfold == "false":
            size = browser.say("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": width, "height": min(size["height"], 16000), "scale": 1}
            shot = browser.say("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
            name = f"{report.stem}-{width}-{scheme}{'-print' if media else ''}.png"
            (shots / name).write_bytes(base64.b64decode(shot["data"]))
    for event in browser.events:
        params = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if url != report.resolve().as_uri():
                wrong.append(f"asks the network for {url[:80]}")
        elif event.get("method") == "Log.entryAdded":
            wrong.append(f"console: {params['entry']['text']}")
        elif event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            wrong.append(f"console: {json.dumps(params)[:200]}")
    return list(dict.fromkeys(wrong))


def main(arguments):
    shots = None
    if arguments[:1] == ["--shots"]:
        shots = pathlib.Path(arguments[1])
        shots.mkdir(parents=True, exist_ok=True)
        arguments = arguments[2:]
    reports = [pathlib.Path(argument) for argument in arguments]
    absent = [str(report) for report in reports if not report.is_file()]
    if not reports or absent:
        print(f"no such report: {', '.join(absent)}" if absent else __doc__, file=sys.stderr)
        return 2
    found = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        try:
            browser = Browser(profile)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
        try:
            for report in reports:
                for width, scheme, media in WINDOWS:
                    wrong = look(browser, report, width, scheme, media, shots)
                    where = f"{report}, {width} px, {media or scheme}"
                    print(f"{where}: {'well' if not wrong else f'{len(wrong)} faults'}")
                    for fault in wrong[:20]:
                        print(f"    {fault}")
                    found += len(wrong)
        finally:
            browser.end()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
