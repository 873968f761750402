# Tests of `lofi prompt generate`. LOFI: the program; LOFI_SOURCE: the source folder.

bats_require_minimum_version 1.5.0

setup() {
    work="$(mktemp -d)"
    cd "$work"
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config"
    presets="$LOFI_SOURCE/config/style_presets.json"
    mkdir -p songs/win
    : >songs/Nebula.mp3
    : >"songs/Advanced Simulacra.ogg"
    : >"songs/win/Évening 星.FLAC"
    echo cover >songs/cover.jpg
    echo '{"Nebula": "CORE-01", "Advanced Simulacra": ["SEASON-02"], "Évening 星": "CORE-04"}' >map.json
}

teardown() {
    cd /
    rm -rf "$work"
}

generate() {
    run --separate-stderr "$LOFI" prompt generate --audio-dir songs --style-mapping map.json "$@"
}

# json EXPRESSION: a Python expression over `d`, the document on standard output, must be true.
json() {
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2]) or 1)' \
        "$output" "$1"
}

@test "writes one line for every song, beside it" {
    generate --presets "$presets"
    [ "$status" -eq 0 ]
    [ "$(find songs -name '*_prompt.txt' | wc -l)" -eq 3 ]
    [ "$(find songs -name '*_lyrics.txt' | wc -l)" -eq 0 ]
    [ "$(wc -l <songs/Nebula_prompt.txt)" -eq 1 ]
    for tag in "lofi hip hop" chill "boom bap drums" "vinyl crackle"; do
        grep -qE "(^|, )$tag(,|$)" songs/Nebula_prompt.txt
    done
    for tag in "christmas lofi" cozy festive holiday; do
        grep -qE "(^|, )$tag(,|$)" "songs/Advanced Simulacra_prompt.txt"
    done
    grep -qE ', 1(1[0-9]|20) bpm,' "songs/win/Évening 星_prompt.txt"
    [[ "$output" == *"3 generated, 0 unchanged, 0 kept"* ]]
    [ -z "$stderr" ]
}

@test "the same input gives the same text, and a second run changes nothing" {
    generate --output-dir one
    generate --output-dir two --presets "$presets"
    diff -r one two
    touch -d 2020-01-01 one/Nebula_prompt.txt
    generate --output-dir one
    [[ "$output" == *"0 generated, 3 unchanged, 0 kept"* ]]
    [ "$(date -r one/Nebula_prompt.txt +%Y)" = 2020 ]
}

@test "the output folder keeps the sub-folders" {
    generate --output-dir "new folder/texts" --include-lyrics
    [ "$status" -eq 0 ]
    [ -f "new folder/texts/win/Évening 星_prompt.txt" ]
    [ "$(cat "new folder/texts/win/Évening 星_lyrics.txt")" = "[Instrumental]" ]
    [ "$(find songs -name '*.txt' | wc -l)" -eq 0 ]
}

@test "a prompt edited by hand is kept until --force" {
    echo "my own words" >songs/Nebula_prompt.txt
    generate --json
    [ "$status" -eq 0 ]
    json 'd["generated"] == 2 and d["kept"] == 1'
    json '[r["status"] for r in d["results"] if r["track_id"] == "Nebula"] == ["kept"]'
    [ "$(cat songs/Nebula_prompt.txt)" = "my own words" ]
    generate --force
    [[ "$(cat songs/Nebula_prompt.txt)" == "lofi hip hop, "* ]]
}

@test "given lyrics in section form are kept, even with --force, and shown when they do not fit the style" {
    printf '[Verse]\nla la\n' >songs/Nebula_lyrics.txt
    cp songs/Nebula_lyrics.txt before
    generate --include-lyrics --force --json
    [ "$status" -eq 0 ]
    cmp before songs/Nebula_lyrics.txt
    json 'd["review"] == ["Nebula"]'
    json '[r["lyrics_status"] for r in d["results"]] == ["generated", "kept", "generated"]'
    echo '{"Nebula": "VOCAL-03", "Advanced Simulacra": "VOCAL-02", "Évening 星": "VOCAL-05"}' >map.json
    generate --include-lyrics --force --json
    json 'd["review"] == ["Advanced Simulacra"]'
    json '[r["lyrics_status"] for r in d["results"]] == ["unchanged", "kept", "unchanged"]'
}

@test "given lyrics are never changed without --force, and with it only brought into section form" {
    echo '{"Nebula": "VOCAL-03"}' >map.json
    printf 'walking home\r\n\r\n(Chorus)\r\nin the rain (ooh)  \r\n[Vrese]\r\nagain' >songs/Nebula_lyrics.txt
    cp songs/Nebula_lyrics.txt before
    generate --include-lyrics --json
    [ "$status" -eq 0 ]
    cmp before songs/Nebula_lyrics.txt
    json '"Nebula" in d["review"]'
    json 'd["results"][1]["review_reasons"] == ["lyrics line 1: not in section form: '\''walking home'\'' stands where '\''[Verse]'\'' belongs", "lyrics line 5: unknown section mark '\''[Vrese]'\''; did you mean [Verse]?"]'
    generate --include-lyrics --json --force --dry-run
    json 'd["results"][1]["lyrics_status"] == "generated"'
    cmp before songs/Nebula_lyrics.txt
    generate --include-lyrics --json --force
    json 'd["results"][1]["lyrics_status"] == "generated"'
    printf '[Verse]\nwalking home\n\n[Chorus]\nin the rain (ooh)\n\n[Vrese]\nagain\n' | cmp - songs/Nebula_lyrics.txt
    json 'd["results"][1]["review_reason"] == "lyrics line 7: unknown section mark '\''[Vrese]'\''; did you mean [Verse]?"'
    generate --include-lyrics --json --force
    json 'd["results"][1]["lyrics_status"] == "kept"'
    generate --include-lyrics
    [[ "$output" == *"Nebula: lyrics line 7: unknown section mark"* ]]
}

@test "lyrics come from a side-car beside the song" {
    echo '{"Nebula": "VOCAL-03", "Advanced Simulacra": "VOCAL-03", "Évening 星": "VOCAL-02"}' >map.json
    printf '\xef\xbb\xbf[ar:Nobody]\r\n[00:01.00][00:31.00]one <00:02.00>two\r\n[00:05.00]\r\n[00:07.50]three\r\n' >songs/Nebula.lrc
    printf '[VERSE 1]\nla la\n[Refrain]\nli li\n' >"songs/Advanced Simulacra.lyrics"
    printf '夜の街\n' >"songs/win/Évening 星.lrc"
    cp songs/Nebula.lrc before
    generate --include-lyrics --json --output-dir out
    [ "$status" -eq 0 ]
    json 'd["review"] == []'
    json 'all(r["lyrics_status"] == "generated" for r in d["results"])'
    printf '[Verse]\none two\n\n[Verse]\nthree\n' | cmp - out/Nebula_lyrics.txt
    printf '[Verse]\nla la\n\n[Chorus]\nli li\n' | cmp - "out/Advanced Simulacra_lyrics.txt"
    printf '[Verse]\n夜の街\n' | cmp - "out/win/Évening 星_lyrics.txt"
    cmp before songs/Nebula.lrc
    generate --include-lyrics --json --output-dir out
    json 'all(r["lyrics_status"] == "unchanged" for r in d["results"])'
    printf '[ti: nothing else]\n' >songs/Nebula.lrc
    rm out/Nebula_lyrics.txt
    generate --include-lyrics --json --output-dir out
    [ "$(cat out/Nebula_lyrics.txt)" = "[Instrumental]" ]
    json 'd["review"] == ["Nebula"]' # the style has words
}

@test "lyrics that cannot be read are told, and nothing is made of them" {
    echo '{"Nebula": "VOCAL-03", "Advanced Simulacra": "VOCAL-03", "Évening 星": "CORE-01"}' >map.json
    printf '[Verse]\ncaf\xe9\n' >songs/Nebula.lrc
    printf 'caf\xe9\n' >"songs/Advanced Simulacra_lyrics.txt"
    cp "songs/Advanced Simulacra_lyrics.txt" before
    generate --include-lyrics --json --force
    [ "$status" -eq 0 ]
    [ ! -e songs/Nebula_lyrics.txt ]
    cmp before "songs/Advanced Simulacra_lyrics.txt"
    json 'd["review"] == ["Advanced Simulacra", "Nebula"]'
    json '[r["lyrics_status"] for r in d["results"]] == ["kept", "skipped", "generated"]'
    json '"not UTF-8" in d["results"][0]["review_reason"] and "Nebula.lrc" in d["results"][1]["review_reason"]'
    head -c 1100000 /dev/zero | tr '\0' 'a' >songs/Nebula_lyrics.txt
    generate --include-lyrics --json --force
    [ "$status" -eq 0 ]
    json '"larger than the 1048576 bytes" in d["results"][1]["review_reason"]'
    [ "$(stat -c %s songs/Nebula_lyrics.txt)" -eq 1100000 ]
}

@test "hostile lyrics do no harm and take no long" {
    echo '{"Nebula": "VOCAL-03", "Advanced Simulacra": "VOCAL-03", "Évening 星": "VOCAL-03"}' >map.json
    python3 -c 'print("[Vrese]\n" * 10000)' >songs/Nebula_lyrics.txt
    python3 -c 'print("a" * 1000000)' >"songs/Advanced Simulacra_lyrics.txt"
    head -c 100000 /dev/urandom >"songs/win/Évening 星.lrc"
    run --separate-stderr timeout 60 "$LOFI" prompt generate --audio-dir songs --style-mapping map.json --include-lyrics --force --json
    [ "$status" -eq 0 ]
    json 'len(d["review"]) == 3 and all(len(r["review_reasons"]) <= 12 for r in d["results"])'
    json '"and 9992 more places" in d["results"][1]["review_reasons"]'
}

@test "lyrics of more tokens than the trainer reads are told, with the line" {
    echo '{"Nebula": "VOCAL-03"}' >map.json
    export ACE_STEP_DIR="$work/none"
    mkdir none
    { echo '[Verse]'; for ((i = 0; i < 300; i++)); do echo "walking home through the quiet rain and thinking of you"; done; } >songs/Nebula_lyrics.txt
    generate --include-lyrics --json
    [ "$status" -eq 0 ]
    json '"Nebula" in d["review"]'
    [[ "$stderr" == *"Nebula_lyrics.txt' has more than the 4096 tokens"* ]]
    line=$(grep -oE 'more than 4096 tokens \(estimated\): the trainer cuts them in line [0-9]+' <<<"$output" | grep -oE '[0-9]+$' | head -1)
    [ "$line" -gt 50 ] && [ "$line" -lt 250 ]
    # What stands before that line is short enough, and with it, it is not.
    cp songs/Nebula_lyrics.txt all
    head -n $((line - 1)) all >songs/Nebula_lyrics.txt
    generate --include-lyrics --json
    json '"Nebula" not in d["review"]'
    head -n "$line" all >songs/Nebula_lyrics.txt
    generate --include-lyrics --json
    json '"Nebula" in d["review"]'
    # The vocabulary of ACE-Step, where it is, is not an estimate.
    cp "$LOFI_SOURCE/tests/data/text/small_lyric_vocab.json" none/lyric_vocab.json
    generate --include-lyrics --json
    json '"more than 4096 tokens: the trainer cuts them in line" in d["results"][1]["review_reason"]'
}

@test "a kept prompt that is too long is told" {
    python3 -c 'print("é" * 257)' >songs/Nebula_prompt.txt
    generate --json
    [ "$status" -eq 0 ]
    json 'd["review"] == ["Nebula"] and "has 257 characters, of which 256 are read" in d["results"][1]["review_reason"]'
    [[ "$stderr" == *"Nebula_prompt.txt' has 257 characters"* ]]
    python3 -c 'print("é" * 256)' >songs/Nebula_prompt.txt
    generate --json
    json 'd["review"] == []'
    generate --force --json
    json 'd["review"] == []'
}

# on_record SONG BPM CONFIDENCE KEY CONFIDENCE: what audio process would have kept in audio.jsonl about a song.
on_record() {
    python3 - "$@" >>audio.jsonl <<'END'
import json, os, sys
song, bpm, bpm_confidence, key, key_confidence = sys.argv[1:]
info = os.stat(song)
print(json.dumps({"track": song, "source": song, "status": "success", "bytes": info.st_size, "modified_ns": info.st_mtime_ns,
                  "sha256": "", "measures": {"tempo_bpm": float(bpm), "tempo_confidence": float(bpm_confidence),
                                             "key": key or None, "key_confidence": float(key_confidence)}}))
END
}

@test "tempo and key are those that were measured" {
    echo '{"Nebula": "CORE-01", "Advanced Simulacra": "SEASON-07", "Évening 星": "CORE-04"}' >map.json
    on_record songs/Nebula.mp3 81.6 0.5 "F# minor" 0.4
    on_record "songs/Advanced Simulacra.ogg" 160.2 0.2 "C minor" 0.1
    on_record "songs/win/Évening 星.FLAC" 57.5 0.1 "A# major" 0.09
    generate --json
    [ "$status" -eq 0 ]
    json 'd["review"] == []'
    json '[(r["tempo_bpm"], r["tempo_source"], r["key"]) for r in d["results"]] == [(80, "measured", "c minor"), (82, "measured", "f# minor"), (115, "measured", None)]'
    json '", 80 bpm, laid-back tempo, c minor, " in d["results"][0]["prompt"] and "minor key" not in d["results"][0]["prompt"]'
    json '", 82 bpm, medium tempo, f# minor, vinyl crackle, " in d["results"][1]["prompt"]'
    cp songs/Nebula_prompt.txt before
    generate --force --json
    cmp before songs/Nebula_prompt.txt
    # A changed file is not the one on record.
    echo changed >songs/Nebula.mp3
    generate --dry-run --json
    json '[(r["tempo_source"], r["key"]) for r in d["results"]] == [("measured", "c minor"), ("style", None), ("measured", None)]'
}

@test "what was measured without confidence is not believed" {
    on_record songs/Nebula.mp3 140 0.09 "F# minor" 0.09
    generate --json
    json 'd["results"][1]["tempo_source"] == "style" and d["results"][1]["key"] is None'
    json 'd["results"][1]["prompt"] == "lofi hip hop, chill, mellow, boom bap drums, piano, rhodes, bass guitar, 80 bpm, laid-back tempo, vinyl crackle, jazz samples, tape saturation, analog warmth, late night, instrumental"'
}

@test "a tempo or key that does not fit the style is to be looked at" {
    echo '{"Nebula": "CORE-06", "Advanced Simulacra": ["SEASON-06", "INST-05"], "Évening 星": "CORE-04"}' >map.json
    on_record songs/Nebula.mp3 70 0.5 "D major" 0.5
    on_record "songs/Advanced Simulacra.ogg" 100 0.5 "D major" 0.5
    generate --json
    [ "$status" -eq 0 ]
    json 'd["review"] == ["Advanced Simulacra", "Nebula"]'
    json 'd["results"][0]["review_reason"] == "measured 100 bpm, but SEASON-06 with INST-05 is 68 to 80 bpm"'
    json '", 100 bpm, d major, " in d["results"][0]["prompt"]'
    json 'd["results"][1]["review_reason"] == "measured the key D major, which CORE-06 contradicts"'
    json '"minor key" in d["results"][1]["prompt"] and "d major" not in d["results"][1]["prompt"] and d["results"][1]["key"] is None'
    json 'd["results"][2]["tempo_source"] == "style"'
}

@test "the metadata folder is that of the mapping, or --metadata-dir" {
    mkdir meta empty
    on_record songs/Nebula.mp3 88 0.5 "" 0
    sed 's|"songs/|"../songs/|g' audio.jsonl >meta/audio.jsonl
    generate --metadata-dir empty --json
    json 'd["results"][1]["tempo_source"] == "style"'
    generate --metadata-dir meta --json --force
    json 'd["results"][1]["tempo_bpm"] == 88 and d["results"][1]["key"] is None'
    generate --metadata-dir nowhere
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"'nowhere'"* ]]
    echo 'no record' >>audio.jsonl
    generate --json
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"audio.jsonl' line 2"* ]]
    json 'd["results"][1]["tempo_bpm"] == 88'
}

@test "songs that audio process measured get their tempo" {
    music=/usr/share/games/singularity/music
    [ -d "$music" ] || skip "singularity-music is not installed"
    mkdir raw && cp "$music/Deprecation.ogg" raw
    "$LOFI" audio process --quiet --input-dir raw --output-dir data/final
    echo '{"Deprecation": "THEME-02"}' >data/metadata/style_mapping.json
    run --separate-stderr "$LOFI" prompt generate --audio-dir data/final/ --style-mapping data/metadata/style_mapping.json --json
    [ "$status" -eq 0 ]
    json 'd["results"][0]["tempo_bpm"] == 65 and d["results"][0]["tempo_source"] == "measured" and d["results"][0]["key"] == "f# major"'
    json 'd["review"] == []'
}

@test "a track without a style gets CORE-01 and is to be looked at" {
    echo '{"Nebula": [], "Évening 星": "CORE-04"}' >map.json
    generate --json
    [ "$status" -eq 0 ]
    json 'd["review"] == ["Advanced Simulacra", "Nebula"]'
    json '[r["style_ids"] for r in d["results"]] == [["CORE-01"], ["CORE-01"], ["CORE-04"]]'
    json '[r["needs_review"] for r in d["results"]] == [True, True, False]'
    generate
    [[ "$output" == *"Nebula: no style in the mapping"* ]]
}

@test "JSON: one document with every field" {
    generate --json --include-lyrics
    [ "$status" -eq 0 ]
    json 'd["generated"] == 3 and d["unchanged"] == 0 and d["kept"] == 0 and d["review"] == [] and d["unmatched"] == []'
    json '[r["track_id"] for r in d["results"]] == ["Advanced Simulacra", "Nebula", "Évening 星"]'
    json 'all(open(r["prompt_path"]).read() == r["prompt"] + "\n" for r in d["results"])'
    json 'all(open(r["lyrics_path"]).read() == "[Instrumental]\n" for r in d["results"])'
    json 'all(len(r["prompt"]) <= 256 for r in d["results"])'
    json 'all(len(r["prompt"].split(", ")) == len(set(r["prompt"].split(", "))) for r in d["results"])'
}

@test "a mapping entry without a file is a warning" {
    echo '{"Nebla": "CORE-01", "Nebula.mp3": "CORE-02", "Nebula": "CORE-03"}' >map.json
    generate --json
    [ "$status" -eq 0 ]
    json 'd["unmatched"] == ["Nebla", "Nebula.mp3"]'
    [[ "$stderr" == *"'Nebla'"*"did you mean 'Nebula'?"* ]]
    [[ "$stderr" == *"'Nebula.mp3'; a track id has no folder and no extension: 'Nebula'"* ]]
}

@test "a prompt that would be too long says what is left out" {
    echo '{"Nebula": ["CORE-01", "THEME-05", "SEASON-07"]}' >map.json
    generate --json
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"1 prompt would be longer than the 256 characters that are read"* ]]
    json '[r["track_id"] for r in d["results"] if "left_out" in r] == ["Nebula"]'
    json 'not set(d["results"][1]["left_out"].split(", ")) & set(d["results"][1]["prompt"].split(", "))'
    generate --verbose
    [[ "$stderr" == *"'Nebula.mp3': left out of the prompt: "* ]]
    [ "$(wc -m <songs/Nebula_prompt.txt)" -le 257 ]
}

@test "two files of one name are a warning" {
    : >songs/win/Nebula.wav
    generate
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"same track id 'Nebula'"* ]]
}

@test "a mapping of many more songs is a few warnings and a number" {
    python3 -c 'import json; json.dump({"Nebula": "CORE-01", **{f"song {i}": "CORE-02" for i in range(3000)}}, open("map.json", "w"))'
    generate --json
    [ "$status" -eq 0 ]
    [ "$(grep -c warning <<<"$stderr")" -eq 11 ]
    [[ "$stderr" == *"the style mapping names 2990 more songs that are not below 'songs'"* ]]
    json 'len(d["unmatched"]) == 3000'
}

@test "an unknown style is refused with the nearest, exit 2, and nothing is written" {
    echo '{"Nebula": "CORE-1"}' >map.json
    generate
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"'map.json' line 1: Nebula: unknown style 'CORE-1'"*"'CORE-01'"* ]]
    [ "$(find songs -name '*.txt' | wc -l)" -eq 0 ]
    generate --json
    [ "$status" -eq 2 ]
    json 'd["error"]["code"] == "format"'
}

@test "presets of one's own, with their vocabulary beside them" {
    mkdir own
    cat >own/style_presets.json <<'END'
{"presets": [{"style_id": "CORE-01", "name": "Zither", "category": "core", "base_tags": ["zither lofi"],
  "instruments": ["zither"], "production": ["tape hiss"], "mood_options": ["calm"], "tempo_range": [80, 80]}]}
END
    echo '{}' >map.json
    generate --presets own/style_presets.json
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"'CORE-01'"*"unknown tag 'zither lofi'"* ]]
    cat >own/tag_vocabulary.json <<'END'
{"categories": [{"category": "genre", "tags": ["zither lofi"]}, {"category": "mood", "tags": ["calm"]},
  {"category": "instruments", "tags": ["zither"]}, {"category": "tempo", "tags": ["slow tempo"]},
  {"category": "production", "tags": ["tape hiss"]}, {"category": "atmosphere", "tags": ["barn"]},
  {"category": "vocal_type", "tags": ["instrumental"]}]}
END
    generate --presets own/style_presets.json
    [ "$status" -eq 0 ]
    [ "$(cat songs/Nebula_prompt.txt)" = "zither lofi, calm, zither, 80 bpm, laid-back tempo, tape hiss" ]
}

@test "presets that extend each other in a circle are refused" {
    echo '{"presets": [{"style_id": "A", "extends": "B"}, {"style_id": "B", "extends": "A"}]}' >bad.json
    generate --presets bad.json
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"circle: "* ]]
}

@test "what is not there: exit 1 and the name of it" {
    run --separate-stderr "$LOFI" prompt generate --audio-dir nowhere --style-mapping map.json
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"nowhere"* ]]
    run --separate-stderr "$LOFI" prompt generate --audio-dir songs --style-mapping nowhere.json
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"nowhere.json"* ]]
    mkdir empty
    run --separate-stderr "$LOFI" prompt generate --audio-dir empty --style-mapping map.json
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"no audio file"* ]]
}

@test "missing flags: exit 2" {
    run --separate-stderr "$LOFI" prompt generate --audio-dir songs
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"style-mapping"* ]]
}

@test "--dry-run writes nothing" {
    generate --dry-run --include-lyrics --output-dir fresh --json
    [ "$status" -eq 0 ]
    json 'd["dry_run"] and d["generated"] == 3'
    [ ! -e fresh ]
    [ "$(find songs -name '*.txt' | wc -l)" -eq 0 ]
}

@test "--quiet says nothing" {
    generate --quiet
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ -z "$stderr" ]
}

@test "a folder that cannot be written is an error with its name" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    mkdir sealed && chmod 500 sealed
    generate --output-dir sealed
    [ "$status" -eq 1 ]
    [[ "$stderr" == *sealed* ]]
}

@test "a prompt that is a folder is an error with its name" {
    mkdir songs/Nebula_prompt.txt
    generate
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"Nebula_prompt.txt"*"is a folder"* ]]
}

@test "the example mapping fits the songs of the Debian package singularity-music" {
    music=/usr/share/games/singularity/music
    [ -d "$music" ] || skip "singularity-music is not installed"
    run --separate-stderr "$LOFI" prompt generate --audio-dir "$music" --output-dir out --json \
        --style-mapping "$LOFI_SOURCE/config/demo/style_mapping.json"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    json 'd["review"] == [] and d["unmatched"] == [] and d["generated"] == len(d["results"]) == 16'
}
