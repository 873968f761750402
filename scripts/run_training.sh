#!/bin/sh
# run_training.sh: 'lofi train' under the name that the original contract gives it; the flags are the same.
# The program is $LOFI, else the one built here, else the one on the PATH.
here=$(dirname "$0")
if [ -z "$LOFI" ] && [ -x "$here/../build/release/lofi" ]; then LOFI=$here/../build/release/lofi; fi
exec "${LOFI:-lofi}" train "$@"
