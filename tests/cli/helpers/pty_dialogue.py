"""pty_dialogue.py [--columns N] STEPS COMMAND...: runs a command in a terminal of its own and talks with it; exits with its status.

STEPS is a file of lines:
    < TEXT      waits until TEXT is shown, behind what was waited for before
    > TEXT      types TEXT; \\r \\t \\x03 \\x1b[A ... as in Python
    columns N   makes the window N columns wide
    write FILE TEXT   another program writes a file meanwhile
Wait for the prompt before a key such as Ctrl-D is typed: between two lines the terminal itself would take it.
Control sequences and carriage returns are left out before TEXT is searched. All that was shown, as it came, is printed at the end.
After 60 seconds all is given up.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|[\r\x07\x0f]")
DEADLINE = time.monotonic() + 60


class Dialogue:
    def __init__(self, columns, command):
        self.shown = b""
        self.found = 0
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self.terminal = 0
            self.set_columns(columns)
            os.execvp(command[0], command)

    def set_columns(self, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self):
        """Takes what is shown next; False at its end."""
        left = DEADLINE - time.monotonic()
        if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
            raise TimeoutError
        try:
            taken = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.shown += taken
        return bool(taken)

    def wait_for(self, text):
        while True:
            plain = CONTROL.sub(b"", self.shown)
            at = plain.find(text, self.found)
            if at >= 0:
                self.found = at + len(text)
                return
            if not self.read():
                raise EOFError

    def type(self, text):
        while text:
            text = text[os.write(self.terminal, text):]

    def status(self):
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def unescape(text):
    return text.encode("utf-8").decode("unicode_escape").encode("latin-1")


def do_step(dialogue, step):
    if step.startswith("< "):
        dialogue.wait_for(step[2:].encode("utf-8"))
    elif step.startswith("> "):
        dialogue.type(unescape(step[2:]))
    elif step.startswith("columns "):
        dialogue.set_columns(int(step[8:]))
    elif step.startswith("write "):
        _, path, text = step.split(" ", 2)
        with open(path, "w") as file:
            file.write(text + "\n")
    else:
        sys.exit(f"pty_dialogue.py: no step: {step!r}")


def main():
    arguments = sys.argv[1:]
    columns = 80
    if arguments[0] == "--columns":
        columns, arguments = int(arguments[1]), arguments[2:]
    with open(arguments[0]) as file:
        steps = [line for line in file.read().split("\n") if line]
    dialogue = Dialogue(columns, arguments[1:])
    step = "its end"
    try:
        for step in steps:
            do_step(dialogue, step)
        step = "its end"
        status = dialogue.status()
    except (TimeoutError, EOFError) as problem:
        status = 99
        print(f"pty_dialogue.py: {type(problem).__name__} at: {step}", file=sys.stderr)
        os.kill(dialogue.process, signal.SIGKILL)
    sys.stdout.buffer.write(dialogue.shown)
    sys.stdout.flush()
    sys.exit(status if status >= 0 else 128 - status)


main()
