# lofi demo: what it refuses. The whole way is 'make demo'.
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "songs inside of the output folder are not cleared away" {
    mkdir -p out/songs
    echo '{}' > out/lofi-demo.json
    echo song > out/songs/mine.wav
    for songs in out/songs ./out/../out/songs "$PWD/out/songs" out; do
        run --separate-stderr "$LOFI" demo --songs "$songs" --output-dir out
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"lie in the output folder"* ]]
        [ -f out/songs/mine.wav ]
    done
}

@test "a folder that holds something else is left alone" {
    mkdir songs out
    echo mine > out/file
    run --separate-stderr "$LOFI" demo --songs songs --output-dir out
    [ "$status" -eq 2 ]
    [ "$(ls out)" = file ]
}

@test "a dry run says what it would do and writes nothing" {
    mkdir songs
    run "$LOFI" demo --songs songs --output-dir out --dry-run
    [ "$status" -eq 0 ]
    [[ "$output" == *"write into 'out'"* ]]
    [ ! -e out ]
}
