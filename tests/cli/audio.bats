# lofi audio process. LOFI is the program. The songs are tones, made here.

bats_require_minimum_version 1.5.0

setup() {
    mkdir "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here"
    unset LOFI_DATA_DIR LOFI_CONFIG_DIR LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    mkdir -p "raw/more songs"
    tone 35 44100 2 "raw/A Song.wav"
    tone 31 22050 1 "raw/more songs/A Song.wav"
    tone 5 48000 2 raw/short.wav
    echo "licence: free" >raw/LICENCE
}

# tone SECONDS RATE CHANNELS FILE: a 16-bit WAV file, written without any library.
tone() {
    python3 - "$@" <<'PYTHON'
import math, struct, sys, wave
seconds, rate, channels, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
cycle = [round(9000 * math.sin(2 * math.pi * i / 50) + 3000 * math.sin(6 * math.pi * i / 50)) for i in range(50)]
frames = b"".join(struct.pack("<h", v) * channels for v in cycle)
with wave.open(path, "wb") as out:
    out.setparams((channels, 2, rate, 0, "NONE", ""))
    out.writeframes(frames * (seconds * rate // 50))
PYTHON
}

json() {
    python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))" "$1" "$2"
}

@test "songs become tracks; skipped files are named with their reason" {
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out
    [ "$status" -eq 0 ]
    [[ $output == "2 tracks (1.1 minutes) written to 'out', 2 files skipped, 0 failed" ]]
    [[ $stderr == *"skipped 'raw/short.wav': too_short (5.0 s, at least 30 s are needed)"* ]]
    [[ $stderr == *"skipped 'raw/LICENCE': not_audio"* ]]
    [ "$(ls out)" = "$(printf 'A Song.mp3\nmore songs_A Song.mp3')" ]
}

@test "one JSON document, in the order of the paths, and nothing else on standard output" {
    "$LOFI" audio process --input-dir raw --output-dir out --json >out.json 2>err.txt
    [ "$(json out.json '[d["processed"], d["skipped"], d["failed"]]')" = "[2, 2, 0]" ]
    [ "$(json out.json '[r["source"] for r in d["results"]]')" = \
        "['raw/A Song.wav', 'raw/LICENCE', 'raw/more songs/A Song.wav', 'raw/short.wav']" ]
    [ "$(json out.json 'd["results"][0]')" = \
        "{'source': 'raw/A Song.wav', 'status': 'success', 'output_path': 'out/A Song.mp3', 'duration': 35.0, 'quality_score': $(json out.json 'd["results"][0]["quality_score"]')}" ]
    [ "$(json out.json 'd["results"][1]')" = "{'source': 'raw/LICENCE', 'status': 'skipped', 'reason': 'not_audio'}" ]
    [ "$(json out.json 'd["results"][3]["reason"]')" = too_short ]
}

@test "a corrupt file gives status 2, and the others are processed" {
    echo "this is no music" >raw/text.mp3
    : >raw/empty.flac
    head -c 1000000 "raw/A Song.wav" >raw/cut.wav
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out --json
    [ "$status" -eq 2 ]
    echo "$output" >out.json
    [ "$(json out.json '[d["processed"], d["skipped"], d["failed"]]')" = "[2, 2, 3]" ]
    [ "$(json out.json '{r["source"]: r["reason"] for r in d["results"] if r["status"] == "failed"}')" = \
        "{'raw/cut.wav': 'corrupt', 'raw/empty.flac': 'corrupt', 'raw/text.mp3': 'corrupt'}" ]
}

@test "longer songs are trimmed, the number of workers changes nothing" {
    "$LOFI" audio process --input-dir raw --output-dir one --max-duration 32 --workers 1 --json 2>err >one.json
    "$LOFI" audio process --input-dir raw --output-dir two --max-duration 32 --workers 4 --json 2>err >two.json
    [ "$(json one.json 'd["results"][0]["duration"]')" = 32.0 ]
    sed 's|two/|one/|' two.json | cmp - one.json
    diff -r one two
}

@test "a dry run writes nothing and says the same" {
    "$LOFI" audio process --input-dir raw --output-dir out --dry-run --json 2>err >dry.json
    [ ! -e out ]
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >real.json
    [ "$(json dry.json 'd["results"]')" = "$(json real.json 'd["results"]')" ]
    [ "$(json dry.json 'd["dry_run"]')" = True ]
}

@test "wrong folders and settings: one error, status 1, nothing written" {
    for words in "--input-dir nowhere --output-dir out" "--input-dir raw --output-dir raw" "--input-dir raw/LICENCE --output-dir out" \
        "--input-dir raw --output-dir out --bitrate 300" "--input-dir raw --output-dir out --min-duration 50 --max-duration 40" \
        "--input-dir raw --output-dir raw/LICENCE"; do
        run --separate-stderr "$LOFI" audio process $words
        [ "$status" -eq 1 ]
        [ "$(grep -c '^error: ' <<<"$stderr")" -eq 1 ]
        [ -z "$output" ]
    done
    [ ! -e out ]
    [ "$(ls raw)" = "$(printf 'A Song.wav\nLICENCE\nmore songs\nshort.wav')" ]
}

@test "quiet is quiet, and the alias does the same" {
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out --quiet
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    ln -s "$LOFI" lofi_audio_processor
    run --separate-stderr ./lofi_audio_processor process --input-dir raw --output-dir again --target-format flac
    [ "$status" -eq 0 ]
    [ -s "again/A Song.flac" ]
}
