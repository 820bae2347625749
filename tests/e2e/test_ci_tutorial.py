"""docs/ci.md, done as it stands there: its files written, its commands run, its output compared."""

import os
import re

import harness

BLOCK = re.compile(r"(?:<!-- (?P<kind>[a-z-]+)(?:: (?P<word>\S+))? -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)


def tutorial():
    with open(os.path.join(harness.ROOT, "docs", "ci.md"), encoding="utf-8") as file:
        text = file.read()
    begin = text.index("## From an empty folder")
    return text[begin:text.index("\n## ", begin + 1)]


def run_step(test, command, status):
    environment = {"PATH": os.path.dirname(test.shared.allocaudit) + ":" + os.environ["PATH"]}
    ended = test.run(["sh", "-euc", command], cwd=test.path(), env=environment)
    test.equal(f"status of {ended}", ended.status, status)
    return ended.stdout.decode()


def test_ci_page_does_what_it_says(test):
    told, steps = "", 0
    for block in BLOCK.finditer(tutorial()):
        kind, text = block["kind"], block["text"]
        if kind == "file":
            test.write(block["word"], text)
        elif kind == "output":
            for line in text.splitlines():
                test.check(line in told.splitlines(), f"{line!r} is not in\n{told}")
        elif kind == "file-is":
            with open(test.path(block["word"]), encoding="utf-8") as file:
                test.equal(block["word"], file.read(), text)
        else:
            test.equal("language", block["language"], "sh")
            told = run_step(test, text, int(block["word"]) if kind == "status" else 0)
            steps += 1
    test.check(steps >= 6, f"only {steps} steps were found")
