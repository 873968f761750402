# lofi selftest: verdicts, outputs, exit statuses. LOFI is the program.

bats_require_minimum_version 1.5.0

setup() {
    mkdir "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here"
    unset LOFI_DATA_DIR LOFI_CONFIG_DIR LOFI_CHECKPOINT_DIR ACE_STEP_DIR
    reference=$LOFI_SOURCE/data/reference
}

# field FILE EXPRESSION: what Python makes of the JSON document `d`.
field() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

@test "all cases of the installed reference are within their limits" {
    "$LOFI" selftest --json >report.json
    [ "$(field report.json 'd["failed"]')" = 0 ]
    [ "$(field report.json 'd["passed"] == len(d["results"]) and d["passed"] > 150')" = True ]
    [ "$(field report.json 'all(r["passed"] and r["relative_error"] <= r["limit"] for r in d["results"])')" = True ]
    [ "$(field report.json 'sorted({k for r in d["results"] for k in r})')" = \
        "['case', 'limit', 'max_abs_error', 'passed', 'relative_error', 'tensor']" ]
    for name in tokenizer lyric_lines_small resample audio_to_latent dcae umt5 lyric_encoder transformer \
        transformer_unconditional vocoder clap clap_tokenizer vggish frechet hubert_mert hubert_mhubert ssl_targets ssl_loss \
        schedules sampling gradients gradients_ssl train_steps train_steps_ssl adapter_effect; do
        [ "$(field report.json "any(r['case'] == '$name' for r in d['results'])")" = True ]
    done
}

@test "a fused CLAP hears long clips by three crops and short ones whole, as transformers does" {
    mkdir -p fused/evaluation fused/cases
    ln -s "$reference/model" fused/model
    ln -s "$LOFI_SOURCE/tests/data/clap_fused/model" fused/evaluation/clap-htsat-unfused
    for clip in long short; do
        cp "$LOFI_SOURCE/tests/data/clap_fused/$clip.safetensors" fused/cases/clap.safetensors
        "$LOFI" selftest --reference fused --only clap --json >report.json
        [ "$(field report.json 'd["failed"]')" = 0 ]
        [ "$(field report.json "any(r['tensor'] == 'audio_embedding' for r in d['results'])")" = True ]
    done
}

@test "the table is for people: columns, worst of a family, summary, no colour in a pipe" {
    run --separate-stderr "$LOFI" selftest --reference "$reference" --only gradients
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == case*tensor*"rel. error"*largest*limit*verdict ]]
    [[ $output == *"grad.* ("*ok* ]]
    [[ $output == *" passed, 0 failed, 0 skipped" ]]
    [[ $output != *$'\033'* ]]
    run --separate-stderr "$LOFI" selftest --reference "$reference" --only gradients --verbose
    [[ $output == *"grad.speaker_embedder.lora_A.weight"* ]]
    [[ $output != *"grad.* ("* ]]
}

@test "outputs are saved under the recorded names" {
    "$LOFI" selftest --reference "$reference" --only umt5 tokenizer --only train_steps --save-outputs "new folder/outputs" --quiet
    [ "$(ls "new folder/outputs")" = $'tokenizer.json\ntrain_steps.safetensors\numt5.safetensors' ]
    python3 - "$reference" "new folder/outputs" <<'PYTHON'
import json, struct, sys

def header(path):
    data = open(path, "rb").read()
    head = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    head.pop("__metadata__", None)
    return head

for case in ("umt5", "train_steps"):
    theirs, ours = (header(f"{folder}/{'cases/' if folder == sys.argv[1] else ''}{case}.safetensors") for folder in sys.argv[1:])
    expected = {n for n in theirs if not n.startswith("start.") and n not in ("input_ids", "attention_mask")}
    assert set(ours) == expected, set(ours) ^ expected
    assert all(ours[n]["shape"] == theirs[n]["shape"] and ours[n]["dtype"] == "F32" for n in ours)
theirs, ours = json.load(open(sys.argv[1] + "/cases/tokenizer.json")), json.load(open(sys.argv[2] + "/tokenizer.json"))
assert ours == theirs
PYTHON
}

@test "a changed recording passes a limit: status 3, and the tensor is named" {
    cp -r "$reference" changed
    chmod -R u+w changed
    # the last four bytes: a number of the recorded output
    printf '\x00\x00\x80\x40' | dd of=changed/cases/umt5.safetensors bs=1 conv=notrunc status=none \
        seek=$(($(stat -c %s changed/cases/umt5.safetensors) - 4))
    run --separate-stderr "$LOFI" selftest --reference changed --only umt5 lyric_encoder
    [ "$status" -eq 3 ]
    [[ $output == *"umt5"*"output"*"FAILED"* ]]
    [[ $output == *"1 passed, 1 failed, 0 skipped" ]]
    [[ $stderr == *"error: 1 of 2 tensors"* ]]
    run --separate-stderr "$LOFI" selftest --reference changed --only umt5 --json
    [ "$status" -eq 3 ]
    echo "$output" >report.json
    [ "$(field report.json 'd["failed"], d["results"][0]["passed"]')" = "(1, False)" ]
}

@test "another weight passes a limit" {
    cp -r "$reference" changed
    chmod -R u+w changed
    file=changed/model/ace_step_transformer/diffusion_pytorch_model.safetensors
    printf '\x00\x00\x80\x41' | dd of=$file bs=1 conv=notrunc status=none seek=$(($(stat -c %s $file) - 4))
    run --separate-stderr "$LOFI" selftest --reference changed --only transformer adapter_effect train_steps
    [ "$status" -eq 3 ]
    [[ $output == *FAILED* ]]
}

@test "a missing reference, a missing case and a damaged file: status 1" {
    run --separate-stderr "$LOFI" selftest --reference nowhere
    [ "$status" -eq 1 ]
    [[ $stderr == *"'nowhere' is no reference"* ]]
    mkdir -p empty/cases
    run --separate-stderr "$LOFI" selftest --reference empty
    [ "$status" -eq 1 ]
    [[ $stderr == *"holds no cases"* ]]
    cp -r "$reference" damaged
    chmod -R u+w damaged
    rm damaged/cases/resample.safetensors
    run --separate-stderr "$LOFI" selftest --reference damaged --only resample
    [ "$status" -eq 1 ]
    [[ $stderr == *"holds no case 'resample'"* ]]
    truncate -s 3000 damaged/cases/umt5.safetensors
    run --separate-stderr "$LOFI" selftest --reference damaged --only umt5 lyric_encoder
    [ "$status" -eq 1 ]
    [[ $output == *"damaged  umt5: "* ]]
    [[ $output == *"lyric_encoder"*"ok"* ]]
    run --separate-stderr "$LOFI" selftest --reference damaged --only umt5 --json
    [ "$status" -eq 1 ]
    echo "$output" >report.json
    [ "$(field report.json 'd["error"]["code"], d["damaged"][0]["case"], d["results"]')" = "('format', 'umt5', [])" ]
}

@test "what is not known is skipped with a reason; a mistyped case is a usage error" {
    mkdir -p other/cases
    cp "$reference/cases/umt5.safetensors" other/cases/novelty.safetensors
    run --separate-stderr "$LOFI" selftest --reference other
    [ "$status" -eq 0 ]
    [[ $output == *"skipped  novelty: this build does not know this case"* ]]
    run --separate-stderr "$LOFI" selftest --only transfomer
    [ "$status" -eq 2 ]
    [[ $stderr == *"did you mean 'transformer'"* ]]
}

@test "--dry-run says what would be run and writes nothing" {
    run --separate-stderr "$LOFI" selftest --only umt5 --save-outputs outputs --dry-run
    [ "$status" -eq 0 ]
    [[ $output == *"would run  umt5"* ]]
    [ ! -e outputs ]
}

@test "one thread and two give the same verdict" {
    "$LOFI" selftest --threads 1 --quiet
    "$LOFI" selftest --threads 2 --quiet
}
