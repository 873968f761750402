# lofi generate: what is written, that it can be repeated, what is refused and when. LOFI is the program.
bats_require_minimum_version 1.5.0

load helpers/training

setup_file() {
    export LOFI_CONFIG_DIR="$LOFI_SOURCE/config" MODEL="$BATS_FILE_TMPDIR/model" ADAPTER="$BATS_FILE_TMPDIR/adapter"
    unset LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    "$LOFI" model init --quiet --preset tiny --seed 1 "$MODEL"
    mkdir "$BATS_FILE_TMPDIR/fixture"
    make_training_fixture "$BATS_FILE_TMPDIR/fixture"
    "$LOFI" train --quiet --dataset "$BATS_FILE_TMPDIR/fixture/dataset" --checkpoint-dir "$BATS_FILE_TMPDIR/fixture/model" \
        --cache-dir "$BATS_FILE_TMPDIR/cache" --logger-dir "$BATS_FILE_TMPDIR/runs" --exp-name run --max-steps 4 \
        --validation-draws 0 --learning-rate 1e-2 --warmup-steps 1 --lora-rank 4
    ADAPTER="$(checkpoint "$BATS_FILE_TMPDIR/runs/run" 4)"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# generate [OPTION]...: 2 s of music in 4 steps.
generate() {
    "$LOFI" generate ${LOUD---quiet} --checkpoint-dir "$MODEL" --duration 2 --steps 4 "$@"
}

# refused STATUS TEXT... : the last run failed with one error that says these things, and wrote nothing.
refused() {
    said "$@" || return 1
    [ -z "$(find . -name '*.wav' -o -name '.lofi*')" ]
}

@test "a prompt becomes a file of the right length in each format" {
    mkdir made
    for format in wav flac mp3; do generate --prompt "lofi, piano" --seed 3 --output "made/$format.$format"; done
    "$LOFI" audio validate --quiet --file made/* --min-duration 1 --json > report.json || [ $? -eq 3 ] # random weights clip
    # 21 latent frames of 8 spectrogram frames of 512 samples at 44.1 kHz
    [ "$(field '[round(r["duration"], 3) for r in d["results"]]' < report.json)" = "[1.95, 1.95, 1.95]" ]
    no_leftovers .
}

@test "the same seed gives the same bytes, with one thread and two; another seed others" {
    generate --prompt "lofi, piano" --seed 3 --output a.wav --threads 2
    generate --prompt "lofi, piano" --seed 3 --output b.wav --threads 1
    generate --prompt "lofi, piano" --seed 4 --output c.wav
    cmp a.wav b.wav
    ! cmp -s a.wav c.wav
}

@test "a seed that is not given is told, and repeats the song" {
    generate --prompt "lofi" --output a.wav --json > a.json
    generate --prompt "lofi" --output b.wav --seed "$(field 'd["results"][0]["seed"]' < a.json)"
    cmp a.wav b.wav
    LOUD= run -0 --separate-stderr generate --prompt "lofi" --output c.wav
    [[ $stderr == *"'c.wav': seed "* ]]
    [[ $output == *"c.wav  2.0 s  seed "* ]] || [[ $output == *"c.wav  1.9 s  seed "* ]]
}

@test "every setting of sampling changes the music" {
    generate --prompt "lofi, piano" --seed 3 --output plain.wav
    local number=0 settings
    for settings in "--scheduler heun" "--scheduler pingpong" "--guidance-type cfg" "--guidance-type cfg_star" \
        "--guidance-scale 3" "--guidance-interval 1" "--guidance-interval-decay 1" "--omega-scale 0" "--oss-steps 1,3,4" \
        "--guidance-scale-text 5 --guidance-scale-lyric 3" "--retake-seed 5" "--lyrics [verse]" "--guidance-scale 1"; do
        number=$((number + 1))
        if [[ $settings == --oss-steps* ]]; then
            "$LOFI" generate --quiet --checkpoint-dir "$MODEL" --duration 2 --prompt "lofi, piano" --seed 3 $settings --output $number.wav
        else
            generate --prompt "lofi, piano" --seed 3 $settings --output $number.wav
        fi
        ! cmp -s plain.wav $number.wav || { echo "no effect: $settings"; false; }
    done
    generate --prompt "lofi, piano" --seed 3 --retake-seed 5 --retake-variance 0 --output same.wav
    cmp plain.wav same.wav
}

@test "noise can be given; one of another shape, name or kind is refused" {
    python3 "$BATS_TEST_DIRNAME/helpers/noise.py" noise.safetensors noise 1,8,16,21
    python3 "$BATS_TEST_DIRNAME/helpers/noise.py" short.safetensors noise 1,8,16,20
    python3 "$BATS_TEST_DIRNAME/helpers/noise.py" named.safetensors start 1,8,16,21
    python3 "$BATS_TEST_DIRNAME/helpers/noise.py" nan.safetensors noise 8,16,21 nan
    for file in short named nan; do
        run --separate-stderr generate --prompt lofi --init-noise $file.safetensors --output a.wav
        refused 1 "noise"
    done
    generate --prompt lofi --init-noise noise.safetensors --seed 1 --output a.wav
    generate --prompt lofi --init-noise noise.safetensors --seed 2 --output b.wav
    generate --prompt lofi --seed 1 --output c.wav
    cmp a.wav b.wav
    ! cmp -s a.wav c.wav
}

@test "an adapter changes the music, its weight how much; weight 0 leaves it, and two halves are one" {
    generate --prompt lofi --seed 1 --output plain.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER" --output whole.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER:1" --output one.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER:0.5" --output half.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER:0" --output none.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER/pytorch_lora_weights.safetensors" --output file.wav
    generate --prompt lofi --seed 1 --lora "$ADAPTER:0.5" "$ADAPTER:0.5" --output halves.wav
    ! cmp -s plain.wav whole.wav
    ! cmp -s half.wav whole.wav
    cmp whole.wav one.wav
    cmp plain.wav none.wav
    # rounded otherwise: nearly the same samples
    for other in file halves; do
        python3 "$BATS_TEST_DIRNAME/helpers/same_sound.py" whole.wav $other.wav 1e-2
    done
}

@test "what is no adapter is refused before anything is computed" {
    echo '{}' > no.safetensors
    mkdir empty
    run --separate-stderr generate --prompt lofi --lora nowhere --output a.wav
    refused 1 "nowhere"
    run --separate-stderr generate --prompt lofi --lora no.safetensors --output a.wav
    refused 1 "no.safetensors"
    run --separate-stderr generate --prompt lofi --lora empty:0.5 --output a.wav
    refused 1 "no adapter in folder 'empty'"
    run --separate-stderr generate --prompt lofi --lora "$MODEL/ace_step_transformer/diffusion_pytorch_model.safetensors" --output a.wav
    refused 1 "adapter"
    run --separate-stderr generate --prompt lofi --lora "$ADAPTER:1e9" --output a.wav
    refused 2 "a weight of '1e9'"
}

@test "a list of prompts gives files by rule; what is there is kept, and --force makes it again" {
    printf '# two songs\nLofi, Piano!\n\nchill beats, 80 bpm\n' > prompts.txt
    generate --prompts-file prompts.txt --output-dir songs --seed 7 --json > first.json
    [ "$(ls songs | xargs)" = "001-lofi-piano.wav 002-chill-beats-80-bpm.wav" ]
    [ "$(field '[r["seed"] for r in d["results"]]' < first.json)" = "[7, 8]" ]
    generate --prompt "chill beats, 80 bpm" --seed 8 --output alone.wav
    cmp alone.wav songs/002-chill-beats-80-bpm.wav
    echo edited > songs/001-lofi-piano.wav
    rm songs/002-chill-beats-80-bpm.wav
    generate --prompts-file prompts.txt --output-dir songs --seed 7 --json > second.json
    [ "$(cat songs/001-lofi-piano.wav)" = edited ]
    cmp alone.wav songs/002-chill-beats-80-bpm.wav
    [ "$(field 'd["generated"], d["kept"], d["failed"]' < second.json)" = "(1, 1, 0)" ]
    [ "$(field '[r["status"] for r in d["results"]]' < second.json)" = "['kept', 'success']" ]
    generate --prompts-file prompts.txt --output-dir songs --seed 7 --force
    [ "$(head -c 4 songs/001-lofi-piano.wav)" = RIFF ]
    no_leftovers .
}

@test "a JSON list says more about each song" {
    cat > songs.json <<'JSON'
[{"prompt": "lofi", "seed": 3, "duration": 1, "output": "short.flac"},
 {"prompt": "lofi", "lyrics": "[verse]\nrain", "language": "en", "output": "sung"},
 "piano"]
JSON
    generate --prompts-file songs.json --output-dir out --seed 20 --format flac --json > report.json
    [ "$(ls out | xargs)" = "003-piano.flac short.flac sung.flac" ]
    [ "$(field '[(r["seed"], r["frames"]) for r in d["results"]]' < report.json)" = "[(3, 10), (21, 21), (22, 21)]" ]
    [ "$(field 'd["results"][1]["language"], d["results"][1]["lyric_tokens"] > 3' < report.json)" = "('en', True)" ]
}

@test "a mistake in a list is found before the first song" {
    echo '[{"prompt": "a"}, {"prompt": "b", "duration": 9999}]' > long.json
    run --separate-stderr generate --prompts-file long.json --output-dir out
    refused 2 "'long.json', song 2" "9999 s"
    echo '[{"prompt": "a"}, {"promt": "b"}]' > mistyped.json
    run --separate-stderr generate --prompts-file mistyped.json --output-dir out
    refused 2 "there is no key 'promt'"
    [ ! -e out ]
}

@test "a song that fails does not end the others, and the status tells" {
    printf 'one\ntwo\n' > prompts.txt
    mkdir out
    "$LOFI" generate --quiet --checkpoint-dir "$MODEL" --duration 2 --steps 4 --prompts-file prompts.txt --output-dir out --seed 1 --dry-run
    [ -z "$(ls out)" ]
    local command=(env "LD_PRELOAD=$LOFI_BUILD/tests/libfault.so" "FAULT_BELOW=$(realpath out)" "$LOFI" generate
        --checkpoint-dir "$MODEL" --duration 2 --steps 4 --prompts-file prompts.txt --output-dir out --seed 1 --force --json)
    FAULT_COUNT="$PWD/count" "${command[@]}" > /dev/null 2>&1
    rm out/*
    # the disk is full from the middle of the second song on
    FAULT_KIND=full FAULT_AT=$(($(cat count) * 3 / 4)) run -1 --separate-stderr "${command[@]}"
    [ "$(field '[r["status"] for r in d["results"]]' <<< "$output")" = "['success', 'failed']" ]
    [ "$(field 'd["generated"], d["failed"]' <<< "$output")" = "(1, 1)" ]
    [[ $stderr == *"error: song 2: "* ]]
    [ "$(ls -A out)" = 001-one.wav ]
    no_leftovers out
}

@test "interrupted: 130, nothing half-written, and the list goes on" {
    run --separate-stderr python3 "$BATS_TEST_DIRNAME/helpers/interrupt_at.py" "seed 5" "$LOFI" generate --checkpoint-dir "$MODEL" \
        --duration 120 --steps 1000 --prompt lofi --seed 5 --output a.wav
    [ "$status" -eq 130 ] || { echo "$status $stderr"; false; }
    refused 130 "stopped while generating"
    printf 'one\ntwo\n' > prompts.txt
    run --separate-stderr python3 "$BATS_TEST_DIRNAME/helpers/interrupt_at.py" "002-two.wav': seed" "$LOFI" generate \
        --checkpoint-dir "$MODEL" --duration 20 --steps 40 --prompts-file prompts.txt --output-dir out --seed 5
    [ "$status" -eq 130 ]
    [ "$(ls -A out)" = 001-one.wav ]
}

@test "JSON is one document and says what was made" {
    run -0 --separate-stderr generate --prompt "lofi" --lyrics $'[verse]\nrain' --seed 3 --output a.wav --erg none --lora "$ADAPTER:0.5" --json
    [ "$(field 'sorted(d)' <<< "$output")" = "['dry_run', 'failed', 'generated', 'kept', 'results', 'settings']" ]
    [ "$(field 'd["results"][0]["output"], d["results"][0]["status"]' <<< "$output")" = "('a.wav', 'success')" ]
    [ "$(field '0 < d["results"][0]["peak"] and d["results"][0]["wall_seconds"] > 0' <<< "$output")" = True ]
    [ "$(field 'd["results"][0]["frames"], d["results"][0]["steps"], d["results"][0]["network_runs"]' <<< "$output")" = "(21, 4, 6)" ]
    [ "$(field 'd["settings"]["scheduler"], d["settings"]["erg"], d["settings"]["lora"][0]["weight"]' <<< "$output")" = "('euler', [], 0.5)" ]
    run -2 --separate-stderr generate --prompt lofi --output a.ogg --json
    [ "$(field 'd["error"]["code"]' <<< "$output")" = usage ]
}

@test "a dry run says what it would take, and writes nothing" {
    run -0 --separate-stderr env LOUD= "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --duration 30 --output a.wav --dry-run
    [[ $output == *"would write a.wav: 29.9 s, 322 frames, 60 steps, 90 runs of the network"* ]] || { echo "$output"; false; }
    [ ! -e a.wav ]
    no_leftovers .
}

@test "wrong words on the command line are refused in one sentence" {
    run --separate-stderr generate --output a.wav
    refused 2 "nothing to generate"
    run --separate-stderr generate --prompt lofi
    refused 2 "--output is missing"
    run --separate-stderr generate --prompt lofi --output a
    refused 2 "does not say in which format"
    run --separate-stderr generate --prompt lofi --output a.ogg
    refused 2 "ogg"
    run --separate-stderr "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --duration 0.5 --output a.wav
    refused 2 "duration"
    run --separate-stderr "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --duration 601 --output a.wav
    refused 2 "600"
    run --separate-stderr generate --prompt lofi --lyrics a --lyrics-file b --output a.wav
    refused 2 "only one of --lyrics and --lyrics-file"
    run --separate-stderr generate --prompt lofi --prompts-file b --output-dir c
    refused 2 "--prompt does not go with --prompts-file"
    run --separate-stderr generate --prompts-file b
    refused 2 "--prompts-file needs --output-dir"
    run --separate-stderr generate --prompt lofi --output-dir c --output a.wav
    refused 2 "--output-dir does not go without --prompts-file"
    run --separate-stderr generate --prompt lofi --erg text,bass --output a.wav
    refused 2 "there is no 'bass'"
    run --separate-stderr generate --prompt lofi --oss-steps 1,2 --output a.wav
    refused 2 "only one of --steps and --oss-steps"
    for list in 2,1 0 1,x 1,,2 "" 2000; do
        run --separate-stderr "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --oss-steps "$list" --output a.wav
        refused 2 "step"
    done
    run --separate-stderr "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --oss-steps 1,2 --scheduler heun --output a.wav
    refused 1 "the scheduler 'heun' cannot take chosen steps"
    run --separate-stderr generate --prompt lofi --retake-variance 0.2 --output a.wav
    refused 2 "--retake-variance needs --retake-seed"
    run --separate-stderr generate --prompt lofi --scheduler dpm --output a.wav
    refused 2 "dpm" "euler"
    run --separate-stderr generate --prompt lofi --language xx --lyrics la --output a.wav
    refused 2 "'xx'"
}

@test "engines that are not ready are named" {
    run --separate-stderr generate --prompt lofi --engine onnx --model-dir somewhere --output a.wav
    refused 1 "there is no bundle: 'somewhere' is no folder"
    run --separate-stderr generate --prompt lofi --model-dir somewhere --output a.wav
    refused 2 "--model-dir is for --engine onnx"
}

@test "guidance that the model has no layers for is left out, or an error when it is asked for" {
    LOUD= run -0 --separate-stderr generate --prompt lofi --seed 1 --output a.wav
    [[ $stderr == *"too few layers for entropy rectifying guidance"* ]]
    rm a.wav
    run --separate-stderr generate --prompt lofi --erg lyric --output a.wav
    refused 1 "its lyric encoder must have 6"
}

@test "the base model is checked first" {
    run --separate-stderr "$LOFI" generate --quiet --checkpoint-dir nowhere --prompt lofi --output a.wav
    refused 1 "nowhere"
    cp -r "$MODEL" broken
    rm broken/music_vocoder/config.json
    run --separate-stderr "$LOFI" generate --quiet --checkpoint-dir broken --prompt lofi --output a.wav
    refused 1 "music_vocoder"
}

@test "an output that cannot be written is found before sampling" {
    run --separate-stderr generate --prompt lofi --output nowhere/a.wav
    refused 1 "there is no folder 'nowhere'"
    mkdir folder.wav
    run --separate-stderr generate --prompt lofi --output folder.wav
    [ "$status" -eq 1 ]
    [[ $stderr == *"it is a folder"* ]]
}

@test "odd requests are warned of, and made" {
    LOUD= run -0 --separate-stderr generate --prompt "$(printf 'lofi, %.0s' {1..300})" --lyrics "la la" --seed 1 --output a.wav
    [[ $stderr == *"warning: the prompt is "*" tokens long: only the first 256 are used"* ]]
    [[ $stderr == *"warning: the lyrics have no section marks"* ]]
    LOUD= run -0 --separate-stderr "$LOFI" generate --checkpoint-dir "$MODEL" --prompt lofi --duration 300 --output a.wav --dry-run
    [[ $stderr == *"longer than what the model was trained with"* ]]
}
