# lofi audio process and lofi audio validate. LOFI is the program. The songs are tones, made here.

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
    [ "$(find out -type f | sort)" = "$(printf 'out/A Song.mp3\nout/more songs/more songs_A Song.mp3')" ]
}

@test "one JSON document, in the order of the paths, and nothing else on standard output" {
    "$LOFI" audio process --input-dir raw --output-dir out --json >out.json 2>err.txt
    [ "$(json out.json '[d["processed"], d["skipped"], d["failed"]]')" = "[2, 2, 0]" ]
    [ "$(json out.json '[r["source"] for r in d["results"]]')" = \
        "['raw/A Song.wav', 'raw/LICENCE', 'raw/more songs/A Song.wav', 'raw/short.wav']" ]
    [ "$(json out.json '[d["results"][0][k] for k in ("source", "status", "output_path", "duration")]')" = \
        "['raw/A Song.wav', 'success', 'out/A Song.mp3', 35.0]" ]
    [ "$(json out.json '0 < d["results"][0]["quality_score"] <= 100')" = True ]
    [ "$(json out.json '[type(d["results"][0]["measures"][k]).__name__ for k in ("loudness_lufs", "loudness_range_lu", "true_peak_dbtp")]')" = \
        "['float', 'float', 'float']" ]
    [ "$(json out.json '"reason" in d["results"][0]')" = False ]
    [ "$(json out.json '[d["results"][1][k] for k in ("source", "status", "reason")]')" = "['raw/LICENCE', 'skipped', 'not_audio']" ]
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

@test "a track of exactly the longest length is prepared, and not cut a second time" {
    "$LOFI" audio process -q --input-dir raw --output-dir out --max-duration 32
    "$LOFI" audio validate --file "out/A Song.mp3" --max-duration 32 --json >out.json
    [ "$(json out.json '[d["valid"], d["prepared"], d["duration"], d.get("trimmed", False)]')" = "[True, True, 32.0, False]" ]
}

@test "longer songs are trimmed, the number of workers changes nothing" {
    "$LOFI" audio process --input-dir raw --output-dir one --max-duration 32 --workers 1 --metadata-dir m1 --json 2>err >one.json
    "$LOFI" audio process --input-dir raw --output-dir two --max-duration 32 --workers 4 --metadata-dir m2 --json 2>err >two.json
    [ "$(json one.json 'd["results"][0]["duration"]')" = 32.0 ]
    sed 's|two/|one/|' two.json | cmp - one.json
    diff -r one two
}

@test "a dry run writes nothing and says the same" {
    "$LOFI" audio process --input-dir raw --output-dir out --dry-run --json 2>err >dry.json
    [ ! -e out ] && [ ! -e metadata ]
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >real.json
    [ "$(json dry.json 'd["results"]')" = "$(json real.json 'd["results"]')" ]
    [ "$(json dry.json 'd["dry_run"]')" = True ]
}

@test "wrong folders and settings: one error, status 1, nothing written" {
    for words in "--input-dir nowhere --output-dir out" "--input-dir raw --output-dir raw" "--input-dir raw/LICENCE --output-dir out" \
        "--input-dir raw --output-dir out --bitrate 300" "--input-dir raw --output-dir out --min-duration 50 --max-duration 40" \
        "--input-dir raw --output-dir raw/LICENCE" "--input-dir raw --output-dir out --metadata-dir raw/LICENCE"; do
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

@test "what is done and unchanged is not done again" {
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >first.json
    touch -d 2001-01-01 stamp && find out -type f -exec touch -r stamp {} +
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >second.json
    [ "$(json second.json '[d["processed"], d["skipped"], d["failed"]]')" = "[0, 4, 0]" ]
    [ "$(json second.json '[r["reason"] for r in d["results"]]')" = "['unchanged', 'not_audio', 'unchanged', 'too_short']" ]
    [ "$(json second.json 'd["results"][0]["output_path"]')" = "out/A Song.mp3" ]
    [ "$(json second.json 'd["results"][0]["quality_score"]')" = "$(json first.json 'd["results"][0]["quality_score"]')" ]
    [ -z "$(find out -type f -newer stamp)" ]

    tone 33 44100 2 "raw/A Song.wav" # the song changes
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >third.json
    [ "$(json third.json '[r.get("reason") for r in d["results"]]')" = "[None, 'not_audio', 'unchanged', 'too_short']" ]
    cp raw/short.wav kept.wav && cp "raw/A Song.wav" raw/short.wav && "$LOFI" audio process --input-dir raw --output-dir out --quiet
    cp kept.wav raw/short.wav # a song is no longer accepted
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out
    [[ $stderr == *"warning: 'out/short.mp3' is still there, from before 'raw/short.wav' was rejected"* ]]
    rm out/short.mp3
    rm "out/more songs/more songs_A Song.mp3" # a track is lost
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >fourth.json
    [ "$(json fourth.json '[r.get("reason") for r in d["results"]]')" = "['unchanged', 'not_audio', None, 'too_short']" ]
    printf x | dd of="out/A Song.mp3" bs=1 seek=5000 conv=notrunc status=none # a track is damaged
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >fifth.json
    [ "$(json fifth.json '[r.get("reason") for r in d["results"]]')" = "[None, 'not_audio', 'unchanged', 'too_short']" ]
    "$LOFI" audio process --input-dir raw --output-dir out --min-duration 3 --json 2>err >sixth.json # the settings change
    [ "$(json sixth.json '[r.get("reason") for r in d["results"]]')" = "[None, 'not_audio', None, None]" ]
}

@test "the whole tree can be moved, and is known there" {
    mkdir tree && mv raw tree/raw
    "$LOFI" audio process --input-dir tree/raw --output-dir tree/out --quiet
    mv tree elsewhere
    run --separate-stderr "$LOFI" audio process --input-dir elsewhere/raw --output-dir elsewhere/out
    [ "$output" = "0 tracks (0.0 minutes) written to 'elsewhere/out', 4 files skipped (2 of them unchanged), 0 failed" ]
}

@test "links, pipes and names that are no text: by rule, each with a reason" {
    mkdir else && cp "raw/A Song.wav" else/linked.wav
    ln -s "$PWD/else" raw/folder-link
    ln -s ../else/linked.wav raw/linked.wav
    ln -s nowhere raw/broken.mp3
    mkfifo raw/pipe.mp3
    cp raw/short.wav "raw/$(printf 'bad\377name.wav')"
    mkdir raw/.hidden && cp raw/short.wav raw/.hidden/
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out --json
    [ "$status" -eq 2 ]
    echo "$output" >out.json
    [ "$(json out.json '{r["source"][4:]: r.get("reason") for r in d["results"]}')" = "{'A Song.wav': None, 'LICENCE': 'not_audio', \
'bad?name.wav': 'bad_name', 'broken.mp3': 'unreadable', 'folder-link': 'not_a_file', 'linked.wav': None, 'more songs/A Song.wav': None, \
'pipe.mp3': 'not_a_file', 'short.wav': 'too_short'}" ]
}

@test "a decoder that crashes, hangs or takes all memory costs one file" {
    for what in CRASH EXIT HANG HUNGRY; do cp raw/short.wav "raw/$what.wav"; done
    run --separate-stderr env LD_PRELOAD="$LOFI_BUILD/tests/libbad_decoder.so" "$LOFI" audio process --input-dir raw --output-dir out \
        --file-timeout 20 --workers 3 --json
    [ "$status" -eq 2 ]
    echo "$output" >out.json
    [ "$(json out.json '[d["processed"], d["skipped"], d["failed"]]')" = "[2, 2, 4]" ]
    [ "$(json out.json '{r["source"][4:8]: r["reason"] for r in d["results"] if r["status"] == "failed"}')" = \
        "{'CRAS': 'corrupt', 'EXIT': 'corrupt', 'HANG': 'corrupt', 'HUNG': 'corrupt'}" ]
    [[ $output == *"ends the process with signal 11"* ]]
    [[ $output == *"not done after 20 s"* ]]
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out --json # such verdicts are not believed for ever
    [ "$status" -eq 0 ]
    [[ $output != *corrupt* ]]
}

@test "a batch that is killed goes on where it was: nothing lost, nothing torn, nothing twice" {
    for i in 1 2 3 4 5 6; do tone $((30 + i)) 44100 2 "raw/more songs/$i.wav"; done
    "$LOFI" audio process --input-dir raw --output-dir whole --metadata-dir m0 --quiet
    for pause in 0.2 0.5 0.9; do
        "$LOFI" audio process --input-dir raw --output-dir out --workers 2 --quiet & batch=$!
        sleep $pause
        kill -9 $batch 2>/dev/null || true
        wait $batch || true
        while [ -d metadata ] && ! flock --nonblock metadata true; do sleep 0.05; done # its workers die with it
        find out -type f -name '*.mp3' 2>/dev/null | sort >before
        "$LOFI" audio process --input-dir raw --output-dir out --json --dry-run 2>err >left.json
        [ "$(json left.json 'sorted(r["output_path"] for r in d["results"] if r.get("reason") == "unchanged")')" = \
            "$(python3 -c 'print(sorted(l.strip() for l in open("before")))')" ]
    done
    "$LOFI" audio process --input-dir raw --output-dir out --quiet
    diff -r whole out
    [ "$(find out -name '.*' -type f | wc -l)" -eq 0 ]
}

@test "asked to stop, it lets the files in work end, says so, and keeps what is done" {
    for i in 1 2 3 4 5 6; do tone $((40 + i)) 44100 2 "raw/more songs/$i.wav"; done
    "$LOFI" audio process --input-dir raw --output-dir out --workers 1 2>err & batch=$!
    until [ -n "$(find out -name '*.mp3' 2>/dev/null)" ]; do sleep 0.05; done
    kill -TERM $batch # a shell lets its background jobs ignore SIGINT
    status=0
    wait $batch || status=$?
    [ "$status" -eq 130 ]
    grep -q "interrupted after" err
    "$LOFI" audio process --input-dir raw --output-dir out --json 2>err >rest.json
    [ "$(json rest.json 'sum(r.get("reason") == "unchanged" for r in d["results"]) > 0')" = True ]
}

@test "the same recording under two names is a warning, here and in later runs" {
    python3 - raw/tune.wav raw/again.wav <<'PYTHON'
import math, random, struct, sys, wave
random.seed(4)
samples = []
for note in range(100):
    hz = 110 * 2 ** (random.randrange(36) / 12)
    samples += [round(8000 * math.exp(-i / 9000) * math.sin(2 * math.pi * hz * i / 22050)) for i in range(8820)]
for path, skip, gain in ((sys.argv[1], 0, 1.0), (sys.argv[2], 70001, 0.3)):
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, 22050, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", round(gain * v)) for v in samples[skip:]))
PYTHON
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out --json
    [ "$status" -eq 0 ]
    echo "$output" >out.json
    [[ $stderr == *"warning: 'out/again.mp3' and 'out/tune.mp3' hold the same recording"* ]]
    [ "$(json out.json '[(p["first"], p["second"], round(p["offset_seconds"])) for p in d["duplicates"] if "tune" in p["second"]]')" = \
        "[('out/again.mp3', 'out/tune.mp3', -3)]" ]
    [ "$(json metadata/duplicates.json 'd["duplicates"][-1]["second"]')" = "../out/tune.mp3" ]
    mkdir later && cp raw/tune.wav later/third.wav
    run --separate-stderr "$LOFI" audio process --input-dir later --output-dir out-later
    [[ $stderr == *"'out-later/third.mp3' and 'out/tune.mp3' hold the same recording"* ]]
}

@test "loudness: as asked, or as much as the peak leaves, with a word" {
    "$LOFI" audio process --input-dir raw --output-dir out --normalize-loudness -20 --json 2>err >out.json
    [ "$(json out.json 'round(d["results"][0]["measures"]["track_loudness_lufs"], 3)')" = -20.0 ]
    "$LOFI" audio process --input-dir raw --output-dir loud --normalize-loudness -1 --normalize-peak -10 --metadata-dir m2 --json 2>err >out.json
    [ "$(json out.json '-10.4 < d["results"][0]["measures"]["track_true_peak_dbtp"] < -9.6')" = True ]
    grep -q "more would lift the true peak above -10 dB" err
}

@test "one batch at a time writes a metadata folder" {
    mkdir metadata
    flock metadata sleep 20 & holder=$!
    while flock --nonblock metadata true; do sleep 0.05; done
    run --separate-stderr "$LOFI" audio process --input-dir raw --output-dir out
    kill $holder
    [ "$status" -eq 1 ]
    [[ $stderr == *"'./metadata' is in use by another process"* ]]
}

@test "validate shows every measure and says whether a file would be accepted" {
    run --separate-stderr "$LOFI" audio validate --file "raw/A Song.wav"
    [ "$status" -eq 0 ]
    [[ $output == *"raw/A Song.wav: accepted, quality score "* ]]
    for measure in clipped silence loudness "true peak" bandwidth tempo phase; do [[ $output == *"$measure"* ]]; done
    run --separate-stderr "$LOFI" audio validate --file raw/short.wav --json
    [ "$status" -eq 3 ]
    echo "$output" >out.json
    [ "$(json out.json '[d["valid"], d["reason"], d["channels"], d["sample_rate"], d["prepared"]]')" = "[False, 'too_short', 2, 48000, False]" ]
    "$LOFI" audio process --input-dir raw --output-dir out --quiet
    run --separate-stderr "$LOFI" audio validate --file "out/A Song.mp3" raw/LICENCE --json
    [ "$status" -eq 3 ]
    echo "$output" >out.json
    [ "$(json out.json '[d["valid"], d["invalid"], d["results"][0]["prepared"], d["results"][1]["reason"]]')" = "[1, 1, True, 'corrupt']" ]
    run --separate-stderr "$LOFI" audio validate --file nowhere.mp3
    [ "$status" -eq 1 ]
}

@test "the report is one page that needs nothing else" {
    "$LOFI" audio process --input-dir raw --output-dir out --report page.html --quiet
    python3 - page.html <<'PYTHON'
import base64, html.parser, sys, zlib
class Page(html.parser.HTMLParser):
    open_tags, pictures, links = [], [], []
    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "src": self.pictures.append(value)
            if name == "href": self.links.append(value)
page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
assert len(page.pictures) == 4, len(page.pictures)
for picture in page.pictures:
    data = base64.b64decode(picture.removeprefix("data:image/png;base64,"), validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[at + 8 + size:at + 12 + size], "big")
        if kind == b"IDAT": packed += body
        at += size + 12
    assert len(zlib.decompress(packed)) in (72 * 481, 128 * 481)
assert all(link.startswith("#") for link in page.links)
assert "http" not in text and "too_short" in text and "A Song.wav" in text
PYTHON
    mkdir strange && cp "raw/A Song.wav" 'strange/<b>&"x".wav'
    "$LOFI" audio validate --file strange/*.wav --report page.html --quiet
    grep -q '&lt;b&gt;&amp;&quot;x&quot;.wav' page.html
}
