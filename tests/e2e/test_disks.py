"""Disks that are full, or fill up while a program is recorded."""

import os
import re

from command_runs import one_line
from small_disk import SmallDisk


def test_disk_that_is_full(test):
    with SmallDisk(test, "64k") as disk:
        with open(os.path.join(disk, "filler"), "wb") as file:
            try:
                for _ in range(64):
                    file.write(b"x" * 1024)
                    file.flush()
            except OSError:
                pass
        ended = test.record([test.program("hello")], out=os.path.join(disk, "out.db"))
        one_line(test, ended, 125, "no space")


def test_disk_that_fills_up(test):
    """The program is unharmed, one line says what happened, and what was written can be read."""
    with SmallDisk(test, "16m") as disk:
        out = os.path.join(disk, "out.db")
        program = [test.sample_app("leaky_server"), "--requests", "200000"]
        native = test.run(program)
        ended = test.record(program, out=out)
        test.equal("stdout", ended.stdout, native.stdout)
        test.equal("stderr", ended.stderr, native.stderr)
        test.check(re.search("no space|disk", ended.talk, re.IGNORECASE), f"no word of it: {ended}")
        test.equal("status", ended.status, 125)
        recording = test.open(ended)
        test.equal("run.state", recording.run["state"], "cut")
        test.equal("integrity_check", recording.value("PRAGMA integrity_check"), "ok")
        # The block whose row found no room was counted: one may be missing, no more.
        missing = recording.run["allocation_count"] - recording.value("SELECT count(*) FROM allocation")
        test.check(missing in (0, 1), f"{missing} rows are missing")
        report = test.allocaudit("report", out)
        test.check(report.status == 0 and b"leaky_server" in report.stdout, f"{report}")
