"""A terminal, as a person sits at it."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from harness import Failure


class Terminal:
    """A program on a terminal of its own, as its session's leader."""

    def __init__(self, test, command):
        self.test = test
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, b"\x28\0\xc8\0\0\0\0\0")
        self.master = master
        self.output = b""

        def lead():
            os.setsid()
            for number in (signal.SIGINT, signal.SIGQUIT):  # a shell's `&` has us ignore them, a login does not
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                      env=test.environment({"PS1": "", "TERM": "dumb"}),
                                      cwd=test.scratch, preexec_fn=lead)
        os.close(slave)

    def type(self, text):
        os.write(self.master, text)

    def expect(self, pattern, seconds=20):
        """Reads on until what was not yet matched matches; forgets up to there."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.output)
            if found:
                self.output = self.output[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise Failure(f"no {pattern!r} on the terminal: {self.output!r}")
            try:
                self.output += os.read(self.master, 65536)
            except OSError:
                raise Failure(f"the terminal ended: {self.output!r}") from None

    def close(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGHUP)
            self.child.kill()
        self.child.wait()
        os.close(self.master)
