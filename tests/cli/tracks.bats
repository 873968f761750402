# lofi tracks: the catalogue of prepared songs. LOFI: the program; LOFI_SOURCE: the source folder; LOFI_BUILD: the build folder.
bats_require_minimum_version 1.5.0

# Three prepared songs that 'lofi audio process' made, once for all tests.
setup_file() {
    export READY="$BATS_FILE_TMPDIR/ready" LOFI_CONFIG_DIR="$LOFI_SOURCE/config"
    mkdir -p "$BATS_FILE_TMPDIR/raw"
    # 32 s of chords of noise that change every half second: as songs of their own as can be made quickly.
    python3 - "$BATS_FILE_TMPDIR/raw" <<'END'
import array, random, sys, wave
for number in (1, 2, 3):
    rng = random.Random(number)
    with wave.open(f"{sys.argv[1]}/song{number}.wav", "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", ""))
        for _ in range(64):
            period = [rng.randrange(-9000, 9000) for _ in range(rng.randrange(60, 400))]
            file.writeframes(array.array("h", (period * (22050 // len(period) + 1))[:22050]).tobytes())
END
    "$LOFI" audio process --quiet --input-dir "$BATS_FILE_TMPDIR/raw" --output-dir "$READY/data/final" \
        --metadata-dir "$READY/data/metadata"
    echo '{}' >"$READY/data/metadata/style_mapping.json"
    "$LOFI" prompt generate --quiet --audio-dir "$READY/data/final" \
        --style-mapping "$READY/data/metadata/style_mapping.json" --include-lyrics
    rm "$READY/data/metadata/style_mapping.json"
}

setup() {
    work="$(mktemp -d)"
    cp -rp "$READY/data" "$work/data"
    cd "$work"
    meta=data/metadata
}

teardown() {
    cd /
    rm -rf "$work"
}

tracks() {
    "$LOFI" tracks "$@"
}

# json EXPRESSION: a Python expression over `d`, the document on standard output, must be true.
json() {
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2], d) or 1)' \
        "$output" "$1"
}

# in_file FILE EXPRESSION: the same for a file.
in_file() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2], d) or 1)' "$@"
}

source_record() {
    tracks source freepd "$@" --type creative_commons --provider freepd.com --license CC0-1.0 --permit yes --date 2026-03-14
}

@test "add: enters prepared songs with what is on record, and again changes nothing" {
    run --separate-stderr tracks add --json data/final
    [ "$status" -eq 0 ]
    json 'd["added"] == 3 and d["failed"] == 0'
    in_file $meta/tracks.json 'len(d["tracks"]) == 3 and all(t["style_ids"] == ["CORE-01"] and t["source_id"] is None and t["state"] == "TAGGED" for t in d["tracks"])'
    in_file $meta/tracks.json 'all(t["audio_path"].startswith("../final/") and 30 <= t["duration"] <= 240 for t in d["tracks"])'
    sha256sum $meta/tracks.json >before
    run tracks add data/final
    [[ "$output" == *"0 added, 0 updated, 3 unchanged, 0 failed"* ]]
    sha256sum -c --quiet before
}

@test "add: listens to what the program did not make, and refuses what is not prepared" {
    rm $meta/audio.jsonl
    cp "$BATS_FILE_TMPDIR"/raw/*1.wav data/final/other.wav
    python3 -c 'open("data/final/noise.mp3", "wb").write(b"no sound")'
    run --separate-stderr tracks add --json data/final
    [ "$status" -eq 2 ]
    json 'd["added"] == 3 and d["failed"] == 2'
    json '[r["reason"] for r in d["results"] if r["track_id"] == "noise"][0].startswith("corrupt")'
    json '"not a prepared track" in [r["reason"] for r in d["results"] if r["track_id"] == "other"][0]'
    in_file $meta/tracks.json 'all(t["quality_score"] > 0 for t in d["tracks"])'
    [ "$(grep -c examined $meta/audio.jsonl)" -eq 3 ]
    run --separate-stderr tracks add data/final/song1.mp3
    [[ "$output" == *unchanged* && "$stderr" != *listening* ]]
}

@test "add: a file that is named twice, a name that is not UTF-8" {
    cp data/final/song1.mp3 "data/final/$(printf 'b\xff').mp3"
    run --separate-stderr tracks add --json data/final data/final/../final/song1.mp3
    [ "$status" -eq 2 ]
    json 'd["added"] == 3 and d["failed"] == 1 and d["unchanged"] == 0'
    json '[r for r in d["results"] if r["status"] == "failed"][0]["file"] == "data/final/b?.mp3"'
}

@test "add: two files of one name, a style and a source at once" {
    mkdir data/final/sub
    cp data/final/song1.mp3 data/final/sub/
    source_record
    run --separate-stderr tracks add data/final --style SEASON-06,INST-01 --source freepd
    [ "$status" -eq 2 ]
    [[ "$output" == *"another of these files has the same track id"* ]]
    in_file $meta/style_mapping.json 'd == {f"song{i}": ["SEASON-06", "INST-01"] for i in (1, 2, 3)}'
    in_file $meta/sources.json 'sorted(d["sources"][0]["track_ids"]) == ["song1", "song2", "song3"]'
    in_file $meta/tracks.json 'all(t["state"] == "TRAINING_READY" and t["source_id"] == "freepd" for t in d["tracks"])'
    run --separate-stderr tracks add data/final --source nowhere
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"there is no source 'nowhere'"* ]]
}

@test "assign: sets, adds, removes, clears; patterns; unknown names get the nearest" {
    tracks add -q data/final
    tracks assign -q 'song*' --style THEME-02
    tracks assign -q song1 --style INST-05,THEME-02 --add
    in_file $meta/style_mapping.json 'd == {"song1": ["THEME-02", "INST-05"], "song2": ["THEME-02"], "song3": ["THEME-02"]}'
    tracks assign -q song1 --style THEME-02 --remove
    tracks assign -q song3 --none
    in_file $meta/style_mapping.json 'd["song1"] == ["INST-05"] and d["song3"] == []'
    in_file $meta/tracks.json '[t["style_ids"] for t in d["tracks"]] == [["INST-05"], ["THEME-02"], ["CORE-01"]]'
    run --separate-stderr tracks assign song1 --style THEME-99
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"nearest known one is 'THEME-09'"* ]]
    run --separate-stderr tracks assign sonk1 --style THEME-02
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"there is no track 'sonk1'"*"the nearest is 'song1'"* ]]
    run tracks assign song1 --style CORE-05 --dry-run
    [[ "$output" == *"dry run: nothing was written"* ]]
    in_file $meta/style_mapping.json 'd["song1"] == ["INST-05"]'
    run tracks assign song1
    [ "$status" -eq 2 ]
    run tracks assign song1 --style CORE-01 --none
    [ "$status" -eq 2 ]
}

@test "source: rules of a record, tracks in and out, listing" {
    tracks add -q data/final
    source_record 'song[12]'
    in_file $meta/sources.json 'd["sources"][0]["track_ids"] == ["song1", "song2"]'
    tracks source -q freepd song1 --remove
    in_file $meta/sources.json 'd["sources"][0]["track_ids"] == ["song2"]'
    run --separate-stderr tracks source commission song1 --type commissioned --provider Lee --license own --permit yes --date 2026-01-31
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"sources[1].cost: is missing"* ]]
    run --separate-stderr tracks source late song1 --type partnership --provider Lee --license own --permit yes --date 2999-01-31
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"date_acquired: must not be in the future, found '2999-01-31'"* ]]
    run --separate-stderr tracks source fredp song3
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"there is no source 'fredp', and a new one needs --type"* ]]
    in_file $meta/sources.json 'len(d["sources"]) == 1'
    tracks source -q freepd --permit no
    run --separate-stderr tracks source --json
    json 'd["sources"][0]["ai_training_permitted"] == False and d["sources"][0]["license_type"] == "CC0-1.0"'
    run --separate-stderr tracks list --json --state TRAINING_READY
    json 'd["count"] == 0'
}

@test "score: the last of each person counts, earlier ones stay" {
    tracks add -q data/final
    tracks score -q song1 --score 60 --scorer Mara
    tracks score -q song1 --score 80 --scorer Mara --notes better
    tracks score -q song1 --score 40 --scorer Lee --date 2026-01-02
    in_file $meta/quality_scores.json 'len(d["scores"]) == 3 and d["scores"][1]["notes"] == "better"'
    run --separate-stderr tracks list --json song1
    json 'd["tracks"][0]["human_score"] == 60 and d["tracks"][0]["human_scores"] == 2'
    run tracks score song1 --score 101 --scorer Mara
    [ "$status" -eq 2 ]
    run env -u USER "$LOFI" tracks score song1 --score 10
    [ "$status" -eq 2 ]
    run tracks score song1 --score 10 --scorer Mara --date 2026-02-30
    [ "$status" -eq 2 ]
    in_file $meta/quality_scores.json 'len(d["scores"]) == 3'
}

@test "review and verify: faults, hints, who has looked" {
    tracks add -q data/final
    run tracks review
    [ "$status" -eq 0 ]
    [[ "$output" == *"nobody said a style"*"no source names it"* ]]
    tracks assign -q 'song*' --style CORE-01
    source_record 'song*'
    run --separate-stderr tracks review --json
    json 'd["with_faults"] == 0'
    echo "piano, lofi hip hop" >data/final/song1_prompt.txt
    echo "lofi hip hop, chill, chill" >data/final/song2_prompt.txt
    rm data/final/song3_lyrics.txt
    run --separate-stderr tracks review --json
    json 'd["with_faults"] == 3'
    json '"(genre) stands behind instruments" in str(d["review"][0])'
    json '"is there twice" in str(d["review"][1])'
    json 'd["review"][2]["findings"][0]["code"] == "no_lyrics"'
    run tracks verify --by Mara
    [ "$status" -eq 3 ]
    in_file $meta/tracks.json 'not any(t["human_verified"] for t in d["tracks"])'
    "$LOFI" prompt generate -q --audio-dir data/final --style-mapping $meta/style_mapping.json --include-lyrics --force
    run tracks verify --by Mara
    [ "$status" -eq 0 ]
    in_file $meta/tracks.json 'all(t["human_verified"] and t["verified_by"] == "Mara" and len(t["verified_at"]) == 10 for t in d["tracks"])'
    tracks verify -q song1 --undo
    in_file $meta/tracks.json '[t["human_verified"] for t in d["tracks"]] == [False, True, True] and "verified_by" not in d["tracks"][0]'
    "$LOFI" dataset -q --data-dir data/final --metadata-dir $meta --output-dir set
    cp data/final/song1.mp3 data/final/song2.mp3
    run --separate-stderr tracks verify --json
    [ "$status" -eq 3 ]
    json '[r["valid"] for r in d["results"]] == [True, False, True] and d["results"][1]["findings"][-1]["code"] == "changed_audio"'
    run --separate-stderr tracks list --json --split validation
    json 'd["count"] == 1'
}

@test "stats: by style and category, thin ones, a picture" {
    tracks add -q data/final
    tracks assign -q song1 song2 --style SEASON-06,INST-01
    run --separate-stderr tracks stats --json --thin 2 --picture stats.svg
    json 'd["styles"]["SEASON-06"]["tracks"] == 2 and d["styles"]["INST-01"]["leading"] == 0 and d["categories"]["seasonal"]["tracks"] == 2'
    json 'd["without_style"] == 1 and d["categories"]["core"]["tracks"] == 1 and "SEASON-06" not in d["thin"] and len(d["thin"]) == 36'
    python3 -c 'import xml.dom.minidom as m; d = m.parse("stats.svg"); assert len(d.getElementsByTagName("rect")) == 38'
    run tracks stats
    [[ "$output" == *"SEASON-06  Rainy Day"* ]]
}

@test "organize: links, moves, undo, nothing overwritten" {
    tracks add -q data/final
    tracks assign -q song1 --style SEASON-06
    find data | sort >before
    tracks organize -q --dry-run
    find data | sort | diff before - | grep -v lock | grep -q '^>' && false
    tracks organize -q
    [ data/processed/seasonal/song1.mp3 -ef data/final/song1.mp3 ]
    [ -f data/processed/core/song2_prompt.txt ]
    run --separate-stderr tracks organize --json
    json 'd["files"] == []'
    tracks assign -q song1 --style VOCAL-05
    run --separate-stderr tracks organize --dry-run
    [[ "$output" == *"data/final/song1.mp3 -> data/processed/vocal/song1.mp3"*"removed, as it no longer fits: data/processed/seasonal/song1.mp3"* ]]
    tracks organize -q
    [ ! -e data/processed/seasonal/song1.mp3 ] && [ data/processed/vocal/song1.mp3 -ef data/final/song1.mp3 ]
    tracks organize -q --undo
    [ ! -e data/processed/vocal/song1.mp3 ]
    tracks assign -q song1 --style SEASON-06
    tracks organize -q --undo
    [ ! -e data/processed/seasonal/song1.mp3 ]
    [ -f data/final/song1.mp3 ]
    tracks organize -q --mode move
    [ ! -e data/final/song1.mp3 ]
    in_file $meta/tracks.json 'd["tracks"][0]["audio_path"] == "../processed/seasonal/song1.mp3" and d["tracks"][0]["state"] == "TAGGED"'
    tracks organize -q --undo
    in_file $meta/tracks.json 'd["tracks"][0]["audio_path"] == "../final/song1.mp3"'
    [ -f data/final/song1.mp3 ] && [ ! -e data/processed/seasonal/song1.mp3 ]
    printf '{"run": "cut' >>$meta/organize.jsonl
    tracks organize -q --dry-run
    run --separate-stderr tracks organize --undo
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"nothing to be undone"* ]]
    mkdir -p data/processed/core
    echo precious >data/processed/core/song3_lyrics.txt
    run --separate-stderr tracks organize --mode move
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"song3_lyrics.txt' is there and is not the file"*"nothing was done"* ]]
    [ -f data/final/song2.mp3 ] && [ "$(cat data/processed/core/song3_lyrics.txt)" = precious ]
}

@test "export and import: a spreadsheet goes round, and wrong cells change nothing" {
    tracks add -q data/final
    source_record song1
    tracks export -q songs.csv
    tracks export -q songs.json
    for file in songs.csv songs.json; do
        run --separate-stderr tracks import --json $file
        [ "$status" -eq 0 ]
        json 'd["rows"] == 3 and not d["changed"]'
    done
    python3 - <<'END'
import csv
rows = list(csv.DictReader(open("songs.csv", newline="", encoding="utf-8")))
rows[0].update(style_ids="SEASON-06 INST-01", human_verified="TRUE", score="77,5", scorer="Mara", notes="a \"fine\"; one,\nreally")
rows[1].update(source_id="label", source_type="commissioned", provider="Léa", license_type="own", ai_training_permitted="yes", cost="1200", date_acquired="2026-01-31", mood_board="blue")
rows[2].update(source_id="label")
with open("edited.csv", "w", newline="", encoding="utf-8-sig") as file:
    writer = csv.DictWriter(file, [*rows[0], "mood_board"], delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(rows)
END
    run --separate-stderr tracks import --json edited.csv --dry-run
    json 'd["changed"] and d["styles"] == 1 and d["sources"] == 2'
    [ ! -e $meta/style_mapping.json ]
    run --separate-stderr tracks import edited.csv
    [ "$status" -eq 0 ]
    in_file $meta/style_mapping.json 'd["song1"] == ["SEASON-06", "INST-01"]'
    in_file $meta/sources.json 'd["sources"][1]["track_ids"] == ["song2", "song3"] and d["sources"][1]["cost"] == 1200 and d["sources"][1]["provider"] == "Léa"'
    in_file $meta/quality_scores.json 'd["scores"][0]["score"] == 77.5'
    in_file $meta/tracks.json 'd["tracks"][0]["notes"] == "a \"fine\"; one,\nreally" and d["tracks"][0]["human_verified"] and d["tracks"][1]["mood_board"] == "blue"'
    run --separate-stderr tracks import --json edited.csv
    json 'not d["changed"] and d["scores"] == 0'
    tracks export -q again.csv
    run --separate-stderr tracks import --json again.csv
    json 'not d["changed"]'
    find $meta -name '*.json' | sort | xargs sha256sum >before
    for change in 's/SEASON-06/SEASON-66/' 's/^song2,/song9,/' 's/2026-01-31/2026-01-32/' 's/,true,,2026/,maybe,,2026/' 's/^track_id/track/'; do
        sed "$change" again.csv >wrong.csv
        run --separate-stderr tracks import wrong.csv
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"'wrong.csv' "*[0-9]* ]]
        sha256sum -c --quiet before
    done
    printf 'track_id,notes,notes\nsong1,a,b\n' >wrong.csv
    run --separate-stderr tracks import wrong.csv
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"row 1: a column is there twice"* ]]
    printf 'track_id,notes\nsong1,"open' >wrong.csv
    run --separate-stderr tracks import wrong.csv
    [ "$status" -eq 2 ]
    printf 'track_id,notes\nsong1,\xff\n' >wrong.csv
    run --separate-stderr tracks import wrong.csv
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"not UTF-8"* ]]
    sha256sum -c --quiet before
}

@test "styles that were written into tracks.json by hand are taken, or named when they are wrong" {
    tracks add -q data/final
    sed -i '0,/"CORE-01"/s//"THEME-02", "INST-05"/' $meta/tracks.json
    run --separate-stderr tracks list --json song1
    json 'd["tracks"][0]["style_ids"] == ["THEME-02", "INST-05"] and d["tracks"][0]["has_style"]'
    [ ! -e $meta/style_mapping.json ]
    tracks score -q song2 --score 50 --scorer Mara
    in_file $meta/style_mapping.json 'd == {"song1": ["THEME-02", "INST-05"]}'
    tracks assign -q song1 --none
    in_file $meta/tracks.json 'd["tracks"][0]["style_ids"] == ["CORE-01"]'
    sed -i '0,/"CORE-01"/s//"CORE-01", "THEME-99"/' $meta/tracks.json
    rm $meta/style_mapping.json
    run --separate-stderr tracks list
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"tracks.json' line "*": tracks[0].style_ids[1]: unknown style 'THEME-99'; the nearest known one is 'THEME-09'"* ]]
}

@test "fields of others survive, wrong files are named with line, field, rule and value" {
    tracks add -q data/final
    python3 - <<'END'
import json
path = "data/metadata/tracks.json"
d = json.load(open(path))
d["comment"] = "by hand"
d["tracks"][1]["bpm_by_ear"] = 81
json.dump(d, open(path, "w"))
END
    tracks assign -q song1 --style CORE-02
    in_file $meta/tracks.json 'd["comment"] == "by hand" and d["tracks"][1]["bpm_by_ear"] == 81'
    python3 - <<'END'
import json
path = "data/metadata/tracks.json"
d = json.load(open(path))
d["tracks"][2]["duration"] = 12
json.dump(d, open(path, "w"), indent=1)
END
    cp $meta/tracks.json before
    for command in list stats review "assign song1 --style CORE-03" "score song1 --score 1 --scorer x" "export x.csv"; do
        run --separate-stderr tracks $command
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"tracks.json' line "*": tracks[2].duration: must be at least 30, found 12"* ]]
        cmp before $meta/tracks.json
    done
}

@test "writers at the same time lose nothing" {
    tracks add -q data/final
    for i in $(seq 12); do
        tracks score -q song1 --score "$i" --scorer "person $i" &
        tracks assign -q "song$((i % 3 + 1))" --style "THEME-0$((i % 9 + 1))" --add &
    done
    wait
    in_file $meta/quality_scores.json 'sorted(s["score"] for s in d["scores"]) == list(range(1, 13))'
    in_file $meta/style_mapping.json 'sum(len(v) for v in d.values()) == 9'
    [ -z "$(find $meta -name '.lofi-tmp-*')" ]
}

# Kills a command at every one of its system calls from the moment on at which it locks the metadata folder; after each,
# every file is the old or the new one, and the command run again gives the new ones. Links in place of copies: files are replaced,
# never written into.
kill_everywhere() {
    local call=0 status files name
    cp -al data kept
    "$LOFI" "$@" >/dev/null
    mkdir new
    cp $meta/*.json new/
    while :; do
        call=$((call + 1))
        rm -rf data
        cp -al kept data
        status=0
        "$LOFI_BUILD/tests/kill_syscall" "$call" catalogue.lock "$LOFI" "$@" >/dev/null 2>&1 || status=$?
        [ "$status" -ne 77 ] || skip "this system forbids tracing"
        [ "$status" -eq 0 ] || break
        for name in new/*.json; do
            name="${name##*/}"
            [ ! -e "$meta/$name" ] && [ ! -e "kept/metadata/$name" ] && continue
            cmp -s "$meta/$name" "new/$name" || cmp -s "$meta/$name" "kept/metadata/$name" || { echo "call $call: $name is torn"; return 1; }
        done
        if [ $((call % 40)) -eq 0 ]; then
            "$LOFI" "$@" >/dev/null
            for name in new/*.json; do cmp "$meta/${name##*/}" "$name"; done
        fi
    done
    [ "$status" -eq 1 ]
    [ "$call" -gt 60 ]
    echo "killed at $((call - 1)) calls"
}

@test "killed at any system call, files are the old or the new ones: assign" {
    tracks add -q data/final
    tracks assign -q song1 --style CORE-02
    kill_everywhere tracks assign 'song*' --style THEME-02
}

@test "killed at any system call, files are the old or the new ones: import" {
    tracks add -q data/final
    source_record song1
    tracks export -q songs.csv
    sed -i 's/^song2,\(.*\),TAGGED,,,/song2,\1,TAGGED,SEASON-01,freepd,/' songs.csv
    kill_everywhere tracks import songs.csv
    in_file new/sources.json 'd["sources"][0]["track_ids"] == ["song1", "song2"]'
}

# A move is more than one file: after a kill, the files that the catalogue names are there, and the next run ends it.
@test "killed at any system call, no song is lost: organize" {
    local call=0 status
    rm data/final/song3*
    tracks add -q data/final
    tracks assign -q song1 --style SEASON-06
    cp -al data kept
    while :; do
        call=$((call + 1))
        rm -rf data
        cp -al kept data
        status=0
        "$LOFI_BUILD/tests/kill_syscall" "$call" catalogue.lock "$LOFI" tracks organize --mode move >/dev/null 2>&1 || status=$?
        [ "$status" -ne 77 ] || skip "this system forbids tracing"
        [ "$status" -eq 0 ] || break
        if [ $((call % 12)) -eq 0 ]; then
            run --separate-stderr tracks list --json
            json 'all(t["state"] == "TAGGED" for t in d["tracks"])'
            tracks organize -q --mode move
            in_file $meta/tracks.json '[t["audio_path"] for t in d["tracks"]] == ["../processed/seasonal/song1.mp3", "../processed/core/song2.mp3"]'
            [ "$(find data/final -type f | wc -l)" -eq 0 ]
            [ "$(find data/processed -type f | wc -l)" -eq 6 ]
        fi
    done
    [ "$status" -eq 1 ]
    [ "$call" -gt 100 ]
}
