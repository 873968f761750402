# Tests of `lofi styles list`, `show` and `check`. LOFI: the program; LOFI_SOURCE: the source folder.

bats_require_minimum_version 1.5.0

setup() {
    work="$(mktemp -d)"
    cd "$work"
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config"
}

teardown() {
    cd /
    rm -rf "$work"
}

styles() {
    run --separate-stderr "$LOFI" styles "$@"
}

# json EXPRESSION: a Python expression over `d`, the document on standard output, must be true.
json() {
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2]) or 1)' \
        "$output" "$1"
}

# own PYTHON: presets of one's own in own/, made of ours by statements over `p`, the list of presets.
own() {
    mkdir -p own
    python3 - "$LOFI_SOURCE/config" "$1" <<'END'
import json, sys
d = json.load(open(sys.argv[1] + "/style_presets.json"))
p = d["presets"]
by_id = {q["style_id"]: q for q in p}
exec(sys.argv[2])
json.dump(d, open("own/style_presets.json", "w"))
END
}

@test "list: one aligned line for each of the 38 styles" {
    styles list
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 38 ]
    [[ "${lines[0]}" == "CORE-01    Classic Lofi Hip Hop  "*"core "*" 75-90  bpm  lofi hip hop, chill, "* ]]
    # Behind " bpm" every example begins in the same column.
    [ "$(sed -E 's/( bpm  ).*/\1/' <<<"$output" | awk '{print length}' | sort -u | wc -l)" -eq 1 ]
    [ -z "$stderr" ]
}

@test "list: of one category, as JSON" {
    styles list --category seasonal --json
    [ "$status" -eq 0 ]
    json '[s["style_id"] for s in d["styles"]] == ["SEASON-%02d" % i for i in range(1, 10)]'
    json 'd["styles"][1]["name"] == "Christmas" and d["styles"][1]["tempo_range"] == [72, 88]'
    json 'all(s["category"] == "seasonal" and s["example"].startswith(s["example"].split(", ")[0]) and len(s["example"]) > 100 for s in d["styles"])'
    styles list --category winter
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"seasonal"* ]]
}

@test "show: everything that a style has and inherits" {
    styles show CORE-06
    [ "$status" -eq 0 ]
    [[ "$output" == "CORE-06  Dark Lofi (core)"* ]]
    [[ "$output" == *"parents "*"_base_beats < _base_lofi"* ]]
    [[ "$output" == *"production "*"minor key, low-pass filter, vinyl crackle, tape saturation, analog warmth"* ]]
    [[ "$output" == *"65 to 80 bpm"* ]]
    styles show CORE-06 --json
    json 'd["parents"] == ["_base_beats", "_base_lofi"] and d["tempo_range"] == [65, 80] and not d["has_words"]'
    json 'd["tags"]["instruments"] == ["deep bass", "detuned piano", "dark pads", "boom bap drums"]'
    json '"tempo" not in d["tags"] and "brooding" in d["mood_options"]'
    json 'd["example"].startswith("dark lofi, melancholic, ")'
    styles show VOCAL-03 --json
    json 'd["has_words"] and d["tags"]["vocal_type"][0] == "r&b vocals"'
}

@test "show: an unknown style is exit 2, with the nearest" {
    styles show SEASN-06
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"unknown style 'SEASN-06'; the nearest known one is 'SEASON-06'"* ]]
    [[ "$stderr" == *"styles list"* ]]
    styles show _base_lofi --json
    [ "$status" -eq 2 ]
    json '"only a parent" in d["error"]["message"]'
    styles show
    [ "$status" -eq 2 ]
}

@test "check: ours are right" {
    styles check
    [ "$status" -eq 0 ]
    [[ "$output" == *"38 styles: core 7, seasonal 9, thematic 10, instrumental 7, vocal 5"* ]]
    [[ "$output" == *"37544 prompts of single styles and pairs: all are right"* ]]
    [[ "$output" == *"most alike: "*", 0."*" of their tags"* ]]
    [[ "$output" != *"no style says"* ]]
    [ -z "$stderr" ]
    styles check --verbose
    [[ "$output" == *"no style says (genre): "*"deep house"* ]]
    styles check --json
    [ "$status" -eq 0 ]
    json 'd["styles"] == 38 and d["categories"]["thematic"] == 10 and d["problems"] == [] and d["warnings"] == []'
    json '0.1 < d["most_alike"]["likeness"] < 0.6 and len(d["most_alike"]["style_ids"]) == 2'
    json '"slow tempo" not in str(d["unused_tags"])'
    styles check --quiet
    [ -z "$output$stderr" ]
}

@test "check: wrong files are exit 2 and named" {
    own 'by_id["CORE-01"]["instruments"][0] = "paino"'
    styles check --presets own/style_presets.json
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"own/style_presets.json"*"'CORE-01'"*"'paino'"*"'piano'"* ]]
    styles list --presets own/style_presets.json
    [ "$status" -eq 2 ]
    styles check --presets nowhere.json
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"nowhere.json"* ]]
}

@test "check: a vocabulary without the words for tempo gives wrong prompts, exit 2" {
    own 'pass'
    python3 - "$LOFI_SOURCE/config" <<'END'
import json, sys
d = json.load(open(sys.argv[1] + "/tag_vocabulary.json"))
for c in d["categories"]:
    if c["category"] == "tempo":
        c["tags"], c["canonical_forms"] = ["slow tempo"], {}
json.dump(d, open("own/tag_vocabulary.json", "w"))
END
    styles check --presets own/style_presets.json --json
    [ "$status" -eq 2 ]
    json 'len(d["problems"]) > 38 and any(p.startswith("CORE-01: unknown tag ") for p in d["problems"])'
    json 'd["vocabulary"] == "own/tag_vocabulary.json"'
    styles check --presets own/style_presets.json
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"CORE-01: unknown tag '"*" tempo'"* ]]
    [[ "$stderr" == *" more"* ]]
    [[ "$output" == *"not all are right"* ]]
}

@test "check: warns of twins, of what is never read, and of a missing CORE-01" {
    own 'q = dict(by_id["CORE-02"], style_id="CORE-08", name="Twin"); p.append(q); by_id["CORE-01"]["style_id"] = "CORE-09"
by_id["INST-01"]["instruments"] += ["glockenspiel", "vibraphone", "steelpan", "music box", "sleigh bells", "marimba", "kalimba"]'
    styles check --presets own/style_presets.json
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"warning: CORE-02 (Jazz Lofi) and CORE-08 (Twin) are hardly two styles: 1.00 of their tags are the same"* ]]
    [[ "$stderr" == *"warning: INST-01: "*"kalimba"*"never read"* ]]
    [[ "$stderr" == *"warning: there is no CORE-01"* ]]
    styles check --presets own/style_presets.json --json
    json 'len(d["warnings"]) == 3 and d["most_alike"] == {"style_ids": ["CORE-02", "CORE-08"], "likeness": 1.0}'
}
