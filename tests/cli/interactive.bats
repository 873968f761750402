# Tests of `lofi prompt interactive`: typed at a real terminal, and as a script. LOFI: the program; LOFI_SOURCE: the source folder.

bats_require_minimum_version 1.5.0

setup() {
    work="$(mktemp -d)"
    cd "$work"
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config" TERM=xterm
    unset NO_COLOR
    mkdir songs
    python3 "$LOFI_SOURCE/tests/cli/helpers/make_songs.py" songs 2
    mv "songs/track 1.wav" songs/Nebula.wav
    rm songs/*.txt
}

teardown() {
    cd /
    rm -rf "$work"
}

# script ARGUMENT...: the dialogue reads standard input.
script() {
    run --separate-stderr "$LOFI" prompt interactive --audio-file songs/Nebula.wav "$@"
}

# typed COLUMNS ARGUMENT...: the dialogue in a terminal; the steps come from standard input.
typed() {
    cat >steps
    run --separate-stderr python3 "$LOFI_SOURCE/tests/cli/helpers/pty_dialogue.py" --columns "$1" steps \
        "$LOFI" prompt interactive --audio-file songs/Nebula.wav "${@:2}"
    [ "$status" -ne 99 ] || printf '%s\n' "$stderr" "$output" >&2
}

needs_editing() {
    ldd "$LOFI" | grep -q libedit || skip "built without libedit"
}

json() {
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); sys.exit(0 if eval(sys.argv[2]) else print("false:", sys.argv[2]) or 1)' \
        "$output" "$1"
}

nothing_written() {
    [ "$(find . -name '*.txt' | wc -l)" -eq 0 ]
}

# ---- scripts ----

@test "script: the line of a style is what prompt generate writes" {
    echo '{"Nebula": ["CORE-02", "INST-05"]}' >map.json
    "$LOFI" prompt generate --audio-dir songs --style-mapping map.json --include-lyrics --output-dir expected --quiet
    script --style CORE-02 INST-05 --output-dir "new folder" <<<"/save"
    [ "$status" -eq 0 ]
    diff -r expected "new folder"
    [ "$(find songs -name '*.txt' | wc -l)" -eq 0 ]
}

@test "script: tags, tempo, undo, comments; the transcript shows each entry" {
    script <<'END'
# the style
Dark Lofi
lo-fi, -lonely
88 bpm
/undo
/redo
nylon-string guitar
/save
END
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ "$output" == *"Nebula.wav, 0:02"*"style> # the style"*"style> Dark Lofi"*"tags> lo-fi, -lonely"*"'lo-fi' is called 'lofi'"* ]]
    [[ "$output" == *"'nylon-string guitar' is called 'nylon guitar'"*"of 256 characters"*"written"* ]]
    grep -q '^dark lofi, lofi, .*, nylon guitar, 88 bpm, medium tempo, ' songs/Nebula_prompt.txt
    [ "$(cat songs/Nebula_lyrics.txt)" = "[Instrumental]" ]
    [[ "$output" != *$'\033'* ]]
}

@test "script: what is unknown ends it with 2, and nothing is written" {
    for entry in "vinly crackle" "/sav" "-pinao" "/style CORE-1" "/suggest modo" "/lyrics nowhere.txt" "5 bpm" "/undo 2"; do
        script --style CORE-01 <<<"rhodes
$entry
/save"
        [ "$status" -eq 2 ]
        [[ "$stderr" == "error: line 2: "* ]]
        nothing_written
    done
    script --style CORE-01 <<<"vinly crackle"
    [[ "$stderr" == *"did you mean 'vinyl crackle'?"* ]]
    script <<<"piano lead"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"unknown style 'piano lead'"*"INST-01"*"the first line answers the question for the style"* ]]
}

@test "script: its end without /save is 2 with one sentence, and nothing is written" {
    script --style CORE-01 <<<"pads"
    [ "$status" -eq 2 ]
    [ "$stderr" = "error: the input ended without /save, so nothing was written" ]
    nothing_written
    script </dev/null
    [ "$status" -eq 2 ]
    script --style CORE-01 <<<"/quit"
    [ "$status" -eq 0 ]
    nothing_written
    script --style CORE-01 <<<"pads
/quit"
    [ "$status" -eq 2 ]
    script --style CORE-01 <<<"pads
/quit
/quit"
    [ "$status" -eq 0 ]
    nothing_written
}

@test "script: control characters, bytes that are not UTF-8, zero bytes and endless lines are refused" {
    for bytes in 'pi\033[2Jano' 'pi\377ano' 'pi\000ano' 'pi\302\233ano' 'pi\tano'; do
        printf "$bytes\n/save\n" >input
        script --style CORE-01 <input
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"line 1: the entry holds "* ]]
        [[ "$output" != *$'\033'* ]]
        nothing_written
    done
    head -c 3000000 /dev/zero | tr '\0' 'a' >input
    script --style CORE-01 <input
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"at most 4096 bytes"* ]]
}

@test "script: an interrupt is 130, and nothing is written" {
    mkfifo entries
    "$LOFI" prompt interactive --audio-file songs/Nebula.wav --style CORE-01 <entries >text 2>errors &
    program=$!
    exec 7>entries
    echo pads >&7
    until grep -q ', pads,' text; do :; done
    kill -TERM "$program"
    status=0
    wait "$program" || status=$?
    exec 7>&-
    [ "$status" -eq 130 ]
    grep -q 'nothing was written' errors
    nothing_written
}

@test "script: a hundred thousand entries" {
    (for i in {1..25000}; do printf 'pads\n-pads\n%d bpm\n/undo\n' $((60 + i % 50)); done; echo /save) >entries
    script --style CORE-01 --quiet <entries
    [ "$status" -eq 0 ]
    script --quiet <<<"/save"
    [ "$status" -eq 0 ]
}

@test "script: ends of lines of another system" {
    printf '# a comment\r\npads\r\n/save\r\n' >input
    script --style CORE-01 <input
    [ "$status" -eq 0 ]
    grep -q ', pads, ' songs/Nebula_prompt.txt
}

@test "script: a prompt that is there is begun with, what is unknown is kept until it is removed" {
    echo "piano, Zither Dreams, lo-fi, chill" >songs/Nebula_prompt.txt
    script <<<"/save"
    [ "$status" -eq 0 ]
    [[ "$output" == *"It has a prompt"*"unknown"*"Zither Dreams (?)"* ]]
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, chill, piano, Zither Dreams" ]
    script <<<"-zither dreams
/save"
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, chill, piano" ]
    printf 'lofi, \033[2J' >songs/Nebula_prompt.txt
    script <<<"/save"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"Nebula_prompt.txt"*"control character"* ]]
}

@test "script: a prompt needs a genre and one more tag" {
    echo "lofi, chill" >songs/Nebula_prompt.txt
    script <<<"-lofi
/save"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"needs a genre"* ]]
    script <<<"-chill
/save"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"one more tag"* ]]
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, chill" ]
}

@test "script: a line that is too long is a warning" {
    script --style CORE-01 <<<"warm pads, acoustic guitar, mountain breeze, late night, cassette recording, orchestral samples
/save"
    [ "$status" -eq 0 ]
    [[ "$output" == *"warning: the trainer reads 256 characters"* ]]
}

@test "lyrics: from a file; words that are there are kept unless --force is given" {
    printf '[Verse]\nla la\n' >words.txt
    script --style VOCAL-03 <<<"/lyrics words.txt
/save"
    [ "$status" -eq 0 ]
    cmp words.txt songs/Nebula_lyrics.txt
    printf '[Verse]\nother words\n' >other.txt
    script --style VOCAL-03 <<<"pads
/lyrics other.txt
/save"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"Nebula_lyrics.txt' holds other words"*"--force"* ]]
    cmp words.txt songs/Nebula_lyrics.txt
    ! grep -q pads songs/Nebula_prompt.txt
    script --force <<<"/lyrics other.txt
/save"
    [ "$status" -eq 0 ]
    cmp other.txt songs/Nebula_lyrics.txt
    script --force <<<"pads
/save"
    cmp other.txt songs/Nebula_lyrics.txt
}

@test "lyrics: a voice with words and no lyrics is a warning, and no file is made up" {
    script --style VOCAL-03 --json <<<"/save"
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"warning: the voice has words"* ]]
    [ ! -e songs/Nebula_lyrics.txt ]
    json 'd["lyrics_path"] is None and d["saved"]'
}

@test "--json: one document, and the dialogue on standard error" {
    script --style CORE-01 THEME-02 --json <<<"pads
/save"
    [ "$status" -eq 0 ]
    json 'set(d) == {"track_id", "prompt", "prompt_path", "lyrics_path", "style_ids", "saved"}'
    json 'd["track_id"] == "Nebula" and d["style_ids"] == ["CORE-01", "THEME-02"] and d["saved"] is True'
    json 'open(d["prompt_path"]).read() == d["prompt"] + "\n" and open(d["lyrics_path"]).read() == "[Instrumental]\n"'
    [[ "$stderr" == *"tags> pads"* ]]
    script --style CORE-01 --json <<<"zonk"
    [ "$status" -eq 2 ]
    json 'd["error"]["code"] == "usage"'
}

@test "--dry-run says what would be written; --quiet says nothing" {
    script --style CORE-01 --dry-run <<<"/save"
    [ "$status" -eq 0 ]
    [[ "$output" == *"would be written"*"Nebula_prompt.txt"*"would be written"*"Nebula_lyrics.txt"* ]]
    nothing_written
    script --style CORE-01 --quiet <<<"/save"
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    [ -s songs/Nebula_prompt.txt ]
}

@test "the alias of the original contract" {
    ln -s "$LOFI" lofi_prompt_generator
    run ./lofi_prompt_generator interactive --audio-file songs/Nebula.wav --presets "$LOFI_SOURCE/config/style_presets.json" <<<"
/save"
    [ "$status" -eq 0 ]
    [ -s songs/Nebula_prompt.txt ]
}

@test "what is not there, or is no sound" {
    run --separate-stderr "$LOFI" prompt interactive --audio-file nowhere.mp3 </dev/null
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"nowhere.mp3"* ]]
    echo text >text.mp3
    run --separate-stderr "$LOFI" prompt interactive --audio-file text.mp3 </dev/null
    [ "$status" -eq 2 ]
    run --separate-stderr "$LOFI" prompt interactive </dev/null
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"audio-file"* ]]
    script --style CORE-1 </dev/null
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"CORE-01"* ]]
}

# ---- a person at a terminal ----

@test "terminal: completion, history, undo, save" {
    needs_editing
    typed 80 <<'END'
< Nebula.wav, 0:02
< style> 
> inst\t\t
< INST-02
< INST-07
> 1\r
< INST-01, Piano
< tags> 
> vinyl cr\t
< ackle
> \r
< , vinyl crackle
< tags> 
> -vin\t
< -vinyl crackle
> \r
< of 256
< tags> 
> lo\t\t
< lofi hip hop
> \x15/un\t\r
< , vinyl crackle
< tags> 
> /suggest mo\t\r
< adventurous
< tags> 
> /style core\t
< CORE-0
> \x15cosy\r
< 'cosy' is called 'cozy'
< tags> 
> \x1b[A\x1b[A
< /suggest mood
> \x1b[A
< undo
> \r
< tags> 
> vinly crackle\r
< did you mean 'vinyl crackle'?
< tags> 
> /save\r
< written
< written
END
    [ "$status" -eq 0 ]
    [[ "$output" == *$'\033[1m'* ]]
    grep -q '^piano lofi, .*, vinyl crackle, ' songs/Nebula_prompt.txt
    ! grep -q cozy songs/Nebula_prompt.txt
    [ "$(cat songs/Nebula_lyrics.txt)" = "[Instrumental]" ]
}

@test "terminal: names of files are completed" {
    needs_editing
    mkdir "with words"
    printf '[Verse]\nla\n' >"with words/night song.txt"
    typed 80 --style VOCAL-03 <<'END'
< tags> 
> /ly\twith\tnig\t\r
< from the file given
> /save\r
< written
END
    [ "$status" -eq 0 ]
    cmp "with words/night song.txt" songs/Nebula_lyrics.txt
}

@test "terminal: letters of other languages are edited as letters" {
    needs_editing
    mkdir été
    printf '[Verse]\nété\n' >"été/é星.txt"
    typed 80 --style VOCAL-03 <<'END'
< tags> 
> /lyrics \xc3\xa9t\x7f\xc3\xbc\x7ft\t\xc3\xa9\t\r
< from the file given
> caf\xc3\xa9 ambience\r
< is called 'cafe ambience'
> /save\r
< written
END
    [ "$status" -eq 0 ]
    cmp "été/é星.txt" songs/Nebula_lyrics.txt
}

@test "terminal: bytes that are not UTF-8 are refused" {
    typed 80 --style CORE-01 <<'END'
< tags> 
> pi\xffano\r
< the entry holds bytes that are not UTF-8
< tags> 
> /quit\r
END
    [ "$status" -eq 0 ]
    nothing_written
}

@test "terminal: Ctrl-C leaves at once with 130, and nothing is written" {
    typed 80 --style CORE-01 <<'END'
< tags> 
> pads\r
< , pads,
< tags> 
> /save\x03
< nothing was written
END
    [ "$status" -eq 130 ]
    nothing_written
    typed 80 <<'END'
< style> 
> \x03
END
    [ "$status" -eq 130 ]
    nothing_written
}

@test "terminal: Ctrl-D leaves, and asks again when there are changes" {
    typed 80 --style CORE-01 <<'END'
< tags> 
> \x04
END
    [ "$status" -eq 0 ]
    typed 80 --style CORE-01 <<'END'
< tags> 
> pads\r
< , pads,
< tags> 
> \x04
< '/quit' again leaves
< tags> 
> -pads\r
< of 256
< tags> 
> rhodes lead\r
< of 256
< tags> 
> \x04
< '/quit' again leaves
< tags> 
> \x04
END
    [ "$status" -eq 0 ]
    nothing_written
}

@test "terminal: Ctrl-Z stops it with the terminal as it was, and fg goes on" {
    needs_editing
    cat >steps <<'END'
> PS1='sh> '\r
< sh> 
< sh> 
> "$LOFI" prompt interactive --audio-file songs/Nebula.wav --style CORE-01\r
< tags> 
> acoustic g
< acoustic g
> \x1a
< Stopped
< sh> 
> stty -a\r
<  icanon
< sh> 
> fg\r
< tags> acoustic g
> \t\r
< , acoustic guitar,
< tags> 
> \x03
< nothing was written
< sh> 
> stty -a\r
<  icanon
< sh> 
> exit 7\r
END
    run python3 "$LOFI_SOURCE/tests/cli/helpers/pty_dialogue.py" --columns 120 steps bash --norc --noprofile -i
    [ "$status" -eq 7 ]
    nothing_written
}

@test "terminal: a narrow window, and one that changes" {
    needs_editing
    typed 20 <<'END'
< style> 
> CORE-01\r
< tags> 
> acoustic guitar, warm pads, tape hiss\x01\x05\x7f\x7f\x7f\x7fdelay\r
< warm pads
< tape delay
< tags> 
> wa\t\t
< warm
columns 100
> \x15pads\r
< , pads,
> /save\r
< written
END
    [ "$status" -eq 0 ]
    grep -q 'acoustic guitar, warm pads, pads, .*tape delay' songs/Nebula_prompt.txt
}

@test "terminal: a dumb one" {
    needs_editing
    TERM=dumb typed 80 --style CORE-01 <<'END'
< tags> 
> acoustic g\t\r
< , acoustic guitar,
< tags> 
> zonk\r
< unknown tag
< tags> 
> /save\r
< written
END
    [ "$status" -eq 0 ]
    [[ "$output" != *$'\033'* ]]
    grep -q 'acoustic guitar' songs/Nebula_prompt.txt
}

@test "terminal: NO_COLOR" {
    NO_COLOR=1 typed 80 --style CORE-01 <<'END'
< tags> 
> zonk\r
< unknown tag
> /save\r
< written
END
    [ "$status" -eq 0 ]
    [[ "$output" != *$'\033['*m* ]]
}

@test "terminal: --json keeps standard output for the document" {
    needs_editing
    cat >dialogue.sh <<'END'
"$LOFI" prompt interactive --audio-file songs/Nebula.wav --style CORE-01 --json >result.json
END
    cat >steps <<'END'
< tags> 
> acoustic g\t\r
< , acoustic guitar,
> /save\r
< written
END
    run python3 "$LOFI_SOURCE/tests/cli/helpers/pty_dialogue.py" steps bash dialogue.sh
    [ "$status" -eq 0 ]
    output="$(cat result.json)"
    json '"acoustic guitar" in d["prompt"] and d["saved"]'
}

@test "terminal: where the text goes elsewhere, lines are read plainly" {
    cat >steps <<'END'
> pads\r/save\r
END
    run python3 "$LOFI_SOURCE/tests/cli/helpers/pty_dialogue.py" steps bash -c \
        '"$LOFI" prompt interactive --audio-file songs/Nebula.wav --style CORE-01 >text; exit $?'
    [ "$status" -eq 0 ]
    grep -q ', pads,' songs/Nebula_prompt.txt
    grep -q 'of 256 characters' text
}

@test "terminal: a prompt that was changed meanwhile is not overwritten without --force" {
    echo "lofi, chill" >songs/Nebula_prompt.txt
    typed 80 <<'END'
< It has a prompt
< tags> 
> piano\r
< lofi, chill, piano
write songs/Nebula_prompt.txt lofi, somebody else
> /save\r
< was changed by somebody else meanwhile
< tags> 
> /quit\r
< '/quit' again
> /quit\r
END
    [ "$status" -eq 0 ]
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, somebody else" ]
    [ ! -e songs/Nebula_lyrics.txt ]
    echo "lofi, chill" >songs/Nebula_prompt.txt
    typed 80 --force <<'END'
< tags> 
> piano\r
< lofi, chill, piano
write songs/Nebula_prompt.txt lofi, somebody else
> /save\r
< written
END
    [ "$status" -eq 0 ]
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, chill, piano" ]
}

@test "terminal: a prompt that appeared meanwhile is not overwritten either" {
    typed 80 --style CORE-01 <<'END'
< tags> 
write songs/Nebula_prompt.txt lofi, somebody else
> /save\r
< was changed by somebody else meanwhile
> /quit\r
END
    [ "$status" -eq 0 ]
    [ "$(cat songs/Nebula_prompt.txt)" = "lofi, somebody else" ]
}

@test "terminal: a folder that cannot be written leaves the dialogue as it is" {
    echo "a file" >sealed
    typed 80 --style CORE-01 --output-dir sealed/below <<'END'
< tags> 
> /save\r
< sealed
< tags> 
> /quit\r
END
    [ "$status" -eq 0 ]
}
