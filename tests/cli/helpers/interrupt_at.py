"""interrupt_at.py TEXT COMMAND...: runs a command, sends SIGINT when its standard error has shown TEXT, exits with its status.

A shell's background processes ignore SIGINT, hence this.
"""
import signal
import subprocess
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)
process = subprocess.Popen(sys.argv[2:], stderr=subprocess.PIPE, text=True)
for line in process.stderr:
    sys.stderr.write(line)
    if sys.argv[1] in line:
        process.send_signal(signal.SIGINT)
sys.exit(process.wait())
