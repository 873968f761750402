# lofi dataset: what enters, what is written, what the datasets library makes of it.
bats_require_minimum_version 1.5.0

setup_file() {
    export SONGS="$BATS_FILE_TMPDIR/my songs"
    mkdir -p "$SONGS/sub"
    for i in 1 2 3 4 5 6; do
        make_song "$SONGS/track $i" "$i"
    done
    make_song "$SONGS/sub/caf$(printf '\xc3\xa9')" 7
    printf '[Verse]\r\none line\r\n' > "$SONGS/track 2_lyrics.txt"
    rm "$SONGS/track 3_lyrics.txt"
    export META="$BATS_FILE_TMPDIR/metadata"
    mkdir -p "$META"
    cat > "$META/style_mapping.json" <<'EOF'
{"track 1": "CORE-02", "track 2": ["THEME-02", "INST-05"], "track 3": "CORE-01", "track 4": "SEASON-06", "track 5": "CORE-01", "café": "VOCAL-01"}
EOF
    sources > "$META/sources.json"
}

# A WAV file of a second of tone whose bytes depend on $2, and its two texts.
make_song() {
    local samples
    {
        printf 'RIFF\x24\x5f\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x5f\x00\x00'
        samples=$(printf '\\x0%s\\x1%s' "$2" "$2")
        printf "%0.s$samples" $(seq 12160)
    } > "$1.wav"
    echo "lofi hip hop, tag $2, 85 bpm" > "$1_prompt.txt"
    echo "[Instrumental]" > "$1_lyrics.txt"
}

sources() {
    cat <<'EOF'
{"sources": [
  {"source_id": "open", "track_ids": ["track 1", "track 2", "track 3", "track 4", "track 5", "track 6", "café"],
   "source_type": "creative_commons", "provider": "someone", "license_type": "CC-BY-SA-3.0", "ai_training_permitted": true,
   "date_acquired": "2024-05-01"}]}
EOF
}

setup() {
    OUT="$BATS_TEST_TMPDIR/set"
}

dataset() {
    "$LOFI" dataset --data-dir "$SONGS" --metadata-dir "$META" --output-dir "$OUT" "$@"
}

field() {
    python3 -c "import json, sys; print(eval('d' + sys.argv[1], {'d': json.load(sys.stdin), 'len': len}))" "$1"
}

# Python with the library that is named, or the test is skipped.
python_with() {
    local python
    for python in ${LOFI_TEST_PYTHON:-} python3; do
        if "$python" -c "import $1" 2> /dev/null; then
            PYTHON=$python
            return 0
        fi
    done
    skip "no Python with $1 (LOFI_TEST_PYTHON names one)"
}

@test "splits by track, repeats, reports" {
    run --separate-stderr dataset --json
    [ "$status" -eq 0 ]
    [ "$(field '["train_samples"]' <<< "$output")" = 1200 ]
    [ "$(field '["validation_samples"]' <<< "$output")" = 200 ]
    [ "$(field '["output_path"]' <<< "$output")" = "$OUT" ]
    [ "$(field '["review"]' <<< "$output")" = "['track 6']" ]
    [ "$(field '["failed"]' <<< "$output")" = "[]" ]
    [ -f "$OUT/dataset_dict.json" ]
    [ -f "$OUT/train/data-00000-of-00001.arrow" ]
    [ "$(field '["track_count"]' < "$META/dataset_manifest.json")" = 7 ]
    [ "$(field '["hash"]' < "$META/dataset_manifest.json")" = "$(field '["dataset_hash"]' <<< "$output")" ]
    [ "$(field '["style_distribution"]["core"]' < "$META/dataset_manifest.json")" = 4 ]
    run ! grep -q "$SONGS" "$META/dataset_manifest.json"
}

@test "each track is in one split, numbers are rounded as documented" {
    local wanted
    for wanted in 0:7:0 0.01:6:1 0.1:6:1 0.5:3:4 0.9:1:6; do
        run --separate-stderr dataset --quiet --json --validation-split "${wanted%%:*}"
        [ "$status" -eq 0 ]
        found="$(field '["train_tracks"]' <<< "$output"):$(field '["validation_tracks"]' <<< "$output")"
        [ "$found" = "${wanted#*:}" ]
        [ "$(python3 -c 'import json, sys; print(len({t["track_id"] for t in json.load(open(sys.argv[1]))["tracks"]}))' "$META/dataset_manifest.json")" = 7 ]
    done
}

@test "the hash follows content, seed and repeats, not places" {
    hash() { dataset --json --dry-run "$@" 2> /dev/null | field '["dataset_hash"]'; }
    first=$(hash)
    [ "$(hash)" = "$first" ]
    [ "$(hash --seed 43)" != "$first" ]
    [ "$(hash --repeat-count 2)" != "$first" ]
    [ "$(hash --validation-split 0)" != "$first" ]
    cp -r "$SONGS" "$BATS_TEST_TMPDIR/elsewhere"
    SONGS="$BATS_TEST_TMPDIR/elsewhere"
    [ "$(hash)" = "$first" ]
    echo "lofi hip hop, another tag" > "$SONGS/track 1_prompt.txt"
    [ "$(hash)" != "$first" ]
    [ ! -e "$OUT" ]
}

@test "same seed, same bytes" {
    export SOURCE_DATE_EPOCH=1700000000
    dataset --quiet
    (cd "$OUT" && find . -type f | sort | xargs sha256sum) > "$BATS_TEST_TMPDIR/first"
    dataset --quiet
    (cd "$OUT" && find . -type f | sort | xargs sha256sum) > "$BATS_TEST_TMPDIR/second"
    cmp "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
}

@test "without a licence nothing enters, unless the user says so" {
    META="$BATS_TEST_TMPDIR/meta"
    mkdir "$META"
    run dataset
    [ "$status" -eq 2 ]
    [[ "$output" == *"--allow-unlicensed"* ]]
    [ ! -e "$OUT" ]
    run --separate-stderr dataset --allow-unlicensed --json
    [ "$status" -eq 0 ]
    [ "$(field '["admitted_without_license"].__len__()' <<< "$output")" = 7 ]
    [ "$(field '["provenance"]["admitted_without_license"].__len__()' < "$META/dataset_manifest.json")" = 7 ]
    [ "$(field '["lofi"]["provenance"]["allow_unlicensed"]' < "$OUT/train/dataset_info.json")" = True ]
}

@test "a track whose licence forbids training stays out" {
    META="$BATS_TEST_TMPDIR/meta"
    mkdir "$META"
    sources | sed 's/"track 4", //; s/]}$/, {"source_id": "no", "track_ids": ["track 4"], "source_type": "partnership", "provider": "p", "license_type": "l", "ai_training_permitted": false, "date_acquired": "2024-05-01"}]}/' > "$META/sources.json"
    run --separate-stderr dataset --json
    [ "$status" -eq 0 ]
    [ "$(field '["excluded"][0]["track_id"]' <<< "$output")" = "track 4" ]
    [ "$(field '["train_tracks"]' <<< "$output")" = 5 ]
    [[ "$stderr" == *"track 4"*"does not permit"* ]]
}

@test "unusable tracks are named, the rest is written, the status is 2" {
    cp -r "$SONGS" "$BATS_TEST_TMPDIR/songs"
    SONGS="$BATS_TEST_TMPDIR/songs"
    rm "$SONGS/track 1_prompt.txt"
    printf 'one\ntwo\n' > "$SONGS/track 2_prompt.txt"
    echo "not music" > "$SONGS/track 4.wav"
    run --separate-stderr dataset --json
    [ "$status" -eq 2 ]
    [ "$(field '["failed"].__len__()' <<< "$output")" = 3 ]
    [ "$(field '["train_tracks"]' <<< "$output")" = 3 ]
    [[ "$stderr" == *"track 1_prompt.txt"* ]]
    [ -f "$OUT/train/state.json" ]
}

@test "a folder with other things in it is never replaced" {
    mkdir -p "$OUT"
    echo mine > "$OUT/notes.txt"
    run dataset
    [ "$status" -eq 2 ]
    [[ "$output" == *"notes.txt"* ]]
    [ "$(cat "$OUT/notes.txt")" = mine ]
}

@test "fields that a person added to the manifest survive" {
    META="$BATS_TEST_TMPDIR/meta"
    mkdir "$META"
    sources > "$META/sources.json"
    echo '{"note": "by hand", "seed": 1}' > "$META/dataset_manifest.json"
    dataset --quiet
    [ "$(field '["note"]' < "$META/dataset_manifest.json")" = "by hand" ]
    [ "$(field '["seed"]' < "$META/dataset_manifest.json")" = 42 ]
}

@test "a damaged sources.json is one clear error" {
    META="$BATS_TEST_TMPDIR/meta"
    mkdir "$META"
    sources | sed 's/true/"yes"/' > "$META/sources.json"
    run dataset
    [ "$status" -eq 2 ]
    [[ "$output" == *"sources.json"*"ai_training_permitted"* ]]
    sources | sed 's/2024-05-01/2924-05-01/' > "$META/sources.json"
    run dataset
    [ "$status" -eq 2 ]
    [[ "$output" == *"date_acquired"*"future"* ]]
}

@test "no songs, no folder, wrong numbers" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    SONGS="$BATS_TEST_TMPDIR/empty" run dataset
    [ "$status" -eq 1 ]
    SONGS="$BATS_TEST_TMPDIR/nowhere" run dataset
    [ "$status" -eq 1 ]
    [[ "$output" == *"nowhere"* ]]
    run dataset --validation-split 1
    [ "$status" -eq 2 ]
    run dataset --repeat-count 0
    [ "$status" -eq 2 ]
}

@test "datasets.load_from_disk opens it, rows equal" {
    python_with datasets
    dataset --quiet
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/dataset.py" "$SONGS" "$OUT" "$META/dataset_manifest.json" 200
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    dataset --quiet --validation-split 0 --repeat-count 3
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/dataset.py" "$SONGS" "$OUT" "$META/dataset_manifest.json" 3
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/compare_original.py" "$BATS_TEST_DIRNAME/../data/dataset_original" "$OUT"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "shards: datasets of several files are the same rows" {
    python_with datasets
    local shards
    for shards in 2 3 50; do
        dataset --quiet --repeat-count 4 --shards "$shards"
        [ "$(find "$OUT/train" -name '*.arrow' | wc -l)" -eq $((shards < 6 ? shards : 6)) ]
        [ -f "$OUT/validation/data-00000-of-00001.arrow" ]
        run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/dataset.py" "$SONGS" "$OUT" "$META/dataset_manifest.json" 4
        [ "$status" -eq 0 ] || { echo "$output"; false; }
        "$LOFI" dataset verify -q "$OUT"
    done
    dataset --quiet --repeat-count 4 --shards 2 --validation-split 0
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/dataset.py" "$SONGS" "$OUT" "$META/dataset_manifest.json" 4
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    run dataset --repeat-count 200 --shards 101
    [ "$status" -eq 2 ]
    [[ "$output" == *"--shards times --repeat-count is 20200"* ]]
}

@test "the same recording in another format is never on both sides of the split" {
    local songs="$BATS_TEST_TMPDIR/songs" meta="$BATS_TEST_TMPDIR/meta" seed
    mkdir "$songs" "$meta"
    python3 - "$songs" <<'END'
import array, random, sys, wave
for number in range(8):
    rng = random.Random(number // 2)  # 0 and 1 are one recording, 2 and 3 ...
    with wave.open(f"{sys.argv[1]}/s{number}.wav", "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        for _ in range(30):
            period = [rng.randrange(-9000, 9000) for _ in range(rng.randrange(60, 400))]
            gain = 0.6 if number % 2 else 1.0
            file.writeframes(array.array("h", [int(x * gain) for x in (period * (11025 // len(period) + 1))[:11025]]).tobytes())
    open(f"{sys.argv[1]}/s{number}_prompt.txt", "w").write("lofi hip hop, chill\n")
END
    for seed in 1 2 3 4 5 6; do
        run --separate-stderr "$LOFI" dataset --data-dir "$songs" --metadata-dir "$meta" --output-dir "$OUT" --allow-unlicensed \
            --json --validation-split 0.25 --seed "$seed"
        [ "$status" -eq 0 ]
        [ "$(field '["duplicates"].__len__()' <<<"$output")" = 4 ]
        [ "$(field '["validation_tracks"]' <<<"$output")" = 2 ]
        python3 -c 'import json, sys; t = json.load(open(sys.argv[1]))["tracks"]; s = {x["track_id"]: x["split"] for x in t}; sys.exit(any(s[f"s{i}"] != s[f"s{i + 1}"] for i in (0, 2, 4, 6)))' \
            "$meta/dataset_manifest.json"
    done
    # What was listened to is on record: the second time nothing is decoded, and a copy with another time is recognised by its bytes.
    [ "$(wc -l <"$meta/audio.jsonl")" -eq 8 ]
}

@test "side-cars of other tools: captions and lyrics" {
    local songs="$BATS_TEST_TMPDIR/songs"
    cp -r "$SONGS" "$songs"
    rm "$songs/track 1_prompt.txt" "$songs/track 1_lyrics.txt" "$songs/track 2_lyrics.txt"
    echo "a slow, warm song about rain" >"$songs/track 1.txt"
    echo "notes that are no caption" >"$songs/readme.txt"
    printf '[Verse]\nrain\n' >"$songs/track 1.lyrics"
    echo "ignored, as there is a prompt" >"$songs/track 3.txt"
    SONGS="$songs" dataset --quiet --validation-split 0 --repeat-count 1
    "$LOFI" dataset unpack -q "$OUT" --output-dir "$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out/track 1_prompt.txt")" = "a slow, warm song about rain" ]
    [ "$(cat "$BATS_TEST_TMPDIR/out/track 1_lyrics.txt")" = "$(printf '[Verse]\nrain')" ]
    [ "$(cat "$BATS_TEST_TMPDIR/out/track 2_lyrics.txt")" = "[Instrumental]" ]
    [ "$(cat "$BATS_TEST_TMPDIR/out/track 3_prompt.txt")" = "lofi hip hop, tag 3, 85 bpm" ]
}

@test "info: of our datasets and of others" {
    dataset --quiet
    run --separate-stderr "$LOFI" dataset info --json "$OUT"
    [ "$status" -eq 0 ]
    [ "$(field '["tracks"]' <<<"$output")" = 7 ]
    [ "$(field '["rows"]' <<<"$output")" = 1400 ]
    [ "$(field '["splits"]["validation"]["tracks"]' <<<"$output")" = 1 ]
    [ "$(field '["own"]["repeat_count"]' <<<"$output")" = 200 ]
    [ "$(field '["sources"]["open"]' <<<"$output")" = 7 ]
    run --separate-stderr "$LOFI" dataset info --json "$BATS_TEST_DIRNAME/../data/dataset_original"
    [ "$status" -eq 0 ]
    [ "$(field '["own"]' <<<"$output")" = None ]
    [ "$(field '["hours"]' <<<"$output")" = None ]
    run "$LOFI" dataset info "$OUT/train"
    [[ "$output" == *"6 tracks, 1200 rows"* ]]
    run --separate-stderr "$LOFI" dataset info "$SONGS"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"no dataset in"* ]]
}

@test "verify: notices what was changed behind its back" {
    local songs="$BATS_TEST_TMPDIR/songs"
    cp -r "$SONGS" "$songs"
    SONGS="$songs" dataset --quiet --repeat-count 5
    run --separate-stderr "$LOFI" dataset verify "$OUT"
    [ "$status" -eq 0 ]
    # Texts are in the dataset: changing the files beside the songs changes nothing in it.
    echo "lofi hip hop" >"$songs/track 1_prompt.txt"
    "$LOFI" dataset verify -q "$OUT"
    cp "$songs/track 1.wav" "$songs/track 1.kept"
    cp "$songs/track 2.wav" "$songs/track 1.wav"
    run --separate-stderr "$LOFI" dataset verify --json "$OUT"
    [ "$status" -eq 3 ]
    [[ "$(field '["faults"]' <<<"$output")" == *"the hash of what is there is"* ]]
    rm "$songs/track 1.wav"
    run --separate-stderr "$LOFI" dataset verify --json "$OUT"
    [ "$status" -eq 3 ]
    [[ "$(field '["faults"][0]["message"]' <<<"$output")" == *"the audio of track 'track 1' is gone"* ]]
    mv "$songs/track 1.kept" "$songs/track 1.wav"
    "$LOFI" dataset verify -q "$OUT"
    rm -r "$OUT/validation"
    cp -r "$OUT/train" "$OUT/validation"
    sed -i 's/"_split": "train"/"_split": "validation"/' "$OUT/validation/state.json"
    run --separate-stderr "$LOFI" dataset verify "$OUT"
    [ "$status" -eq 3 ]
    [[ "$output" == *"the track is in the split 'train', too"* ]]
    python3 -c 'import json, sys; p = sys.argv[1]; d = json.load(open(p)); d["_data_files"].pop(); json.dump(d, open(p, "w"))' "$OUT/train/state.json"
    run --separate-stderr "$LOFI" dataset verify "$OUT"
    [[ "$output" == *"24 rows, but 6 tracks 5 times"* ]]
    truncate -s -100 "$OUT"/train/*.arrow
    run --separate-stderr "$LOFI" dataset verify "$OUT"
    [ "$status" -eq 2 ]
}

@test "diff: tracks, texts, splits and settings" {
    local songs="$BATS_TEST_TMPDIR/songs" before="$BATS_TEST_TMPDIR/before"
    cp -r "$SONGS" "$songs"
    SONGS="$songs" OUT="$before" dataset --quiet --validation-split 0
    run "$LOFI" dataset diff "$before" "$before"
    [ "$output" = "the same" ]
    rm "$songs/track 3.wav"
    echo "lofi hip hop, another tag" >"$songs/track 1_prompt.txt"
    SONGS="$songs" dataset --quiet --validation-split 0 --seed 7
    run --separate-stderr "$LOFI" dataset diff --json "$before" "$OUT"
    [ "$status" -eq 0 ]
    [ "$(field '["removed"]' <<<"$output")" = "['track 3']" ]
    [ "$(field '["changed"]["track 1"]["prompt"][1]' <<<"$output")" = "lofi hip hop, another tag" ]
    [ "$(field '["settings"]["seed"]' <<<"$output")" = "[42, 7]" ]
    run "$LOFI" dataset diff "$OUT" "$before"
    [[ "$output" == *"+ track 3"*"1 tracks added, 0 removed, 1 changed"* ]]
}

@test "unpack: a dataset becomes songs with texts, and those the same dataset" {
    dataset --quiet
    "$LOFI" dataset unpack -q "$OUT" --output-dir "$BATS_TEST_TMPDIR/out"
    first="$("$LOFI" dataset info --json "$OUT" | field '["own"]["dataset_hash"]')"
    SONGS="$BATS_TEST_TMPDIR/out" dataset --quiet
    [ "$("$LOFI" dataset info --json "$OUT" | field '["own"]["dataset_hash"]')" = "$first" ]
    echo mine >"$BATS_TEST_TMPDIR/out/track 2_lyrics.txt"
    run --separate-stderr "$LOFI" dataset unpack "$OUT" --output-dir "$BATS_TEST_TMPDIR/out"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"track 2_lyrics.txt' holds another text; --force replaces it"* ]]
    [ "$(cat "$BATS_TEST_TMPDIR/out/track 2_lyrics.txt")" = mine ]
    "$LOFI" dataset unpack -q "$OUT" --output-dir "$BATS_TEST_TMPDIR/out" --force
    [[ "$(cat "$BATS_TEST_TMPDIR/out/track 2_lyrics.txt")" == "[Verse]"* ]]
}

@test "the schemas are valid, and what is written keeps them, says a standard validator" {
    python_with jsonschema
    dataset --quiet
    run "$PYTHON" "$BATS_TEST_DIRNAME/../interop/schemas.py" "$LOFI_SOURCE" --metadata "$META"
    [ "$status" -eq 0 ] || { echo "$output"; false; }
}
