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

@test "given lyrics are kept, even with --force, and shown when they do not fit the style" {
    printf '[Verse]\nla la\n' >songs/Nebula_lyrics.txt
    cp songs/Nebula_lyrics.txt before
    generate --include-lyrics --force --json
    [ "$status" -eq 0 ]
    cmp before songs/Nebula_lyrics.txt
    json 'd["review"] == ["Nebula"]'
    echo '{"Nebula": "VOCAL-03", "Advanced Simulacra": "VOCAL-02", "Évening 星": "VOCAL-05"}' >map.json
    generate --include-lyrics --force --json
    json 'd["review"] == ["Advanced Simulacra"]'
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

@test "an unknown style is refused with the nearest, exit 2, and nothing is written" {
    echo '{"Nebula": "CORE-1"}' >map.json
    generate
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"'map.json'"*"track 'Nebula'"*"'CORE-01'"* ]]
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
