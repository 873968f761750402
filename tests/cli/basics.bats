# The command line itself: finding commands, options, errors, exit statuses, output. LOFI is the program.

bats_require_minimum_version 1.5.0

setup() {
    mkdir "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here"
    unset LOFI_DATA_DIR LOFI_CONFIG_DIR LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    export LOFI_CONFIG_DIR=$LOFI_SOURCE/config
}

# doctor's own status is 1 where this machine has a problem; what is tested here is the rest.
@test "the version, as text and as JSON" {
    run --separate-stderr "$LOFI" --version
    [ "$status" -eq 0 ]
    [[ $output =~ ^lofi\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    run --separate-stderr "$LOFI" --version --json
    [ "$status" -eq 0 ]
    [[ $output == *'"program": "lofi"'* ]]
    run --separate-stderr "$LOFI" doctor --version
    [ "$status" -eq 0 ]
    [[ $output == lofi\ * ]]
}

@test "help lists the commands and the environment, on standard output" {
    for words in --help -h help; do
        run --separate-stderr "$LOFI" $words
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        [[ $output == *"doctor"* ]]
        [[ $output == *"LOFI_DATA_DIR"* ]]
    done
}

@test "help of one command, written in three ways, is the same" {
    "$LOFI" doctor --help >a
    "$LOFI" help doctor >b
    "$LOFI" --help doctor >c
    "$LOFI" doctor -h --json >d
    cmp a b && cmp a c && cmp a d
    grep -q -- '--dry-run' a
}

@test "every command has help, a manual page that man reads, and completion" {
    "$LOFI" --completion bash >completion
    bash -n completion
    while read -r words; do
        "$LOFI" help $words >help
        [ -s help ]
        awk -v name="$words" 'length($0) > 120 { print name ": a line of " length($0); bad = 1 } END { exit bad }' help
        "$LOFI" --man $words >page.1
        grep -q '^\.TH' page.1
        if command -v man >/dev/null; then
            LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 ./page.1 2>warnings >shown
            [ ! -s warnings ]
            [ -s shown ]
        fi
    done < <("$LOFI" --list-commands)
}

# complete_words WORD...: what is offered for the last of them.
complete_words() {
    bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); compopt() { :; }; _lofi; echo "${COMPREPLY[@]}"' \
        bash completion "$@"
}

@test "completion offers commands, their second words and their options" {
    "$LOFI" --completion bash >completion
    [[ " $(complete_words lofi doc) " == *" doctor "* ]]
    [[ " $(complete_words lofi doctor --js) " == *" --json "* ]]
    while read -r first second; do
        [ -n "$second" ] || continue
        [[ " $(complete_words lofi "$first" "${second:0:2}") " == *" $second "* ]]
    done < <("$LOFI" --list-commands)
}

@test "no command is a mistake of usage" {
    run --separate-stderr "$LOFI"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [[ $stderr == *"no command is given"* ]]
    [[ $stderr == *"hint: "* ]]
}

@test "a mistyped command gets the nearest one" {
    run --separate-stderr "$LOFI" docotr
    [ "$status" -eq 2 ]
    [[ $stderr == *"there is no command 'docotr'"* ]]
    [[ $stderr == *"did you mean 'lofi doctor'?"* ]]
    run --separate-stderr "$LOFI" qwertyuiop
    [ "$status" -eq 2 ]
    [[ $stderr == *"'lofi --help' lists the commands"* ]]
    run --separate-stderr "$LOFI" ''
    [ "$status" -eq 2 ]
}

@test "a mistyped option gets the nearest one" {
    run --separate-stderr "$LOFI" doctor --jsno
    [ "$status" -eq 2 ]
    [[ $stderr == *"'lofi doctor' has no option '--jsno'"* ]]
    [[ $stderr == *"did you mean '--json'?"* ]]
    run --separate-stderr "$LOFI" --vrebose doctor
    [ "$status" -eq 2 ]
    [[ $stderr == *"did you mean '--verbose'?"* ]]
    run --separate-stderr "$LOFI" doctor -x
    [ "$status" -eq 2 ]
}

@test "what is too much is said" {
    run --separate-stderr "$LOFI" doctor surplus
    [ "$status" -eq 2 ]
    [[ $stderr == *"does not know what to do with 'surplus'"* ]]
    run --separate-stderr "$LOFI" doctor -- --json
    [ "$status" -eq 2 ]
    [[ $stderr == *"'--json'"* ]]
    run --separate-stderr "$LOFI" doctor --json=yes
    [ "$status" -eq 2 ]
    [[ $stderr$output == *"takes no value"* ]]
}

@test "errors with --json are one document on standard output" {
    run --separate-stderr "$LOFI" doctor --jsno --json
    [ "$status" -eq 2 ]
    [ -z "$stderr" ]
    [[ $output == *'"code": "usage"'* ]]
    [[ $output == *'"message": '* ]]
    [[ $output == *'"hint": "did you mean '* ]]
    run --separate-stderr "$LOFI" --json docotr
    [ "$status" -eq 2 ]
    [ -z "$stderr" ]
    [[ $output == *'"error"'* ]]
    run --separate-stderr "$LOFI" --json $'doc\xfftor'
    [ "$status" -eq 2 ]
    [[ $output == *'"error"'* ]]
}

@test "doctor tells what there is, and reads only" {
    run --separate-stderr "$LOFI" doctor
    [[ $output == *"processor"* ]]
    [[ $output == *"LOFI_CONFIG_DIR"* ]]
    [ -z "$(ls -A)" ]
    run --separate-stderr "$LOFI" doctor --json
    [[ $output == "{"*"}" ]]
    [[ $output == *'"threads": '* ]]
    run --separate-stderr "$LOFI" --json doctor
    [[ $output == "{"*"}" ]]
}

@test "a variable that points nowhere is named" {
    LOFI_DATA_DIR=/nowhere/at/all run --separate-stderr "$LOFI" doctor
    [ "$status" -eq 1 ]
    [[ $output == *"LOFI_DATA_DIR points to '/nowhere/at/all', which does not exist"* ]]
}

@test "a result that cannot be written is a failure" {
    run bash -c '"$LOFI" --help >/dev/full'
    [ "$status" -eq 1 ]
    [[ $output == *"cannot write to standard output: No space left on device"* ]]
    run bash -c '"$LOFI" doctor --json >/dev/full'
    [ "$status" -eq 1 ]
    [[ $output == *"cannot write to standard output"* ]]
    run bash -c '"$LOFI" --version >&-'
    [ "$status" -eq 1 ]
    [[ $output == *"cannot write to standard output"* ]]
}

@test "a reader that goes away does not hang or crash the program" {
    run bash -c '(sleep 0.2; "$LOFI" --help; echo "status $?" >&2) 2>err | true; cat err'
    [[ $output == *"status 1"* ]]
    [[ $output == *"Broken pipe"* ]]
}

@test "aliases are other names of the same program" {
    while read -r alias; do
        ln -sf "$LOFI" "$alias"
        run --separate-stderr "./$alias" --help
        [ "$status" -eq 0 ]
        [[ $output == usage:\ lofi\ * ]]
    done < <("$LOFI" --list-aliases)
}

@test "make install puts program, aliases, data, manual pages and completion into PREFIX" {
    [ -f "$LOFI_BUILD/CMakeCache.txt" ] || skip "LOFI_BUILD names no build folder"
    cmake --install "$LOFI_BUILD" --prefix "$PWD/with space" >log
    [ -x "with space/bin/lofi" ]
    [ -f "with space/share/man/man1/lofi-doctor.1" ]
    [ -f "with space/share/bash-completion/completions/lofi" ]
    unset LOFI_CONFIG_DIR
    run --separate-stderr "with space/bin/lofi" doctor
    [[ $output == *"with space/bin/../share/lofi/config/style_presets.json"* ]]
    while read -r alias; do
        [ "$(readlink "with space/bin/$alias")" = lofi ]
        "with space/bin/$alias" --help >/dev/null
    done < <("$LOFI" --list-aliases)
}

# loaded COMMAND...: the shared libraries that the program brings or loads, one a line.
loaded() {
    LD_DEBUG=files "$LOFI" "$@" 2>&1 >/dev/null </dev/null | grep -oE 'calling init: /[^ ]+' | sed 's|.*/||' | sort -u
}

@test "a command loads the libraries that it uses, and no other" {
    kept_back='^lib(av(format|codec|util)|swresample|ebur128|chromaprint|lapacke|blas|openblas|icu|mecab|exttextcat|lzma|crypto)'
    for words in --help --version "train --help" "styles list" "tracks list"; do
        loaded $words >list
        grep -q '^libc\.so' list
        run grep -E "$kept_back" list
        [ -z "$output" ]
    done
    loaded doctor >list # loads them all, to see what is there
    for name in avformat avcodec avutil swresample ebur128 chromaprint lapacke icuuc icui18n crypto; do
        grep -q "^lib$name" list
    done
    loaded model init --preset tiny --quiet model >list # of what it needs it loads no more: text and no sound
    grep -q '^libicuuc' list
    run grep -E '^lib(av|swresample|lapacke)' list
    [ -z "$output" ]
}

@test "a library that is missing is named with its package, by the command that needs it" {
    loaded doctor >list
    mkdir raw
    for name in avformat lapacke icui18n; do # one after the other: some need others
        mkdir "$name"
        : >"$name/$(grep -oE "^lib$name[^/]*\.so\.[0-9]+" list | head -1)"
    done
    run --separate-stderr env LD_LIBRARY_PATH="$PWD/avformat" "$LOFI" --help
    [ "$status" -eq 0 ]
    run --separate-stderr env LD_LIBRARY_PATH="$PWD/avformat" "$LOFI" audio process --input-dir raw --output-dir out
    [ "$status" -eq 1 ]
    [[ $stderr == *"error: cannot load the library 'libavformat.so."*"': "* ]]
    [[ $stderr == *"hint: on Debian, it is in the package libavformat"* ]]
    [ ! -e out ]
    "$LOFI" model init --preset tiny --quiet model
    run --separate-stderr env LD_LIBRARY_PATH="$PWD/lapacke" "$LOFI" selftest --only frechet
    [ "$status" -ne 0 ]
    [[ $output$stderr == *"cannot load the library 'liblapacke.so."* ]]
    run --separate-stderr env LD_LIBRARY_PATH="$PWD/icui18n" "$LOFI" model check model
    [ "$status" -ne 0 ]
    [[ $output$stderr == *"cannot load the library 'libicui18n.so."* ]]
    for name in avformat lapacke icui18n; do
        run --separate-stderr env LD_LIBRARY_PATH="$PWD/$name" "$LOFI" doctor
        [ "$status" -eq 1 ]
        [ "$(grep -c "^problem: cannot load the library 'lib$name" <<<"$output")" -eq 1 ]
    done
}
